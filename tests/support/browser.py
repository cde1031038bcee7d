"""A real browser without a window: Debian's chromium, told what to do through a pipe."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium")
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-default-apps", "--remote-debugging-pipe", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing leaves this machine
]  # fmt: skip
SECONDS = 20.0


class Browser:
    """One tab. ``requests``: every address it asked for; ``alerts``: what a script made it say."""

    def __init__(self, orders: int, answers: int) -> None:
        self._orders, self._answers = orders, answers
        self._rest, self._number, self._session = b"", 0, ""
        self.requests: list[str] = []
        self.alerts: list[str] = []
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for room in ("Page", "Network", "Runtime"):
            self.tell(f"{room}.enable")

    def tell(self, method: str, **values: Any) -> dict[str, Any]:
        """One order, and its answer."""
        self._number += 1
        order: dict[str, Any] = {"id": self._number, "method": method, "params": values}
        if self._session:
            order["sessionId"] = self._session
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        while True:
            heard = self._hear(SECONDS)
            assert heard is not None, f"{method} was not answered"
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                return dict(heard["result"])

    def _hear(self, seconds: float) -> dict[str, Any] | None:
        end = time.monotonic() + seconds
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            self._rest += os.read(self._answers, 1 << 20)
        raw, self._rest = self._rest.split(b"\0", 1)
        heard: dict[str, Any] = json.loads(raw)
        if heard.get("method") == "Network.requestWillBeSent":
            self.requests.append(heard["params"]["request"]["url"])
        if heard.get("method") == "Page.javascriptDialogOpening":
            self.alerts.append(heard["params"]["message"])
        return heard

    def open(self, url: str, *, width: int = 1280, script: bool = True, dark: bool = False) -> None:
        """Load a page, until it and all it asks for is there."""
        self.tell("Emulation.setScriptExecutionDisabled", value=not script)
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])
        told = self.tell("Page.navigate", url=url)
        assert "errorText" not in told, told
        self._loaded()

    def _loaded(self) -> bool:
        while (heard := self._hear(SECONDS)) is not None and heard.get("method") != "Page.loadEventFired":
            pass
        return heard is not None

    def type_in(self, where: str, text: str) -> None:
        """Write into the field that a selector names."""
        self.ask(f"void (document.querySelector({json.dumps(where)}).value = {json.dumps(text)})")

    def press(self, where: str) -> None:
        """Click with the mouse on what a selector names, and wait until the page it leads to is there."""
        self.ask(f"void document.querySelector({json.dumps(where)}).scrollIntoView({{block: 'center'}})")
        box = self.ask(f"document.querySelector({json.dumps(where)}).getBoundingClientRect().toJSON()")
        at = {"x": box["left"] + min(box["width"] / 2, 20), "y": box["top"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, **at, button="left", clickCount=1)
        assert self._loaded(), "it led nowhere"

    def choose_file(self, where: str, path: Path) -> None:
        """Choose a file in the field that a selector names."""
        root = self.tell("DOM.getDocument")["root"]["nodeId"]
        node = self.tell("DOM.querySelector", nodeId=root, selector=where)["nodeId"]
        self.tell("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def hurry(self) -> None:
        """What pages do every few seconds is done ten times as often."""
        source = "const wait = setInterval; window.setInterval = (act, ms) => wait(act, ms / 10);"
        self.tell("Page.addScriptToEvaluateOnNewDocument", source=source)

    def ask(self, expression: str) -> Any:
        """What an expression is worth in the page; a promise is waited for."""
        told = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    @property
    def text(self) -> str:
        """All that can be read."""
        return str(self.ask("document.body.innerText"))

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return int(self.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def wait_for(self, expression: str, seconds: float = 15) -> None:
        """Until it is so, by itself."""
        end = time.monotonic() + seconds
        while not self.ask(expression):
            assert time.monotonic() < end, f"{expression} never came true:\n{self.text}"
            time.sleep(0.1)

    def picture(self, path: Path) -> None:
        """The whole page as a PNG, for people."""
        size = self.tell("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(4000, size["height"]), "scale": 1}
        told = self.tell("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(told["data"]))


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser with a profile of its own; all of its processes end with the ``with``."""
    if PROGRAM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    taken, orders = os.pipe()
    answers, given = os.pipe()
    with tempfile.TemporaryDirectory(prefix="assembler-chromium-", ignore_cleanup_errors=True) as profile:
        line = f'exec "$@" 3<&{taken} 4>&{given}'
        command = ["bash", "-c", line, "-", PROGRAM, *FLAGS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            command, pass_fds=(taken, given), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True, env={**os.environ, "HOME": profile},
        )  # fmt: skip
        os.close(taken)
        os.close(given)
        try:
            yield Browser(orders, answers)
        finally:
            with suppress(OSError):
                os.write(orders, b'{"id": 0, "method": "Browser.close"}\0')
            os.close(orders)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(answers)
