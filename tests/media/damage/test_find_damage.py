"""Damaged ranges of one video stream: from the packet that does not decode to the next key frame."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from oddities import packets, spoiled
from synthetic import Recipe, make

from assembler.media.damage import child
from assembler.media.damage.child import find_damage
from assembler.media.damage.order import Damage, Search, Suspect
from assembler.media.probe.child import probe_file
from assembler.media.probe.order import ProbeInput
from assembler.media.render.inputs import Input


@pytest.fixture
def suspect(tmp_path: Path, bundled_ffmpeg: str) -> Suspect:
    """Four seconds with a key frame at each."""
    recipe = Recipe(identity="red", seconds=Fraction(4), fps=Fraction(10), width=96, height=64, gop=10, sound=False)
    path = tmp_path / "video.mp4"
    shutil.copy(make(recipe, bundled_ffmpeg), path)
    return Suspect(str(path), (), "mov", stream=0, seek=None, late=0, end=Fraction(4))


def spoil(suspect: Suspect, *seconds: float) -> None:
    """Spoil the frames at these times."""
    path = Path(suspect.url)
    for at in seconds:
        spoiled(path, packets(path, at - 0.05, at + 0.05))


def damage(suspect: Suspect) -> list[tuple[float, float | None]]:
    return [(float(start), None if end is None else float(end)) for start, end in find_damage(suspect)]


def test_damage_reaches_to_the_next_key_frame_or_to_the_end(suspect: Suspect) -> None:
    assert damage(suspect) == []
    spoil(suspect, 1.3, 1.6, 3.5)
    assert damage(suspect) == [(1.3, 2.0), (3.5, None)]


def test_pictures_that_refer_to_a_later_one_are_damaged_with_it(
    suspect: Suspect, tmp_path: Path, bundled_ffmpeg: str
) -> None:
    recipe = Recipe(
        identity="red", seconds=Fraction(4), fps=Fraction(10), width=96, height=64, gop=10, sound=False, bframes=2
    )
    deep = replace(suspect, url=shutil.copy(make(recipe, bundled_ffmpeg), tmp_path / "deep.mp4"))
    with av.open(deep.url) as opened:
        video = opened.streams.video[0]
        order = [p.pts * video.time_base for p in opened.demux(video) if p.pts is not None and p.size]
    early = next(n for n, at in enumerate(order) if 1 < at < 2 and order[n + 1] < at)
    spoil(deep, float(order[early]))
    assert damage(deep) == [(float(min(order[early : early + 3])), 2.0)]


def test_the_search_ends_at_the_first_key_frame_behind_its_range(suspect: Suspect) -> None:
    spoil(suspect, 0.3, 2.3)
    assert damage(replace(suspect, end=Fraction(1, 2))) == [(0.3, 1.0)], "the end of the damage lies behind it"
    assert damage(replace(suspect, end=Fraction(5, 2))) == [(0.3, 1.0), (2.3, 3.0)]


def test_reading_starts_at_a_key_frame_and_times_are_those_of_the_file(suspect: Suspect) -> None:
    spoil(suspect, 0.3, 2.3)
    with av.open(suspect.url) as opened:
        base = opened.streams.video[0].time_base
    assert base is not None
    assert damage(replace(suspect, seek=int(2 / base))) == [(2.3, 3.0)]
    assert damage(replace(suspect, late=10, end=Fraction(-6))) == [(-9.7, -9.0), (-7.7, -7.0)]


def test_what_facts_tell_of_is_not_told_again(suspect: Suspect) -> None:
    spoil(suspect, 1.3, 2.3)
    assert damage(replace(suspect, known=((Fraction(1), Fraction(2)),))) == [(2.3, 3.0)]
    assert damage(replace(suspect, known=((None, Fraction(2)), (Fraction(2), None)))) == []


def test_a_file_that_is_no_video_has_an_empty_answer_and_the_others_have_theirs(
    suspect: Suspect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(suspect, 1.3)
    (tmp_path / "page.mp4").write_text("<html>")
    suspects = replace(suspect, url=str(tmp_path / "page.mp4")), replace(suspect, stream=7), suspect
    (tmp_path / "order").write_text(Search(suspects, answer=str(tmp_path / "answer")).to_json())
    monkeypatch.setattr("sys.argv", ["child", str(tmp_path / "order")])
    monkeypatch.setattr(child, "limit_memory", lambda _: None)  # it would be this process's own limit
    assert child.main() == 0
    ranges = Damage.from_json((tmp_path / "answer").read_bytes()).ranges
    assert ranges == ((), (), ((Fraction(13, 10), Fraction(2)),))


def test_a_ts_is_searched_from_an_entry_point_on(
    tmp_path: Path, bundled_ffmpeg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(seconds=Fraction(24), fps=Fraction(10), width=96, height=64, gop=10, container="ts")
    path = tmp_path / "a.ts"
    shutil.copy(make(recipe, bundled_ffmpeg), path)
    facts = probe_file(ProbeInput("a", path, keep_stamps=False))[0]
    assert facts.picture is not None
    assert facts.picture.entries is not None
    first = float(facts.picture.first * facts.picture.time_base)
    for begin, end in ((4.3, 4.5), (15.3, 15.6)):
        places = packets(path, first + begin - 0.05, first + end)
        spoiled(path, [(at, 188) for at, _ in places], keep=188 - 24)
    monkeypatch.chdir(tmp_path)
    opened = Input("a.ts", "mpegts", facts.picture.stream, entries=facts.picture.entries)
    found = []
    for seek in (None, facts.starts[1]):
        url, options = opened.open_at(seek, facts.picture.time_base)
        told = tuple((name, str(value)) for name, value in options.items())
        ranges = damage(Suspect(url, told, "mpegts", opened.stream, seek=None, late=0, end=Fraction(60)))
        found.append([(round(start - first, 1), end and round(end - first, 1)) for start, end in ranges])
    assert [end for _, end in found[0]] == [5.0, 16.0]
    assert found[1] == found[0][1:]
