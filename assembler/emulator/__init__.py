"""A stand-in for the recording cloud: both generations of its API, its callbacks, and real files of what happened."""
