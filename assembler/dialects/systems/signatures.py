"""Schemes by which each recording system signs its callbacks: one row per system."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from assembler.dialects.body import JsonObject
from assembler.dialects.dialect import Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.signature import Signature, check
from assembler.times import HOUR_MS, WallMs

HEADER = "header:"
"""Beginning of the names that headers have beside the URL query of a callback."""
ZEGO_AGE_MS = HOUR_MS
"""Maximum age of a signature that does not cover the body, in ms; Zego repeats a callback for about a minute."""
LEEWAY_MS = 60_000
"""Maximum difference of our clock and the signer's, in ms, as LiveKit's own library allows it."""
LONGEST_TOKEN = 4_000
"""Maximum length of a token in a header, in characters."""


class Callback(NamedTuple):
    """A callback as it came."""

    raw: bytes
    """Bytes of its body."""
    body: JsonObject
    """The same as an object."""
    query: Query
    """URL query, and the headers that may sign it, as "header:sign"."""

    def header(self, name: str) -> str:
        """Return a header; "" where it did not come."""
        return self.query.get(f"{HEADER}{name}", "")


@dataclass(frozen=True)
class SignatureScheme:
    """One way to sign callbacks."""

    system: str
    """Dialect of the callbacks; "" for all without a row of their own."""
    setting: str = ""
    """Setting with the keys; "" where there is no webhook."""
    headers: tuple[str, ...] = ()
    """Headers that are needed to check one, in small letters."""
    check: Callable[[Callback, Sequence[str], WallMs], Signature] | None = None
    """Judge one by the keys, as of an instant; None where there is no webhook."""
    app_of: Callable[[Callback], str | None] = lambda _: None
    """Find the app whose key signed it, beside what the body says; None where nothing tells."""


def _judge(pairs: Sequence[tuple[bytes, bytes]]) -> Signature:
    """Compare all pairs, so that the time taken tells nothing."""
    matches = [hmac.compare_digest(given, made) for given, made in pairs]
    return Signature.VALID if any(matches) else Signature.WRONG


def sign_trtc(key: str, raw: bytes) -> str:
    """Make the header ``Sign`` of TRTC for a body; the header ``SdkAppId`` names the app."""
    return base64.b64encode(hmac.digest(_bytes(key), raw, "sha256")).decode()


def sign_agora(key: str, raw: bytes) -> str:
    """Make the header ``Agora-Signature`` for a body."""
    return hmac.digest(_bytes(key), raw, "sha1").hex()


def sign_zego(key: str, timestamp: str, nonce: str) -> str:
    """Make the field ``signature`` of Zego."""
    return hashlib.sha1(_bytes("".join(sorted([key, timestamp, nonce]))), usedforsecurity=False).hexdigest()


def _by_header(name: str, make: Callable[[str, bytes], str]) -> Callable[[Callback, Sequence[str], WallMs], Signature]:
    def judge(told: Callback, keys: Sequence[str], _: WallMs) -> Signature:
        given = told.header(name)
        if not given:
            return Signature.MISSING
        return _judge([(_bytes(given), make(key, told.raw).encode()) for key in keys if key])

    return judge


def _check_zego(told: Callback, keys: Sequence[str], now: WallMs) -> Signature:
    """Judge the signature in a body: over key, time and nonce, not over the rest."""
    fields = Fields(told.body, "", [])
    given, at, nonce = (fields.text(name) for name in ("signature", "timestamp", "nonce"))
    seconds = whole(at)
    if not given or not nonce or at is None or seconds is None:
        return Signature.MISSING
    found = _judge([(_bytes(given), sign_zego(key, at, nonce).encode()) for key in keys if key])
    is_old = found is Signature.VALID and abs(now - seconds * 1000) > ZEGO_AGE_MS
    return Signature.EXPIRED if is_old else found


def _check_livekit(told: Callback, keys: Sequence[str], now: WallMs) -> Signature:
    """Judge a JSON Web Token (RFC 7519, HS256) that holds the SHA-256 of the body."""
    token = _token(told)
    if not token:
        return Signature.MISSING
    head, _, rest = token.partition(".")
    body, _, given = rest.partition(".")
    claims = _decode(body)
    if _decode(head).get("alg") != "HS256":
        return Signature.WRONG
    signed = _judge(
        [(_unpack(given), hmac.digest(_bytes(key), _bytes(f"{head}.{body}"), "sha256")) for key in keys if key]
    )
    expected = base64.b64encode(hashlib.sha256(told.raw).digest())
    covered = _judge([(_bytes(str(claims.get("sha256", ""))), expected)])
    first, last = whole(claims.get("nbf", 0)), whole(claims.get("exp"))
    if signed is not Signature.VALID or covered is not Signature.VALID or first is None or last is None:
        return Signature.WRONG
    return Signature.VALID if first * 1000 - LEEWAY_MS <= now <= last * 1000 + LEEWAY_MS else Signature.EXPIRED


def _token(told: Callback) -> str:
    return told.header("authorization").removeprefix("Bearer ").strip()


def _issuer(told: Callback) -> str | None:
    name = _decode(_token(told).partition(".")[2].partition(".")[0]).get("iss")
    return name if isinstance(name, str) else None


def _decode(part: str) -> JsonObject:
    """Read a part of a token; an empty object where it is none."""
    try:
        values = json.loads(_unpack(part))
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _unpack(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(_bytes(part) + b"=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


SIGNATURES: tuple[SignatureScheme, ...] = (
    SignatureScheme(
        "trtc", "trtc_callback_keys", ("sign", "sdkappid"), _by_header("sign", sign_trtc),
        lambda told: told.header("sdkappid") or None,
    ),
    SignatureScheme("zego", "zego_callback_keys", (), _check_zego),
    SignatureScheme("livekit", "livekit_callback_keys", ("authorization",), _check_livekit, _issuer),
    SignatureScheme(
        "agora", "agora_callback_keys", ("agora-signature",), _by_header("agora-signature", sign_agora)
    ),
    SignatureScheme("vonage"),  # the archive is fetched
    SignatureScheme("daily"),  # the event file is fetched
    SignatureScheme("twilio"),  # the list is fetched
    SignatureScheme(
        "", "callback_keys", (), lambda told, keys, now: check(told.body, query=told.query, keys=keys, now=now)
    ),
)  # fmt: skip
"""Schemes; the last one is of the vendor, and of results that a program of the school posts. What has no webhook is
judged by it, too."""
HEADERS = tuple(name for row in SIGNATURES for name in row.headers)
"""Headers that may sign a callback."""


def find_scheme(system: str) -> SignatureScheme:
    """Find how callbacks of a dialect are signed."""
    return next((row for row in SIGNATURES if row.check is not None and row.system == system), SIGNATURES[-1])


def read_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Read the headers that may sign a callback, as they stand beside its URL query; any other token is left out."""
    found = {name: headers[name] for name in HEADERS if len(headers.get(name, "")) in range(1, LONGEST_TOKEN)}
    if found.get("authorization", "..").count(".") != 2:
        del found["authorization"]
    return {f"{HEADER}{name}": value for name, value in found.items()}
