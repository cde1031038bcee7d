"""What may be kept of what arrives, and where there is no room for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from assembler.errors import DiskFull, DownloadError
from assembler.network.download import fetch, owners
from assembler.network.download.cache import Entry, Known

from ..conftest import Answer, Downloads, FileServer, media, only_failure, segment, whole

BODY = media(300_000)


@pytest.fixture
def v1(server: FileServer) -> str:
    server.bodies["/v1.mp4"] = BODY
    return server.url("/v1.mp4")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\n<!DOCTYPE html><p>login", "text/plain"),
        (b"\xef\xbb\xbf<HTML>", "video/mp4"),
        (b"<?xml version='1.0'?><Error>", "application/octet-stream"),
        (b'{"error": 1}', "video/mp4"),
        (BODY, "text/html; charset=utf-8"),
        (BODY, "Application/JSON"),
    ],
)
def test_a_page_instead_of_a_recording_is_said_to_be_one(
    server: FileServer, download: Downloads, v1: str, body: bytes, content_type: str
) -> None:
    server.bodies["/v1.mp4"] = body
    server.always["/v1.mp4"] = whole(Content_Type=content_type, ETag='"x"')
    failure = only_failure(download(segment(url=v1)))
    assert "page of text" in failure.sentence
    assert len(server.requests) == 1
    assert not [p for p in download.cache.iterdir() if p.suffix != ".lock" and p.name != owners.NAME]


def test_zero_bytes_are_no_file(server: FileServer, download: Downloads, v1: str) -> None:
    server.bodies["/v1.mp4"] = b""
    server.always["/v1.mp4"] = whole()
    assert "0 bytes" in only_failure(download(segment(url=v1))).sentence
    assert not download.parts()


def test_a_packed_answer_is_not_taken_for_the_file(server: FileServer, download: Downloads, v1: str) -> None:
    server.always["/v1.mp4"] = whole(Content_Encoding="gzip")
    assert "packed" in only_failure(download(segment(url=v1))).sentence
    assert server.requests[0][1]["accept-encoding"] == "identity"


def test_a_file_over_its_cap_is_refused_by_its_stated_length(server: FileServer, download: Downloads, v1: str) -> None:
    def huge(a: Answer) -> None:
        a.head(200, Content_Length=17 * 1024 * 1024)
        a.put(a.body)
        a.close_connection = True

    server.always["/v1.mp4"] = huge
    failure = only_failure(download(segment(url=v1, duration=1, size=1000)))
    assert "cap of 16.0 MiB" in failure.sentence
    assert len(server.requests) == 1


def test_a_file_over_its_cap_without_a_length_is_cut_off(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "cap_of", lambda _: 200_000)

    def far_too_much(a: Answer) -> None:
        a.head(200, ETag='"x"')
        for _ in range(64):  # never really endless: without a cap that would fill the disk of whoever runs this
            a.put(bytes(65536))
        a.close_connection = True

    server.always["/v1.mp4"] = far_too_much
    assert "195.3 KiB" in only_failure(download(segment(url=v1))).sentence
    assert not download.parts()


def test_another_size_than_declared_is_a_note(server: FileServer, download: Downloads, v1: str) -> None:
    fetched = download(segment(url=v1, size=13_151))
    (finding,) = fetched.findings
    assert (finding.severity, finding.where) == ("note", "v1")
    assert "300,000" in finding.sentence
    assert "13,151" in finding.sentence


@pytest.mark.leaves_parts
def test_a_full_disk_ends_everything_and_keeps_what_can_be_resumed(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(DiskFull) as caught:
            download(segment(url=v1), *(segment(f"x{n}", v1) for n in range(8)))
    assert "Free some space" in caught.value.hint
    assert download(segment(url=v1)).files["v1"].read_bytes() == BODY


def test_a_disk_that_fills_up_while_writing_is_a_full_disk(
    server: FileServer, download: Downloads, v1: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Entry.begin

    def begin_on_a_full_disk(entry: Entry, known: Known) -> None:
        begin(entry, known)
        entry.part.symlink_to("/dev/full")

    monkeypatch.setattr(Entry, "begin", begin_on_a_full_disk)
    server.always["/v1.mp4"] = whole()
    with pytest.raises(DiskFull, match="no room left"):
        download(segment(url=v1))
    assert not download.parts()


def test_a_cache_that_cannot_be_made_is_an_error_for_all(server: FileServer, tmp_path: Path, v1: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be used") as caught:
        Downloads(tmp_path / "file" / "cache")(segment(url=v1))
    assert "ASSEMBLER_HOME" in caught.value.hint
