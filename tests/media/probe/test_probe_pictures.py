"""What a file holds and cannot show, and what its container says of its picture's shape."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from synthetic import Recipe, make

from assembler.errors import MediaError
from assembler.facts import NO_KEY, PACKETS_LOST, VideoFacts
from assembler.media.probe.probe import probe

PACKET = 188
RECIPE = Recipe(identity="red", seconds=6, gop=30, container="ts")
KEY = ["-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb", "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8"]


def picture_of(path: Path, work: Path) -> VideoFacts:
    found = probe(path, video_id="v", keep_stamps=True, work=work).picture
    assert found is not None
    return found


def of_picture(data: bytes) -> list[int]:
    """Where the packets of the picture (the first elementary stream of ffmpeg's muxer) begin."""
    return [at for at in range(0, len(data), PACKET) if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 0x100]


def test_packets_missing_from_a_ts_are_named_with_their_time(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """Behind a lost key frame decoders show nothing up to the next one, and say nothing."""
    data = make(RECIPE, bundled_ffmpeg).read_bytes()
    places = of_picture(data)
    # the third key frame starts with the random access indicator of its adaptation field
    keys = [at for at in places if data[at + 3] & 0x20 and data[at + 4] and data[at + 5] & 0x40]
    lost = [at for at in places if keys[1] <= at < keys[1] + 40 * PACKET][:12]
    whole = set(range(0, len(data), PACKET)) - set(lost)
    path = tmp_path / "lost.ts"
    path.write_bytes(b"".join(data[at : at + PACKET] for at in sorted(whole)))
    [gone] = picture_of(path, tmp_path).lost
    assert gone.why == PACKETS_LOST
    assert 1_900 <= gone.start <= 2_100
    assert 3_900 <= gone.end <= 4_100


def test_counters_that_jump_where_nothing_is_missing_are_no_loss(tmp_path: Path, bundled_ffmpeg: str) -> None:
    data = bytearray(make(RECIPE, bundled_ffmpeg).read_bytes())
    for at in of_picture(bytes(data))[300:]:
        data[at + 3] = data[at + 3] & 0xF0 | (data[at + 3] + 5) & 0x0F
    path = tmp_path / "jump.ts"
    path.write_bytes(bytes(data))
    assert picture_of(path, tmp_path).lost == ()


@pytest.mark.parametrize("container", ["ts", "mkv", "mp4"])
@pytest.mark.parametrize("sound", [True, False])
def test_a_start_without_a_key_frame_is_lost_and_moves_nothing(
    tmp_path: Path, bundled_ffmpeg: str, container: str, sound: bool
) -> None:
    source = make(RECIPE.model_copy(update={"container": "mkv", "sound": sound}), bundled_ffmpeg)
    path = tmp_path / f"headless.{container}"
    # the first key frame goes: 29 pictures stay that need it
    drop = ["-bsf:v", "noise=drop='eq(n,0)'"]
    subprocess.run([bundled_ffmpeg, "-v", "error", "-i", source, "-c", "copy", *drop, "-copyinkf", path], check=True)
    found = picture_of(path, tmp_path)
    [gone] = found.lost
    assert gone.why == NO_KEY
    assert gone.start <= 140
    assert gone.end == found.start
    assert abs(found.start - gone.start - (2_000 - 67)) <= 2


def test_what_is_encrypted_is_called_so_and_not_fetched_again(tmp_path: Path, bundled_ffmpeg: str) -> None:
    path = tmp_path / "secret.mp4"
    source = make(RECIPE.model_copy(update={"container": "mp4"}), bundled_ffmpeg)
    scheme = ["-encryption_scheme", "cenc-aes-ctr", *KEY]
    subprocess.run([bundled_ffmpeg, "-v", "error", "-i", source, "-c", "copy", *scheme, path], check=True)
    with pytest.raises(
        MediaError, match=r"a picture .* that is encrypted and a sound track .* that is encrypted"
    ) as told:
        probe(path, video_id="v", keep_stamps=False, work=tmp_path)
    assert "does not help" in told.value.hint


def test_a_pixel_shape_may_stand_in_the_matrix_of_the_track(tmp_path: Path, bundled_ffmpeg: str) -> None:
    data = bytearray(make(RECIPE.model_copy(update={"container": "mp4"}), bundled_ffmpeg).read_bytes())
    at = next(at for at in range(len(data)) if data.startswith(b"tkhd", at) and any(data[at + 80 : at + 84]))
    data[at + 44 : at + 80] = struct.pack(">9i", 98304, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    path = tmp_path / "wide.mp4"
    path.write_bytes(bytes(data))
    assert picture_of(path, tmp_path).stretches[0].sample_aspect == Fraction(3, 2)


def test_a_picture_refreshed_part_by_part_is_used_from_its_first_whole_one_on(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    whole, path = tmp_path / "whole.mkv", tmp_path / "middle.mkv"
    source = ["-f", "lavfi", "-i", "testsrc=s=320x240:r=15:d=8"]
    refresh = ["-c:v", "libx264", "-bf", "0", "-g", "30", "-x264-params", "intra-refresh=1"]
    subprocess.run([bundled_ffmpeg, "-v", "error", *source, *refresh, whole], check=True)
    subprocess.run(
        [
            bundled_ffmpeg,
            "-v",
            "error",
            "-i",
            whole,
            "-c",
            "copy",
            "-bsf:v",
            "noise=drop='lt(n,20)'",
            "-copyinkf",
            path,
        ],
        check=True,
    )
    found = picture_of(path, tmp_path)
    decoded = subprocess.run(
        [bundled_ffmpeg, "-v", "error", "-i", path, "-f", "framecrc", "-"], check=True, capture_output=True
    )
    assert found.frames == sum(not line.startswith(b"#") for line in decoded.stdout.splitlines())
    assert [gone.why for gone in found.lost] == [NO_KEY]
    assert found.keyframes == ()
