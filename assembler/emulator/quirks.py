"""Oddities and faults that can be switched on by name; their sentences are the help."""

from __future__ import annotations

QUIRKS = {
    "omissions-in-seconds": "pauses are listed in seconds",
    "null-lists": "empty and optional lists are null, the list of pauses too",
    "placeholder-video-infos": "VideoInfos is a placeholder object beside the true VideoInfoList (generation 3)",
    "wrong-total-time": "the declared length is 9 minutes too long",
    "wall-axis": "play times run on through the pauses",
    "numbers-as-text": "numbers are written as text",
    "desktop-sharing": "a screen share is the camera of a user desktop_sharing_<room>",
    "substream-in-v1": "generation 1 names a screen share tic_substream_<user>, too",
    "mp3": "the sound of every camera is a file of its own as well",
    "several-mixed-streams": "there are two mixed streams, asked for or not",
    "expiring-urls": "addresses of files are valid for 10 minutes only (by --speed)",
    "broken-off": "the recording ends as an EXCEPTION, with its files",
    "start-fails": "the recorder cannot enter the room: the class is not recorded",
    "recording-fails": "the recording ends without any file",
    "hollow-videos": "the recording fails and lists videos of size 0 without an address",
    "same-signature": "a repeated callback is not signed anew",
}
"""Oddities of what is answered."""
FAULTS = {
    "drop-callback": "the callback with the result never comes",
    "late": "the callback with the result comes 10 minutes late (by --speed)",
    "repeat": "every callback comes twice",
    "reorder": "the callback with the result comes before all others",
    "5xx": "the first request for each file is answered 503",
    "cut": "the first transfer of each file breaks off in the middle",
    "slow": "files come at 64 KiB a second",
    "expired": "the addresses in the callback are past their time; those of a query are not",
    "lying-length": "files are announced 1000 bytes longer than they are",
}
"""Faults of the network and of delivery."""
