"""Acts of somebody who is logged in: each is a POST of a form of ours, and leads back to a page that says what was
done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from assembler.errors import AssemblerError, InputError, JobError
from assembler.jobs import control
from assembler.jobs.control import Wish
from assembler.jobs.engine import Engine
from assembler.jobs.intake.bodies import MOST_REFUSED, list_refused
from assembler.jobs.retention import keep_of, remove_old
from assembler.jobs.store.records import Records
from assembler.jobs.web.keys import Keys
from assembler.jobs.web.login import is_own
from assembler.jobs.web.request_bodies import LARGEST
from assembler.jobs.web.session import Session
from assembler.jobs.web.status_page import HEADERS, still_page
from assembler.options import Options
from assembler.report.markup import text

TOLD = {
    "started": "Started again: it is in the queue.",
    "revision": "Started again, as this later revision: it is in the queue.",
    "under-way": "It is under way already; nothing was changed.",
    "cancelled": "Cancelled.",
    "over": "It was over already; nothing was changed.",
    "too-late": "Too late to cancel: its playback is being put in place.",
    "handed-in": "The result was taken in: this is its job.",
    "taken": "Taken: all that were right are jobs or events now.",
    "pruned": "Removed: what was older than it is kept.",
    "still-refused": "Some are still refused: the keys, or what they say, do not fit.",
}
"""Sentences about what was done, by the word that stands in the address."""
NOT_OURS = "the form is not of this server, or is too old: load its page anew, and press again"
"""Reason of an act that was not done: another site may have sent it."""

Form = Mapping[str, str | bytes]
"""Fields of a form; those of files are bytes."""


class Done(NamedTuple):
    """Result of an act."""

    goal: str
    """Path of the page that shows it."""
    told: str
    """Word for what was done."""


async def answer(request: Request, act: Callable[[Form, str], Done]) -> Response:
    """Do what a form asks for, and lead to the page that shows it."""
    session: Session | None = request.state.session
    if session is None:
        return _refuse(request, 403, "buttons and their addresses need ASSEMBLER_PAGE_TOKEN", "")
    try:
        form = await _read(request)
        if not is_own(request, str(form.get("form", ""))):
            return _refuse(request, 403, NOT_OURS, "")
        done = await run_in_threadpool(act, form, f"page, {session.where}")
    except ClientDisconnect:
        return Response(status_code=499)
    except AssemblerError as exc:
        is_absent = isinstance(exc, JobError) and "there is no" in exc.sentence
        return _refuse(request, 404 if is_absent else 503 if exc.retry else 400, exc.sentence, exc.hint)
    if not session.field:
        return JSONResponse({"page": done.goal, "status": done.told, "sentence": TOLD[done.told]})
    return RedirectResponse(f"{done.goal}?told={done.told}", 303)


def retry(records: Records, engine: Engine, options: Options, name: str, form: Form, by: str) -> Done:
    """Start a job again, as the form wishes."""
    job = records.load_job(name)
    wish = Wish(str(form.get("layout", "")) or None, _file(form, "class"), _file(form, "result"))
    now, is_started = control.retry(records, engine, options, job, wish, by)
    return Done(
        f"/jobs/{quote(now.id)}", "under-way" if not is_started else "started" if now.id == name else "revision"
    )


def cancel(records: Records, engine: Engine, name: str, by: str) -> Done:
    """Cancel a job."""
    job = records.load_job(name)
    is_cancelled = control.cancel(records, engine, job, by)
    is_over = records.load_job(name).state.is_over
    return Done(f"/jobs/{quote(name)}", "cancelled" if is_cancelled else "over" if is_over else "too-late")


def take(records: Records, engine: Engine, keys: Keys, form: Form, by: str) -> Done:
    """Check refused callbacks again; one that somebody else took meanwhile is taken."""
    if not keys:
        raise InputError("there is no key to check callbacks with", hint="Set ASSEMBLER_CALLBACK_KEY for the server.")
    kept = {one.id for one in list_refused(records, MOST_REFUSED)}
    number = str(form.get("number", ""))
    wanted = kept if number == "all" else {int(number)} & kept if number.isdecimal() and len(number) < 19 else set()
    judged = control.take(records, engine, keys, sorted(wanted), by)
    return Done("/", "taken" if all(one.status == 200 for one in judged.values()) else "still-refused")


def hand_in(records: Records, engine: Engine, form: Form, by: str) -> Done:
    """Take in a result that did not come by itself."""
    result = _file(form, "result")
    if result is None:
        raise InputError("no file was chosen", hint="Choose the file with the result, as the API gave it.")
    return Done(f"/jobs/{quote(control.hand_in(records, engine, result, by).id)}", "handed-in")


def prune(records: Records, engine: Engine, options: Options, by: str) -> Done:
    """Remove what the settings no longer keep; two at once remove it once."""
    remove_old(records, engine, options, keep_of(options).model_copy(update={"why": f"somebody ({by})"}))
    return Done("/prune", "pruned")


def _file(form: Form, name: str) -> bytes | None:
    given = form.get(name, b"")
    return (given if isinstance(given, bytes) else given.encode()) or None


async def _read(request: Request) -> dict[str, str | bytes]:
    """Receive the fields of a form. Raises InputError for what is none, or too large."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > 3 * LARGEST or "transfer-encoding" in request.headers:
        raise InputError("the form is too large", hint=f"A file has at most {LARGEST} bytes.")
    found: dict[str, str | bytes] = {}
    try:
        async with request.form(max_files=4, max_fields=20, max_part_size=LARGEST) as fields:
            for name, value in fields.items():
                if isinstance(value, UploadFile):
                    found[name] = raw = await value.read(LARGEST + 1)
                    if len(raw) > LARGEST:
                        raise InputError(f"a file has at most {LARGEST} bytes", hint="Choose another one.")
                else:
                    found[name] = value
    except HTTPException as exc:
        raise InputError("the form cannot be read", hint="Send it as multipart/form-data.") from exc
    return found


def _refuse(request: Request, status: int, said: str, hint: str) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": said, "hint": hint}, status)
    back = request.url.path.rpartition("/")[0] or "/"
    main = (
        f"<h1>Not done</h1><p>{text(said[:1].upper() + said[1:])}.</p><p>{text(hint)}</p>"
        f'<p><a href="{quote(back if back.startswith("/jobs/") else "/")}">Back</a></p>'
    )
    return HTMLResponse(still_page("Not done", main), status, HEADERS)
