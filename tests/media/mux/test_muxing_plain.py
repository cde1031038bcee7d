"""A join of bytes and tables: to every reader the file is the one that libavformat writes of the same packets."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import av
import pytest
from synthetic import Recipe, make

from assembler.errors import MediaError
from assembler.facts import VideoFacts
from assembler.media.mux.by_packets import join_by_packets
from assembler.media.mux.by_sample_table import join_by_sample_table
from assembler.media.mux.child import join
from assembler.media.mux.order import AudioTrack, Join, PacketRun
from assembler.media.probe import child as probing
from assembler.media.probe.order import ProbeInput
from assembler.mp4.parse import read_tables
from assembler.mp4.sample_tables import UnsupportedMp4

FFPROBE = shutil.which("ffprobe") or "ffprobe"
OURS = ("filename", "size", "bit_rate", "encoder", "vendor_id", "tags", "probe_score", "extradata_size", "pos")
"""What may differ: names of programs, places in the file, and bytes of tables (extradata is compared as such)."""
CHAPTERS = ((0, "Beginn"), (1_000, "第二章"), (2_500, ""))


def run_of(path: Path, start_ms: int, scale: int, *, packets: slice = slice(None)) -> PacketRun:
    """The file's picture, its first picture at this ms."""
    picture = known(path)
    assert picture.stamps is not None
    stamps = picture.stamps[packets]
    first, end, _ = packets.indices(len(picture.stamps))
    up = picture.time_base * scale
    ticks = tuple(int((stamp - stamps[0]) * up) + start_ms * scale // 1000 for stamp in stamps)
    keys = tuple(index for index, stamp in enumerate(stamps) if stamp in picture.keyframes)
    return PacketRun(
        name=str(path), container="mov", first_packet=first, end_packet=end, start=ticks[0], stamps=ticks,
        frames=len(ticks), lasts=round(scale / picture.rate), keys=keys,
    )  # fmt: skip


def known(path: Path) -> VideoFacts:
    picture = probing.probe_file(ProbeInput("x", path, keep_stamps=True))[0].picture
    assert picture is not None
    return picture


def scale_of(*paths: Path) -> int:
    return lcm(90_000, *(known(path).time_base.denominator for path in paths))


def order_of(out: Path, runs: Sequence[PacketRun], scale: int, sound: AudioTrack | None, chapters: Any = ()) -> Join:
    return Join(
        out=str(out), time_scale=scale, frame_ticks=scale // 15, runs=tuple(runs), audio=sound,
        chapters=tuple(chapters), length=3000,
    )  # fmt: skip


def sound_of(path: Path, offset: Fraction = Fraction(0), end: int | None = None) -> AudioTrack:
    return AudioTrack(name=str(path), container="mov", offset=offset, end=end)


def packets(path: Path) -> dict[str, Any]:
    """All that libav reads."""
    found: dict[str, Any] = {}
    with av.open(str(path), format="mov") as source:
        found["container"] = (source.start_time, source.duration)
        found["chapters"] = [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"])
                             for c in source.chapters()]  # fmt: skip
        for stream in (*source.streams.video, *source.streams.audio):
            context = stream.codec_context
            found[f"{stream.index}"] = (
                stream.type, stream.time_base, stream.start_time, stream.duration, stream.frames, stream.language,
                None if context is None else (bytes(context.extradata or b""), context.name),
                [(e.timestamp, e.size, e.is_keyframe, e.is_discard) for e in stream.index_entries],
            )  # fmt: skip
        for stream in (*source.streams.video, *source.streams.audio):
            source.seek(-(10**7), stream=stream)
            found[f"packets {stream.index}"] = [
                (p.pts, p.dts, p.duration, p.is_keyframe, p.is_discard, bytes(p)) for p in source.demux(stream)
            ]
    return found


def heard(path: Path) -> list[tuple[int | None, int]]:
    with av.open(str(path), format="mov") as source:
        return [(frame.pts, frame.samples) for frame in source.decode(audio=0)] if source.streams.audio else []


def by_program(path: Path, ffmpeg: str) -> str:
    """Every packet as the ffmpeg sees it: stamps, lengths, sizes, sums."""
    words = ["-v", "error", "-copyts", "-i", path.name, "-map", "0:v", "-map", "0:a?", "-c", "copy", "-f", "framecrc"]
    return subprocess.run([ffmpeg, *words, "-"], cwd=path.parent, capture_output=True, text=True, check=True).stdout


def by_ffprobe(path: Path) -> Any:
    """Every packet and every table as the system's ffprobe sees it: Debian's libavformat, which is older than ours."""
    shown = ("-show_streams", "-show_format", "-show_chapters", "-show_packets", "-show_data_hash", "CRC32")
    words = ["-v", "error", *shown, "-of", "json", path.name]
    told = subprocess.run([FFPROBE, *words], cwd=path.parent, capture_output=True, text=True, check=True).stdout
    found = json.loads(told)
    found["streams"] = [
        stream for stream in found["streams"] if stream["codec_type"] != "data"
    ]  # titles: ours count ms
    pictures_and_sound = [packet for packet in found["packets"] if packet["codec_type"] != "data"]
    found["packets"] = sorted(pictures_and_sound, key=lambda packet: packet["stream_index"])
    found["chapters"] = [(c["start_time"], c["end_time"], c.get("tags")) for c in found["chapters"]]
    return _stripped(found)


def _stripped(told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _stripped(value) for name, value in told.items() if name not in OURS}
    return [_stripped(value) for value in told] if isinstance(told, list) else told


def assert_equal_to_libavformats(order: Join, folder: Path, ffmpegs: Sequence[str] = ()) -> None:
    ours, theirs = folder / "ours" / "x.mp4", folder / "theirs" / "x.mp4"
    for path in (ours, theirs):
        path.parent.mkdir(exist_ok=True)
    join_by_sample_table(replace(order, out=str(ours)))
    join_by_packets(replace(order, out=str(theirs)))
    found, wanted = packets(ours), packets(theirs)
    for name in wanted:
        assert found[name] == wanted[name], name
    assert found.keys() == wanted.keys()
    assert heard(ours) == heard(theirs)
    assert by_ffprobe(ours) == by_ffprobe(theirs)
    for ffmpeg in ffmpegs:
        assert by_program(ours, ffmpeg) == by_program(theirs, ffmpeg)


SHORT = Fraction(3)
LONE: dict[str, tuple[Recipe, int]] = {
    "as recorders write": (Recipe(seconds=SHORT, gop=10), 0),
    "picture late": (Recipe(seconds=SHORT, picture_late=Fraction(7, 10)), 700),
    "picture early": (Recipe(seconds=SHORT, origin=Fraction(1), picture_late=Fraction(-1, 2)), 0),
    "an hour's clock": (Recipe(seconds=SHORT, origin=Fraction(3600)), 0),
    "uneven": (Recipe(seconds=SHORT, cadence=(Fraction(1, 10), Fraction(1, 30))), 0),
    "shaken": (Recipe(seconds=SHORT, jitter=Fraction(1, 100)), 0),
    "frames missing": (Recipe(seconds=SHORT, hole=(Fraction(1), Fraction(5, 2))), 0),
    "sound missing": (Recipe(seconds=SHORT, sound_hole=(Fraction(1), Fraction(2))), 0),
    "other sound": (Recipe(seconds=SHORT, rate=44_100, channels=2), 0),
    "all key frames": (Recipe(seconds=SHORT, gop=1), 0),
    "without sound": (Recipe(seconds=SHORT, sound=False), 300),
    "wide pixels": (Recipe(seconds=SHORT, sar=Fraction(4, 3)), 0),
    "tagged": (Recipe(seconds=SHORT, matrix="bt709"), 0),
    "one frame": (Recipe(seconds=Fraction(1), frames=1), 0),
}


@pytest.mark.parametrize("name", LONE)
def test_one_file_joined_by_its_bytes_is_libavformats(name: str, tmp_path: Path, bundled_ffmpeg: str) -> None:
    recipe, start = LONE[name]
    path = make(recipe, bundled_ffmpeg)
    scale = scale_of(path)
    origin = probing.probe_file(ProbeInput("x", path, keep_stamps=False))[0].origin
    sound = sound_of(path, -origin, end=2_800) if recipe.sound else None
    order = order_of(tmp_path / "x.mp4", [run_of(path, start, scale)], scale, sound)
    assert_equal_to_libavformats(order, tmp_path, [bundled_ffmpeg])


@pytest.mark.parametrize("chapters", [(), CHAPTERS], ids=["plain", "chapters"])
def test_three_files_and_another_sound_are_libavformats(chapters: Any, tmp_path: Path, bundled_ffmpeg: str) -> None:
    parts = [(2, "blue"), (1, "red")]
    paths = [make(Recipe(seconds=Fraction(n), gop=5, identity=who), bundled_ffmpeg) for n, who in parts]
    sound = make(Recipe(seconds=SHORT, picture=False, channels=2), bundled_ffmpeg)
    scale = scale_of(*paths)
    runs = [run_of(paths[0], 40, scale, packets=slice(5, 20)), run_of(paths[1], 1_500, scale),
            run_of(paths[0], 2_600, scale, packets=slice(25, 30))]  # fmt: skip
    order = order_of(tmp_path / "x.mp4", runs, scale, sound_of(sound), chapters)
    assert_equal_to_libavformats(order, tmp_path, [bundled_ffmpeg])


def test_chapters_may_be_long(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Of 20 minutes each: more ticks of the movie's clock than the table of a track has room for."""
    path, out = make(LONE["as recorders write"][0], bundled_ffmpeg), tmp_path / "x.mp4"
    chapters = tuple((number * 1_200_000, f"{number}") for number in range(3))
    scale = scale_of(path)
    order = order_of(out, [run_of(path, 0, scale)], scale, None, chapters)
    join(replace(order, length=3_600_000))
    told = by_ffprobe(out)["chapters"]
    assert [(float(start), float(end)) for start, end, _ in told] == [(0, 1200), (1200, 2400), (2400, 3600)]


@pytest.mark.parametrize("is_fragmented", [False, True])
def test_encoded_chunks_are_joined_on_the_frame_grid(is_fragmented: bool, tmp_path: Path, bundled_ffmpeg: str) -> None:
    """In fragments, as ffmpeg writes them, or plain, as those into which held frames were put."""
    paths = [make(Recipe(seconds=Fraction(n), sound=False), bundled_ffmpeg) for n in (1, 2)]
    if is_fragmented:
        words = ["-c", "copy", "-frag_duration", "400000", "-movflags", "+empty_moov+default_base_moof"]
        plain, paths = paths, [tmp_path / f"{n}.mp4" for n in (1, 2)]
        for source, path in zip(plain, paths, strict=True):
            subprocess.run([bundled_ffmpeg, "-loglevel", "error", "-i", str(source), *words, str(path)], check=True)
    runs = [
        PacketRun(
            name=str(path), container="mov", first_packet=0, end_packet=None, start=at * 6000, stamps=None, frames=n
        )
        for path, at, n in zip(paths, (0, 15), (15, 30), strict=True)
    ]
    order = order_of(
        tmp_path / "x.mp4", runs, 90_000, sound_of(make(Recipe(seconds=SHORT, picture=False), bundled_ffmpeg))
    )
    assert_equal_to_libavformats(order, tmp_path)
    with pytest.raises(MediaError, match=r"holds 30 pictures, 31 were planned"):
        join(replace(order, runs=(runs[0], replace(runs[1], frames=31))))


class TestRefused:
    """What is not plain, or not what the probe saw, is left to libavformat, or is an error: never a wrong file."""

    @pytest.fixture
    def order(self, tmp_path: Path, bundled_ffmpeg: str) -> Join:
        path = tmp_path / "source.mp4"
        shutil.copy(make(LONE["as recorders write"][0], bundled_ffmpeg), path)
        scale = scale_of(path)
        return order_of(tmp_path / "x.mp4", [run_of(path, 0, scale)], scale, sound_of(path))

    @pytest.mark.parametrize(
        ("mark", "behind", "value"),
        [
            (b"stss", 12, (12).to_bytes(4)),
            (b"stsz", 12, b"\x7f\xff\xff\xff"),
            (b"stsz", 4, (1_000_000).to_bytes(4)),
            (b"stco", 8, b"\x7f\xff\xff\xff"),
            (b"stco", 12, bytes(4)),
            (b"stts", 8, (1 << 31).to_bytes(4)),
            (b"mp4a", 8, b"\0\1"),
            (b"avcC", -4, b"avcX"),
            (b"elst", 12, (2_000).to_bytes(4)),
            (b"url ", 3, b"\0"),
        ],
    )
    def test_tables_that_lie(self, mark: bytes, behind: int, value: bytes, order: Join) -> None:
        path = Path(order.runs[0].name)
        data = bytearray(path.read_bytes())
        at = data.index(mark) + 4 + behind
        data[at : at + len(value)] = value
        path.write_bytes(data)
        with pytest.raises(UnsupportedMp4):
            join_by_sample_table(order)
        assert not Path(order.out).exists()

    def test_another_size_than_the_canvas(self, order: Join) -> None:
        with pytest.raises(UnsupportedMp4):
            join_by_sample_table(replace(order, size=(640, 480)))

    def test_pictures_out_of_order(self, order: Join) -> None:
        (run,) = order.runs
        assert run.stamps is not None
        stamps = (*run.stamps[:5], run.stamps[6], run.stamps[5], *run.stamps[7:])
        with pytest.raises(UnsupportedMp4):
            join_by_sample_table(replace(order, runs=(replace(run, stamps=stamps),)))

    @pytest.mark.parametrize("recipe", [Recipe(seconds=SHORT, bframes=2), Recipe(seconds=SHORT, rotation=90)])
    def test_other_pictures(self, recipe: Recipe, tmp_path: Path, bundled_ffmpeg: str) -> None:
        path = make(recipe, bundled_ffmpeg)
        scale = scale_of(path)
        order = order_of(tmp_path / "x.mp4", [run_of(path, 0, scale)], scale, None)
        with pytest.raises(UnsupportedMp4):
            join_by_sample_table(order)
        join(order)
        assert packets(Path(order.out))["packets 0"]

    def test_a_source_that_was_cut_meanwhile(self, order: Join, monkeypatch: pytest.MonkeyPatch) -> None:
        path = Path(order.runs[0].name)
        tables = read_tables(path)
        monkeypatch.setattr("assembler.media.mux.by_sample_table.read_tables", lambda _: tables)
        path.write_bytes(path.read_bytes()[:-1000])
        with pytest.raises(MediaError, match=r"source\.mp4 is shorter than it was"):
            join_by_sample_table(order)

    def test_a_full_disk(self, order: Join, tmp_path: Path) -> None:
        (tmp_path / "order.json").write_text(replace(order, out="/dev/full").to_json())
        words = ["-m", "assembler.media.mux.child", "join", str(tmp_path / "order.json")]
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        assert done.returncode == errno.ENOSPC
        assert "No space left on device" in done.stderr

    def test_chunks_of_other_parameter_sets(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        paths = [make(Recipe(seconds=Fraction(1), sound=False, width=w), bundled_ffmpeg) for w in (320, 160)]
        runs = [
            PacketRun(
                name=str(path), container="mov", first_packet=0, end_packet=None, start=at, stamps=None, frames=15
            )
            for path, at in zip(paths, (0, 90_000), strict=True)
        ]
        with pytest.raises(MediaError, match="was encoded with other parameter sets than the chunks before"):
            join(order_of(tmp_path / "x.mp4", runs, 90_000, None))


def test_pictures_and_sound_of_different_files_take_turns(tmp_path: Path, bundled_ffmpeg: str) -> None:
    source = make(Recipe(seconds=Fraction(8)), bundled_ffmpeg)
    scale = scale_of(source)
    runs = [run_of(source, 0, scale)]
    lone = make(Recipe(seconds=Fraction(8), picture=False), bundled_ffmpeg)
    assert_equal_to_libavformats(order_of(tmp_path / "x.mp4", runs, scale, sound_of(lone)), tmp_path)
    places = [read_tables(tmp_path / "ours" / "x.mp4").track(kind).sample_offsets() for kind in (b"vide", b"soun")]
    assert places[0][-1] > places[1][len(places[1]) // 2] > places[0][len(places[0]) // 4]
