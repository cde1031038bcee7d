"""How large a file may be, and how much room there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from assembler.network.download.limits import HARD_CAP, MIB, cap_of, free_space, needed_bytes, size_text

from ..conftest import Downloads, FileServer, media, segment

GIB = 1024 * MIB
BODY = media(100_000)


@pytest.mark.parametrize(
    ("size", "seconds", "cap"),
    [
        (None, None, 20 * GIB),
        (0, None, 20 * GIB),
        (100 * MIB, None, 200 * MIB),
        (100 * MIB, 10, 200 * MIB),
        (1 * MIB, None, 17 * MIB),
        (13_151, 900, 3600 * MIB),
        (None, 100, 400 * MIB),
        (15 * GIB, 10, 20 * GIB),
        (None, 10 * 365 * 86400, 20 * GIB),
        (-5, -5, 20 * GIB),
    ],
)
def test_the_cap_follows_what_is_declared(size: int | None, seconds: int | None, cap: int) -> None:
    duration = None if seconds is None else seconds * 1000
    assert cap_of(segment(size=size, duration=duration)) == cap
    assert cap <= HARD_CAP


def test_what_is_needed_is_what_is_declared_and_not_there() -> None:
    segments = [segment("a", size=5), segment("b", size=70), segment("c"), segment("d", size=-4)]
    assert needed_bytes(segments, {"a": Path("a")}) == 70


def test_free_space_is_known_before_the_folder_exists(tmp_path: Path) -> None:
    assert free_space(tmp_path / "not" / "yet") > 0


@pytest.mark.parametrize(("size", "text"), [(7, "7 bytes"), (1024, "1.0 KiB"), (20 * GIB, "20.0 GiB")])
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_file_that_is_declared_absurdly_large_is_left_out_alone(server: FileServer, download: Downloads) -> None:
    server.bodies["/v1.mp4"] = server.bodies["/v2.mp4"] = BODY
    fetched = download(
        segment("v1", server.url("/v1.mp4"), size=10**12), segment("v2", server.url("/v2.mp4"), size=len(BODY))
    )
    assert list(fetched.files) == ["v2"]
    assert "931.3 GiB" in str(fetched.failures["v1"])


@pytest.mark.parametrize(("size", "duration", "counted"), [
    (10**12, 12_000, 0), (10**10, 1000, 128 << 20), (10**10, None, 10**10), (1000, 1000, 1000), (-5, 1000, 0),
])  # fmt: skip
def test_an_absurd_size_takes_no_room_from_others(size: int, duration: int | None, counted: int) -> None:
    assert needed_bytes([segment("v1", size=size, duration=duration)], {}) == counted
