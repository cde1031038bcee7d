"""The package for streaming as a browser plays it: by hls.js, the usual player of web pages, in Chromium."""

from __future__ import annotations

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
from video_page import open_video, seek, take_picture

from assembler.recording import StreamKind
from assembler.workspace import assets_of

HLS_JS = Path(os.environ.get("HLS_JS") or "node_modules/hls.js/dist/hls.min.js")
SECONDS, GOP = 9, 15
SHARE = Class([Stream("s1", StreamKind.SCREEN, "ann", 0, Recipe(identity="red", seconds=SECONDS, fps=15, gop=GOP))])
CUES = [("00:00:01.000", "00:00:02.000", "one <b>"), ("00:00:07.000", "00:00:08.500", "two")]
SCRIPT = """const hls = new Hls(), wrong = [];
hls.on(Hls.Events.ERROR, (_, error) => wrong.push(error.details));
hls.attachMedia(video);
hls.loadSource("master.m3u8");"""


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
    views = {"share": (0, 0, 320, 240)}
    with browsing() as browser:
        open_video(browser, httpserver, folder, SCRIPT, '<script src="hls.min.js"></script>')
        browser.wait_for("video.readyState >= 3 && hls.subtitleTracks.length == 1")
        assert browser.ask("video.duration") == pytest.approx(SECONDS, abs=0.001)
        for second in (7.55, 0.55):  # the last part first
            seek(browser, second)
            (row,) = read_all(take_picture(browser, tmp_path / "seen.png"), views)
            assert (row.seen["share"].identity, row.seen["share"].counter) == ("red", int(second * 15))
        browser.ask("void (hls.subtitleTrack = 0)")
        shown = "[...video.textTracks[0].cues].map(cue => cue.getCueAsHTML().textContent)"
        browser.wait_for(f"video.textTracks.length && video.textTracks[0].cues && {shown}.length == 2")
        assert browser.ask(shown) == [text for _, _, text in CUES]
        assert json.loads(browser.ask("JSON.stringify(wrong)")) == []
