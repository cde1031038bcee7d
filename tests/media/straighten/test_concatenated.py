"""Files put one behind the other are found by their bytes, and each is read as if it were alone."""

from __future__ import annotations

import io
import struct
from itertools import accumulate
from pathlib import Path

import av
import pytest
from chirps import tone, write
from hypothesis import given
from hypothesis import strategies as st

from assembler.media.probe.container import sniff
from assembler.media.straighten import concatenated
from assembler.media.straighten.concatenated import Spliced, announce_streams, find_pieces, is_plain
from assembler.media.straighten.straighten import straighten
from assembler.mp4.moov import box

pytestmark = pytest.mark.slow

DEMUXERS = {"mkv": "matroska", "webm": "matroska", "mp4": "mov", "ogg": "ogg", "mp3": "mp3", "wav": "wav", "avi": "avi"}
PICTURE = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.3")


def sound(path: Path, seconds: float = 0.3, *, before: tuple[str, ...] = ()) -> Path:
    return write(path, tone(seconds, 0.3), before=before)


def coded(folder: Path, codec: str, *words: str, before: tuple[str, ...] = ()) -> bytes:
    """A ts with sound of this codec."""
    return write(folder / f"{codec}.ts", tone(0.5, 0.3), "-c:a", codec, *words, before=before).read_bytes()


def spans(path: Path, container: str) -> list[tuple[int, int]]:
    found = find_pieces(path, container)
    assert all(len(piece) == 1 and not isinstance(piece[0], bytes) for piece in found)
    return [(part[0], part[1]) for (part,) in found if not isinstance(part, bytes)]


def behind_each_other(path: Path, *contents: bytes) -> list[tuple[int, int]]:
    path.write_bytes(b"".join(contents))
    ends = list(accumulate(map(len, contents)))
    return list(zip([0, *ends], ends, strict=False))


@pytest.mark.parametrize("suffix", DEMUXERS)
def test_each_of_three_files_is_a_piece_that_is_that_file(suffix: str, tmp_path: Path) -> None:
    parts = [sound(tmp_path / f"{n}.{suffix}", 0.2 + n / 10).read_bytes() for n in range(3)]
    whole = tmp_path / f"whole.{suffix}"
    assert spans(tmp_path / f"1.{suffix}", DEMUXERS[suffix]) == [(0, len(parts[1]))]
    wanted = behind_each_other(whole, *parts)
    assert spans(whole, DEMUXERS[suffix]) == wanted
    for piece, content in zip(find_pieces(whole, DEMUXERS[suffix]), parts, strict=True):
        with Spliced(whole, piece) as file:
            assert file.read() == content


def test_a_single_file_is_plain_and_pieces_are_not(tmp_path: Path) -> None:
    one = sound(tmp_path / "one.mkv")
    assert is_plain(find_pieces(one, "matroska"), one)
    assert is_plain(find_pieces(one, "amr"), one), "of other containers nothing is known"
    two = tmp_path / "two.mkv"
    behind_each_other(two, one.read_bytes(), one.read_bytes())
    assert not is_plain(find_pieces(two, "matroska"), two)


def test_marks_inside_of_a_recording_begin_no_file(tmp_path: Path) -> None:
    ebml, flv = concatenated.EBML, b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
    for container, content in (
        ("matroska", ebml + b"matroska" + concatenated.SEGMENT + b"data" + ebml + b"something else" + bytes(200)),
        ("flv", flv + bytes(99) + b"FLV\x01\x07" + flv[5:] + b"FLV\x01\x05" + bytes(8)),
        ("wav", b"RIFF" + struct.pack("<I", 12) + b"WAVE" + bytes(8) + b"RIFF" + struct.pack("<I", 4) + b"WEBP"),
        ("mp3", b"\xff\xfb\x90\0" + bytes(32) + b"Xing" + bytes(99) + b"Xing" + b"ID3\x09" + bytes(9)),
        ("mov", box(b"ftyp") + box(b"moov") + box(b"ftyp") + box(b"mdat")),
        ("mov", box(b"free") + box(b"ftyp") + box(b"moov")),
        ("matroska", bytes(9) + ebml + b"matroska" + bytes(200)),
        ("ogg", ogg_page(2) + ogg_page(2) + ogg_page(0, 5)),  # two streams at once
    ):
        path = tmp_path / container
        path.write_bytes(content)
        assert is_plain(find_pieces(path, container), path), container


def ogg_page(flags: int, size: int = 0) -> bytes:
    return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([1, size]) + bytes(size)


def test_what_lies_between_two_files_does_not_hide_the_second(tmp_path: Path) -> None:
    odd = b"RIFF" + struct.pack("<I", 13) + b"WAVE" + bytes(9) + b"\0"
    assert behind_each_other(tmp_path / "wav", odd, odd, odd) == spans(tmp_path / "wav", "wav")
    first, second = ogg_page(2) + ogg_page(0, 9) + b"junk", ogg_page(2) + ogg_page(4)
    assert behind_each_other(tmp_path / "ogg", first, second) == spans(tmp_path / "ogg", "ogg")


def test_a_tag_before_the_first_frame_of_an_mp3_belongs_to_it(tmp_path: Path) -> None:
    frame = b"\xff\xfb\x90\0" + bytes(32) + b"Info" + bytes(99)
    tagged = b"ID3\x04\0\0" + bytes([0, 0, 1, 2]) + bytes(130) + frame
    path = tmp_path / "a.mp3"
    wanted = behind_each_other(path, tagged, frame, tagged)
    assert spans(path, "mp3") == wanted


def test_a_flv_gets_the_first_tag_of_each_stream_at_its_front(tmp_path: Path) -> None:
    path = tmp_path / "a.flv"

    def tag(kind: int, content: bytes) -> bytes:
        return bytes([kind]) + len(content).to_bytes(3, "big") + bytes(7) + content + bytes(4)

    header = b"FLV\x01\x01\0\0\0\x09\0\0\0\0"
    tags = [tag(18, b"meta"), tag(9, b""), tag(9, b"v1"), tag(9, b"v2"), tag(8, b"a1"), tag(8, b"a2")]
    path.write_bytes(b"before" + header + b"".join(tags))
    (piece,) = announce_streams(path, "flv", ((6, path.stat().st_size),))
    with Spliced(path, piece) as file:
        assert file.read() == header + tags[2] + tags[4] + b"".join(tags)
    assert announce_streams(path, "flv", piece) == [piece], "once is enough"


@pytest.mark.parametrize("start", [0, 100])  # which may lie inside a packet
def test_a_ts_is_cut_where_its_program_map_changes(tmp_path: Path, start: int) -> None:
    first = sound(tmp_path / "1.ts").read_bytes()
    both = sound(tmp_path / "2.ts", before=PICTURE).read_bytes()
    path = tmp_path / "whole.ts"
    path.write_bytes(first + both + both)
    size = path.stat().st_size
    pieces = announce_streams(path, "mpegts", ((start, size),))
    border = pieces[1][0][0]
    assert pieces == [((start, border),), ((border, size),)], "the same map again is no change"
    assert len(first) <= border <= len(first) + 3 * 188
    assert announce_streams(path, "mp3", ((0, 9),)) == [((0, 9),)]


def test_no_more_pieces_are_made_than_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concatenated, "MAX_PIECES", 3)
    part = sound(tmp_path / "1.wav").read_bytes()
    path = tmp_path / "whole.wav"
    wanted = behind_each_other(path, part, part, part * 3)
    assert spans(path, "wav") == wanted


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spliced") / "bytes"
    path.write_bytes(bytes(range(256)))
    return path


parts = st.binary(min_size=1, max_size=9) | st.tuples(st.integers(0, 255), st.integers(0, 255)).map(
    lambda pair: (min(pair), max(pair))
)
steps = st.lists(
    st.tuples(st.just("read"), st.integers(-1, 300))
    | st.tuples(st.sampled_from(["set", "cur", "end"]), st.integers(-300, 300))
)
WHENCE = {"set": io.SEEK_SET, "cur": io.SEEK_CUR, "end": io.SEEK_END}


@given(st.lists(parts, min_size=1, max_size=5).map(tuple), steps)
def test_a_piece_is_read_like_a_file_of_its_bytes(
    numbered: Path, piece: tuple[bytes | tuple[int, int], ...], todo: list[tuple[str, int]]
) -> None:
    content = b"".join(part if isinstance(part, bytes) else bytes(range(*part)) for part in piece)
    model = io.BytesIO(content)
    with Spliced(numbered, piece) as file:
        for what, number in todo:
            if what == "read":
                assert file.read(number) == model.read(number)
            else:
                base = {"set": 0, "cur": model.tell(), "end": len(content)}[what]
                assert file.seek(number, WHENCE[what]) == model.seek(max(0, base + number))
            assert file.tell() == model.tell()
        assert file.readable()
        assert file.seekable()


def test_a_ts_is_several_where_a_pid_gets_another_codec_and_nowhere_else(tmp_path: Path) -> None:
    aac, mp3 = (coded(tmp_path, codec) for codec in ("aac", "libmp3lame"))
    more, path = coded(tmp_path, "aac", "-map", "1:a", "-map", "0:v", before=PICTURE), tmp_path / "whole.ts"
    path.write_bytes(aac + aac + more)
    assert is_plain(find_pieces(path, "mpegts"), path), "libav finds a further stream by itself"
    path.write_bytes(b"x" * 50 + aac + mp3 + mp3 + aac)
    first, second = 50 + len(aac), 50 + len(aac) + 2 * len(mp3)
    found = spans(path, "mpegts")
    assert found == [(0, first + 188), (first + 188, second + 188), (second + 188, path.stat().st_size)]
    assert path.read_bytes()[first + 188 : first + 191] == b"\x47\x40\x00", "the table that names the program map"


def test_private_streams_of_a_ts_are_told_apart_by_their_descriptors(tmp_path: Path) -> None:
    opus, path = coded(tmp_path, "libopus"), tmp_path / "whole.ts"
    for other, count in ((opus, 1), (opus.replace(b"Opus", b"AC-3"), 2)):
        path.write_bytes(opus + other)
        assert len(find_pieces(path, "mpegts")) == count


def test_sound_and_pictures_of_both_codecs_are_kept_or_named(tmp_path: Path) -> None:
    first = coded(tmp_path, "aac", "-c:v", "libx264", before=PICTURE)
    second = coded(tmp_path, "libmp3lame", "-c:v", "mpeg2video", before=PICTURE)
    path, copy = tmp_path / "whole.ts", tmp_path / "copy.ts"
    path.write_bytes(first + second)
    found = straighten(path, sniff(path), None, copy)
    assert found is not None
    assert "is of another codec (mpeg2video behind h264): it is not shown." in found.sentence
    with av.open(str(copy)) as opened:
        assert sorted(stream.codec_context.name for stream in opened.streams) == ["aac", "h264", "mp3float"]
