"""Files of speech that hold each other's sound are found to be where they were really recorded, and others stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from chirps import probed
from echoing import CODECS, RATE, Hears, Room, Sound, voices, write
from lessons import recording, segment

from assembler.choices import Align
from assembler.media.align import measure
from assembler.media.align.child import MOST, STRETCH, choose_stretches
from assembler.media.mixdown.decode import Reader
from assembler.media.mixdown.file_pool import OpenFiles
from assembler.media.mixdown.mixdown import mix_input
from assembler.media.mixdown.order import Part
from assembler.media.mixdown.resample import PlacedSamples
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.options import load_options
from assembler.pipeline.gather import gather, with_alignment
from assembler.pipeline.timelines import in_order, timeline_of
from assembler.recording import StreamKind
from assembler.segment_files import SegmentFiles

pytestmark = pytest.mark.slow

NEAR = 10
"""Maximum distance of a file from its true place, in ms."""


Kinds = Mapping[str, tuple[StreamKind, str]]
"""Kind and user of files that are not their user's microphone."""


def gathered(
    room: Room, wrong: Mapping[str, int], folder: Path, kinds: Kinds | None = None
) -> Callable[[], SegmentFiles]:
    """Write the files of a room, declared wrong by so many ms; the function aligns them."""
    media = room.write(folder / "media")
    kinds = {**{user: (StreamKind.AUDIO, user) for user in room.starts}, **(kinds or {})}
    segments = [segment(name, *kinds[name], at + wrong.get(name, 0), None) for name, at in room.starts.items()]
    options = load_options(media_dir=media, home=folder / "home", align=Align.SOUND)
    run = Run(options)
    recorded = in_order(recording(segments), options)
    got = gather(recorded.recordings, run)
    return lambda: with_alignment(got, recorded, timeline_of(recorded, got, options), run)


def aligned(room: Room, wrong: Mapping[str, int], folder: Path, kinds: Kinds | None = None) -> SegmentFiles:
    return gathered(room, wrong, folder, kinds)()


def moved(got: SegmentFiles) -> dict[str, int]:
    for one in got.findings:
        print(one.where, one.sentence)
    return {one.video_ids[0]: one.moved for one in got.alignments if one.moved}


START = {"ann": 0, "bob": 1_240}


@pytest.mark.parametrize("wrong", [80, -313, 900])
@pytest.mark.parametrize(
    "codec",
    [{}, {"ann": "opus", "bob": "opus webm"}, {"ann": "aac at 44.1 kHz", "bob": "mp3 at 16 kHz"}],
    ids=["aac", "opus at 24 kbit/s", "other rates"],
)
def test_an_echo_in_one_microphone_tells_where_its_file_belongs(
    wrong: int, codec: dict[str, str], tmp_path: Path
) -> None:
    room = Room(START, hears=[Hears("bob", "ann")], codec=codec)
    assert moved(aligned(room, {"bob": wrong}, tmp_path)) == {"bob": pytest.approx(-wrong, abs=NEAR)}


@pytest.mark.parametrize("late", [0, 140])
@pytest.mark.parametrize("talking", [False, True], ids=["in turns", "both at once"])
def test_of_two_who_hear_each_other_the_echo_s_own_delay_is_taken_off(late: int, talking: bool, tmp_path: Path) -> None:
    hears = [Hears("bob", "ann", 20, late), Hears("ann", "bob", 18, late)]
    got = aligned(Room(START, 60, hears=hears, talking=talking), {"ann": 80, "bob": -333}, tmp_path)
    found = moved(got)
    assert found.get("bob", 0) - found.get("ann", 0) == pytest.approx(80 + 333, abs=NEAR)
    (one,) = got.alignments
    assert one.echo == (pytest.approx(late, abs=NEAR) if late or not talking else None)


def test_everybody_is_placed_by_a_mixed_stream_and_a_share_by_the_room_that_hears_it(tmp_path: Path) -> None:
    names = {"ann": 0, "bob": 2_300, "film": 700, "mix": 400}
    hears = [*(Hears("mix", user, 6) for user in ("ann", "bob")), Hears("ann", "film", 15)]
    kinds = {"mix": (StreamKind.MIX, ""), "film": (StreamKind.SCREEN_AUDIO, "ann")}
    codec = {"mix": "aac at 44.1 kHz", "film": "opus webm", "bob": "flac"}
    wrong = {"ann": 120, "bob": -850, "film": 240}
    got = aligned(Room(names, hears=hears, codec=codec, talking=True), wrong, tmp_path, kinds)
    assert moved(got) == {name: pytest.approx(-by, abs=NEAR) for name, by in wrong.items()}


def hum(seconds: float) -> Sound:
    times = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * 50 * n * times + n) / n for n in (1, 2, 3, 5)]
    return np.asarray(0.02 * np.sum(waves, axis=0), np.float32)


def beeps(seconds: float) -> Sound:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(0.1 * np.sin(2 * np.pi * 440 * times) * (times % 1 < 0.2), np.float32)


def loop(seconds: float) -> Sound:
    """Music of 1.2 s, again and again."""
    rng = np.random.default_rng(5)
    bar = np.concatenate([rng.standard_normal(RATE // 5) * np.exp(-np.arange(RATE // 5) / 4000) for _ in range(6)])
    return np.resize(np.asarray(0.1 * bar, np.float32), round(seconds * RATE))


def tune(seconds: float) -> Sound:
    """The signal of somebody who joins, which every client plays when it hears of it: each time some ms later."""
    out = np.zeros(round(seconds * RATE), np.float32)
    for at in (2, 16, 31):
        begin = round((at + next(DELAYS)) * RATE)
        out[begin : begin + RATE] = 0.2 * np.random.default_rng(6).standard_normal(RATE)
    return out


DELAYS = cycle((0.0, 0.1, 0.35, 0.2, 0.5, 0.05))


@pytest.mark.parametrize("shared", [None, hum, beeps, loop, tune])
def test_where_nothing_is_shared_or_nothing_unmistakable_all_stay(
    shared: Callable[[float], Sound] | None, tmp_path: Path
) -> None:
    extra = {} if shared is None else {user: shared(45) for user in START}
    got = aligned(Room(START, extra=extra), {"bob": 313}, tmp_path)
    assert moved(got) == {}
    assert got.findings


@pytest.mark.parametrize("noise", [0.0, 0.001])
def test_two_silent_files_share_nothing(noise: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "media").mkdir()
    for user in START:
        write(tmp_path / "media" / f"{user}.m4a", np.asarray(noise * rng.standard_normal((1, 30 * RATE)), np.float32))
    assert moved(aligned(Silent(START), {"bob": 313}, tmp_path)) == {}


class Silent(Room):
    """A room whose files are there already."""

    def write(self, folder: Path) -> Path:
        return folder


def test_what_was_compared_once_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    align = gathered(Room(START, hears=[Hears("bob", "ann")]), {"bob": 313}, tmp_path)
    first = align()
    monkeypatch.setattr(measure, "run_module", lambda *_, **__: pytest.fail("a child decodes"))
    assert align() == first


def test_a_file_that_kills_the_child_stays_and_the_others_are_compared(
    tmp_path: Path, deadly: Callable[[], Path]
) -> None:
    names = {"ann": 0, "bob": 1_240, "killer": 500}
    align = gathered(Room(names, hears=[Hears("bob", "ann")]), {"bob": 313}, tmp_path)
    died = deadly()
    assert moved(align()) == {"bob": pytest.approx(-313, abs=NEAR)}
    assert died.exists()


@pytest.mark.parametrize("codec", ["aac", "aac at 44.1 kHz", "opus", "opus webm", "flac", "mp3 in avi"])
def test_a_range_sounds_as_it_does_where_all_is_decoded(codec: str, tmp_path: Path) -> None:
    ending, words = CODECS[codec]
    path = write(tmp_path / f"a.{ending}", voices(("ann", "bob"), 45, 1)["ann"][None], *words)
    known, ranges = probed({"a": path}, tmp_path)["a"], [(7 * RATE, 9 * RATE), (30 * RATE, 33 * RATE)]
    source = mix_input("a", SourceFiles({"a": path}), known, None)
    heard = []
    for wanted in (None, ranges):
        reader = Reader(source, source.tracks[0], OpenFiles(), lambda: None, wanted=wanted)
        reader.open()
        heard.append([placed for start, end in ranges for placed in reader.read(start, end)])
    whole, part = ([placed_in(ones, *one) for one in ranges] for ones in heard)
    for all_of_it, only in zip(whole, part, strict=True):
        crossed = np.fft.irfft(np.fft.rfft(all_of_it) * np.conj(np.fft.rfft(only)))
        late = int(crossed.argmax())
        assert only.any()
        assert min(late, len(crossed) - late) <= RATE // 1000
        assert crossed.max() >= 0.98 * np.sqrt((all_of_it**2).sum() * (only**2).sum())


def placed_in(pieces: list[PlacedSamples], start: int, end: int) -> Sound:
    out = np.zeros(end - start, np.float32)
    for placed in pieces:
        first, last = max(placed.at, start), min(placed.end, end)
        if first < last:
            out[first - start : last - start] = placed.samples[0, first - placed.at : last - placed.at]
    return out


def test_of_a_long_class_the_same_stretches_of_all_files_are_compared_and_all_of_a_short_visit() -> None:
    hours = [part("ann", 0, 3 * 3_600), part("bob", 40, 3 * 3_500)]
    chosen = choose_stretches([[one] for one in hours])
    assert len(chosen) <= MOST + 2
    assert max(np.diff(sorted(chosen))) * STRETCH <= 30 * 60 * RATE
    visit = part("eva", 5_000, 5_300)
    whole = set(range(visit.start // STRETCH, visit.end // STRETCH + 1))
    assert choose_stretches([[hours[0]], [visit]]) == chosen | whole


def part(name: str, start: int, end: int) -> Part:
    return Part(name, start * RATE, end * RATE, start * RATE)
