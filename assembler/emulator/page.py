"""The page of a stand-in: rooms, tasks, their states, and what was wrong with the last requests."""

from __future__ import annotations

from datetime import UTC, datetime

from assembler.emulator.cloud import APP, Cloud
from assembler.emulator.quirks import FAULTS, QUIRKS
from assembler.emulator.state import recorded
from assembler.emulator.task import Phase, Task
from assembler.report.markup import STYLE, document, facts, findings, source_of, table, text
from assembler.times import PlayMs, WallMs, clock_text

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {source_of(STYLE)}; img-src data:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of the page."""
_REFRESH = '<meta http-equiv="refresh" content="3">'


def page(cloud: Cloud) -> str:
    """Draw the page."""
    with cloud.lock:
        cloud.advance()
        tasks, asked, waiting = list(cloud.tasks.values())[::-1], list(cloud.asked), cloud.waiting
    setup = cloud.setup
    switched = [
        f"note: {text(name)}: {text({**QUIRKS, **FAULTS}[name])}" for name in sorted(setup.quirks | setup.faults)
    ]
    held = {
        (api, "after class" if later else "recordings"): url for (api, later), url in cloud.addresses.items() if url
    }
    about = facts(
        [
            ("SdkAppId", text(APP)),
            ("delays", text(f"{setup.speed:g} times as fast")),
            *((f"callbacks {api}, {what}", text(url)) for (api, what), url in held.items()),
            ("callbacks under way", text(len(waiting) or "")),
        ]
    )
    rows = [
        [text(task.room), f"<code>{text(task.id)}</code>", text(task.api), *_state(task, cloud.now())] for task in tasks
    ]
    requests = [
        [
            text(_clock(one.at)),
            text(one.api),
            text(one.what),
            f"<code>{text(one.task)}</code>" if one.task else "",
            _judged(one.problem),
        ]
        for one in asked
    ]
    main = (
        f"<h1>A stand-in for the recording cloud</h1>{about}{findings(switched) if switched else ''}<h2>Tasks</h2>"
        + (table(["room", "task", "API", "state", "recorded", "files", ""], rows) or "<p>None was started.</p>")
        + "<h2>Last requests and callbacks</h2>"
        + (table(["time", "API", "what", "task", "outcome"], requests) or "<p>Nobody asked for anything.</p>")
    )
    return document("recording cloud (stand-in)", main, STYLE, "", _REFRESH)


def _judged(problem: str) -> str:
    return f'<span class="failed">{text(problem)}</span>' if problem else '<span class="ok">ok</span>'


def _state(task: Task, now: WallMs) -> list[str]:
    until = task.changed(ended=task.ended or now)
    colour = "failed" if task.failure else "done" if task.phase is Phase.FINISHED else "running"
    end = task.failure.value[1] if task.failure else task.why
    length = clock_text(PlayMs(recorded(until)))
    return [f'<span class="state {colour}">{task.phase}</span>', text(length), text(len(task.files) or ""), text(end)]


def _clock(at: WallMs) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S UTC")
