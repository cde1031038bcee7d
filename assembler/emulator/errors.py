"""Refusals of the recording cloud: one row per reason, with its code in both generations.

Where a generation's pages name no code for a reason, the nearest one is taken (inferred).
"""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Reason of a refusal: generation 1's number, generation 3's code, and the sentence where nothing closer is
    known."""

    NOT_ACTIVATED = 20000, "UnauthorizedOperation.SdkAppId", "the service is not activated for this app"
    NO_APP = 20003, "InvalidParameter.SdkAppIdNotFound", "SdkAppId is missing or malformed"
    EXPIRED = 20001, "AuthFailure.SignatureExpire", "the signature has expired"
    SIGNATURE = 20002, "AuthFailure.SignatureFailure", "the signature is wrong"
    MALFORMED = 20003, "InvalidParameter", "the body is no JSON object"
    WRONG_TYPE = 20003, "InvalidParameter.BodyParameterTypeUnmatched", "a parameter has the wrong type"
    UNKNOWN_PARAMETER = 20003, "UnknownParameter", "a parameter is unknown"
    PARAMETER = 20003, "InvalidParameter.RecordParameter", "a parameter is wrong"
    EXTRA = 20003, "InvalidParameter.InvalidExtra", "an extra is unknown"
    TOO_LARGE = 20003, "RequestSizeLimitExceeded", "the body is too large"
    CALLBACK = 20004, "InvalidParameter.CallbackAddressFormatError", "a callback address is http, https or empty"
    NO_TASK = 20005, "InvalidParameter.TaskNotFound", "there is no such task"
    ROOM_BUSY = 20010, "UnsupportedOperation.InvalidTaskStatus", "the room is still being recorded"
    STOPPED = 20011, "UnsupportedOperation.TaskHasAlreadyStopped", "the task has already stopped"
    STATE = 20003, "UnsupportedOperation.InvalidTaskStatus", "the task's state does not allow this"
    USER_IN_USE = 20013, "ResourceInUse.RecordUserId", "the recorder's user is in use by another task"
    TOO_OFTEN = 20099, "RequestLimitExceeded", "more than 20 requests of this action within a second"
    TOO_MANY = 20099, "LimitExceeded.TaskConcurrency", "too many tasks are running"
    NO_ACTION = 20003, "InvalidAction", "there is no such action"
    NO_VERSION = 20003, "NoSuchVersion", "the only version is 2019-09-19"
    METHOD = 20003, "UnsupportedProtocol", "POST and GET are the only methods"
    INTERNAL = 20099, "InternalError", "the stand-in was told to fail"

    @property
    def number(self) -> int:
        """Number of generation 1."""
        return self.value[0]

    @property
    def code(self) -> str:
        """Code of generation 3."""
        return self.value[1]


class Refused(Exception):
    """A request that is not granted."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.sentence = detail or reason.value[2]
        super().__init__(self.sentence)


class Failure(Enum):
    """Failure of a recording: the vendor's number and its words."""

    LOGIN = 40004, "imsdk login failed: usersig is invalid"
    NO_FILES = 40002, "no video file was recorded"
    BROKEN_OFF = 49999, "internal error: the recorder left the room"
    NO_TIMES = 2004, "get im time info failed"
