"""Sound of files compared with each other by a child of its own; what it found is kept in the home."""
