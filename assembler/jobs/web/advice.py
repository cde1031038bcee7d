"""Advice about a job, a missing result, a refused callback: one sentence, with the command to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from html import escape

from assembler.jobs.intake.bodies import Refused
from assembler.jobs.store.model import Job, JobState
from assembler.options import Options

_FLAGS = {"--from": "start", "--to": "end", "--allow-host": "allow_hosts"} | {
    f"--{name.replace('_', '-')}": name for name in Options.model_fields
}
"""Flags of `assembler run`, and the setting that a worker looks at instead."""
_FLAG = re.compile(r"--[a-z][a-z-]*[a-z]")
_AGAIN = re.compile(r"\b([Rr])un (?:it |the same command )?again\b")


def in_a_job(said: str, job: str) -> str:
    """Reword a hint for somebody who waits for a job: the pipeline speaks to somebody who typed a command."""
    said = re.sub(r"give --allow-host \S+, or ", "", said)
    said = _FLAG.sub(lambda m: f"ASSEMBLER_{_FLAGS[m[0]].upper()}" if m[0] in _FLAGS else m[0], said)
    return _AGAIN.sub(lambda m: f"{'T' if m[1] == 'R' else 't'}ype `{shlex.join(retry_of(job))}`", said)


def retry_of(job: str) -> list[str]:
    """The words that start a job again."""
    return ["assembler", "jobs", "retry", *(["--"] if job.startswith("-") else []), job]


def next_of(job: Job) -> tuple[str, list[str]] | None:
    """Return (when to do it, the words to type); None where there is nothing to do."""
    retry = retry_of(job.id)
    match job.state:
        case JobState.FAILED:
            return "Once that is fixed", retry
        case JobState.POISON:
            return "To try it again all the same", retry
        case JobState.DELAYED:
            return "To try it at once", retry
        case JobState.CANCELLED:
            return "To do it after all", retry
        case _:
            return None


def command(words: Sequence[str]) -> str:
    """Return the words as markup; whatever an id contains, it is one word of the shell."""
    return f"<code>{escape(shlex.join(words))}</code>"


def advice_on_tasks() -> str:
    """Say how a result that never came can be had."""
    return (
        "Seen or expected, but no result came; the files are deleted after three days. Ask the recorder for the "
        "task's result (API v1: query; cloud: DescribeOnlineRecord), save its answer, and type "
        "<code>assembler batch RESULT.json</code>"
    )


def advice_on_refused(refused: Sequence[Refused]) -> list[str]:
    """One sentence for each kind of refusal."""
    sentences = []
    reasons = {one.reason for one in refused if one.status == 403}
    if any("expired" in reason for reason in reasons):
        sentences.append(
            "Expired signatures: see whether this machine's clock is right; an old callback may be a replay."
        )
    if any("expired" not in reason for reason in reasons):
        sentences.append(
            "Missing or wrong signatures: <code>ASSEMBLER_CALLBACK_KEYS</code> (for TRTC "
            "<code>ASSEMBLER_TRTC_CALLBACK_KEYS</code>, and so on) has to name the keys set at the "
            "recorder; a sender without one of them is not believed. Once that is fixed: "
            "<code>assembler jobs refused take --all</code>"
        )
    if any(one.status == 400 for one in refused):
        sentences.append("Unreadable bodies are kept for inspection; somebody else may be calling.")
    return sentences
