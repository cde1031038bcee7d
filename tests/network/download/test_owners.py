"""Every app has files of its own; what was fetched before that goes only to whom it must belong."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from filelock import FileLock

from assembler.network.download.cache import entry_of
from assembler.network.download.download import fetch_all, on_disk
from assembler.network.download.owners import NAME, Owner, note_apps
from assembler.options import Options
from assembler.progress import Silent
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles
from assembler.times import WallMs

from ..conftest import FileServer, media, segment

OURS, THEIRS = media(20_000), media(20_000, seed=9)
FUTURE = WallMs(int(time.time() * 1000) + 86_400_000)


class Home:
    """A cache, and whoever asks for the one file of the server."""

    def __init__(self, cache: Path, server: FileServer) -> None:
        self.cache, self.server = cache, server
        server.bodies["/v1.mp4"] = OURS
        self.segment: Segment = segment(url=server.url("/v1.mp4"))

    def fetch(self, app: str, asked: int | None = None) -> SegmentFiles:
        options = Options(home=self.cache, allow_hosts=("127.0.0.1",))
        owner = Owner(app, None if asked is None else WallMs(asked))
        return fetch_all([self.segment], cache=self.cache, options=options, progress=Silent(), owner=owner)

    def lay(self, body: bytes = THEIRS, suffix: str = "") -> Path:
        """What an older version fetched."""
        entry = entry_of(self.cache, self.segment, None)
        assert entry is not None
        self.cache.mkdir(exist_ok=True)
        entry.file.with_name(entry.file.name + suffix).write_bytes(body)
        known = {"size": len(OURS), "etag": '"e"', "last_modified": None, "checked": time.time()}
        entry.file.with_name(f"{entry.file.name}{suffix}.json").write_text(json.dumps(known))
        return entry.file


@pytest.fixture
def home(tmp_path: Path, server: FileServer) -> Home:
    return Home(tmp_path / "cache", server)


def test_an_app_opens_no_other_apps_file_of_the_same_id_and_path(home: Home) -> None:
    first = home.fetch("1400").files["v1"]
    home.server.bodies["/v1.mp4"] = THEIRS
    assert home.fetch("1500").files["v1"].read_bytes() == THEIRS
    assert home.fetch("").files["v1"].read_bytes() == THEIRS
    assert first.read_bytes() == OURS
    assert home.fetch("1400").files["v1"] == first


def test_an_app_whose_link_opens_nothing_gets_nothing(home: Home) -> None:
    home.fetch("1400")
    del home.server.bodies["/v1.mp4"]
    assert set(home.fetch("1500").failures) == {"v1"}
    assert set(home.fetch("").failures) == {"v1"}
    assert not on_disk([home.segment], cache=home.cache, options=Options(), owner=Owner("1500"))
    assert on_disk([home.segment], cache=home.cache, options=Options(), owner=Owner("1400"))


def test_results_that_name_no_app_share_their_files(home: Home) -> None:
    home.fetch("")
    home.fetch("")
    assert len(home.server.requests) == 1


@pytest.mark.parametrize("app", ["", "1400"])
def test_what_was_fetched_before_is_found_where_one_app_is_known(home: Home, app: str) -> None:
    old = home.lay()
    assert on_disk([home.segment], cache=home.cache, options=Options(), owner=Owner(app))
    assert home.fetch(app).files["v1"].read_bytes() == THEIRS
    assert not home.server.requests
    assert not old.exists()


@pytest.mark.parametrize("app", ["", "1400", "1500", "1600"])
def test_it_is_nobodys_where_several_apps_are_known(home: Home, app: str) -> None:
    old = home.lay()
    note_apps(home.cache, ["1400", "1500"])
    assert home.fetch(app).files["v1"].read_bytes() == OURS
    assert old.read_bytes() == THEIRS


def test_it_is_nobodys_as_soon_as_a_second_app_asks(home: Home) -> None:
    note_apps(home.cache, ["1400"])
    home.lay()
    assert home.fetch("1500").files["v1"].read_bytes() == OURS


def test_a_job_that_waits_since_before_still_finds_it(home: Home) -> None:
    note_apps(home.cache, ["1400", "1500"])
    home.lay()
    assert home.fetch("1500", FUTURE).files["v1"].read_bytes() == OURS
    entry = entry_of(home.cache, home.segment, "1400")
    assert entry is not None
    assert home.fetch("1400", asked=1).files["v1"].read_bytes() == THEIRS
    assert entry.file.exists()


def test_what_another_process_works_on_is_left_to_it(home: Home) -> None:
    old = home.lay()
    with FileLock(f"{old}.lock"):
        assert home.fetch("1400").files["v1"].read_bytes() == OURS
    assert home.fetch("1400").files["v1"].read_bytes() == OURS, "its own is not replaced"
    assert old.read_bytes() == THEIRS


def test_a_part_of_before_is_resumed(home: Home) -> None:
    old = home.lay(OURS[:7000], ".part")
    assert home.fetch("1400").files["v1"].read_bytes() == OURS
    assert not list(home.cache.glob(f"{old.name}*.part*"))


def test_a_spoiled_list_of_apps_is_begun_anew(home: Home) -> None:
    home.cache.mkdir()
    (home.cache / NAME).write_text("[")
    home.fetch("1400")
    assert json.loads((home.cache / NAME).read_text())["known"] == ["1400"]
