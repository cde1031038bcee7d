"""User as whom the recorder enters a room, and the UserSig that lets it in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import zlib

from assembler.errors import InputError
from assembler.options import Options

VALID_SECONDS = 2 * 24 * 3600
"""Validity of a UserSig, in s; a recording lasts 24 h at most."""


def make_user_sig(key: str, app: int, user: str, now: int) -> str:
    """Sign that this user may enter rooms of the app, from ``now`` (Unix seconds) on, as TLSSigAPIv2 does."""
    signed = f"TLS.identifier:{user}\nTLS.sdkappid:{app}\nTLS.time:{now}\nTLS.expire:{VALID_SECONDS}\n"
    made = base64.b64encode(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest()).decode()
    told = {
        "TLS.ver": "2.0",
        "TLS.identifier": user,
        "TLS.sdkappid": app,
        "TLS.expire": VALID_SECONDS,
        "TLS.time": now,
        "TLS.sig": made,
    }
    packed = base64.b64encode(zlib.compress(json.dumps(told).encode())).decode()
    return packed.translate(str.maketrans("+/=", "*-_"))


def fresh_user(room: int) -> str:
    """A user id for one recording: a second one of the same id would throw the first one out of the room."""
    return f"tic_record_user_{room}_{secrets.token_hex(6)}"


def recorder_of(options: Options, room: int, user: str | None, sig: str | None) -> dict[str, str]:
    """Fields of the user: given, or a new one with a UserSig made with ASSEMBLER_USERSIG_KEY. Raises InputError."""
    if sig is not None and user is None:
        raise InputError("a UserSig is of one user only", hint="Add --user-id with the user it was made for.")
    user = user or fresh_user(room)
    if sig is None and options.usersig_key is None:
        raise InputError(
            "the recorder has no UserSig to enter the room with",
            hint="Set ASSEMBLER_USERSIG_KEY to the app's secret key in IM, or give --user-id and --user-sig.",
        )
    if sig is None:
        assert options.usersig_key is not None
        sig = make_user_sig(options.usersig_key.get_secret_value(), options.sdk_app_id or 0, user, int(time.time()))
    return {"user_id": user, "user_sig": sig}
