"""The card beside a published playback: what lies there, and who may take its place."""

from __future__ import annotations

from pydantic import ValidationError

from assembler.errors import PublishError
from assembler.values import Value

CARD = "job.json"
"""Name of the file that says whose a published playback is."""


class Card(Value):
    """``job.json``, written last: what lies in a published folder. A folder with it is whole."""

    job: str
    """The job."""
    key: str
    """Key of its task; only results of the same one may take its place."""
    revision: int
    """A lower one never takes the place of a higher one."""
    digest: str
    """The playback's digest, as in its playback.json."""


def refused(sentence: str, hint: str) -> PublishError:
    """One that no repetition helps."""
    error = PublishError(sentence, hint=hint)
    error.retry = False
    return error


def read_card(raw: bytes, where: str) -> Card:
    """Read a card; raises PublishError where the bytes are none."""
    try:
        return Card.model_validate_json(raw)
    except ValidationError as exc:
        raise refused(f"{where} was not written by assembler", "Move it away, or name another output.") from exc


def is_in_place(known: Card | None, card: Card, where: str) -> bool:
    """True where a later revision of the same task is there, which stays. Raises PublishError for another task's."""
    if known is None:
        return False
    if known.key != card.key:
        raise refused(
            f"{where} holds the playback of another task",
            "Change the template so that each task has a folder of its own.",
        )
    return known.revision > card.revision
