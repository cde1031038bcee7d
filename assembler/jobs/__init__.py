"""Jobs: from the callback to the published file, durably. Media code knows nothing of this room."""
