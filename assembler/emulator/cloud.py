"""The stand-in itself: its tasks, callback addresses and what it was asked; all in memory."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import shutil
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assembler.cloud import Steer
from assembler.emulator.callbacks import SIGNED_SECONDS, Delivery, after, body_of, queued, send
from assembler.emulator.errors import Failure, Reason, Refused
from assembler.emulator.lesson import BUILT_IN, Lesson
from assembler.emulator.media import is_to_be_made, make_file, wanted_files
from assembler.emulator.state import advance, ask, finished
from assembler.emulator.task import Delays, File, Happening, Phase, Task, Wishes
from assembler.errors import MediaError
from assembler.times import WallMs
from assembler.values import Value

APP = 1400000001
"""SdkAppId of the only app."""
KEY = "practice"
"""Key of the app where none is given: nothing real is protected by it."""
MOST_RUNNING = 20
"""Maximum number of recordings at once."""
MOST_A_SECOND = 20
"""Maximum number of requests of one action within a second."""
SHOWN_REQUESTS = 100
"""Number of requests that are remembered for the page."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class Setup(Value):
    """Setup of a stand-in."""

    key: str = KEY
    """TicKey of generation 1 and SecretKey of generation 3."""
    speed: float = 60.0
    """Factor by which all delays are shortened; what happens in a room takes its own time."""
    lesson: Lesson = BUILT_IN
    """Script of every room."""
    quirks: frozenset[str] = frozenset()
    """Names of oddities."""
    faults: frozenset[str] = frozenset()
    """Names of faults."""
    refuse: str = ""
    """Code, of either generation, with which its requests are refused; "" for none."""
    folder: Path
    """Folder of the files."""
    ffmpeg: str
    """Path of the program."""


@dataclass(frozen=True)
class Asked:
    """One request or callback, for the page."""

    at: WallMs
    """Time."""
    api: str
    """Generation."""
    what: str
    """Path, action or event."""
    task: str
    """Task; "" where it names none."""
    problem: str
    """Description of what was wrong with it; "" where nothing was."""


@dataclass
class Cloud:
    """State of a stand-in."""

    setup: Setup
    """Setup."""
    now: Callable[[], WallMs]
    """Clock, in Unix ms."""
    tasks: dict[str, Task] = field(default_factory=dict)
    """Tasks by id."""
    addresses: dict[tuple[str, bool], str] = field(default_factory=dict)
    """Callback address of a generation, of recordings (False) and of files after class (True)."""
    keys: dict[bool, str] = field(default_factory=dict)
    """Callback keys of generation 3, in the same way."""
    waiting: tuple[Delivery, ...] = ()
    """Callbacks under way."""
    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=SHOWN_REQUESTS))
    """Last requests and callbacks."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Lock of all that changes."""
    _times: dict[str, deque[WallMs]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.delays = Delays().at_speed(self.setup.speed)

    # requests

    def start(self, api: str, base: str, room: int, group: str, user: str, wishes: Wishes) -> Task:
        """Start a recording. Raises Refused."""
        with self.lock:
            running = [task for task in self.tasks.values() if task.is_running and not task.is_offline]
            if any(task.user == user for task in running):
                raise Refused(Reason.USER_IN_USE)
            if len(running) >= MOST_RUNNING:
                raise Refused(Reason.TOO_MANY)
            now = self.now()
            task = Task(
                id=_fresh_id(), api=api, room=room, group=group, user=user, base=base, wishes=wishes,
                lesson=self.setup.lesson, due=WallMs(now + self.delays.prepare), seen=now,
                fails="start-fails" in self.setup.quirks,
            )  # fmt: skip
            self.tasks[task.id] = task
            return task

    def generate(self, api: str, base: str, wishes: Wishes, *, room: int = 0, group: str = "", task: str = "") -> Task:
        """Begin to make files after class, of a recording (``task``) or of a room. Raises Refused."""
        with self.lock:
            now = self.now()
            source = self.find(api, task) if task else None
            if source is not None and (source.is_offline or source.phase is not Phase.FINISHED):
                raise Refused(Reason.STATE, "files are made of a recording that is FINISHED")
            if source is None and any(
                one.room == room and one.phase is not Phase.FINISHED for one in self.tasks.values()
            ):
                raise Refused(Reason.ROOM_BUSY)
            made = Task(
                id=_fresh_id(), api=api, room=room, group=group, base=base, wishes=wishes, lesson=self.setup.lesson,
                source=task, phase=Phase.QUEUED, due=WallMs(now + self.delays.prepare), seen=now,
                began=WallMs(now - self.setup.lesson.length), ended=now,
            )  # fmt: skip
            if source is not None:
                held = {"room": source.room, "group": source.group, "began": source.began, "ended": source.ended}
                made = made.changed(**held, pauses=source.pauses)
            self.tasks[made.id] = made
            return made

    def steer(self, api: str, name: str, call: Steer) -> None:
        """Pause, resume or stop a recording. Raises Refused."""
        with self.lock:
            self.tasks[name] = ask(self.find(api, name), call, self.now(), self.delays)

    def find(self, api: str, name: str) -> Task:
        """Find a task of a generation, as it is now. Raises Refused where there is none."""
        with self.lock:
            self.advance()
            task = self.tasks.get(name)
            if task is None or task.api != api:
                raise Refused(Reason.NO_TASK)
            return task

    def count(self, action: str) -> None:
        """Count a request. Raises Refused where there were too many of its action within a second."""
        with self.lock:
            now, times = self.now(), self._times.setdefault(action, deque())
            while times and times[0] <= now - 1000:
                times.popleft()
            if len(times) >= MOST_A_SECOND:
                raise Refused(Reason.TOO_OFTEN)
            times.append(now)

    def refusal_v1(self) -> dict[str, object]:
        """Answer of generation 1 where it was told to refuse every request; {} where not."""
        code = self.setup.refuse
        is_number = code.lstrip("-").isdecimal()
        return {"error_code": int(code), "error_msg": "refused as told"} if is_number else {}

    def refusal_v3(self) -> dict[str, object]:
        """Answer of generation 3 in the same way."""
        code = self.setup.refuse
        is_code = code != "" and not code.lstrip("-").isdecimal()
        return {"Error": {"Code": code, "Message": "refused as told"}} if is_code else {}

    def remember(self, api: str, what: str, task: str, problem: str) -> None:
        """Keep a request for the page."""
        self.asked.appendleft(Asked(self.now(), api, what[:80], task[:64], problem[:300]))

    # time

    def advance(self) -> None:
        """Let happen what is due by now."""
        with self.lock:
            now = self.now()
            for name, task in list(self.tasks.items()):
                if task.over is not None and now >= task.over + self.delays.kept:
                    del self.tasks[name]
                    shutil.rmtree(self.setup.folder / name, ignore_errors=True)
                    continue
                self.tasks[name], told = advance(task, now, self.delays)
                self._tell(self.tasks[name], told)

    def make_files(self) -> None:
        """Make the files of every task whose time has come, one by one; it takes as long as it takes."""
        with self.lock:
            ready = [task for task in self.tasks.values() if is_to_be_made(task)]
        for task in ready:
            folder = self.setup.folder / task.id
            folder.mkdir(parents=True, exist_ok=True)
            problem = ""
            try:
                for wanted in wanted_files(task, self.setup.quirks):
                    file = make_file(wanted, folder, self.setup.ffmpeg)
                    with self.lock:
                        was = self.tasks[task.id]
                        self.tasks[task.id] = was.changed(files=(*was.files, file))
            except MediaError as exc:
                problem = exc.sentence
            self._finish(task.id, problem)

    def _finish(self, name: str, problem: str) -> None:
        with self.lock:
            task, told, now = self.tasks[name], list[Happening](), self.now()
            if not task.files and (task.is_offline or not task.wishes.later):
                task = task.changed(failure=Failure.NO_FILES, why="EXCEPTION")
            if problem:
                self.remember(task.api, "making files", name, problem)
            self.tasks[name] = finished(task, now, told)
            self._tell(self.tasks[name], told)

    # callbacks

    def _tell(self, task: Task, told: list[Happening]) -> None:
        url = self.addresses.get((task.api, task.is_offline), "")
        key = self.setup.key if task.api == "v1" else self.keys.get(task.is_offline, "")
        for one in told if url else ():
            address = self.past_address if "expired" in self.setup.faults else self.address
            body = body_of(task, one, address, self.setup.quirks, self.delays)
            if body:
                new = Delivery(
                    task=task.id, api=task.api, app=APP, event=one.event, body=body, url=url, key=key, due=one.at
                )
                self.waiting = queued(self.waiting, new, self.setup.faults, self.delays)

    def deliver(self) -> None:
        """Send the callbacks that are due, each once."""
        with self.lock:
            now = self.now()
            due = sorted(
                (one for one in self.waiting if one.due is not None and one.due <= now), key=lambda one: one.due or 0
            )
        for one in due:
            expiry = now // 1000 + SIGNED_SECONDS
            if one.signed is not None and "same-signature" in self.setup.quirks:
                expiry = one.signed
            problem = send(one, expiry)
            with self.lock:
                left = after(self.waiting, one, problem, self.now(), self.setup.speed)
                again = {"signed": expiry}
                self.waiting = tuple(
                    waits.model_copy(update=again) if waits.signed is None and waits.attempts else waits
                    for waits in left
                )
                self.remember(one.api, f"callback {one.event}", one.task, problem)

    # files

    def address(self, task: Task, file: File) -> str:
        """Address of a file, signed and valid for a while."""
        valid = self.delays.short if "expiring-urls" in self.setup.quirks else self.delays.kept
        return self._signed(task, file, self.now() + valid)

    def past_address(self, task: Task, file: File) -> str:
        """Address of a file whose time is over."""
        return self._signed(task, file, self.now() - 1000)

    def _signed(self, task: Task, file: File, until: int) -> str:
        path = f"/files/{task.id}/{file.name}"
        return f"{task.base}{path}?t={until}&sign={self._sign_of(path, str(until))}"

    def _sign_of(self, path: str, until: str) -> str:
        return hmac.new(self.setup.key.encode(), f"{path} {until}".encode(), hashlib.sha256).hexdigest()

    def find_file(self, task: str, name: str, query: dict[str, str]) -> Path | str:
        """Find a file on disk, or say why it is not given."""
        until, path = query.get("t", ""), f"/files/{task}/{name}"
        if not hmac.compare_digest(query.get("sign", "").encode(), self._sign_of(path, until).encode()):
            return "the address is not signed by this stand-in"
        if int(until) <= self.now():
            return "the address has expired"
        with self.lock:
            held = self.tasks.get(task)
        if held is None or name not in {file.name for file in held.files}:
            return "there is no such file, or it was deleted"
        return self.setup.folder / task / name


def _fresh_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(20))
