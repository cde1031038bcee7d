"""A page with a video in a real browser: served with ranges, sought, and looked at."""

from __future__ import annotations

import base64
from pathlib import Path

from browser import Browser
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.utils import send_file

PAGE = """<!doctype html><meta charset="utf-8"><video muted preload="auto"></video>%s<script>
const video = document.querySelector("video");
%s
function take() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL().split(",")[1];
}
</script>"""


def open_video(browser: Browser, httpserver: HTTPServer, folder: Path, script: str, more: str = "") -> None:
    """Serve the files of a folder and open a page in it; ``script`` gives ``video`` something to play."""
    (folder / "page.html").write_text(PAGE % (more, script))

    def answer(request: Request) -> Response:
        return send_file(folder / Path(request.path).name, request.environ, conditional=True)

    for path in folder.iterdir():
        httpserver.expect_request(f"/{path.name}").respond_with_handler(answer)
    browser.open(httpserver.url_for("/page.html").replace("localhost", "127.0.0.1"))


def seek(browser: Browser, second: float) -> None:
    browser.ask(f"new Promise(done => {{ video.onseeked = done; video.currentTime = {second} }})")


def take_picture(browser: Browser, png: Path) -> Path:
    """What the video shows, as a file."""
    png.write_bytes(base64.b64decode(browser.ask("take()")))
    return png
