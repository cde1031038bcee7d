"""Results given as zip files with their media, and zip files that are meant to do harm."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from assembler.errors import InputError
from assembler.options import Options
from assembler.pipeline.archives import MAX_MEMBERS, unpacked
from assembler.pipeline.read_results import read_recordings

FILES = [
    {"connectionData": name, "filename": f"{name}.webm", "startTimeOffset": 0, "stopTimeOffset": 1000, "streamId": name}
    for name in ("ann", "bob")
]
BODY = {"id": "a1", "sessionId": "r", "createdAt": 1_490_984_250_000, "files": FILES}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "class.zip"


def pack(path: Path, files: dict[str, bytes], body: object = BODY, how: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("archive.json", json.dumps(body))
        for name, content in files.items():
            archive.writestr(name, content)


def unpack(path: Path, **more: object) -> dict[str, bytes]:
    options = Options(home=path.parent / "home", **more)  # type: ignore[arg-type]
    with unpacked([str(path)], options) as given:
        assert given.media_dir is not None
        return {one.name: one.read_bytes() for one in given.media_dir.iterdir()}


def test_the_result_is_read_from_it_and_what_that_names_is_unpacked_by_base_name(path: Path) -> None:
    others = {"ann.exe.sh": b"3", "notes.txt": b"4", "ann.webm/": b""}
    pack(path, {"a/../../ann.webm": b"1", "/tmp/bob.webm": b"2", **others})
    (found,) = read_recordings([str(path)], BytesIO())
    assert [s.video_id for s in found.segments] == ["ann", "bob"]
    assert unpack(path) == {"ann.webm": b"1", "bob.webm": b"2"}
    assert not list((path.parent / "home" / "unpacked").iterdir()), "it goes when all went well"
    assert sorted(p.name for p in path.parent.iterdir()) == ["class.zip", "home"], "nothing is written elsewhere"


def test_what_a_stopped_run_unpacked_is_taken_up(path: Path) -> None:
    pack(path, {"ann.webm": b"1", "bob.webm": b"2"})
    stopped = unpacked([str(path)], Options(home=path.parent / "home"))
    folder = stopped.__enter__().media_dir
    assert folder is not None
    (folder / "ann.webm").write_bytes(b"as it was")
    assert not stopped.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert unpack(path) == {"ann.webm": b"as it was", "bob.webm": b"2"}


class TestHarm:
    def refusal(self, path: Path, **more: object) -> str:
        with pytest.raises(InputError) as caught:
            unpack(path, **more)
        left = [p for p in path.parent.rglob("*") if p.is_file() and p != path]
        assert left == [], "nothing half done lies about"
        return caught.value.sentence

    def test_a_bomb(self, path: Path) -> None:
        pack(path, {"ann.webm": bytes(300 * 2**20)}, how=zipfile.ZIP_DEFLATED)
        assert path.stat().st_size < 2**20
        assert "ann.webm would be over 100 times as large unpacked" in self.refusal(path)

    def test_very_many_files(self, path: Path) -> None:
        pack(path, {f"{n}": b"" for n in range(MAX_MEMBERS)})
        assert "more than 10000 files" in self.refusal(path)

    def test_two_of_a_name(self, path: Path) -> None:
        pack(path, {"a/ann.webm": b"1", "b/ann.webm": b"2"})
        assert "two files called ann.webm" in self.refusal(path)

    def test_one_that_is_encrypted(self, path: Path) -> None:
        pack(path, {"ann.webm": b"1"})
        whole = bytearray(path.read_bytes())
        for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            whole[whole.rindex(mark) + at] |= 1
        path.write_bytes(whole)
        assert "ann.webm is encrypted" in self.refusal(path)

    def test_one_that_is_damaged(self, path: Path) -> None:
        pack(path, {"ann.webm": b"ABCDEFGH"})
        path.write_bytes(path.read_bytes().replace(b"ABCDEFGH", b"ABCDEFGX"))
        assert "ann.webm is damaged" in self.refusal(path)

    @pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    @pytest.mark.parametrize("name", ["ann.webm", "archive.json"])
    def test_one_whose_bytes_were_changed(self, path: Path, name: str, how: int) -> None:
        pack(path, {"ann.webm": b"ABCDEFGH"}, how=how)
        whole = path.read_bytes()
        at = whole.rindex(name.encode(), 0, whole.index(b"PK\1\2")) + len(name)
        path.write_bytes(whole[:at] + b"\xff\xff\xff" + whole[at + 3 :])
        assert f"{name} is damaged" in self.refusal(path)

    @pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_one_that_is_packed_in_a_rare_way(self, path: Path, how: int) -> None:
        pack(path, {"ann.webm": b"1"}, how=how)
        assert "archive.json is packed in a rare way" in self.refusal(path)

    def test_a_name_that_would_move_the_cursor_is_shown_without(self, path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("\x1b[2J.json", "{}")
        assert self.refusal(path).isprintable()

    def test_none_and_several_results(self, path: Path) -> None:
        pack(path, {"other.json": b"{}"})
        assert "holds 2 JSON files" in self.refusal(path)
        with zipfile.ZipFile(path, "w"):
            pass
        assert "holds no JSON file" in self.refusal(path)
        path.write_bytes(b"PK and no zip")
        assert "no zip file that can be read" in self.refusal(path)

    def test_a_media_folder_beside_it(self, path: Path) -> None:
        pack(path, {})
        assert "one is taken, and no --media-dir" in self.refusal(path, media_dir=path.parent)


def test_the_parts_that_a_playlist_in_it_names_are_unpacked_too(path: Path) -> None:
    entry = {"trackType": "audio", "uid": "1", "sliceStartTime": 1_790_000_000_000, "fileName": "d/ann.m3u8"}
    body = {"sid": "t", "cname": "r", "serverResponse": {"fileList": [entry], "uploadingStatus": "uploaded"}}
    listed = b"#EXTM3U\n#EXTINF:1\n0.ts\n#EXTINF:1\n1.ts\n#EXT-X-ENDLIST\n"
    pack(path, {"d/ann.m3u8": listed, "d/0.ts": b"0", "d/1.ts": b"1", "d/2.ts": b"2"}, body)
    assert unpack(path) == {"ann.m3u8": listed, "0.ts": b"0", "1.ts": b"1"}


def test_playlists_without_a_result_are_pointed_to_the_folder_s_flag(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sid_r__uid_s_1__uid_e_audio.m3u8", "#EXTM3U")
    with pytest.raises(InputError, match="no JSON file") as caught:
        read_recordings([str(path)], BytesIO())
    assert "--agora-dir" in caught.value.hint
