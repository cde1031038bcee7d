"""Refusals of the recording cloud: one row per reason, with its code in both generations.

Where a generation's pages name no code for a reason, the nearest one is taken (inferred).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Row(NamedTuple):
    """Row of a table."""

    number: int
    """Number of generation 1, and of a failed recording in both."""
    code: str
    """Code of generation 3; of a failed recording the vendor's words."""
    sentence: str = ""
    """Sentence of a refusal where nothing closer is known."""


class Reason(Enum):
    """Reason of a refusal."""

    NOT_ACTIVATED = Row(20000, "UnauthorizedOperation.SdkAppId", "the service is not activated for this app")
    NO_APP = Row(20003, "InvalidParameter.SdkAppIdNotFound", "SdkAppId is missing or malformed")
    EXPIRED = Row(20001, "AuthFailure.SignatureExpire", "the signature has expired")
    SIGNATURE = Row(20002, "AuthFailure.SignatureFailure", "the signature is wrong")
    MALFORMED = Row(20003, "InvalidParameter", "the body is no JSON object")
    WRONG_TYPE = Row(20003, "InvalidParameter.BodyParameterTypeUnmatched", "a parameter has the wrong type")
    UNKNOWN_PARAMETER = Row(20003, "UnknownParameter", "a parameter is unknown")
    PARAMETER = Row(20003, "InvalidParameter.RecordParameter", "a parameter is wrong")
    EXTRA = Row(20003, "InvalidParameter.InvalidExtra", "an extra is unknown")
    TOO_LARGE = Row(20003, "RequestSizeLimitExceeded", "the body is too large")
    CALLBACK = Row(20004, "InvalidParameter.CallbackAddressFormatError", "a callback address is http, https or empty")
    NO_TASK = Row(20005, "InvalidParameter.TaskNotFound", "there is no such task")
    ROOM_BUSY = Row(20010, "UnsupportedOperation.InvalidTaskStatus", "the room is still being recorded")
    STOPPED = Row(20011, "UnsupportedOperation.TaskHasAlreadyStopped", "the task has already stopped")
    STATE = Row(20003, "UnsupportedOperation.InvalidTaskStatus", "the task's state does not allow this")
    USER_IN_USE = Row(20013, "ResourceInUse.RecordUserId", "the recorder's user is in use by another task")
    TOO_OFTEN = Row(20099, "RequestLimitExceeded", "more than 20 requests of this action within a second")
    TOO_MANY = Row(20099, "LimitExceeded.TaskConcurrency", "too many tasks are running")
    NO_ACTION = Row(20003, "InvalidAction", "there is no such action")
    NO_VERSION = Row(20003, "NoSuchVersion", "the only version is 2019-09-19")
    METHOD = Row(20003, "UnsupportedProtocol", "POST and GET are the only methods")
    INTERNAL = Row(20099, "InternalError", "the stand-in was told to fail")

    @property
    def number(self) -> int:
        """Number of generation 1."""
        return self.value.number

    @property
    def code(self) -> str:
        """Code of generation 3."""
        return self.value.code


class Refused(Exception):
    """A request that is not granted."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.sentence = detail or reason.value.sentence
        super().__init__(self.sentence)


class Failure(Enum):
    """Failure of a recording: the vendor's number and its words."""

    LOGIN = Row(40004, "imsdk login failed: usersig is invalid")
    NO_FILES = Row(40002, "no video file was recorded")
    BROKEN_OFF = Row(49999, "internal error: the recorder left the room")
    NO_TIMES = Row(2004, "get im time info failed")
