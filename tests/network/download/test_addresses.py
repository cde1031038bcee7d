"""Files whose system tells their names only, below a base that somebody names."""

from __future__ import annotations

from pathlib import Path

import pytest
from lessons import camera, recording
from pytest_httpserver import HTTPServer

from assembler.errors import AssemblerError, InputError
from assembler.network.download.addresses import with_addresses
from assembler.network.download.download import fetch_all
from assembler.options import load_options
from assembler.progress import Silent
from assembler.recording import Recording

VIDEO = b"\0\0\0\x18ftypisom" + bytes(2000)


@pytest.fixture
def lesson() -> Recording:
    named = camera("ann is here", "ann", 0, 1000).model_copy(update={"url": None})
    return recording([named, camera("b", "bob", 0, 1000)])


def test_a_base_is_for_files_without_an_address(lesson: Recording) -> None:
    urls = [s.url for s in with_addresses(lesson, load_options(media_base="https://a.example/x/")).segments]
    assert urls == ["https://a.example/x/ann%20is%20here.mp4", "http://example.com/b.mp4"]
    assert with_addresses(lesson, load_options()) is lesson


@pytest.mark.parametrize(
    "base", ["a.example/x", "ftp://a.example/", "https://", "https://a.example/x?sign=s3cret", "s3://"]
)
def test_what_is_no_place_is_refused_without_its_query(lesson: Recording, base: str) -> None:
    with pytest.raises(AssemblerError) as caught:
        with_addresses(lesson, load_options(media_base=base))
    assert "s3cret" not in str(caught.value) + caught.value.sentence
    assert isinstance(caught.value, InputError) or base.startswith("s3:")


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "..", "/etc/x", "a//b", "."])
def test_a_name_that_leads_out_of_the_base_has_no_address(name: str) -> None:
    lesson = recording([camera(name, "ann", 0, 1000).model_copy(update={"url": None, "format": ""})])
    assert with_addresses(lesson, load_options(media_base="https://a.example/x")).segments[0].url is None


def test_what_lies_there_is_fetched(lesson: Recording, tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x/ann is here.mp4").respond_with_data(VIDEO)
    options = load_options(media_base=httpserver.url_for("/x"), allow_hosts=httpserver.host)
    found = with_addresses(recording(lesson.segments[:1]), options)
    fetched = fetch_all(found.segments, cache=tmp_path, options=options, progress=Silent())
    assert fetched.files["ann is here"].read_bytes() == VIDEO
