"""Files that are already on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.errors import InputError
from assembler.network.download.media_dir import LocalFiles, find_absent, find_local, is_name_of
from assembler.recording import Segment
from assembler.segment_files import SegmentFiles

from ..conftest import Downloads, FileServer, media, segment

BODY = media(1000)


class Folder:
    def __init__(self, path: Path, download: Downloads) -> None:
        self.path, self._download = path, download
        path.mkdir()

    def put(self, *names: str) -> None:
        for name in names:
            (self.path / name).write_bytes(BODY + name.encode())

    def find(self, *segments: Segment) -> SegmentFiles:
        return self._download(*segments, media_dir=self.path)

    def names(self, *segments: Segment) -> dict[str, str]:
        return {video_id: path.name for video_id, path in self.find(*segments).files.items()}


@pytest.fixture
def folder(tmp_path: Path, download: Downloads) -> Folder:
    return Folder(tmp_path / "media", download)


def test_a_file_is_found_by_id_then_id_and_ending_then_base_name(folder: Folder) -> None:
    folder.put("a", "a.mp4", "lesson a.mp4", "b.webm", "lesson b.mp4", "lesson c.mp4")
    found = folder.names(
        segment("a", "http://x/lesson%20a.mp4?sign=1"),
        segment("b", "http://x/lesson%20b.mp4"),
        segment("c", "http://x/y/lesson%20c.mp4#z"),
    )
    assert found == {"a": "a", "b": "b.webm", "c": "lesson c.mp4"}


def test_a_file_found_is_never_fetched_and_its_url_not_judged(
    server: FileServer, folder: Folder, download: Downloads
) -> None:
    folder.put("a.mp4", "b.mp4", "c.mp4", "v.mp4")
    urls = [None, "file:///etc/passwd", "http://[::1", server.url("/v.mp4")]
    fetched = folder.find(*(segment(name, url) for name, url in zip("abcv", urls, strict=True)))
    assert list(fetched.files) == ["a", "b", "c", "v"]
    assert not fetched.failures
    assert not fetched.findings
    assert not server.requests
    assert not download.cache.exists()


def test_what_is_not_in_the_folder_is_fetched(server: FileServer, folder: Folder) -> None:
    folder.put("a.mp4")
    server.bodies["/b.mp4"] = BODY
    assert list(folder.find(segment("b", server.url("/b.mp4")), segment("a")).files) == ["b", "a"]


def test_a_base_name_shared_by_two_segments_is_nobodys(folder: Folder) -> None:
    folder.put("video.mp4", "b.mp4")
    fetched = folder.find(
        segment("a", "ftp://x/1/video.mp4"), segment("b", "ftp://x/2/video.mp4"), segment("c", "ftp://x/video.mp4")
    )
    assert {v: p.name for v, p in fetched.files.items()} == {"b": "b.mp4"}
    assert set(fetched.failures) == {"a", "c"}


def test_a_name_that_is_one_segments_id_is_not_anothers_base_name(folder: Folder) -> None:
    folder.put("b.mp4")
    assert folder.names(segment("a", "ftp://x/b.mp4"), segment("b")) == {"b": "b.mp4"}


def test_of_two_ids_the_longer_one_owns_the_name(folder: Folder) -> None:
    folder.put("a.1.mp4", "a.mp4")
    assert folder.names(segment("a"), segment("a.1")) == {"a": "a.mp4", "a.1": "a.1.mp4"}


def test_of_several_endings_the_declared_one_is_taken_and_said(folder: Folder) -> None:
    folder.put("a.json", "a.webm", "a.mp3", "b.txt", "b.mkv")
    fetched = folder.find(segment("a", format="mp3"), segment("b", format=""))
    assert [p.name for p in fetched.files.values()] == ["a.mp3", "b.mkv"]
    assert fetched.findings[0].where == "a"
    assert "a.mp3 was taken from the media folder, not a.json, a.webm" in fetched.findings[0].sentence


@pytest.mark.leaves_parts
@pytest.mark.parametrize("ending", [".part", ".crdownload", ".tmp"])
def test_half_a_file_is_not_found(folder: Folder, ending: str) -> None:
    folder.put(f"a.mp4{ending}")
    assert not folder.names(segment("a"))


@pytest.mark.parametrize(
    "video_id",
    ["", ".", "..", "../secret", "/etc/passwd", "*", "?", "[a-z]*", "a\0", "a" * 5000, "..\\secret", "\udcff", "sub"],
)
def test_an_id_never_leads_out_of_the_folder_or_to_another_file(folder: Folder, tmp_path: Path, video_id: str) -> None:
    folder.put("a.mp4", "b")
    (tmp_path / "secret").write_bytes(BODY)
    (folder.path / "sub").mkdir()
    assert not folder.names(segment(video_id), segment("z", f"ftp://x/{video_id}"))


@pytest.mark.parametrize("base", ["%2e%2e%2fsecret", "..%2Fsecret", "%2Fetc%2Fpasswd", "..", "%00", "a%00.mp4", ""])
def test_a_base_name_never_leads_out_of_the_folder(folder: Folder, tmp_path: Path, base: str) -> None:
    folder.put("a.mp4")
    (tmp_path / "secret").write_bytes(BODY)
    assert not folder.names(segment("z", f"ftp://x/{base}"))


def test_a_link_is_followed_and_a_broken_one_is_no_file(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "archive.mp4").write_bytes(BODY)
    (folder.path / "a.mp4").symlink_to(tmp_path / "archive.mp4")
    (folder.path / "b.mp4").symlink_to(tmp_path / "nothing")
    assert folder.names(segment("a"), segment("b")) == {"a": "a.mp4"}


def test_a_useless_file_is_a_failure_and_its_url_is_not_tried(server: FileServer, folder: Folder) -> None:
    (folder.path / "a.mp4").write_bytes(b"")
    (folder.path / "b.mp4").write_bytes(b"<html>gone</html>")
    server.bodies["/a.mp4"] = BODY
    failures = folder.find(segment("a", server.url("/a.mp4")), segment("b")).failures
    assert "a.mp4 in the media folder is empty" in failures["a"].sentence
    assert "page of text" in failures["b"].sentence
    assert not server.requests


def test_a_file_that_cannot_be_read_is_a_failure_of_its_segment(folder: Folder) -> None:
    (folder.path / "a.mp4").symlink_to("/proc/self/mem")  # a regular file that not even root can read at 0
    assert "permissions" in folder.find(segment("a")).failures["a"].hint


@pytest.mark.parametrize("name", ["nowhere", "file", "a\0b"])
def test_a_media_folder_that_is_none_is_bad_input(download: Downloads, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="media folder") as caught:
        download(segment("a"), media_dir=tmp_path / name)
    assert "--media-dir" in caught.value.hint


@pytest.mark.parametrize("ending", ["mka", "ogg", "opus", "wav", "avi", "flac"])
def test_sound_and_old_containers_are_media(folder: Folder, ending: str) -> None:
    (folder.path / "a.json").write_text('{"trackId": "x"}')
    folder.put("a.txt", f"a.{ending}")
    assert folder.names(segment("a", format="")) == {"a": f"a.{ending}"}


@pytest.mark.parametrize("name", ["a.json", "a.html", "a.info.json", "a.xml"])
def test_a_page_beside_nothing_does_not_keep_the_file_from_being_fetched(
    server: FileServer, folder: Folder, name: str
) -> None:
    (folder.path / name).write_text('{"trackId": "x"}')
    server.bodies["/a.mp4"] = BODY
    assert folder.find(segment("a", server.url("/a.mp4"))).files
    assert len(server.requests) == 1


NAMES = st.sampled_from(["a", "a.mp4", "a.b", "a.b.mp4", "b.mp4", "lesson b.mp4", "x.mkv", ".mp4", "a.json"])
IDS = st.sampled_from(["a", "a.b", "b", "x", "lesson b", ""])
URLS = st.sampled_from([None, "http://h/b.mp4", "http://h/p/lesson%20b.mp4?sign=1", "http://[", "http://h/x.mkv"])


@given(st.sets(NAMES, min_size=1), st.lists(st.tuples(IDS, URLS), max_size=4, unique_by=lambda one: one[0]))
def test_no_file_is_taken_that_would_not_be_said_to_be_a_segments_and_none_twice_by_id(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], given_segments: list[tuple[str, str | None]]
) -> None:
    folder = tmp_path_factory.mktemp("media")
    for name in names:
        (folder / name).write_bytes(BODY)
    segments = [segment(*one) for one in given_segments]
    found = find_local(segments, folder)
    taken = {video_id: path.name for video_id, path in found.files.items()}
    assert all(is_name_of(segments, name) for name in taken.values())
    assert len(set(taken.values())) == len(taken)
    for one in segments:
        if one.video_id and one.video_id in names:
            assert taken[one.video_id] == one.video_id


def test_a_file_found_by_its_base_name_alone_is_doubted_where_its_size_is_another(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4", "id.mp4"):
        (tmp_path / name).write_bytes(BODY)
    sizes = {"1": ("a", len(BODY)), "2": ("b", len(BODY) + 1), "3": ("c", None), "id": ("z", 5)}
    segments = [segment(name, f"http://h/{base}.mp4", size=size) for name, (base, size) in sizes.items()]
    found = find_local(segments, tmp_path)
    assert list(found.files) == ["1", "2", "3", "id"]
    assert found.doubtful == {"2": tmp_path / "b.mp4"}
    assert [f.where for f in found.findings] == ["2"]
    assert list(find_local(segments, tmp_path, refused=["2", "id"]).files) == ["1", "3", "id"], "an id proves itself"
    assert find_local(segments, None) == LocalFiles()


def test_a_name_would_be_taken_for_a_segment_by_its_id_or_its_base_name_whether_it_is_there_or_not() -> None:
    segments = [segment("v1", "http://h/lesson%20b.mp4?sign=1"), segment("v2", None)]
    names = ("v1", "v2.mkv", "lesson b.mp4", "v1x.mp4", "lesson.mp4")
    assert [is_name_of(segments, name) for name in names] == [True, True, True, False, False]


def test_what_is_nowhere_is_told_with_the_folder_and_the_name_that_was_looked_for(folder: Folder) -> None:
    folder.put("a.mp4")
    segments = [segment("a", url=None), segment("b", url=None), segment("c", url="http://example.com/c.mp4")]
    absent = find_absent(segments, find_local(segments, folder.path), folder.path)
    assert {name: error.sentence for name, error in absent.items()} == {
        "b": "it has no URL, and there is no file media/b.*"
    }
    assert find_absent(segments, LocalFiles(), None)["a"].sentence == "it has no URL, and there is no file a.*"
