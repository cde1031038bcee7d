"""The live demo: a class recorded by the stand-in, driven through its API, and assembled by a server of our own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from assembler.cloud import Api, Kind, Steer
from assembler.cloud.bodies import Start
from assembler.cloud.choose import open_cloud
from assembler.cloud.client import Cloud as Client
from assembler.cloud.recorder import recorder_of
from assembler.emulator.app import serving, serving_app
from assembler.emulator.cloud import APP, KEY, Cloud, Setup
from assembler.errors import JobError, MediaError
from assembler.jobs.publishing import check_ready
from assembler.jobs.store.database import open_database
from assembler.jobs.store.model import Job, JobState
from assembler.jobs.store.records import Records
from assembler.jobs.web.app import make_app
from assembler.jobs.web.listener import listen_at
from assembler.jobs.worker.supervisor import LOG
from assembler.media.ffmpeg import find_ffmpeg
from assembler.options import Options, load_options
from assembler.times import WallMs, clock_text

HOST = "127.0.0.1"
"""Address of both servers."""
ROOM = 880528
"""Number of the room."""
STORY = (
    (3.5, None, "a student has joined late"),
    (6.0, None, "the teacher shares the screen"),
    (12.0, Steer.PAUSE, "the teacher pauses the recording"),
    (15.0, Steer.RESUME, "and goes on"),
    (19.0, Steer.STOP, "the class is over"),
)
"""(Seconds from the start, request that is sent then, words), along the built-in lesson."""
PATIENCE_SECONDS = 300
"""Maximum time from the end of the class to the end of the job, in s."""
LOOK_SECONDS = 0.3
"""Time between two looks at the job, in s."""
ENDED = (JobState.DONE, JobState.FAILED, JobState.POISON)
"""States in which a job stays."""


def show_live(folder: Path, options: Options, say: Callable[[str], None]) -> Path:
    """Show the whole life of a class: recorded, called back, assembled and published; the playback.

    ``folder`` takes everything, the jobs' home too. Raises AssemblerError where the job fails or takes too long.
    """
    check_ready(options)
    folder = folder.absolute()
    log = folder / "home" / LOG

    def warn(sentence: str) -> None:
        if sentence.startswith("warning"):
            say(f"{sentence} (see {log})")

    try:
        (folder / "cloud").mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    except OSError as exc:
        raise MediaError(f"the folder {folder} cannot be made: {exc.strerror}", hint="Name another with -o.") from exc
    setup = Setup(speed=10, folder=folder / "cloud", ffmpeg=find_ffmpeg(options.ffmpeg).path)
    with ExitStack() as ends:
        cloud = Cloud(setup, lambda: WallMs(time.time_ns() // 1_000_000))
        cloud_url = ends.enter_context(serving(cloud, ends.enter_context(listen_at(HOST, 0)), HOST))
        ends.enter_context(_environment(_settings(folder, cloud_url)))
        own = load_options()
        door = ends.enter_context(listen_at(HOST, 0))
        server_url = f"http://{HOST}:{door.getsockname()[1]}"
        say(f"{server_url}/ is the status page, as long as this runs; {cloud_url}/ is the cloud's side.\n")
        ends.enter_context(serving_app(make_app(own, workers=1, say=warn, host=HOST), door, HOST))
        client = ends.enter_context(open_cloud(own, Api.V1))
        task = _hold_class(client, own, f"{server_url}/callback", say)
        records = Records(open_database(own))
        ends.callback(records.close)
        return _await_playback(records, task, server_url, say, log)


def _settings(folder: Path, cloud_url: str) -> dict[str, str]:
    """Settings of the server, its worker and the client: a home of their own, and the stand-in's keys."""
    return {
        "ASSEMBLER_HOME": str(folder / "home"),
        "ASSEMBLER_OUTPUT": str(folder / "playbacks"),
        "ASSEMBLER_ALLOW_HOSTS": HOST,
        "ASSEMBLER_CLOUD_BASE": cloud_url,
        "ASSEMBLER_SDK_APP_ID": str(APP),
        "ASSEMBLER_TICKEY": KEY,
        "ASSEMBLER_CALLBACK_KEY": KEY,
        "ASSEMBLER_USERSIG_KEY": KEY,
    }


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set variables until the ``with`` is left; the worker's process has them from us."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _hold_class(client: Client, options: Options, callback: str, say: Callable[[str], None]) -> str:
    """Record the class, saying what happens; its task."""
    client.send(client.set_callback(callback, Kind.ONLINE))
    say(f"$ assembler record set-callback {callback}")
    start = Start.model_validate({"room_id": ROOM, **recorder_of(options, ROOM, None, None)})
    task = client.send(client.start(start)).task
    begun = time.monotonic()
    say(f"$ assembler record start {ROOM}\n{task}")
    for second, steer, words in STORY:
        time.sleep(max(0.0, begun + second - time.monotonic()))
        if steer is not None:
            client.send(client.steer(steer, task))
        typed = f"   $ assembler record {steer.value} {task}" if steer is not None else ""
        say(f"{second:5.1f} s  {words}{typed}")
    return task


def _await_playback(records: Records, task: str, url: str, say: Callable[[str], None], log: Path) -> Path:
    begun, before = time.monotonic(), ""
    while time.monotonic() < begun + PATIENCE_SECONDS:
        job = next((job for job in records.list_jobs() if job.task == task), None)
        words = _words(job)
        if words != before:
            say(f"{time.monotonic() - begun:5.1f} s after class: {words}")
            before = words
        if job is not None and job.state is JobState.DONE:
            say(f"\n{url}/jobs/{job.id} shows the job. What was made:\n{job.output}")
            return Path(job.output)
        if job is not None and job.state in ENDED:
            raise JobError(f"the class of the demo failed: {job.reason}", hint="Run `assembler doctor`.")
        time.sleep(LOOK_SECONDS)
    raise JobError(f"no playback within {clock_text(PATIENCE_SECONDS * 1000)}", hint=f"Look at {log}.")


def _words(job: Job | None) -> str:
    if job is None:
        return "the cloud makes its files; the callback is still to come"
    return f"job {job.state.value}" + (f", {job.step}" if job.step and job.state is JobState.RUNNING else "")
