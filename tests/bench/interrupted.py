"""Runs of ours that are no first and whole run: of a finished job, and behind a kill."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from contenders import clear, ours, ours_command
from courses import Course
from measuring import Cost, Failed, tail

SHARE = 0.8


def again(course: Course, out: Path, home: Path) -> Cost:
    """The same command once more behind a finished run."""
    return ours(course, out, home=home, is_fresh=False)


def after_kill(course: Course, out: Path, home: Path) -> Cost:
    """A fresh run, killed (SIGKILL) when 80 % of its picture is rendered; what the repeated command costs."""
    clear(out, home)
    home.mkdir()
    env = {**os.environ, "ASSEMBLER_HOME": str(home), "ASSEMBLER_CONFIG": os.devnull}
    log = out.with_suffix(".killed.log")
    with log.open("wb") as errors:
        child = subprocess.Popen(ours_command(course, out), stdout=errors, stderr=errors, env=env, cwd=out.parent)
        while child.poll() is None and _rendered(log) < SHARE:
            time.sleep(0.05)
        if child.poll() is not None:
            raise Failed(f"the run that was to be killed ended by itself: {tail(log)}")
        child.kill()
        child.wait()
    return ours(course, out, home=home, is_fresh=False)


def _rendered(log: Path) -> float:
    """The share of the picture that is rendered, as the run itself says."""
    share = 0.0
    for line in log.read_text("utf-8", "replace").splitlines():
        if line.startswith("{") and line.endswith("}"):
            event = json.loads(line)
            if event.get("task") == "render" and event.get("total"):
                share = event["done"] / event["total"]
    return share
