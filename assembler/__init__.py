"""One synchronized playback file from the result of a finished online-class recording."""
