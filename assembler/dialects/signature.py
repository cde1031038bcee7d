"""The signature of callbacks, both generations: md5(key + expire_time) in lower-case hex (signed events; v1 page, 3).

It does not cover the body, so it proves who knocks and nothing about what is brought: a body stays untrusted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from assembler.dialects.body import Json, JsonObject, load_object
from assembler.times import WallMs


class Signature(StrEnum):
    """Judgement of a callback's signature."""

    VALID = "valid"
    """One of the keys made it, and it has not expired."""
    MISSING = "missing"
    """Missing, or half of it."""
    WRONG = "wrong"
    """Made by none of the keys."""
    EXPIRED = "expired"
    """One of the keys made it, but its time is over."""


SIGNED = ("Sign", "ExpireTime", "sign", "expire_time", "random")
"""Fields beside an event, or in it, that differ between its repeats."""
_SECONDS = re.compile(r"[0-9]{1,12}")


def sign(key: str, expire_time: int | str) -> str:
    """The signature that ``key`` makes for this expiry (Unix seconds)."""
    return hashlib.md5(f"{key}{expire_time}".encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def check(
    body: bytes | str | JsonObject, *, query: Mapping[str, str] | None = None, keys: Sequence[str], now: WallMs
) -> Signature:
    """Judge whether a callback was signed with one of the keys: an event's Sign in its body, v1's sign in the URL
    query.

    ``keys`` are all secrets that may be in use (three kinds exist, and they rotate); every one is compared, so that
    the time taken tells nothing. An empty key is skipped: anybody can sign with it. Raises InputError where the
    body is not a JSON object.
    """
    values, query = load_object(body), query or {}
    for name, expiry in (("Sign", "ExpireTime"), ("sign", "expire_time")):  # the SaaS writes it small
        if name in values:
            return check_pair(values[name], values.get(expiry), keys=keys, now=now)
    return check_pair(query.get("sign"), query.get("expire_time"), keys=keys, now=now)


def check_pair(given: Json, expire_time: Json, *, keys: Sequence[str], now: WallMs) -> Signature:
    """Check a signature and its expiry (Unix seconds, number or text), both taken out of a callback."""
    if not isinstance(given, str) or not given:
        return Signature.MISSING
    seconds = str(expire_time) if isinstance(expire_time, int | str) and not isinstance(expire_time, bool) else ""
    if not seconds:
        return Signature.MISSING
    if not _SECONDS.fullmatch(seconds):
        return Signature.WRONG
    told = given.encode("utf-8", "replace")
    matches = [hmac.compare_digest(told, sign(key, seconds).encode()) for key in keys if key]
    if not any(matches):
        return Signature.WRONG
    return Signature.EXPIRED if now > int(seconds) * 1000 else Signature.VALID
