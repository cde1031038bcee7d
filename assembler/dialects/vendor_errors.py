"""What the vendor says went wrong, its advice, and the error we raise where nothing is left to assemble."""

from __future__ import annotations

import re

from assembler.dialects.body import Json, shortened
from assembler.dialects.fields import Fields, whole
from assembler.errors import RecordingFailed
from assembler.recording import VendorError

ADVICE = {
    40000: "Illegal request: check that the request body is well-formed JSON.",
    40001: "Illegal parameter: check that every parameter meets its requirements.",
    40002: "No file was recorded: a room with nothing but sound yields none; check that a camera was on.",
    40004: "The recorder could not log in to IM: check the parameters the message names, such as the UserSig.",
    40005: "The recorder could not join the IM group: follow the message.",
    49999: "Internal error of the vendor: contact its support.",
    20000: "The service is not activated for this customer: apply for it.",
    20001: "The signature has expired: take a later expire_time and sign again.",
    20002: "The signature is wrong: check the TicKey and the way it is signed.",
    20003: "The parameters could not be read: mend the one the message names (missing or of a wrong type).",
    20004: "The callback address is malformed: check it.",
    20005: "The data could not be read: check the TaskId of the request, or contact the vendor's support.",
    20011: "The task had already ended when it was to be stopped: perhaps nobody sent sound or pictures for long.",
    20013: "The recorder's user is in use: take another user id and UserSig.",
    20099: "Internal error of the vendor: contact its support.",
}
"""The vendor's table (v1 page, section 5), by its numbers."""

BROKEN = {
    "EXCEPTION": "The recording broke off: what was recorded until then may be all there is.",
    "FORCE_STOP": "The vendor ended the recording: usually it was paused too long or lasted over 24 hours.",
}
"""Finish reasons that mean trouble even without an error beside them (DescribeOnlineRecord)."""

_HIDDEN_NUMBER = re.compile(r"\bcode:\s*([0-9]{1,9})\b")
_REASONS = {"USERCALL": "USER_CALL", "FORCESTOP": "FORCE_STOP"}


def read_reason(text: str | None) -> str | None:
    """The finish reason as the newer dialects write it; an unknown one only upper-cased."""
    if text is None or not text.strip():
        return None
    upper = text.strip().upper()
    return _REASONS.get(upper, upper)


def read_error(fields: Fields, reason: str | None) -> VendorError | None:
    """What the vendor says went wrong in this object, in either spelling; None if nothing did."""
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
    value = fields.get("error_code")
    code = _words(value)
    if code == "" or whole(value) == 0:
        return None
    number = _number(code)
    message = _words(fields.get("error_msg"))
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


def failure(name: str, error: VendorError) -> RecordingFailed:
    """The error for a result without any usable video."""
    hint = error.advice or "Look the code up in the vendor's documentation, or ask its support."
    return RecordingFailed(
        f"the vendor reports a failure and no usable video for {name}: {error_text(error)}", hint=hint
    )
