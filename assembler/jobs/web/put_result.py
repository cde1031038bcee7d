"""Results and class cards that are put by programs: ``PUT /tasks/{id}/result`` and ``/class`` with a token."""

from __future__ import annotations

import hmac

from assembler.class_card import ClassCard, parse_card
from assembler.dialects.body import load_object
from assembler.errors import CloudError, InputError, NotFinished
from assembler.jobs.intake.check_callback import Judged, check_readable
from assembler.jobs.store.model import claim_of
from assembler.options import Options

SCHEME = "bearer "
"""Scheme of the Authorization header, in any case (RFC 6750)."""


def judge_result(raw: bytes, task: str) -> Judged:
    """Judge whether a body is the result of this task; one that says why the recording failed is."""
    try:
        check_readable(load_object(raw), {})
        claim = claim_of(raw)
    except NotFinished as exc:
        return Judged(409, f"{exc.sentence}: put it again when it is", None)
    except (InputError, CloudError) as exc:
        return Judged(400, exc.sentence, None)
    if claim.task is None:
        return Judged(400, 'the body does not name its task: add "task_id"', None)
    if claim.task != task:
        return Judged(400, f"the body is of task {claim.task}, the address of {task}", None)
    return Judged(202, "", None)


def judge_card(raw: bytes) -> tuple[ClassCard | None, Judged]:
    """Judge whether a body is a class card, and return it; a wrong one is stored nowhere."""
    try:
        return parse_card(raw, "the body"), Judged(202, "", None)
    except InputError as exc:
        return None, Judged(400, str(exc), None)


def is_authorized(header: str | None, options: Options) -> bool:
    """Compare the token of an Authorization header with the setting, in constant time."""
    if options.api_token is None or header is None or header[: len(SCHEME)].lower() != SCHEME:
        return False
    wanted = options.api_token.get_secret_value().encode()
    return hmac.compare_digest(header[len(SCHEME) :].strip().encode("utf-8", "surrogateescape"), wanted)
