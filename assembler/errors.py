"""The whole error tree. Every error says what is wrong, names the value, and hints at the next step.

======================  =========  ======  =================================================
class                   exit code  retry   meaning
======================  =========  ======  =================================================
InputError              2          no      what was given is wrong: a file, an option, a body
  RecordingFailed       2          no      the vendor says the recording failed, no videos
  NotFinished           2          yes     the recording still runs: come back later
  CardMissing           2          yes     the class card is required and has not come: later
CloudError              3          (own)   the vendor's API did not answer as it should
DownloadError           4          (own)   a file could not be fetched
MediaError              5          no      a file or ffmpeg cannot do what was asked
  DiskFull              5          yes     no room left for the work
VerifyError             6          no      the finished file is not what its plan said
PublishError            7          yes     the finished file could not be put in its place
JobError                8          no      the job engine
======================  =========  ======  =================================================
"""

from __future__ import annotations

import copy
import errno
import re
from typing import Self

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of the system's errors where there is no room."""
_QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://)(?:[^\s/?#@'\"]*@)?([^\s?#'\"]*)(?:[?#][^\s'\"]*)?", re.IGNORECASE)
_BARE = re.compile(r"(?<=[\w/.])\?[\w.%-]{1,60}=[^\s'\"]*")
"""Query of an address without its scheme."""


def without_queries(text: str) -> str:
    """The text with every URL in it cut down to scheme, host and path: signatures and passwords live elsewhere."""
    return _BARE.sub("", _QUERY.sub(r"\1\2", text)) if "?" in text or "://" in text else text


class AssemblerError(Exception):
    """Base of every error that this package raises on purpose.

    ``sentence`` says what is wrong, without a trailing period; ``hint`` is the user's next step ("" where there is
    none), and ``str(error)`` is both. None of them ever holds a signed URL, a key or a token.
    """

    exit_code = 70
    """Exit code of the process; 70 (EX_SOFTWARE) for what no class below claims."""
    retry = False
    """True if the same call may succeed later without any change by the user."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        sentence = without_queries(sentence)
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def reworded(self, sentence: str) -> Self:
        """The same error with another sentence: class, hint, retry and whatever else it knows are kept."""
        again = copy.copy(self)
        again.sentence = without_queries(sentence)
        again.args = (again.sentence,)
        return again

    def __str__(self) -> str:
        return f"{self.sentence}. {self.hint}" if self.hint else self.sentence


class InputError(AssemblerError):
    """A file, an option or a body that was given is wrong."""

    exit_code = 2


class RecordingFailed(InputError):
    """The vendor reports a failure and gives no usable video."""


class NotFinished(InputError):
    """The recording is not over (or its files are not ready): ask again later."""

    retry = True


class CardMissing(InputError):
    """A class card is required and has not come yet: look again later."""

    retry = True


class CloudError(AssemblerError):
    """The vendor's API did not answer as it should; ``retry`` is the raiser's."""

    exit_code = 3

    def __init__(self, sentence: str, *, hint: str = "", retry: bool = True, number: int | None = None) -> None:
        super().__init__(sentence, hint=hint)
        self.retry = retry
        self.number = number
        """The vendor's number, where it gave one."""


class DownloadError(AssemblerError):
    """A file could not be fetched; ``retry`` is the raiser's."""

    exit_code = 4

    def __init__(self, sentence: str, *, hint: str = "", retry: bool = False) -> None:
        super().__init__(sentence, hint=hint)
        self.retry = retry


class MediaError(AssemblerError):
    """A file, ffmpeg or a child process cannot do what was asked."""

    exit_code = 5


class DiskFull(MediaError):
    """The disk, or the user's share of it, has no room for the work."""

    retry = True


class VerifyError(AssemblerError):
    """The finished file is not what its plan said."""

    exit_code = 6


class PublishError(AssemblerError):
    """The finished file could not be put in its place."""

    exit_code = 7
    retry = True


class JobError(AssemblerError):
    """The job engine or its database refuses."""

    exit_code = 8
