"""The vendor's callbacks over HTTP, and pages for people. The only module that imports FastAPI.

Whoever may send callbacks from outside needs /callback only; the pages ask for a token (``login``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import ClientDisconnect

from assembler.dialects.systems.signatures import read_headers
from assembler.errors import AssemblerError, JobError
from assembler.jobs.class_cards import put_card
from assembler.jobs.intake.bodies import Body, Turned
from assembler.jobs.intake.check_callback import Judged, judge, kept
from assembler.jobs.intake.intake import SPOOLED, spool_folder
from assembler.jobs.retention import keep_of, remove_old
from assembler.jobs.store.records import now
from assembler.jobs.web import acts, job_page, published_files, status_page
from assembler.jobs.web.acts import TOLD
from assembler.jobs.web.callback_writer import CallbackWriter
from assembler.jobs.web.keys import Keys
from assembler.jobs.web.list_page import Asked, list_page
from assembler.jobs.web.listener import LOOPBACK, Gate, Seldom, listen_at, page_hosts, serve_at
from assembler.jobs.web.login import REFUSED, Login
from assembler.jobs.web.look import look
from assembler.jobs.web.metrics import Metrics
from assembler.jobs.web.prune_page import prune_page
from assembler.jobs.web.put_result import is_authorized, judge_card, judge_result
from assembler.jobs.web.refusal_writer import Refusals
from assembler.jobs.web.request_bodies import SMALL, Inbox, Refusal
from assembler.jobs.worker.ask_vendor import asking
from assembler.jobs.worker.send_notices import telling
from assembler.jobs.worker.supervisor import supervise
from assembler.options import Options

ACCEPTED = {"error_code": 0}
"""Answer that the vendor wants to read; anything else makes it send again."""
MOST_AT_ONCE = 64
"""Maximum number of callbacks that are judged and stored at the same time; others wait."""
LARGE_AT_ONCE = 2
"""Maximum number of large ones among them: reading one takes long, and real ones, which are small, do not wait for
it."""


def make_app(options: Options, *, workers: int, say: Callable[[str], None], host: str = LOOPBACK[0]) -> FastAPI:
    """The application; its workers live as long as it does."""
    keys, doorway = Keys(options), CallbackWriter(options, say)
    metrics = Metrics(options, doorway.records, lambda: _spooled(options))
    refusals = Refusals(doorway.records, say)
    threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="callback")
    large = ThreadPoolExecutor(LARGE_AT_ONCE, thread_name_prefix="large")
    inbox, seldom = Inbox(), Seldom()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        answering, working = telling(options, doorway.records), supervise(workers, options, say)
        asked = asking(options, doorway.records, doorway.engine, say)
        with threads, large, doorway.open(), refusals.open(), answering, asked, working:
            yield

    app = FastAPI(title="assembler", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Login, options=options, host=host)
    app.add_middleware(Gate, hosts=page_hosts(host, options.public_hosts))

    def decide(raw: bytes, query: dict[str, str]) -> Judged:
        judged = judge(raw, query, keys, now())
        if judged.status == 200:
            return _store(Body(raw, judged.app, "callback", now()), judged, doorway, say)
        refusals.put(Turned(raw, judged.status, judged.reason, kept(query), now()))
        return judged

    @app.post("/callback")
    @app.post("/callback/")  # a redirection would not be followed
    async def callback(request: Request) -> Response:
        try:
            raw = await inbox.receive(request.stream())
        except ClientDisconnect:
            if seldom.is_due("broken off"):
                say("warning: a callback was broken off by its sender, or came too slowly: nothing of it is kept")
            return _answer(Judged(499, "broken off", None))
        except Refusal as exc:
            return _answer(exc.judged)
        sender = {**request.query_params, **read_headers(request.headers)}
        with metrics.seconds.time():
            pool = threads if len(raw) <= SMALL else large
            loop = asyncio.get_running_loop()
            judged = await loop.run_in_executor(pool, decide, raw, sender)
        return _answer(judged)

    def _answer(judged: Judged) -> Response:
        metrics.answered(judged)
        if judged.status == 200:
            return JSONResponse(ACCEPTED)
        return JSONResponse({"error_code": judged.status, "error_msg": judged.reason}, judged.status)

    _add_pages(app, options, doorway, metrics)
    if options.api_token is not None:
        _add_results(app, options, inbox, doorway, say)
    return app


def _store(body: Body, judged: Judged, doorway: CallbackWriter, say: Callable[[str], None]) -> Judged:
    """Store a body that was judged well; one that could be stored nowhere is to be sent again."""
    try:
        doorway.store(body)
    except AssemblerError as exc:
        say(f"error: a body from {body.source} could be stored nowhere: {exc.sentence}")
        return judged._replace(status=503, reason="it could not be stored: send it again")
    return judged


def _add_results(
    app: FastAPI, options: Options, inbox: Inbox, doorway: CallbackWriter, say: Callable[[str], None]
) -> None:
    """Take results from those who poll the vendor themselves, and class cards; without a token there are no such
    addresses."""

    def decide(raw: bytes, task: str) -> Judged:
        judged = judge_result(raw, task)
        return judged if judged.status != 202 else _store(Body(raw, None, "api", now()), judged, doorway, say)

    async def received(task: str, request: Request, act: Callable[[bytes, str], Judged]) -> Judged:
        try:
            if not is_authorized(request.headers.get("authorization"), options):
                raise Refusal(401, "the token is missing or wrong: send Authorization: Bearer TOKEN")
            raw = await inbox.receive(request.stream())
            return await asyncio.get_running_loop().run_in_executor(None, act, raw, task)
        except ClientDisconnect:
            return Judged(499, "broken off", None)
        except Refusal as exc:
            return exc.judged

    @app.put("/tasks/{task}/result")
    async def put_result(task: str, request: Request) -> Response:
        return _told(task, await received(task, request, decide))

    def take(raw: bytes, task: str) -> Judged:
        card, judged = judge_card(raw)
        if card is not None:
            put_card(doorway.records(), doorway.engine(), options, task, card)
        return judged

    @app.put("/tasks/{task}/class")
    async def put_class(task: str, request: Request) -> Response:
        return _told(task, await received(task, request, take))


def _told(task: str, judged: Judged) -> Response:
    content = {"task": task, "status": "stored"} if judged.status == 202 else {"error": judged.reason}
    headers = {"WWW-Authenticate": "Bearer"} if judged.status == 401 else None
    return JSONResponse(content, judged.status, headers)


def _spooled(options: Options) -> int:
    return sum(1 for _ in spool_folder(options).glob(f"*{SPOOLED}"))


def _add_pages(app: FastAPI, options: Options, doorway: CallbackWriter, metrics: Metrics) -> None:
    @app.exception_handler(JobError)
    async def away(_: Request, exc: JobError) -> Response:
        return JSONResponse({"error": exc.sentence.partition(": ")[0]}, 503)  # what follows names hosts

    @app.api_route("/healthz", methods=["GET", "HEAD"])
    def healthz() -> Response:
        database, refused = "ok", {} if doorway.is_storing() else {"callbacks": "refused"}
        try:
            doorway.records().find_job("")  # any question that costs nothing
        except JobError:
            database = "away"
        is_well = database == "ok" and not refused
        answer = {
            "status": "ok" if is_well else "degraded",
            "database": database,
            "spooled": _spooled(options),
            **refused,
        }
        return JSONResponse(answer, 200 if is_well else 503)

    @app.api_route("/metrics", methods=["GET", "HEAD"])
    def figures() -> Response:
        return Response(metrics.write(), media_type=CONTENT_TYPE_LATEST)

    @app.api_route("/", methods=["GET", "HEAD"])
    def status(request: Request) -> Response:
        asked = Asked(**{name: request.query_params.get(name, "") for name in Asked._fields})
        seen = look(doorway.records(), asked, request.query_params, now())
        return HTMLResponse(list_page(seen, asked, now(), request.state.session), headers=status_page.HEADERS)

    @app.api_route("/jobs/{name}", methods=["GET", "HEAD"])
    def one(name: str, request: Request) -> Response:
        records = doorway.records()
        job = records.find_job(name.removesuffix(".json"))
        if job is None:
            return HTMLResponse(status_page.absent_page(name), 404, headers=status_page.HEADERS)
        if name.endswith(".json"):
            log = [{"at": at, "sentence": sentence} for at, sentence in records.log_of(job.id)]
            return JSONResponse({**status_page.plain(job), "log": log})
        said = TOLD.get(request.query_params.get("told", ""), "")
        html = job_page.write_job(records, job, options, now(), request.state.session, said)
        return HTMLResponse(html, headers=status_page.HEADERS)

    @app.api_route("/prune", methods=["GET", "HEAD"])
    def prune(request: Request) -> Response:
        keep = keep_of(options)
        removed = remove_old(doorway.records(), doorway.engine(), options, keep, is_dry=True)
        said = TOLD.get(request.query_params.get("told", ""), "")
        return HTMLResponse(prune_page(keep, removed, said, request.state.session), headers=status_page.HEADERS)

    _add_acts(app, options, doorway)
    _add_files(app, options, doorway)


def _add_acts(app: FastAPI, options: Options, doorway: CallbackWriter) -> None:
    """Take what the buttons of the pages send."""

    @app.post("/jobs/{name}/retry")
    async def retry(name: str, request: Request) -> Response:
        return await acts.answer(
            request, lambda form, by: acts.retry(doorway.records(), doorway.engine(), options, name, form, by)
        )

    @app.post("/jobs/{name}/cancel")
    async def cancel(name: str, request: Request) -> Response:
        return await acts.answer(request, lambda form, by: acts.cancel(doorway.records(), doorway.engine(), name, by))

    @app.post("/results")
    async def hand_in(request: Request) -> Response:
        return await acts.answer(request, lambda form, by: acts.hand_in(doorway.records(), doorway.engine(), form, by))

    @app.post("/prune")
    async def prune(request: Request) -> Response:
        return await acts.answer(request, lambda _, by: acts.prune(doorway.records(), doorway.engine(), options, by))

    @app.post("/refused/take")
    async def take(request: Request) -> Response:
        return await acts.answer(
            request, lambda form, by: acts.take(doorway.records(), doorway.engine(), Keys(options), form, by)
        )


def _add_files(app: FastAPI, options: Options, doorway: CallbackWriter) -> None:
    """Serve what a job published, at addresses that are to each other as the files are: the report finds its video."""

    def serve(name: str, write: Callable[[published_files.Published], Response | None]) -> Response:
        job = doorway.records().find_job(name)
        if job is None:
            return HTMLResponse(status_page.absent_page(name), 404, headers=status_page.HEADERS)
        files = published_files.find_published(job, options)
        answer = write(files) if files is not None else None
        return answer or HTMLResponse(status_page.no_file_page(job), 404, headers=status_page.HEADERS)

    def give(name: str, which: Callable[[published_files.Published], Path | None], media_type: str) -> Response:
        headers = published_files.headers(is_report=media_type.startswith("text/html"))

        def write(files: published_files.Published) -> Response | None:
            path = which(files)
            return None if path is None else FileResponse(path, media_type=media_type, headers=headers)

        return serve(name, write)

    @app.api_route("/jobs/{name}/watch", methods=["GET", "HEAD"])
    def to_watch(name: str) -> Response:
        return RedirectResponse(f"{published_files.ASSETS}/{published_files.WATCH}", 302)

    @app.api_route(f"/jobs/{{name}}/{published_files.ASSETS}/{published_files.WATCH}", methods=["GET", "HEAD"])
    def watch(name: str) -> Response:
        def write(files: published_files.Published) -> Response | None:
            page = published_files.draw_watch_page(files)
            return None if page is None else HTMLResponse(page, headers=published_files.watch_headers())

        return serve(name, write)

    @app.api_route("/jobs/{name}/report", methods=["GET", "HEAD"])
    def to_report(name: str) -> Response:
        return RedirectResponse(f"{published_files.ASSETS}/{published_files.REPORT}", 302)

    @app.api_route(f"/jobs/{{name}}/{published_files.ASSETS}/{published_files.REPORT}", methods=["GET", "HEAD"])
    def report(name: str) -> Response:
        return give(name, lambda files: files.report, "text/html; charset=utf-8")

    @app.api_route(f"/jobs/{{name}}/{published_files.ASSETS}/{published_files.MANIFEST}", methods=["GET", "HEAD"])
    def manifest(name: str) -> Response:
        return give(name, lambda files: files.manifest, "application/json")

    @app.api_route(f"/jobs/{{name}}/{published_files.ASSETS}/{{path:path}}", methods=["GET", "HEAD"])
    def asset(name: str, path: str) -> Response:
        return give(name, lambda files: published_files.find_asset(files, path), published_files.kind_of(path))

    @app.api_route("/jobs/{name}/video", methods=["GET", "HEAD"])
    @app.api_route(f"/jobs/{{name}}/{published_files.FILE}", methods=["GET", "HEAD"])
    def video(name: str) -> Response:
        return give(name, lambda files: files.video, "video/mp4")


def run_server(
    options: Options, *, host: str, port: int, workers: int, insecure: bool, say: Callable[[str], None]
) -> int:
    """Serve until told to stop. Raises JobError where there is no key and that was not asked for."""
    if not Keys(options) and not insecure:
        raise JobError(
            "there is no key to check callbacks with: anybody could start jobs",
            hint="Set ASSEMBLER_CALLBACK_KEY (or your system's own) to the key set at the vendor, or add --insecure.",
        )
    app = make_app(options, workers=workers, say=say, host=host)
    with listen_at(host, port) as door:
        say(f"http://{host}:{port}/ shows the jobs; callbacks go to /callback")
        if options.page_token is None:
            say(f"warning: {REFUSED}")
        return 0 if serve_at(door, app) else JobError.exit_code
