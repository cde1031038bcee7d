"""What is really in a file: small files are made by ffmpeg, all of them are probed together once, in real children."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import pytest

from assembler.errors import DiskFull, MediaError
from assembler.facts import AudioFacts, Facts, VideoFacts
from assembler.media.probe import probe as probe_room
from assembler.media.probe.parameter_sets import ParameterSets
from assembler.media.probe.probe import probe, probe_all
from assembler.processes import Stop, Stopped
from assembler.processes.fork_server import Module
from assembler.progress import Silent

pytestmark = pytest.mark.slow

BUNDLED = imageio_ffmpeg.get_ffmpeg_exe()


def lavfi(source: str) -> list[str]:
    return ["-f", "lavfi", "-i", source]


def picture(size: str = "160x120", rate: int = 15, seconds: float = 2) -> list[str]:
    return lavfi(f"testsrc=s={size}:r={rate}:d={seconds}")


def tone(rate: int = 48000, seconds: float = 2) -> list[str]:
    return lavfi(f"sine=r={rate}:d={seconds}")


X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
PLAIN = ["-g", "15", "-bf", "2", *X264, "-c:a", "aac"]
VFR = ["-fps_mode", "vfr", *X264]
COPY = ["-c", "copy"]
VP8 = ["-c:v", "libvpx", "-threads", "1"]  # its threads wait for each other in loops
TWO_PASS = [*VP8, "-pix_fmt", "yuv420p", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "50k"]
ATTACHED = ["-c:a", "copy", "-c:v", "mjpeg", "-disposition:v", "attached_pic"]

RECIPES: dict[str, list[str]] = {
    "plain.mp4": [*picture(), *tone(), *PLAIN, "-movflags", "+faststart"],
    "plain.ts": [*picture(), *tone(), *PLAIN],
    "plain.flv": [*picture(), *tone(44100), *PLAIN],
    "plain.mkv": [*picture(), *tone(), *PLAIN],
    "vp8.webm": [*picture(), *tone(), *VP8, "-b:v", "200k", "-deadline", "realtime", "-c:a", "libopus"],
    "lame.mp3": [*tone(44100), "-c:a", "libmp3lame"],
    "tone.mkv": [*tone(), "-c:a", "aac"],
    "tone.m4a": [*tone(), "-c:a", "aac"],
    "tone.wav": [*tone()],
    "silent.mp4": [*picture(), *X264],
    "one.mp4": [*picture(rate=10, seconds=0.1), *X264],
    "vfr.mp4": [*picture(rate=30), "-vf", "setpts='(N+if(gt(N,20),20,0))/30/TB'", *VFR],
    "hole.mp4": [*picture(rate=10, seconds=1), "-vf", "setpts='(N+if(gt(N,5),70,0))/10/TB'", *VFR],
    "shape.mp4": [*picture(), "-vf", "setsar=4/3", *X264],
    "tags.mp4": [*picture(), *X264, "-color_range", "pc", "-colorspace", "bt709"],
    "open.ts": [*picture(seconds=3), *X264, "-bf", "3", "-x264-params", "open-gop=1:keyint=15:scenecut=0"],
    "gif.mp4": [*picture(seconds=1), "-c:v", "mpeg4"],
    "cut.mp4": ["-ss", "1.37", "-i", "plain.mp4", *COPY],
    "late.mp4": ["-itsoffset", "0.7", "-i", "plain.mp4", "-i", "plain.mp4", "-map", "0:v", "-map", "1:a", *COPY],
    "early.mkv": ["-itsoffset", "-0.5", "-i", "tone.mkv", *COPY, "-avoid_negative_ts", "disabled"],
    "headless.ts": ["-ss", "0.6", "-i", "plain.ts", *COPY, "-copyinkf"],
    "open-cut.ts": ["-ss", "1.1", "-i", "open.ts", *COPY],
    "cover.mp3": ["-i", "lame.mp3", *picture(rate=1, seconds=1), "-map", "0", "-map", "1", *ATTACHED],
    "a.ts": [*picture(seconds=1), *tone(44100, 1), *X264, "-bf", "0", "-c:a", "aac"],
    "b.ts": [
        *picture("192x144", seconds=1),
        *tone(48000, 1),
        *X264,
        "-bf",
        "0",
        "-c:a",
        "aac",
        "-output_ts_offset",
        "1",
    ],
    "a.h264": ["-i", "a.ts", "-an", *COPY],
    "b.h264": ["-i", "b.ts", "-an", *COPY],
    "c.h264": [*picture(seconds=1), *X264, "-bf", "0", "-x264-params", "ref=4"],
    **{f"turned{angle}.mp4": ["-display_rotation", str(angle), "-i", "plain.mp4", *COPY] for angle in (90, 180, 270)},
}
JOINED = {
    "joined.ts": (("a.ts", "b.ts"), None),
    "sizes.h264": (("a.h264", "b.h264"), "sizes.mp4"),
    "sizes2.h264": (("a.h264", "b.h264"), "sizes.ts"),
    "same-size.h264": (("a.h264", "c.h264"), "same-size.mp4"),
    "back.h264": (("a.h264", "b.h264", "a.h264"), "back.mkv"),
}
NOT_MEDIA = {
    "zero.mp4": b"",
    "page.mp4": b"\n<!DOCTYPE html><html><body>Not found</body></html>",
    "error.mp4": b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>',
    "list.mp4": b"#EXTM3U\n#EXTINF:2,\nplain.ts\n",
    "script.mp4": b"ffconcat version 1.0\nfile plain.ts\n",
    "json.mp4": b'{"error_code": 404}',
    "text.mp3": b"no such file",
    "noise.mp4": bytes(range(200, 256)) * 40,
}


def make(folder: Path, name: str, arguments: list[str]) -> None:
    command = [BUNDLED, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments, name]
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    for name, arguments in RECIPES.items():
        make(folder, name, arguments)
    for number in ("1", "2"):
        make(folder, "hidden.webm", [*picture(seconds=3), *TWO_PASS, "-pass", number])
    for name, (parts, muxed) in JOINED.items():
        (folder / name).write_bytes(b"".join((folder / part).read_bytes() for part in parts))
        if muxed:
            make(folder, muxed, ["-r", "15", "-i", name, *COPY])
    for name, content in NOT_MEDIA.items():
        (folder / name).write_bytes(content)
    for name, share in (("plain.mp4", 0.7), ("plain.mkv", 0.3), ("plain.flv", 0.3), ("lame.mp3", 0.4)):
        whole = (folder / name).read_bytes()
        (folder / f"half-{name}").write_bytes(whole[: int(len(whole) * share)])
    back_to_front = (folder / "silent.mp4").read_bytes()
    (folder / "no-moov.mp4").write_bytes(back_to_front[: len(back_to_front) // 2])
    head = (folder / "plain.mp4").read_bytes()
    (folder / "only-moov.mp4").write_bytes(head[: head.index(b"mdat") + 4])
    return folder


class Found:
    """What one call found in all files of the folder."""

    def __init__(self, folder: Path) -> None:
        files = {path.name: path for path in folder.iterdir() if path.suffix not in (".h264", ".log")}
        work = folder / "work"
        work.mkdir()
        keep = {"plain.mp4", "cut.mp4", "hidden.webm"}
        self.facts, self.errors = probe_all(
            files, keep_stamps=keep, work=work, progress=Silent(), stop=None, parallel=2
        )
        self.left_behind = list(work.iterdir())

    def __getitem__(self, name: str) -> Facts:
        assert name in self.facts, self.errors[name]
        return self.facts[name]

    def picture(self, name: str) -> VideoFacts:
        seen = self[name].picture
        assert seen is not None
        return seen

    def sound(self, name: str) -> AudioFacts:
        (heard,) = self[name].sounds
        return heard


@pytest.fixture(scope="module")
def found(folder: Path) -> Found:
    return Found(folder)


# --- the axis -------------------------------------------------------------------------------------------------------


def stamps_of_ffmpeg(ffmpeg: str, file: Path) -> tuple[list[float], list[float]]:
    """Stamps of pictures and of sound as ffmpeg's own filters see them with -copyts."""
    stamps: dict[str, list[float]] = {}
    for kind, show in (("v", "showinfo"), ("a", "ashowinfo")):
        command = [ffmpeg, "-hide_banner", "-nostdin", "-copyts", "-i", str(file), "-map", f"0:{kind}?"]
        command += [f"-filter:{kind}", show, "-fps_mode", "passthrough", "-f", "null", "-"]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        stamps[kind] = [float(value) for value in re.findall(r"n:\s*\d+ pts:\s*\S+\s+pts_time:\s*(\S+)", done.stderr)]
    return stamps["v"], stamps["a"]


AXIS = ["plain.mp4", "plain.ts", "plain.flv", "vp8.webm", "lame.mp3", "cut.mp4", "late.mp4", "headless.ts"]
AXIS += ["open-cut.ts", "half-plain.mp4", "hidden.webm"]


@pytest.mark.parametrize("name", AXIS)
def test_file_time_zero_is_the_first_sample_ffmpeg_presents(folder: Path, found: Found, name: str, ffmpeg: str) -> None:
    shown, heard = stamps_of_ffmpeg(ffmpeg, folder / name)
    facts = found[name]
    assert float(facts.origin) == pytest.approx(min(shown[:1] + heard[:1]), abs=0.001)
    if facts.picture is not None:
        base = facts.picture.time_base
        assert float(facts.picture.first * base) == pytest.approx(shown[0], abs=0.001)
        assert facts.picture.start == pytest.approx((shown[0] - facts.origin) * 1000, abs=1)
        if not facts.is_truncated:  # of a truncated file ffmpeg may show one picture more, from half a packet
            assert facts.picture.frames == len(shown)
            assert float(facts.picture.last * base) == pytest.approx(max(shown), abs=0.001)
    if facts.heard is not None:
        assert facts.heard[0] == pytest.approx((heard[0] - facts.origin) * 1000, abs=1)


def test_a_plain_file_is_described_whole(found: Found, folder: Path) -> None:
    facts = found["plain.mp4"]
    seen, heard = found.picture("plain.mp4"), found.sound("plain.mp4")
    assert (facts.container, facts.origin, facts.declared, facts.is_truncated) == ("mov", 0, 2000, False)
    assert (seen.codec, seen.rate, seen.frames, seen.start, seen.end) == ("h264", 15, 30, 0, 2000)
    assert [float(key * seen.time_base) for key in seen.keyframes] == [0, 1]
    assert [(s.width, s.height, s.sample_aspect, s.rotation) for s in seen.stretches] == [(160, 120, 1, 0)]
    with av.open(str(folder / "plain.mp4")) as opened:
        bits = 8 * sum(packet.size for packet in opened.demux(audio=0))
    assert heard == AudioFacts(
        index=1, codec="aac", rate=48000, channels=1, start=0, end=2000, is_constant=True, bit_rate=bits // 2
    )


def test_stamps_are_kept_in_decode_order_and_only_where_asked_for(found: Found) -> None:
    stamps = found.picture("plain.mp4").stamps
    assert stamps is not None
    assert len(stamps) == 30
    assert list(stamps) != sorted(stamps), "b-frames are decoded out of order"
    assert found.picture("plain.ts").stamps is None


def test_what_lies_before_an_edit_list_is_not_presented(found: Found) -> None:
    seen = found.picture("cut.mp4")
    assert seen.stamps is not None
    assert seen.frames < len(seen.stamps)
    assert seen.first == 0
    assert seen.keyframes[0] < 0, "decoding starts before the first picture that is shown"
    assert found.sound("cut.mp4").start == 0


def test_picture_and_sound_keep_their_offset(found: Found) -> None:
    assert found.picture("late.mp4").start == 700
    assert found.sound("late.mp4").start == 0
    assert found["late.mp4"].end == 2700


def test_lame_priming_is_not_file_time(found: Found) -> None:
    assert found["lame.mp3"].origin == Fraction(1105, 44100)
    assert (found.sound("lame.mp3").start, found.sound("lame.mp3").end) == (0, 2000)
    assert found["lame.mp3"].picture is None


def test_a_start_before_zero_is_an_origin_before_zero(found: Found) -> None:
    assert -0.53 < found["early.mkv"].origin < -0.45
    assert found.sound("early.mkv").start == 0
    assert found.sound("early.mkv").end == pytest.approx(2000, abs=25)


# --- the picture ----------------------------------------------------------------------------------------------------


def test_pictures_in_front_of_the_first_key_frame_are_not_presented(found: Found) -> None:
    seen = found.picture("headless.ts")
    assert seen.first == seen.keyframes[0]
    assert found["headless.ts"].origin < seen.first * seen.time_base, "the sound was there before"


def test_decoding_may_start_only_at_an_idr_frame(found: Found) -> None:
    assert len(found.picture("open.ts").keyframes) == 1
    assert found.picture("open-cut.ts").keyframes == ()


def test_one_frame_has_a_length_and_a_rate(found: Found) -> None:
    seen = found.picture("one.mp4")
    assert (seen.frames, seen.first, seen.last, seen.end, seen.rate) == (1, 0, 0, 100, 10)


def test_a_jump_in_a_variable_rate_does_not_change_the_rate(found: Found) -> None:
    assert found.picture("vfr.mp4").rate == 30
    assert found.picture("vfr.mp4").holes == ()


def test_a_long_pause_between_two_pictures_is_a_hole(found: Found) -> None:
    assert found.picture("hole.mp4").holes == ((500, 7500),)
    assert found.picture("hole.mp4").rate == 10


def test_pixel_shape_makes_the_display_wider(found: Found) -> None:
    (stretch,) = found.picture("shape.mp4").stretches
    assert stretch.sample_aspect == Fraction(4, 3)
    assert stretch.display_size == (213, 120)


def test_colour_tags_are_named(found: Found) -> None:
    (stretch,) = found.picture("tags.mp4").stretches
    assert (stretch.matrix, stretch.full_range) == ("bt709", True)
    (plain,) = found.picture("plain.mp4").stretches
    assert (plain.matrix, plain.full_range) == ("", False)


def first_picture(ffmpeg: str, file: Path, size: tuple[int, int]) -> np.ndarray:
    command = [ffmpeg, "-loglevel", "error", "-nostdin", "-i", str(file), "-frames:v", "1"]
    command += ["-pix_fmt", "gray", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(size[1], size[0])


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_rotation_is_how_ffmpeg_turns_the_picture_upright(folder: Path, found: Found, angle: int, ffmpeg: str) -> None:
    (stretch,) = found.picture(f"turned{angle}.mp4").stretches
    plain = first_picture(ffmpeg, folder / "plain.mp4", (160, 120))
    turned = first_picture(ffmpeg, folder / f"turned{angle}.mp4", stretch.display_size)
    assert stretch.rotation == angle
    assert np.array_equal(turned, np.rot90(plain, stretch.rotation // 90))


@pytest.mark.parametrize("name", ["sizes.mp4", "sizes.ts", "joined.ts"])
def test_a_change_of_size_inside_a_file_starts_a_stretch(found: Found, name: str) -> None:
    first, second = found.picture(name).stretches
    assert ((first.width, first.height), (second.width, second.height)) == ((160, 120), (192, 144))
    assert first.end == second.start
    assert second.end is None
    assert second.start in found.picture(name).keyframes


def test_going_back_to_the_first_size_is_a_third_stretch(found: Found) -> None:
    assert [stretch.width for stretch in found.picture("back.mkv").stretches] == [160, 192, 160]


def test_other_parameter_sets_of_the_same_size_are_no_stretch_but_another_digest(folder: Path, found: Found) -> None:
    make(folder, "clean.mp4", ["-r", "15", "-i", "a.h264", *COPY])
    clean = probe(folder / "clean.mp4", video_id="clean", keep_stamps=False, work=folder).picture
    mixed = found.picture("same-size.mp4")
    assert clean is not None
    assert len(mixed.stretches) == 1
    assert mixed.extradata != clean.extradata


def test_files_of_one_encoder_have_one_digest(found: Found) -> None:
    assert found.picture("plain.mp4").extradata == found.picture("cut.mp4").extradata


def test_hidden_reference_pictures_are_packets_but_not_frames(found: Found) -> None:
    seen = found.picture("hidden.webm")
    assert seen.stamps is not None
    assert (seen.codec, seen.frames, str(seen.rate)) == ("vp8", 45, "15")
    assert len(seen.stamps) > 45


def test_cover_art_is_no_picture(found: Found) -> None:
    assert found["cover.mp3"].picture is None
    assert found["cover.mp3"].sounds


def test_repeated_parameter_sets_are_no_change() -> None:
    sps, pps, idr = b"\x67\x42\x00\x1e", b"\x68\xce", b"\x65\x88\x84"
    annexb = b"".join(b"\0\0\0\1" + unit for unit in (sps, pps, idr))
    sets = ParameterSets("h264", b"\0\0\0\1" + sps + b"\0\0\0\1" + pps)
    before = sets.digest
    assert sets.note(annexb, None) == (True, False, False)
    assert sets.digest == before
    assert sets.note(annexb.replace(sps, sps[:-1] + b"\x1f"), None).may_differ
    assert sets.note(annexb, None).may_differ, "going back is a change too"
    assert sets.digest != before


# --- the sound ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["plain.mp4", "plain.ts", "plain.flv", "plain.mkv", "vp8.webm", "lame.mp3", "tone.wav"]
)
def test_unbroken_sound_of_one_kind_is_constant(found: Found, name: str) -> None:
    assert found.sound(name).is_constant


def test_a_changing_sample_rate_is_not_constant(found: Found) -> None:
    assert found.sound("joined.ts").rate == 44100
    assert not found.sound("joined.ts").is_constant


def test_a_hole_in_the_stamps_of_the_sound_is_not_constant(folder: Path) -> None:
    make(folder, "gap.mp4", ["-i", "tone.m4a", "-bsf:a", "noise=drop='between(n,30,40)'", *COPY])
    heard = probe(folder / "gap.mp4", video_id="gap", keep_stamps=False, work=folder).sounds[0]
    assert not heard.is_constant
    assert heard.end == 2000


def test_a_file_without_sound_has_none(found: Found) -> None:
    assert found["silent.mp4"].sounds == ()


def test_a_sound_only_mp4_has_no_picture(found: Found) -> None:
    assert found["tone.m4a"].picture is None
    assert found.sound("tone.m4a").end == 2000


# --- bad files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["half-plain.mp4", "half-plain.mkv", "half-plain.flv", "half-lame.mp3"])
def test_a_truncated_file_says_so_and_tells_what_is_there(found: Found, name: str) -> None:
    facts = found[name]
    assert facts.is_truncated
    assert facts.declared is not None
    assert 0 < facts.end < facts.declared - 300


def test_no_whole_file_counts_as_truncated(found: Found) -> None:
    cut = {name for name, facts in found.facts.items() if facts.is_truncated}
    assert cut == {name for name in found.facts if name.startswith("half-")}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero.mp4", "zero bytes"),
        ("page.mp4", "HTML page, not a video"),
        ("error.mp4", "XML answer"),
        ("list.mp4", "playlist"),
        ("script.mp4", "playlist"),
        ("json.mp4", "JSON"),
        ("text.mp3", "a text"),
        ("noise.mp4", "not a known container"),
        ("no-moov.mp4", "mp4 without moov"),
        ("only-moov.mp4", "no picture and no sound"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(found: Found, name: str, words: str) -> None:
    error = found.errors[name]
    assert words in str(error)
    assert name in str(error)
    assert error.hint


def test_probe_raises_what_is_wrong(folder: Path) -> None:
    with pytest.raises(MediaError, match="HTML page"):
        probe(folder / "page.mp4", video_id="x", keep_stamps=False, work=folder)
    with pytest.raises(MediaError, match="No such file"):
        probe(folder / "nowhere.mp4", video_id="x", keep_stamps=False, work=folder)


def test_nothing_is_left_in_the_work_folder(found: Found) -> None:
    assert found.left_behind == []


def test_damaged_files_are_facts_or_errors_and_never_more(folder: Path, tmp_path: Path) -> None:
    chance = random.Random(20)
    files: dict[str, Path] = {}
    for name in ("plain.mp4", "plain.ts", "plain.mkv", "plain.flv", "vp8.webm", "lame.mp3", "sizes.mp4", "cut.mp4"):
        whole = (folder / name).read_bytes()
        for number in range(6):
            damaged = bytearray(whole[: chance.randint(200, len(whole))] if number % 2 else whole)
            reach = len(damaged) if number < 3 else min(2000, len(damaged))
            for _ in range(chance.choice((1, 10, 100))):
                damaged[chance.randrange(8, reach)] = chance.randrange(256)
            files[f"{number}-{name}"] = tmp_path / f"{number}-{name}"
            files[f"{number}-{name}"].write_bytes(damaged)
    facts, errors = probe_all(files, keep_stamps=set(files), work=tmp_path, progress=Silent(), stop=None, parallel=2)
    assert facts.keys() | errors.keys() == files.keys()
    assert not facts.keys() & errors.keys()
    assert facts, "some survive a few wrong bytes"


# --- children that die ----------------------------------------------------------------------------------------------

SABOTAGE = """
import os, sys, time
if any("fork_server" in word for word in sys.orig_argv):
    import av
    from assembler.media.probe import video
    from assembler.media.probe import audio
    real, names = av.open, []
    def opened(name, *args, **kwargs):
        names.append(os.path.basename(str(name)))
        if "crash" in os.path.basename(name):
            os.abort()
        if "hang" in os.path.basename(name):
            time.sleep(60)
        return real(name, *args, **kwargs)
    av.open = opened
    def raising(decode, mark):
        def _raising(self, packet):
            if f"{mark}{self.stream.index}" in names[-1]:
                raise ZeroDivisionError("a library's own")
            return decode(self, packet)
        return _raising
    video.VideoProbe._decode = raising(video.VideoProbe._decode, "picture")
    audio.AudioProbe._frames = raising(audio.AudioProbe._frames, "sound")
"""


@pytest.fixture
def sabotaged(tmp_path: Path, other_children: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder; in the children of a probe libav now crashes or hangs at files whose names say so."""
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(SABOTAGE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "python"))
    return tmp_path


def test_a_file_that_crashes_its_child_fails_alone(folder: Path, sabotaged: Path) -> None:
    files = {name: sabotaged / f"{name}.mp4" for name in ("a", "crash1", "b", "crash2", "c")}
    for path in files.values():
        shutil.copy(folder / "plain.mp4", path)
    facts, errors = probe_all(files, keep_stamps=(), work=sabotaged, progress=Silent(), stop=None, parallel=1)
    assert list(facts) == ["a", "b", "c"]
    assert list(errors) == ["crash1", "crash2"]
    assert "crashed" in str(errors["crash1"])


@pytest.mark.parametrize("suffix", ["mp4", "ts", "flv"])
def test_an_unforeseen_error_drops_its_stream_and_not_the_file(folder: Path, sabotaged: Path, suffix: str) -> None:
    source = folder / f"plain.{suffix}"
    whole = probe(source, video_id="whole", keep_stamps=False, work=sabotaged)
    assert whole.picture is not None
    names = {"picture": f"picture{whole.picture.stream}", "sound": f"sound{whole.sounds[0].index}"}
    names["both"] = names["picture"] + names["sound"]
    files = {name: sabotaged / f"{marks}.{suffix}" for name, marks in names.items()}
    for path in files.values():
        shutil.copy(source, path)
    facts, errors = probe_all(files, keep_stamps=(), work=sabotaged, progress=Silent(), stop=None, parallel=1)
    assert facts["picture"].picture is None
    assert [s.index for s in facts["picture"].sounds] == [whole.sounds[0].index]
    kept = facts["sound"].picture
    assert kept is not None
    assert (kept.first, kept.last, kept.keyframes) == (whole.picture.first, whole.picture.last, whole.picture.keyframes)
    assert facts["sound"].sounds == ()
    for name, verb in (("picture", "seen"), ("sound", "heard")):
        assert len(facts[name].left_out) == 1
        assert re.search(rf"{name} .*ZeroDivisionError: a library's own\): it is not {verb}", facts[name].left_out[0])
    assert "ZeroDivisionError" in str(errors["both"])


def test_a_file_that_takes_too_long_is_given_up(folder: Path, sabotaged: Path) -> None:
    shutil.copy(folder / "plain.mp4", sabotaged / "hang.mp4")
    with pytest.raises(MediaError, match="the file of h takes too long"):
        probe(sabotaged / "hang.mp4", video_id="h", keep_stamps=False, work=sabotaged, seconds=3)


def test_a_full_disk_is_no_files_fault(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child may write 2 KiB into one file, as if that were all the room there is."""
    real = probe_room.run

    def confined(command: Module, **given: Any) -> int:
        return real(["sh", "-c", 'ulimit -f 4; exec "$0" "$@"', *command.argv()], **given)

    monkeypatch.setattr(probe_room, "run", confined)
    files = {f"{n}": folder / "plain.mp4" for n in range(20)}
    with pytest.raises(DiskFull, match="the disk is full"):
        probe_all(files, keep_stamps=set(files), work=tmp_path, progress=Silent(), stop=None, parallel=1)


def test_a_stopped_probe_ends(folder: Path, tmp_path: Path) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(Stopped):
        probe_all({"a": folder / "plain.mp4"}, keep_stamps=(), work=tmp_path, progress=Silent(), stop=stop, parallel=1)
