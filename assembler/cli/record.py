"""The verbs that talk to the recording cloud: flags in, exit code out."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assembler.cli.record_flags import (
    SECRET_FILE,
    Board,
    Concat,
    DryRun,
    Generation,
    Group,
    InitParam,
    Mix,
    More,
    Offline,
    Task,
    Teacher,
    further_fields,
    read_text,
    stream_fields,
)  # fmt: skip
from assembler.cli.verb import verb
from assembler.cloud import Api, Kind, Steer
from assembler.errors import InputError, NotFinished
from assembler.options import Options, load_options

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from assembler.cloud.client import Answer, Cloud, Request
    from assembler.recording import Recording


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _kind(offline: bool) -> Kind:
    return Kind.OFFLINE if offline else Kind.ONLINE


def _cloud(options: Options, api: Api | None) -> AbstractContextManager[Cloud]:
    from assembler.cloud.choose import open_cloud

    return open_cloud(options, api)


def _send(cloud: Cloud, request: Request, dry_run: bool) -> Answer | None:
    """The answer; None after a dry run."""
    if not dry_run:
        return cloud.send(request)
    print(request.described())
    return None


@verb
def start(
    room: Annotated[int, typer.Argument(help="Number of the room to record.", metavar="ROOM")],
    group: Group = None,
    user_id: Annotated[
        str | None, typer.Option("--user-id", help="Recorder's user, tic_record_user_ROOM_...; a new one if not given.")
    ] = None,
    user_sig: Annotated[
        Path | None, typer.Option("--user-sig", help=f"Its UserSig: {SECRET_FILE}.", metavar="FILE")
    ] = None,
    board: Board = None,
    init_param: InitParam = None,
    concat: Concat = False,
    mix: Mix = None,
    teacher: Teacher = None,
    auto_stop: Annotated[
        int | None,
        typer.Option("--auto-stop", help="Seconds without media until it ends by itself (v3).", min=300, max=86400),
    ] = None,
    more: More = None,
    api: Generation = None,
    dry_run: DryRun = False,
) -> int:
    """Start a recording; prints its task id, and nothing else, on standard output."""
    from assembler.cloud.bodies import Start, checked
    from assembler.cloud.recorder import recorder_of

    options = load_options()
    with _cloud(options, api) as cloud:
        given = {"room_id": room, "group_id": group, "auto_stop_timeout": auto_stop}
        fields = stream_fields(board, init_param, concat, mix, teacher)
        recorder = recorder_of(options, room, user_id, None if user_sig is None else read_text(user_sig))
        answer = _send(
            cloud, cloud.start(checked(Start, {**given, **recorder, **fields, **further_fields(more)})), dry_run
        )
    if answer is not None:
        print(answer.task)
    return 0


def _steer(how: Steer, task: str, api: Api | None, dry_run: bool) -> int:
    with _cloud(load_options(), api) as cloud:
        if _send(cloud, cloud.steer(how, task), dry_run) is not None:
            _say(f"task {task}: {how} was taken; it takes effect in about 2 s")
    return 0


@verb
def stop(task: Task, api: Generation = None, dry_run: DryRun = False) -> int:
    """End a recording; its files are made after that: `assembler fetch TASK --wait`."""
    return _steer(Steer.STOP, task, api, dry_run)


@verb
def pause(task: Task, api: Generation = None, dry_run: DryRun = False) -> int:
    """Pause a recording; what happens until `record resume` is not in it."""
    return _steer(Steer.PAUSE, task, api, dry_run)


@verb
def resume(task: Task, api: Generation = None, dry_run: DryRun = False) -> int:
    """Go on with a paused recording."""
    return _steer(Steer.RESUME, task, api, dry_run)


@verb
def query(
    task: Task,
    offline: Offline = False,
    api: Generation = None,
    dry_run: DryRun = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer, without signatures of addresses.")] = False,
) -> int:
    """The state of a task in one word: PREPARED, RECORDING, PAUSED, STOPPED, FINISHED."""
    from assembler.cloud.fetch import ask

    with _cloud(load_options(), api) as cloud:
        if dry_run:
            print(cloud.query(task, _kind(offline)).described())
            return 0
        result = ask(cloud, task, _kind(offline))
    if result.problem is not None and not isinstance(result.problem, NotFinished):
        raise result.problem
    print(json.dumps(result.answer.values, ensure_ascii=False) if as_json else result.state)
    return 0


@verb
def set_callback(
    url: Annotated[
        str | None, typer.Argument(help="Address that gets the vendor's callbacks; shown if not given (v3).")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the address.")] = False,
    key: Annotated[
        Path | None,
        typer.Option("--key", help=f"Key that signs callbacks (v3): {SECRET_FILE}, empty to delete.", metavar="FILE"),
    ] = None,
    offline: Offline = False,
    api: Generation = None,
    dry_run: DryRun = False,
) -> int:
    """Set, delete or show the callback address of the app, and the key of its callbacks."""
    if delete and url:
        raise InputError("an address cannot be set and deleted at once", hint="Leave out one of the two.")
    with _cloud(load_options(), api) as cloud:
        kind = _kind(offline)
        if key is not None:
            _send(cloud, cloud.set_callback_key(read_text(key), kind), dry_run)
        if url is not None or delete:
            _send(cloud, cloud.set_callback(url or "", kind), dry_run)
        if url is None and not delete and key is None:
            answer = _send(cloud, cloud.show_callback(kind), dry_run)
            if answer is not None:
                if address := answer.text("Callback"):
                    print(address)
                else:
                    _say("no address is set")
                _say("a key is set" if answer.text("CallbackKey") else "no key is set")
    return 0


@verb
def running(api: Generation = None, dry_run: DryRun = False) -> int:
    """All recordings of the app that are under way (v3)."""
    seen = 0
    with _cloud(load_options(), api) as cloud:
        while (answer := _send(cloud, cloud.running(seen), dry_run)) is not None:
            tasks = answer.values.get("Tasks")
            rows = [row for row in tasks if isinstance(row, dict)] if isinstance(tasks, list) else []
            for row in rows:
                print("  ".join(str(row.get(name) or "-") for name in ("TaskID", "RoomID", "Status", "CreateTime")))
            seen += len(rows)
            if not rows or seen >= int(answer.text("Total") or 0):
                break
    return 0


@verb
def generate(
    task: Annotated[str | None, typer.Argument(help="Recording task to make files of (v3).", metavar="TASK")] = None,
    room: Annotated[int | None, typer.Option("--room", help="Room to make files of, from its messages (v1).")] = None,
    more: More = None,
    api: Generation = None,
    dry_run: DryRun = False,
) -> int:
    """Have files made after class; prints the id of that task, to `fetch` with --offline."""
    from assembler.cloud.bodies import Generation as Body
    from assembler.cloud.bodies import checked

    given = {"online_record_task_id": task, "room_id": room}
    with _cloud(load_options(), api) as cloud:
        answer = _send(cloud, cloud.generate(checked(Body, {**given, **further_fields(more)})), dry_run)
    if answer is not None:
        print(answer.task)
    return 0


@verb
def fetch(
    task: Task,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for the result; TASK.json if not given.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Ask until it is there, and show its state.")] = False,
    every: Annotated[
        float, typer.Option("--every", help="Seconds between the first questions; later ones are rarer.", min=0.01)
    ] = 5.0,
    offline: Offline = False,
    api: Generation = None,
) -> int:
    """Get the result of a recording, for `assembler run`, as the vendor sends it."""
    from assembler.cloud.bodies import check_task
    from assembler.cloud.fetch import ask
    from assembler.cloud.fetch import wait as wait_for
    from assembler.workspace import write_whole

    path = out or Path(f"{check_task(task)}.json")
    _check_place(path, task)
    with _cloud(load_options(), api) as cloud:
        kind = _kind(offline)
        result = wait_for(cloud, task, kind, _say, every=every) if wait else ask(cloud, task, kind)
    if isinstance(result.problem, NotFinished):
        raise result.problem
    write_whole(path, result.answer.raw)  # also where there is none to make: it says why
    if result.problem is not None:
        raise result.problem
    print(path)
    return 0


def _check_place(path: Path, task: str) -> None:
    """Check before the wait that the result can be written, over an earlier answer of the API and nothing else."""
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.absolute().parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a plain file", hint=f"Name a file, such as {task}.json.")
        lying = path.read_bytes() if path.exists() else b'"error_code"'
    except OSError as exc:
        raise InputError(f"{path} cannot be written: {exc.strerror}", hint="Name a file elsewhere with -o.") from exc
    if not any(mark in lying for mark in (task.encode(), b'"error_code"', b'"RequestId"')):
        raise InputError(f"{path} is there and is not an answer of the vendor's API", hint="Name another file with -o.")


def fetch_recordings(tasks: list[str], api: Api | None, options: Options) -> list[Recording]:
    """The finished recordings of these tasks. Raises NotFinished where one is not over, with how to wait for it."""
    from assembler.cloud.fetch import ask

    found: list[Recording] = []
    with _cloud(options, api) as cloud:
        for task in tasks:
            result = ask(cloud, task)
            if isinstance(result.problem, NotFinished):
                wait = f"assembler fetch {task} --wait{f' --api {api}' if api else ''}"
                result.problem.hint = f"`{wait}` asks until it is; then `assembler run {task}.json`."
            if result.problem is not None:
                raise result.problem
            found += [result.recording] if result.recording is not None else []
    return found
