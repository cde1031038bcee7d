"""Event log of `serve` and `work`: one line per callback, step, retry, failure and act, as text or JSON.

Lines of libraries (uvicorn, asyncio, the engine) come out in the same form. No URL keeps its query in here.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from assembler.choices import LogFormat
from assembler.errors import without_queries
from assembler.options import Options

LOGGER = "assembler.jobs"
"""Name of our logger."""
LONGEST_VALUE = 2000
"""Maximum length of a value, in characters; what is longer is cut."""
Values = MutableMapping[str, Any]
"""Keys and values of one line."""


class _Handler(logging.StreamHandler[TextIO]):
    """Marks the handlers that we added."""


def is_open() -> bool:
    """Tell whether this process writes the log."""
    return any(isinstance(one, _Handler) for one in logging.getLogger().handlers)


def emit(event: str, level: str = "info", sentence: str = "", **keys: Any) -> None:
    """Log an event; text shows the sentence instead of the keys, where there is one. Nothing where no log is open."""
    if is_open():
        given = {name: value for name, value in {"sentence": sentence, **keys}.items() if value not in (None, "")}
        _events().log(getattr(logging, level.upper()), event, **given)


def say(sentence: str) -> None:
    """Log a sentence for people; its beginning ("warning: ", "error: ") is its level."""
    level, colon, rest = sentence.partition(": ")
    if colon and level in ("warning", "error"):
        emit(level, level, rest)
    else:
        emit("note", sentence=sentence)


def _events() -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(LOGGER), wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
    )  # fmt: skip
    return logger


@contextmanager
def logging_to(options: Options, *streams: TextIO) -> Iterator[None]:
    """Write the log to these streams (standard error if none is given) until the ``with`` is left."""
    root, own = logging.getLogger(), logging.getLogger(LOGGER)
    render = _as_json if options.log is LogFormat.JSON else _as_text
    formatter = ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, _from_library],
        processors=[
            structlog.stdlib.add_log_level, _stamped, ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info, _clean, render,
        ],
    )  # fmt: skip
    handlers = [_Handler(stream) for stream in streams or (sys.stderr,)]
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    before, engine = own.level, logging.getLogger("dbos")
    own.setLevel(options.log_level.value.upper())
    engine.handlers[:], engine.propagate = [logging.NullHandler()], True  # else it adds one of its own
    try:
        yield
    finally:
        own.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)


def _stamped(_: Any, __: str, values: Values) -> Values:
    """Put the time and the level first."""
    at = (
        datetime.fromtimestamp(values["_record"].created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    return {"time": at, "level": values.pop("level", "info"), "event": values.pop("event"), **values}


def _from_library(_: Any, __: str, values: Values) -> Values:
    """Make a library's line one of ours: an event named like its logger, with a sentence."""
    logger, sentence = values.pop("logger"), str(values.pop("event"))
    return {"event": logger, "sentence": sentence, **values}


def _clean(_: Any, __: str, values: Values) -> Values:
    """Take the queries out of URLs, and cut what is long."""
    return {name: _cleaned(value) for name, value in values.items()}


def _cleaned(value: Any) -> Any:
    return without_queries(value)[:LONGEST_VALUE] if isinstance(value, str) else value


def _as_json(_: Any, __: str, values: Mapping[str, Any]) -> str:
    return json.dumps(values, default=str)


def _as_text(_: Any, __: str, values: Values) -> str:
    level, event, sentence = values.pop("level"), values.pop("event"), values.pop("sentence", None)
    at, trace = values.pop("time"), values.pop("exception", None)
    told = _plain(sentence) if sentence else " ".join([event, *_pairs(values)])
    mark = f"{level}: " if level not in ("info", "debug") else ""
    return f"{at} {mark}{told}" + (f"\n{trace}" if trace else "")


def _pairs(values: Mapping[str, Any]) -> Sequence[str]:
    def text(value: Any) -> str:
        told = str(value)
        return told if told.isprintable() and not {*' "='} & {*told} else json.dumps(told)

    return [f"{name}={text(value)}" for name, value in values.items()]


def _plain(text: str) -> str:
    """Keep a sentence in its line: what does not print is spelt."""
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)
