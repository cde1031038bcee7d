"""Bytes to a JSON object: the only place where a body's text is read. Everything in it is untrusted."""

from __future__ import annotations

import json
import re
from typing import Never, TypeAlias

from assembler.dialects.other_files import refuse_other_file
from assembler.errors import InputError, without_queries

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"

MOST_BYTES = 32 * 2**20
"""Maximum size of a body, in bytes: a thousand segments are half a megabyte."""
MOST_DIGITS = 40
"""Maximum length of an integer; longer ones are read as floats: Python refuses them over 4,300 digits, and none of them
is a real value."""

_SPACES = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]")
_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def load_object(body: bytes | str | JsonObject) -> JsonObject:
    """The body's JSON object, its strings free of control characters and lone surrogates; one that was read is itself.

    A byte order mark and UTF-16/32 (what some shells write on redirection) are accepted. Raises InputError, with
    line and column where the text is not JSON.
    """
    if isinstance(body, dict):
        return body
    refuse_other_file(body if isinstance(body, bytes) else body[:1024].encode("utf-8", "replace"))
    text = body.removeprefix("\ufeff") if isinstance(body, str) else _decode(body)
    if len(text) > MOST_BYTES:
        raise InputError(f"the body has over {MOST_BYTES >> 20} MiB; no recording result is that large")
    if not text.strip():
        raise InputError("the body is empty", hint="Give the JSON of a finished recording.")
    try:
        value: Json = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as exc:
        _refuse_text(text, exc)
    except RecursionError as exc:
        raise InputError("the body is nested too deeply to be a recording result") from exc
    if not isinstance(value, dict):
        raise InputError(f"the body is {kind_of(value)}, expected a JSON object", hint="Give one result per file.")
    return value


def _decode(body: bytes) -> str:
    if len(body) > MOST_BYTES:
        raise InputError(f"the body has over {MOST_BYTES >> 20} MiB; no recording result is that large")
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as exc:
        before = body[: exc.start]
        line, column = before.count(b"\n") + 1, exc.start - (before.rfind(b"\n") + 1) + 1
        raise InputError(
            f"the body is not JSON text: byte {exc.start} is not {encoding.upper()} at line {line}, column {column}",
            hint="Save the result as UTF-8.",
        ) from exc


def _refuse_text(text: str, exc: json.JSONDecodeError) -> Never:
    what = exc.msg[:1].lower() + exc.msg[1:]
    hint = "A comma too many or too few is the usual cause."
    if text.lstrip().startswith("<"):
        hint = "It looks like a page (HTML or XML), not like a recording result."
    raise InputError(f"the body is not JSON: {what} at line {exc.lineno}, column {exc.colno}", hint=hint) from exc


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    """One JSON object with its strings cleaned; a key given twice with two values is refused, not guessed at."""
    found: JsonObject = {}
    for key, value in pairs:
        clean = clean_text(value) if isinstance(value, str) else value
        if key in found and found[key] != clean:
            raise InputError(f"the key {shown(key)} stands twice in one object, with different values")
        found[key] = clean
    return found


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def clean_text(text: str) -> str:
    """The text fit for a terminal, a file name in a report, and UTF-8: line ends become spaces."""
    return _UNSHOWABLE.sub("\ufffd", _SPACES.sub(" ", text))


def kind_of(value: Json) -> str:
    """Name the kind of a JSON value, in a sentence: "a list", "null"."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case dict():
            return "an object"


def shown(value: Json) -> str:
    """A value as a message may show it: short, one line, no URL query; a list or an object by its kind only."""
    if isinstance(value, list | dict):
        return kind_of(value)
    if not isinstance(value, str):
        return json.dumps(value)[:60]
    return f'"{shortened(value, 60)}"'


def shortened(text: str, most: int) -> str:
    """Foreign text as a message may show it: printable, on one line, without URL queries, ``most`` characters."""
    text = without_queries(text[: most + 500])
    text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
    return text if len(text) <= most else text[: most - 3] + "..."
