"""Tables beside the engine's: bodies, jobs, what is known of tasks, and the refused.

Whoever changes a table here adds a step to ``migrations.py``.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData()
"""Tables of the jobs; their names and columns are stored."""
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTES = "text_pattern_ops"
IS_OTHER = "job IS NULL AND is_taken"
"""Condition of bodies that belong to no job, written as in their index: only so that is used."""


def _where(condition: str) -> dict[str, Any]:
    """An index of the rows alone that this is true of."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


EVENT = sa.Table(
    "assembler_event", METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False),  # callback, batch
    sa.Column("app", sa.Text),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("is_taken", sa.Boolean, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("task", sa.Text),
    sa.Column("job", sa.Text, index=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("urls", sa.Text),  # digest of where its files are
    sa.Column("gathering", sa.Text, index=True),  # which bodies tell of one recording together
    sa.Index("assembler_event_other", "id", **_where(IS_OTHER)),
)  # fmt: skip
"""Bodies as they came (``intake.bodies``)."""
REFUSED = sa.Table(
    "assembler_refused", METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("query", sa.JSON),  # what of its URL says who sent it
)  # fmt: skip
"""Bodies that were refused, in a database of their own where that is SQLite."""
JOB = sa.Table(
    "assembler_job", METADATA,
    sa.Column("number", _ID, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("slot", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("task", sa.Text),
    sa.Column("app", sa.Text),
    sa.Column("room", sa.Text),
    sa.Column("segments", sa.Text, nullable=False),
    sa.Column("event", _ID, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("findings", sa.JSON, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("deaths", sa.Integer, nullable=False),
    sa.Column("is_held", sa.Boolean, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("progress", sa.Float),
    sa.Column("remaining", sa.BigInteger),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("begun", sa.BigInteger),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("due", sa.BigInteger),
    sa.Column("sent", sa.BigInteger),
    sa.Column("stop", sa.BigInteger),
    sa.Column("count", sa.Integer),
    sa.Column("lacking", sa.Integer),
    sa.Column("placing", sa.Boolean),  # what it made is being put in place: it cannot be cancelled any more
    sa.Column("fetched", sa.Text),  # by which worker its files were fetched ahead
    sa.Column("card", sa.Text),  # class card of its latest try, for our eyes only: it names whom it hides
    sa.Column("placed", sa.Text),  # where a playback was put, or was about to be
    sa.Column("withdrawn", sa.Boolean),  # what it published is to be removed: a class card hides somebody more
    sa.Column("title", sa.Text),
    sa.Column("choice", sa.JSON(none_as_null=True)),  # options that somebody chose for this job alone
    sa.Column("system", sa.Text),  # "" for the vendor's own; NULL where unknown
    sa.Column("length", sa.BigInteger),
    sa.Column("wall", sa.BigInteger),
    sa.Column("cpu", sa.BigInteger),
    sa.Column("memory", sa.BigInteger),
    sa.Column("fetched_bytes", sa.BigInteger),
    sa.Column("published_bytes", sa.BigInteger),
    sa.UniqueConstraint("key", "slot", "revision"),
    sa.Index("assembler_job_state_number", "state", "number"),
    sa.Index("assembler_job_verdict", "verdict", "state", "number"),
    sa.Index("assembler_job_room", "room", "state", "number", postgresql_ops={"room": _BYTES}),
    sa.Index("assembler_job_beginning", "id", postgresql_ops={"id": _BYTES}),
    sa.Index("assembler_job_created", "created", "number"),
)  # fmt: skip
"""Jobs (``model.Job``)."""
TASK = sa.Table(
    "assembler_task", METADATA,
    sa.Column("task", sa.Text, primary_key=True),
    sa.Column("app", sa.Text),
    sa.Column("room", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sent", sa.BigInteger),
    sa.Column("progress", sa.Integer),
    sa.Column("pause", sa.BigInteger),
    sa.Column("stop", sa.BigInteger),
    sa.Column("is_expected", sa.Boolean, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("started", sa.BigInteger),
    sa.Column("resumed", sa.BigInteger),
    sa.Column("forced", sa.BigInteger),
    sa.Column("asked", sa.BigInteger),  # when the vendor was asked for its result
    sa.Column("asks", sa.Integer),  # how often since the latest event; -1: there is nothing more to ask for
    sa.Column("answer", sa.Text),
    sa.Column("has_job", sa.Boolean),  # NULL: no result came yet
    sa.Index("assembler_task_missing", "updated", **_where("has_job IS NULL")),
)  # fmt: skip
"""Tasks of which events told (``intake.tasks.Task``)."""
GATHERING = sa.Table(
    "assembler_gathering", METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("app", sa.Text),
    sa.Column("room", sa.Text),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("coming", sa.Text, nullable=False),
    sa.Column("due", sa.BigInteger, index=True),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("job", sa.Text),
    sa.Index("assembler_gathering_task", "system", "task"),
)  # fmt: skip
"""Bodies that tell of one recording together (``intake.gather.Gathering``)."""
CLASS = sa.Table(
    "assembler_class", METADATA,
    sa.Column("task", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
)  # fmt: skip
"""Class cards that were put (``class_cards``)."""
LOG = sa.Table(
    "assembler_log", METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("job", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
)  # fmt: skip
"""Lines of the jobs' logs."""
COST = sa.Table(
    "assembler_cost", METADATA,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),  # since 1970-01-01, UTC
    sa.Column("room", sa.Text, primary_key=True),  # "" where a result names none
    sa.Column("jobs", sa.BigInteger, nullable=False),  # published
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("wall", sa.BigInteger, nullable=False),
    sa.Column("cpu", sa.BigInteger, nullable=False),
    sa.Column("memory", sa.BigInteger, nullable=False),  # the largest of them
    sa.Column("fetched_bytes", sa.BigInteger, nullable=False),
    sa.Column("published_bytes", sa.BigInteger, nullable=False),
)  # fmt: skip
"""Sums of what tries cost, which stay when their jobs are forgotten (``costs``)."""
UPLOAD = sa.Table(
    "assembler_upload", METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),  # address of the object
    sa.Column("begun", sa.BigInteger, nullable=False),
)  # fmt: skip
"""Uploads under way; one whose worker is dead may have left parts in the bucket."""
SEEN = sa.Table(
    "assembler_seen", METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)  # fmt: skip
"""Latest sign of life of each worker, and when what is done once a day was last done (``seen``)."""
NOTICE = sa.Table(
    "assembler_notice", METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("due", sa.BigInteger, nullable=False),  # also: until when a sender has it in hand
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("is_over", sa.Boolean, nullable=False),
    sa.Index("assembler_notice_due", "is_over", "due"),
)  # fmt: skip
"""Notices to send, and those that were sent (``notices``)."""
