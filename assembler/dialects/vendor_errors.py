"""Failures that the vendor reports, its advice, and the error we raise where nothing is left to assemble."""

from __future__ import annotations

import re

from assembler.dialects.body import Json, shortened
from assembler.dialects.fields import Fields, whole
from assembler.errors import CloudError, RecordingFailed
from assembler.recording import VendorError

ADVICE = {
    40000: "Illegal request: check that the request body is well-formed JSON.",
    40001: "Illegal parameter: check that every parameter meets its requirements.",
    40002: "No file was recorded: a room with nothing but sound yields none; check that a camera was on.",
    40004: "The recorder could not log in to IM: check the parameters the message names, such as the UserSig.",
    40005: "The recorder could not join the IM group: follow the message.",
    49999: "Internal error of the vendor: contact its support.",
    -1: "Internal error of the vendor: contact its support.",
    2003: "The messages of the room could not be had: perhaps the room was destroyed.",
    2004: "The room's messages hold no time information: use a new group for each class.",
    2005: "The files could not be uploaded: have the class recorded again.",
    2007: "The class lasted over 24 hours: no offline recording is made of it.",
    20000: "The service is not activated for this customer: apply for it.",
    20001: "The signature has expired: take a later expire_time, or set this machine's clock.",
    20002: "The signature is wrong: check the TicKey and the way it is signed.",
    20003: "The parameters could not be read: fix the one the message names (missing or of a wrong type).",
    20004: "The callback address is malformed: check it.",
    20005: "The data could not be read: check the TaskId of the request (results are deleted after three days), or "
    "contact the vendor's support.",
    20010: "The same room is still being recorded: ask again when that has ended.",
    20011: "The task had already ended when it was to be stopped: perhaps nobody sent sound or pictures for long.",
    20013: "The recorder's user is in use: take another user id and UserSig.",
    **dict.fromkeys(range(20090, 20100), "Internal error of the vendor: ask again later, or contact its support."),
}
"""The vendor's tables (v1 pages on online and offline recordings), by its numbers."""

REQUEST_ADVICE = {
    "RequestLimitExceeded": "Ask again later, and less often.",
    "LimitExceeded": "Ask again later: too much of it is under way.",
    "InternalError": "Internal error of the vendor: ask again later, or contact its support.",
    "ResourceInsufficient": "Ask again later: the vendor is short of machines.",
    "ResourceUnavailable": "Ask again later.",
    "ResourceInUse": "Take what the message names under another id, or ask again later.",
    "AuthFailure": "Check the secret id and key, the signature and this machine's clock.",
    "UnauthorizedOperation": "Check what this key may do, and whether the service is activated for the app.",
    "InvalidParameter": "Check the parameter that the message names.",
    "InvalidParameterValue": "Check the parameter that the message names.",
    "MissingParameter": "Add the parameter that the message names.",
    "UnknownParameter": "Remove the parameter that the message names.",
    "ResourceNotFound": "Check the id of the task, and the region.",
    "UnsupportedOperation": "Look at the state of the task first.",
    "UnsupportedProtocol": "Use HTTPS, GET or POST.",
    "UnsupportedRegion": "Use a region that has this service.",
    "InvalidAction": "Check the name of the action and its version.",
    "NoSuchVersion": "Check the version of the API.",
    "ActionOffline": "This action is no longer offered.",
    "RequestSizeLimitExceeded": "Send less at once.",
}
"""First words of the public API's codes that say something of the REQUEST, and nothing of any class."""
_CONVERSION = "This is about converting a document, which assembler never asks for: look at what else uses the app."
_INSIDE = "Ask again later, or contact the vendor's support."
_PURCHASE = "Look at the app in the vendor's console: the service is bought and activated there."
CODE_ADVICE = {
    "FailedOperation": "Follow the message, or contact the vendor's support with the request's id.",
    "FailedOperation.FileDownloadFail": _CONVERSION,
    "FailedOperation.FileFormatError": _CONVERSION,
    "FailedOperation.FileOpenFail": _CONVERSION,
    "FailedOperation.FileUploadFail": _INSIDE,
    "FailedOperation.Preprocess": _CONVERSION,
    "FailedOperation.PreprocessServerError": _INSIDE,
    "FailedOperation.Record": "The recording failed: follow the message.",
    "FailedOperation.Transcode": "The files could not be made: follow the message, or contact the vendor's support.",
    "FailedOperation.TranscodeServerError": _INSIDE,
    "FailedOperation.WhiteboardPush": "The whiteboard could not be pushed as a stream: follow the message.",
    "InvalidParameter.BodyParameterTypeUnmatched": "Mend the type of the parameter that the message names.",
    "InvalidParameter.CallbackAddressFormatError": "Give a callback address that begins with http:// or https://.",
    "InvalidParameter.FileFormatUnsupported": _CONVERSION,
    "InvalidParameter.InvalidExtra": "Remove what is not a feature from Extras: MIX_STREAM is one.",
    "InvalidParameter.PreprocessParameter": _CONVERSION,
    "InvalidParameter.RecordParameter": "Mend the parameter of the recording that the message names.",
    "InvalidParameter.SdkAppIdNotFound": "Check the SdkAppId: this account has no such app.",
    "InvalidParameter.TaskNotFound": "Check the id of the task, the SdkAppId and the region; results are deleted after "
    "three days.",
    "InvalidParameter.TranscodeParameter": _CONVERSION,
    "InvalidParameter.UrlFormatError": _CONVERSION,
    "LimitExceeded.TaskConcurrency": "Too many tasks run at once: stop one, ask again later, or have the limit raised.",
    "LimitExceeded.TranscodePagesLimitation": _CONVERSION,
    "ResourceInUse.RecordUserId": "The recorder's user is in use by another task: take another user id and UserSig.",
    "ResourceUnavailable.InterfaceUnAuthorized": _PURCHASE,
    "ResourceUnavailable.NotRegistered": _PURCHASE,
    "ResourceUnavailable.ServiceExpired": "The account is in arrears or the service has expired: pay or renew it.",
    "UnauthorizedOperation.SdkAppId": "Check the SdkAppId: it is not an app of the account that these keys belong to.",
    "UnsupportedOperation.InvalidTaskStatus": "The task is in a state without that: pause only what is recorded, "
    "resume only what is paused, stop only what has not ended.",
    "UnsupportedOperation.TaskHasAlreadyStopped": "The task has ended: fetch its result.",
    "AuthFailure.SignatureExpire": "Set this machine's clock: a signature holds for five minutes.",
    "AuthFailure.SignatureFailure": "Check TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY.",
}
"""Whole codes with more to say than on their family (errorcodes of the vendor's SDK, and two of AuthFailure)."""
PASSING = (
    {"RequestLimitExceeded", "LimitExceeded", "InternalError", "ResourceInsufficient", "ResourceUnavailable"},
    {20005, 20010, *range(20090, 20100)},
)
"""Families and numbers of refused requests that may be granted later without any change."""
LASTING = {code for code, advice in CODE_ADVICE.items() if advice == _CONVERSION} | {
    "ResourceUnavailable.InterfaceUnAuthorized",
    "ResourceUnavailable.NotRegistered",
    "ResourceUnavailable.ServiceExpired",
}
"""Codes of those families that need a change all the same."""
OF_A_TASK = (20011, 20013)
"""Numbers of requests that say something of the task, where the body names it with its status."""

BROKEN = {
    "EXCEPTION": "The recording broke off: what was recorded until then may be all there is.",
    "FORCE_STOP": "The vendor ended the recording: usually it was paused too long or lasted over 24 hours.",
}
"""Finish reasons that mean trouble even without an error beside them (DescribeOnlineRecord)."""

_HIDDEN_NUMBER = re.compile(r"\bcode:\s*(-?[0-9]{1,9})\b")
_REASONS = {"USERCALL": "USER_CALL", "FORCESTOP": "FORCE_STOP"}


def read_reason(text: str | None) -> str | None:
    """The finish reason as the newer dialects write it; an unknown one only upper-cased."""
    if text is None or not text.strip():
        return None
    upper = text.strip().upper()
    return _REASONS.get(upper, upper)


def read_error(fields: Fields, reason: str | None) -> VendorError | None:
    """Read the failure that the vendor reports in this object, in either spelling; None if there was none."""
    return _from_error(fields.get("Error")) or _from_number(fields) or _from_reason(reason)


def _from_error(value: Json) -> VendorError | None:
    if isinstance(value, str) and value.strip():
        value = {"Message": value}
    if not isinstance(value, dict):
        return None
    code, message = _words(value.get("Code")), _words(value.get("Message"))
    if not message and code in ("", "0"):
        return None
    hidden = _HIDDEN_NUMBER.search(message)
    number = int(hidden.group(1)) if hidden else _number(code)
    return VendorError(code=code, number=number, message=message, advice=_advice(number))


def _from_number(fields: Fields) -> VendorError | None:
    is_camel = "ErrorCode" in fields.values
    value = fields.get("ErrorCode" if is_camel else "error_code")
    code = _words(value)
    if code == "" or whole(value) == 0:
        return None
    number = _number(code)
    message = _words(fields.get("ErrorMsg" if is_camel else "error_msg"))
    return VendorError(code="" if number is not None else code, number=number, message=message, advice=_advice(number))


def _from_reason(reason: str | None) -> VendorError | None:
    if reason not in BROKEN:
        return None
    return VendorError(code=reason, number=None, message=f"FinishReason {reason}", advice=BROKEN[reason])


def _words(value: Json) -> str:
    if isinstance(value, str):
        return value.strip()
    number = whole(value)
    return "" if number is None else str(number)


def _number(code: str) -> int | None:
    return int(code) if re.fullmatch(r"-?[0-9]{1,9}", code) else None


def _advice(number: int | None) -> str:
    return ADVICE.get(number, "") if number is not None else ""


def error_text(error: VendorError) -> str:
    """Code, number and message in one line, as a message may show them."""
    head = " ".join(part for part in (error.code, str(error.number or "")) if part)
    return shortened(": ".join(part for part in (head, error.message) if part), 400)


def advice_on(error: VendorError) -> str:
    """Find the next step: by the whole code, its family, or the number where the family is not of requests."""
    family = error.code.partition(".")[0]
    advice = "" if family in REQUEST_ADVICE else error.advice
    advice = advice or CODE_ADVICE.get(error.code) or REQUEST_ADVICE.get(family) or CODE_ADVICE.get(family, "")
    return advice or "Look the code up in the vendor's documentation, or ask its support."


def start_failure(name: str, error: VendorError) -> RecordingFailed:
    """The error for a recording that never began."""
    return RecordingFailed(
        f"{name} is NOT being recorded: its start failed: {error_text(error)}", hint=advice_on(error)
    )


def failure(name: str, error: VendorError) -> RecordingFailed:
    """The error for a result without any usable video."""
    return RecordingFailed(
        f"the vendor reports a failure and no usable video for {name}: {error_text(error)}", hint=advice_on(error)
    )


def refused(error: VendorError, what: str, mark: str = "") -> CloudError:
    """The error for a request that was refused; ``mark`` is the id by which the vendor finds it."""
    is_passing = error.code.partition(".")[0] in PASSING[0] and error.code not in LASTING
    return CloudError(
        f"the vendor refused {what}: {error_text(error)}{mark and f' ({mark})'}",
        hint=advice_on(error),
        retry=is_passing or error.number in PASSING[1],
        number=error.number,
    )


def refusal_of_request(error: VendorError, *, has_status: bool) -> CloudError | None:
    """The error for a request that was refused: it says nothing of a class. None for any other.

    ``has_status``: the body names a task and its status, so the request itself was granted.
    """
    is_number = error.code == "" and error.number is not None and 20000 <= error.number <= 29999
    is_of_request = is_number and not (has_status and error.number in OF_A_TASK)
    if not is_of_request and (has_status or error.code.partition(".")[0] not in REQUEST_ADVICE):
        return None
    return refused(error, "a request, which says nothing of a class")
