"""Clients of the recording cloud's API, both generations: start, steer and ask for recordings."""

from enum import StrEnum


class Api(StrEnum):
    """Generation of the vendor's API."""

    V1 = "v1"
    """JSON signed in the URL with the TicKey."""
    V3 = "v3"
    """TIW, version 2019-09-19, signed with keys of the vendor's account."""


class Kind(StrEnum):
    """Kind of a recording task."""

    ONLINE = "online"
    """Recorded during class."""
    OFFLINE = "offline"
    """Files made after class, which v3 calls video generation."""


class Steer(StrEnum):
    """Change of a recording under way."""

    STOP = "stop"
    """End; the files are made after it."""
    PAUSE = "pause"
    """Pause, of a recording that runs."""
    RESUME = "resume"
    """Continuation of a paused recording."""
