"""The package for streaming as a browser plays it: by hls.js, the usual player of web pages, in Chromium."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from browser import browsing
from classes import Class, Stream
from pytest_httpserver import HTTPServer
from readers import read_all
from synthetic import Recipe
from werkzeug import Request, Response
from werkzeug.utils import send_file

from assembler.recording import StreamKind
from assembler.workspace import assets_of

HLS_JS = Path(os.environ.get("HLS_JS") or "node_modules/hls.js/dist/hls.min.js")
SECONDS, GOP = 9, 15
SHARE = Class([Stream("s1", StreamKind.SCREEN, "ann", 0, Recipe(identity="red", seconds=SECONDS, fps=15, gop=GOP))])
CUES = [("00:00:01.000", "00:00:02.000", "one <b>"), ("00:00:07.000", "00:00:08.500", "two")]
PAGE = """<!doctype html><meta charset="utf-8"><video muted></video><script src="hls.min.js"></script><script>
const video = document.querySelector("video"), hls = new Hls(), wrong = [];
hls.on(Hls.Events.ERROR, (_, error) => wrong.push(error.details));
hls.attachMedia(video);
hls.loadSource("master.m3u8");
function take() {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL().split(",")[1];
}
</script>"""


def test_hls_js_plays_every_part_and_shows_the_captions(
    tmp_path: Path, bundled_ffmpeg: str, httpserver: HTTPServer
) -> None:
    if not HLS_JS.exists():
        pytest.skip("hls.js is not installed: npm install --no-save hls.js (or name its hls.min.js in HLS_JS)")
    cues = "\n\n".join(f"{start} --> {end}\n{text.replace('<', '&lt;')}" for start, end, text in CUES)
    (tmp_path / "c.vtt").write_text(f"WEBVTT\n\n{cues}\n")
    made = SHARE.assemble(
        tmp_path,
        bundled_ffmpeg,
        layout="stage",
        also=("hls",),
        captions=str(tmp_path / "c.vtt"),
        home=tmp_path / "home",
    )
    folder = assets_of(made.path) / "hls"
    assert (folder / "video.m3u8").read_text().count("#EXTINF") == 2
    shutil.copy(HLS_JS, folder / "hls.min.js")
    (folder / "page.html").write_text(PAGE)

    def answer(request: Request) -> Response:
        return send_file(folder / Path(request.path).name, request.environ, conditional=True)

    for name in (path.name for path in folder.iterdir()):
        httpserver.expect_request(f"/{name}").respond_with_handler(answer)
    views = {"share": (0, 0, 320, 240)}
    with browsing() as browser:
        browser.open(httpserver.url_for("/page.html").replace("localhost", "127.0.0.1"))
        browser.wait_for("video.readyState >= 3 && hls.subtitleTracks.length == 1")
        assert browser.ask("video.duration") == pytest.approx(SECONDS, abs=0.001)
        for second in (7.55, 0.55):  # the last part first
            browser.ask(f"new Promise(done => {{ video.onseeked = done; video.currentTime = {second} }})")
            (tmp_path / "seen.png").write_bytes(base64.b64decode(browser.ask("take()")))
            (row,) = read_all(tmp_path / "seen.png", views)
            assert (row.seen["share"].identity, row.seen["share"].counter) == ("red", int(second * 15))
        browser.ask("void (hls.subtitleTrack = 0)")
        shown = "[...video.textTracks[0].cues].map(cue => cue.getCueAsHTML().textContent)"
        browser.wait_for(f"video.textTracks.length && video.textTracks[0].cues && {shown}.length == 2")
        assert browser.ask(shown) == [text for _, _, text in CUES]
        assert json.loads(browser.ask("JSON.stringify(wrong)")) == []
