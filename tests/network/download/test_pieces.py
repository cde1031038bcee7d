"""Files whose head and tables come first, and the rest in pieces while others already work with what is there."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from assembler.errors import DownloadError
from assembler.network.download import ranges
from assembler.network.download.arrivals import Arrivals
from assembler.network.download.cache import Known, entry_of
from assembler.network.download.partial_file import PartialFile
from assembler.processes import Stop, Stopped
from assembler.times import Ms, PlayMs
from assembler.workspace import identity_of

from ..conftest import Answer, Downloads, FileServer, as_it_should, cut_after, media, segment, status, whole

HEAD, END, PIECE = 8_000, 2_000, 10_000


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "HEAD_BYTES", HEAD)
    monkeypatch.setattr(ranges, "END_BYTES", END)
    monkeypatch.setattr(ranges, "SOUND_BYTES", 0)
    monkeypatch.setattr(ranges, "WORTH_BYTES", 4 * HEAD)
    monkeypatch.setattr(ranges, "PIECE_BYTES", range(PIECE, PIECE + 1))


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def movie(size: int = 100_000, seed: int = 0, *, tables_first: bool = False, tables: bytes = b"trak" * 300) -> bytes:
    """As many bytes, framed like an mp4, with its tables (1,208 bytes) behind the media or before them."""
    head, moov = box(b"ftyp", b"isom" + bytes(4)), box(b"moov", tables)
    content = media(size - len(head) - len(moov) - 8, seed)
    return head + moov + box(b"mdat", content) if tables_first else head + box(b"mdat", content) + moov


class Seen(Arrivals):
    """Also remembers what was there when it was told."""

    def tell(self, files: dict[str, Path], partial: dict[str, PartialFile]) -> None:
        self.at_first = {name: (g.entry.part.read_bytes(), g.have, g.tail) for name, g in partial.items()}
        super().tell(files, partial)


@pytest.mark.parametrize("tables_first", [True, False])
def test_head_and_tables_are_there_before_the_rest(server: FileServer, download: Downloads, tables_first: bool) -> None:
    body = server.bodies["/v1"] = movie(tables_first=tables_first)
    arrivals = Seen()
    fetched = download(segment(url=server.url("/v1")), arrivals=arrivals)
    assert fetched.files["v1"].read_bytes() == body
    early, have, tail = arrivals.at_first["v1"]
    assert len(early) == len(body), "whoever opens it early sees its length"
    assert early[:have] == body[:have]
    assert early[tail:] == body[tail:]
    assert (b"moov" in early[:have]) == tables_first
    assert (b"moov" in early[tail:]) != tables_first
    assert have + len(body) - tail < len(body) / 4
    assert server.sent == len(body), "nothing is sent twice"
    assert arrivals.partial["v1"].is_whole
    assert not download.parts()


def test_a_file_still_under_way_has_the_identity_it_will_have(server: FileServer, download: Downloads) -> None:
    server.bodies["/v1"] = movie()
    arrivals = Arrivals()
    fetched = download(segment(url=server.url("/v1")), arrivals=arrivals)
    assert arrivals.partial["v1"].identity == identity_of(fetched.files["v1"])
    fetched.files["v1"].unlink()
    again = download(segment(url=server.url("/v1")))
    assert identity_of(again.files["v1"]) == arrivals.partial["v1"].identity, "the same version fetched again"


def test_what_is_needed_first_is_fetched_first(server: FileServer, download: Downloads) -> None:
    """Of two long files one has ten times the bytes; neither gets ahead of the other in time."""
    server.bodies |= {"/small": movie(60_000), "/large": movie(600_000), "/late": movie(60_000)}
    long = {"duration": Ms(600_000)}
    download(
        segment("late", server.url("/late"), play_time=PlayMs(600_000), **long),
        segment("large", server.url("/large"), **long),
        segment("small", server.url("/small"), **long),
        arrivals=Arrivals(),
        parallel=1,
    )
    asked = [path for path, _ in server.requests]
    first, rest = asked[:6], asked[6:]
    assert sorted(first) == ["/large", "/large", "/late", "/late", "/small", "/small"]
    middle = rest.index("/small", rest.index("/small") + 1)
    assert 5 < rest[:middle].count("/large") < 40, "the second piece of the small one is not before its time"
    assert rest.index("/late") > max(i for i, path in enumerate(rest) if path != "/late")


@pytest.mark.parametrize("tables_first", [True, False])
def test_the_first_key_frame_is_there_before_the_rest_whatever_its_size(
    server: FileServer, download: Downloads, tables_first: bool
) -> None:
    """Without it nothing would be known of the picture, and nothing could be done ahead."""
    sizes = box(b"stsz", bytes(8) + (1).to_bytes(4, "big") + (40_000).to_bytes(4, "big"))
    places = box(b"stco", bytes(4) + (1).to_bytes(4, "big") + (5_000).to_bytes(4, "big"))
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", sizes + places))))
    server.bodies["/v1"] = movie(tables=track + b"\0\0\0\x08free", tables_first=tables_first)
    arrivals = Seen()
    download(segment(url=server.url("/v1")), arrivals=arrivals)
    assert arrivals.at_first["v1"][1] == 45_000


def test_a_server_that_knows_no_ranges_is_asked_once(server: FileServer, download: Downloads) -> None:
    body = server.bodies["/v1"] = movie()
    server.always["/v1"] = whole()
    arrivals = Arrivals()
    assert download(segment(url=server.url("/v1")), arrivals=arrivals).files["v1"].read_bytes() == body
    assert len(server.requests) == 1
    assert arrivals.partial == {}
    assert set(arrivals.files) == {"v1"}


def test_a_small_file_comes_in_one_answer(server: FileServer, download: Downloads) -> None:
    body = server.bodies["/v1"] = movie(HEAD - 100)
    assert download(segment(url=server.url("/v1")), arrivals=Arrivals()).files["v1"].read_bytes() == body
    assert len(server.requests) == 1


def _weak(a: Answer) -> None:
    a.headers.replace_header("Range", "none") if a.headers.get("Range") else None
    whole(ETag=f"W/{a.etag}")(a)


def _lying(a: Answer) -> None:
    a.head(206, Content_Length=HEAD, ETag=a.etag, Content_Range=f"bytes 5-{HEAD + 4}/{len(a.body)}")
    a.put(a.body[5 : HEAD + 5])


def _short(a: Answer) -> None:
    a.head(206, Content_Length=HEAD, ETag=a.etag, Content_Range=f"bytes 0-{HEAD - 1}/{len(a.body)}")
    a.put(a.body[: HEAD // 2])
    a.close_connection = True


@pytest.mark.parametrize("behave", [_weak, _lying, _short, cut_after(3_000), status(503)], ids=lambda b: str(b)[:20])
def test_a_first_answer_that_cannot_be_used_costs_nothing_but_the_head_start(
    server: FileServer, download: Downloads, behave: object
) -> None:
    body = server.bodies["/v1"] = movie()
    server.scripts["/v1"] = [behave]  # type: ignore[list-item]  # its type is the behaviours' own
    arrivals = Arrivals()
    assert download(segment(url=server.url("/v1")), arrivals=arrivals).files["v1"].read_bytes() == body
    assert arrivals.wait(0), "who works ahead is told all the same"


@pytest.mark.parametrize(
    "body",
    [
        media(100_000),
        movie(tables=b"mvex" * 300),
        movie()[:-1],
        box(b"ftyp", bytes(8)) + (1 << 30).to_bytes(4, "big") + b"moov" + media(90_000),
        box(b"ftyp", bytes(8)) + (3).to_bytes(4, "big") + b"mdat" + media(90_000),
        bytes(100_000),
    ],
    ids=["no boxes", "fragmented", "cut", "huge tables", "short box", "zeros"],
)
def test_what_is_no_mp4_with_whole_tables_is_fetched_from_its_beginning(
    server: FileServer, download: Downloads, body: bytes
) -> None:
    server.bodies["/v1"] = body
    arrivals = Arrivals()
    fetched = download(segment(url=server.url("/v1")), arrivals=arrivals)
    assert arrivals.partial == {}
    assert fetched.failures == {}
    assert fetched.files["v1"].read_bytes() == body
    assert server.sent <= len(body) + END + 1208


def test_a_cut_wire_in_the_middle_of_a_piece_is_mended(server: FileServer, download: Downloads) -> None:
    body = server.bodies["/v1"] = movie()

    def cut(a: Answer) -> None:
        start = int(a.headers["Range"].removeprefix("bytes=").partition("-")[0])
        a.head(
            206,
            Content_Length=PIECE,
            ETag=a.etag,
            Content_Range=f"bytes {start}-{start + PIECE - 1}/{len(a.body)}",
        )
        a.put(a.body[start : start + 4_000])
        a.close_connection = True

    server.scripts["/v1"] = [as_it_should, as_it_should, as_it_should, cut, cut]
    fetched = download(segment(url=server.url("/v1")), arrivals=Arrivals())
    assert fetched.files["v1"].read_bytes() == body
    assert server.sent == len(body)


def test_another_version_in_the_middle_is_fetched_anew_and_never_mixed(server: FileServer, download: Downloads) -> None:
    server.bodies["/v1"] = movie(seed=1)
    new = movie(seed=2)

    def swap(a: Answer) -> None:
        a.body = server.bodies["/v1"] = new
        as_it_should(a)

    server.scripts["/v1"] = [as_it_should, as_it_should, as_it_should, swap]
    arrivals = Arrivals()
    assert download(segment(url=server.url("/v1")), arrivals=arrivals).files["v1"].read_bytes() == new
    assert arrivals.partial["v1"].is_lost


@pytest.mark.leaves_parts
def test_a_file_that_goes_away_in_the_middle_is_told_and_lost(server: FileServer, download: Downloads) -> None:
    server.bodies["/v1"] = movie()
    server.scripts["/v1"] = [as_it_should, as_it_should, as_it_should, *[status(404)] * 5]
    arrivals = Arrivals()
    fetched = download(segment(url=server.url("/v1")), arrivals=arrivals)
    assert "404" in str(fetched.failures["v1"])
    assert arrivals.partial["v1"].is_lost
    assert not arrivals.partial["v1"].wait(len(movie()), 5), "whoever waits for it is let go"


@pytest.fixture
def stopped(server: FileServer, download: Downloads) -> bytes:
    """A download that was told to end in the middle of a file."""
    body = server.bodies["/v1"] = movie(300_000)
    stop = Stop()

    def stopping(a: Answer) -> None:
        if len(server.requests) == 12:
            stop.set()
        as_it_should(a)

    server.always["/v1"] = stopping
    with pytest.raises(Stopped):
        download(segment(url=server.url("/v1")), arrivals=Arrivals(), stop=stop)
    server.always.clear()
    return body


@pytest.mark.parametrize("is_ahead", [True, False])
def test_a_download_that_was_stopped_goes_on_where_it_was(
    server: FileServer, download: Downloads, stopped: bytes, is_ahead: bool
) -> None:
    before = server.sent
    fetched = download(segment(url=server.url("/v1")), arrivals=Arrivals() if is_ahead else None)
    assert fetched.files["v1"].read_bytes() == stopped
    assert server.sent - before < len(stopped) - 6 * PIECE + 1, "four pieces were under way at most"


@pytest.mark.parametrize("size", [0, 1, HEAD - 1, HEAD, 150_000, 299_999])
def test_a_part_shorter_than_its_file_is_not_believed(
    server: FileServer, download: Downloads, stopped: bytes, size: int
) -> None:
    """A kill between the note and the last byte of the end leaves such a one."""
    with download.parts()[0].open("r+b") as part:
        part.truncate(size)
    assert download(segment(url=server.url("/v1")), arrivals=Arrivals()).files["v1"].read_bytes() == stopped


def partial_file(folder: Path) -> PartialFile:
    """File of 1000 bytes of which the first and the last hundred are there."""
    entry = entry_of(folder, segment(url="http://h/v1"))
    assert entry is not None
    known = Known(size=1000, etag='"1"', last_modified=None, have=100, tail=900)
    return PartialFile(segment(), "http://h/v1", entry, known)


def test_whoever_waits_for_bytes_is_woken_when_they_are_there(tmp_path: Path) -> None:
    partial = partial_file(tmp_path)
    heard: list[int] = []
    partial.listen(lambda g: heard.append(g.have))
    piece, behind = partial.claim(500), partial.claim(500)
    assert piece is not None
    assert behind is not None
    assert partial.is_taken
    partial.reach(behind, 900)
    assert partial.have == 100, "what is behind a hole does not count"
    thread = threading.Timer(0.05, partial.reach, [piece, 500])
    thread.start()
    assert partial.wait(400, 5)
    assert not partial.wait(501, 0.01)
    assert not partial.leave(behind)
    partial.reach(piece, 600)
    assert partial.have == 1000, "it has met the end"
    assert partial.leave(piece)
    thread.join()
    assert heard == [100, 100, 500, 500, 1000, 1000]


def test_what_is_heard_last_is_never_older_than_what_was_heard_before(tmp_path: Path) -> None:
    """Two pieces of a file tell at the same time; who writes down what it hears may be interrupted in between."""
    partial = partial_file(tmp_path)
    first, second = partial.claim(400), partial.claim(400)
    assert first is not None
    assert second is not None
    heard: list[int] = []

    def hear(heard_of: PartialFile) -> None:
        have = heard_of.have
        time.sleep(0.05 if have < 500 else 0)
        heard.append(have)

    partial.listen(hear)
    slow = threading.Thread(target=partial.reach, args=[first, 300])
    slow.start()
    time.sleep(0.02)
    partial.reach(first, 500)
    slow.join()
    assert heard == sorted(heard)


def test_a_file_that_loses_one_piece_is_lost_when_the_last_has_ended(tmp_path: Path) -> None:
    partial = partial_file(tmp_path)
    first, second = partial.claim(200), partial.claim(200)
    assert first is not None
    assert second is not None
    assert not partial.leave(first, DownloadError("gone"))
    assert partial.is_lost
    assert partial.claim(200) is None
    partial.reach(second, 500)
    assert partial.leave(second)
    assert partial.have == 100
