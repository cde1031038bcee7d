"""One voice is all there is to hear: its packets are taken as they are, with silence where it is not there, beside a
picture that is composed. Measured on the finished file, as everything else is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from browser import browsing
from classes import BOARD, USER_1, USER_2, Class, Stream, beep_errors, wrong_pictures
from oddities import odd, spoiled
from pytest_httpserver import HTTPServer
from sounds import listen
from video_page import open_video, seek

from assembler.choices import Muxer
from assembler.errors import DiskFull
from assembler.media import soundtrack
from assembler.media.mixdown.copied import copy_sound
from assembler.pipeline.assemble import Playback
from assembler.plan.model import Mode
from assembler.processes import Stop
from assembler.recording import StreamKind

CAMERA, WHITEBOARD = StreamKind.CAMERA, StreamKind.WHITEBOARD
WHOLE_SECONDS = 9
SOUND_TOLERANCE = 0.005


def lecture(late: int, voice: Any, *more: Stream, whole: int = WHOLE_SECONDS) -> Class:
    """A board, and somebody who speaks and comes ``late`` ms after it."""
    board = Stream("board", WHITEBOARD, "", 0, odd("green", seconds=whole, sound=False), BOARD)
    return Class([board, Stream("voice", CAMERA, "x", late, voice, USER_1), *more])


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(packet) for packet in file.demux(audio=0) if packet.size]


def where(part: Sequence[bytes], whole: Sequence[bytes]) -> int:
    """Index in ``whole`` from which on ``part`` stands there, without a break."""
    first = whole.index(part[0])
    assert list(whole[first : first + len(part)]) == list(part)
    return first


def check(lesson: Class, playback: Playback, copied: str | None = "voice") -> None:
    assert (playback.manifest.mode, playback.manifest.sound_copied) == (Mode.ENCODE, copied)
    assert wrong_pictures(lesson, playback) == []
    heard = beep_errors(lesson, playback)
    assert max(heard.values()) <= SOUND_TOLERANCE, heard
    sound = listen(playback.path)
    assert sound.start == 0
    assert abs(sound.end - Fraction(playback.manifest.length, 1000)) <= Fraction(1025, sound.rate)


@pytest.mark.parametrize("muxer", list(Muxer))
@pytest.mark.parametrize(
    ("late", "given"),
    [
        (0, {"seconds": WHOLE_SECONDS}),
        (1_234, {"seconds": 5}),
        (17, {"seconds": WHOLE_SECONDS, "rate": 44_100}),
        (2_001, {"seconds": 4, "rate": 16_000}),
        (777, {"seconds": Fraction(57, 10), "channels": 2, "picture_late": Fraction(1, 3)}),
    ],
    ids=["as long as the class", "in the middle", "44.1 kHz", "16 kHz", "stereo"],
)
def test_its_packets_are_in_their_place(
    tmp_path: Path, ffmpeg: str, late: int, given: dict[str, Any], muxer: Muxer
) -> None:
    lesson = lecture(late, odd("red", gain=0.2, **given))
    playback = lesson.assemble(tmp_path, ffmpeg, muxer=muxer)
    check(lesson, playback)
    source, made = packets(tmp_path / "media/voice.mp4"), packets(playback.path)
    where(source[2:-2], made)
    assert playback.manifest.verdict == "ok"
    assert [a.user for a in playback.manifest.activity] == ["x"], "who speaks is told of what is copied, too"
    assert lesson.assemble(tmp_path, ffmpeg, muxer=muxer).was_there


HEARD = """(async () => {
  const sound = await (await fetch("class.mp4")).arrayBuffer();
  const heard = await new OfflineAudioContext(1, 44100, 44100).decodeAudioData(sound);
  const found = [];
  let quiet = 4411;
  heard.getChannelData(0).forEach((sample, at) => {
    if (Math.abs(sample) < 0.02) return quiet++;
    if (quiet > 4410) found.push(at / heard.sampleRate);
    quiet = 0;
  });
  return found;
})()"""
"""Script that gives the seconds at which a sound begins behind a tenth of a second of silence."""


def test_a_browser_hears_it_in_its_place(tmp_path: Path, bundled_ffmpeg: str, httpserver: HTTPServer) -> None:
    playback = lecture(3_210, odd("red", gain=0.2, seconds=5, rate=44_100)).assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.sound_copied == "voice"
    with browsing() as browser:
        open_video(browser, httpserver, tmp_path, 'video.src = "class.mp4";')
        assert browser.ask(HEARD) == pytest.approx([3.21 + second for second in range(5)], abs=0.001)
        seek(browser, 7.5)
        assert browser.ask("video.error") is None


def test_silence_of_a_minute_is_silent_on_both_sides(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = lecture(60_500, odd("red", gain=0.2, seconds=5), whole=120)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    check(lesson, playback)
    sound = listen(playback.path).mono
    assert abs(sound[: 60 * 48_000]).max() < 0.001
    assert abs(sound[66 * 48_000 :]).max() < 0.001


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ({"seconds": 5, "container": "ts"}, []),
        ({"seconds": 5, "container": "mkv"}, []),
        ({"seconds": 5, "channels": 6}, []),
        ({"seconds": 6, "origin": Fraction(-1, 3)}, []),
        ({"seconds": 5, "sound_hole": (Fraction(21, 10), Fraction(27, 10))}, []),
        ({"seconds": 5}, [Stream("other", CAMERA, "y", 2_000, odd("blue", seconds=4, gain=0.2), USER_2)]),
        ({"seconds": 2}, [Stream("again", CAMERA, "x", 5_000, odd("red", seconds=3, gain=0.2), USER_1)]),
    ],
    ids=["a ts", "an mkv", "six channels", "sound that an edit list hides", "a hole", "two who speak", "who came back"],
)
def test_what_cannot_be_taken_as_it_is_is_mixed(
    tmp_path: Path, bundled_ffmpeg: str, given: dict[str, Any], more: list[Stream]
) -> None:
    lesson = lecture(1_100, odd("red", gain=0.2, **given), *more)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.sound_copied is None
    heard = beep_errors(lesson, playback) if "sound_hole" not in given else {"red": 0.0}
    assert max(heard.values()) <= SOUND_TOLERANCE, heard


def test_loudness_and_windows_are_mixed(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = lecture(0, odd("red", gain=0.2, seconds=WHOLE_SECONDS))
    loud = lesson.assemble(tmp_path, bundled_ffmpeg, loudness=-16.0)
    part = lesson.assemble(tmp_path, bundled_ffmpeg, "part.mp4", start=2_000, end=6_000)
    head = lesson.assemble(tmp_path, bundled_ffmpeg, "head.mp4", end=6_000)
    assert [made.manifest.sound_copied for made in (loud, part, head)] == [None, None, "voice"]
    assert abs(listen(head.path).end - 6) <= Fraction(1025, 48_000)


def test_damaged_packets_are_mixed_and_told(tmp_path: Path, bundled_ffmpeg: str) -> None:
    lesson = lecture(500, odd("red", gain=0.2, seconds=6))
    media = lesson.make(tmp_path, bundled_ffmpeg)
    with av.open(str(media / "voice.mp4")) as file:
        places = [(p.pos, p.size) for p in file.demux(audio=0) if p.size and p.pos is not None][100:130]
    spoiled(media / "voice.mp4", places, keep=0)
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    assert playback.manifest.sound_copied is None
    assert any("damaged" in finding.sentence for finding in playback.manifest.findings)
    assert playback.manifest.verdict != "ok"


@pytest.mark.parametrize("spoil", ["short", "no mp4"])
def test_a_copy_that_comes_out_wrong_is_mixed_instead(
    tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    """What the muxer refuses, and what the check finds: a class whose pictures are composed is not lost for it."""

    def copied(source: Path, late: Fraction, length: int, *, out: Path, **given: Any) -> None:
        copy_sound(source, late, length // 2 if spoil == "short" else length, out=out, **given)
        if spoil == "no mp4":
            out.write_bytes(bytes(1000))

    monkeypatch.setattr(soundtrack, "copy_sound", copied)
    lesson = lecture(1_100, odd("red", gain=0.2, seconds=5))
    playback = lesson.assemble(tmp_path, bundled_ffmpeg)
    check(lesson, playback, copied=None)
    assert playback.manifest.mode_reason == "several pictures are composed"


def test_a_ts_that_is_heard_from_end_to_end_is_taken_as_it_is(tmp_path: Path, ffmpeg: str) -> None:
    lesson = lecture(0, odd("red", gain=0.2, seconds=WHOLE_SECONDS, container="ts", origin=Fraction(7, 3)))
    check(lesson, lesson.assemble(tmp_path, ffmpeg))


def test_a_full_disk_is_called_a_full_disk(tmp_path: Path, bundled_ffmpeg: str) -> None:
    media = lecture(0, odd("red", gain=0.2, seconds=5)).make(tmp_path, bundled_ffmpeg)
    (tmp_path / "sound.m4a").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        copy_sound(
            media / "voice.mp4", Fraction(2), 9_000, ffmpeg=bundled_ffmpeg, out=tmp_path / "sound.m4a", stop=Stop()
        )
    assert not list(tmp_path.glob("*.silence*"))
