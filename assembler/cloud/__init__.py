"""Clients of the recording cloud's API, both generations: start, steer and ask for recordings."""

from enum import StrEnum


class Api(StrEnum):
    """Generation of the vendor's API."""

    V1 = "v1"
    V3 = "v3"


class Kind(StrEnum):
    """Kind of a recording task."""

    ONLINE = "online"
    """Recorded during class."""
    OFFLINE = "offline"
    """Files made after class, which v3 calls video generation."""


class Steer(StrEnum):
    """What is done with a recording under way."""

    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
