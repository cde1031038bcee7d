"""Captions and chat from the flags to the finished file, its assets and its stream."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from classes import Class, Stream
from lessons import START
from synthetic import Recipe
from terminal import Desk

from assembler.recording import StreamKind

SHARE = Class(
    [Stream("s1", StreamKind.SCREEN, "ann", 0, Recipe(identity="red", seconds=3, fps=15, gop=15))], total=3000
)
MESSAGES = [
    {"sent": START + 1000, "from": {"id": "ann"}, "body": "hello <b>&"},
    {"sent": START / 1000 + 2, "from": {"id": "zoe"}, "body": "I am hidden"},
]
FIELDS = "time=sent,user=from.id,text=body"


@pytest.fixture
def desk(tmp_path: Path, bundled_ffmpeg: str) -> Desk:
    desk = Desk.laid(tmp_path, SHARE, bundled_ffmpeg)
    (tmp_path / "t1.json").write_text(json.dumps(MESSAGES))
    (tmp_path / "c.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nzwei\n")
    (tmp_path / "card.json").write_text(json.dumps({"people": [{"id": "zoe", "show": "no"}]}))
    return desk


def test_captions_and_chat_are_soft_tracks_and_files_and_a_later_run_without_them_removes_both(desk: Desk) -> None:
    run = ["run", "result.json", "--media-dir", "media", "--layout", "stage", "-o", "class.mp4", "--class", "card.json"]
    words = ["--captions", "c.srt", "--chat", "{task}.json", "--chat-fields", FIELDS, "--also", "hls", "--json"]
    said = desk.say(*run, *words)
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["mode"] == "copy"
    assert [(c["path"], c["cues"]) for c in told["captions"]] == [("captions.vtt", 1), ("chat.vtt", 1)]
    assert "1 of 2 of people who are hidden" in said.err
    assets = desk.folder / "class.assets"
    for vtt in (assets / "chat.vtt", assets / "hls" / "chat.vtt"):
        assert vtt.read_text() == "WEBVTT\n\n00:00:01.000 --> 00:00:03.000\n<v ann>hello &lt;b&gt;&amp;\n"
    assert 'NAME="Chat"' in (assets / "hls" / "master.m3u8").read_text()
    with av.open(str(desk.out)) as opened:
        assert [s.metadata["handler_name"] for s in opened.streams.subtitles] == ["Captions", "Chat"]
    assert desk.say("verify", "class.mp4", "--decode").code == 0
    assert b"zoe" not in desk.out.read_bytes() + (assets / "playback.json").read_bytes()
    assert " (was there already)" in desk.say(*run, *words).err
    said = desk.say(*run)
    assert said.code == 0, said.err
    assert not {"captions.vtt", "chat.vtt", "hls"} & {path.name for path in assets.iterdir()}
    with av.open(str(desk.out)) as opened:
        assert not opened.streams.subtitles


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--chat", "lost.json"], "the chat lost.json cannot be read: No such file"),
        (["--chat", "c.srt"], "the chat c.srt is not JSON"),
        (["--captions", "t1.json"], "the captions t1.json holds no caption"),
        (["--captions", "{user}.vtt"], "has an unknown placeholder {user}"),
        (["--captions", "{room:z}.vtt"], "the path '{room:z}.vtt' is malformed"),
        (["--captions-axis", "day"], "'day' is not one of"),
        (["--chat", "t1.json", "--chat-fields", "when=sent"], "'when=sent' names no field"),
    ],
)
def test_mistakes_are_told_before_the_work(desk: Desk, words: list[str], part: str) -> None:
    said = desk.say("run", "result.json", "--media-dir", "media", "-o", "class.mp4", *words)
    assert said.code == 2
    assert part in said.err
    assert not desk.out.exists()
