"""Who speaks when in a whole class: through codecs and a pause, measured while it is mixed and before its plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from chirps import WITH_PICTURE, write
from lessons import camera, omission, recording, segment
from talk import Microphone, Talk, record

from assembler.choices import PlayTimes
from assembler.media.levels import measure
from assembler.media.mixdown import mixdown
from assembler.options import load_options
from assembler.pipeline.assemble import Playback, assemble
from assembler.recording import Recording, StreamKind
from assembler.times import Span, span

SECONDS = 24
PICTURE = ("-f", "lavfi", "-i", f"color=s=160x120:r=5:d={SECONDS}")
SAID = {
    "ann": [span(1000, 5000), span(14_000, 16_000)],
    "bob": [span(6000, 8500), span(18_000, 22_000)],
    "cem": [span(9000, 10_500)],
}
"""On the wall; from 12 to 14 s the recording was paused."""
HEARD = {
    "ann": [span(1000, 5000), span(12_000, 14_000)],
    "bob": [span(6000, 8500), span(16_000, 20_000)],
    "cem": [span(9000, 10_500)],
}
WINDOW = {
    "ann": [span(0, 2000), span(9000, 11_000)],
    "bob": [span(3000, 5500), span(13_000, 15_000)],
    "cem": [span(6000, 7500)],
}
"""From 3 to 18 s of the playback."""
NEAR = 250


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talk")
    own = {user: Microphone(voice=24 + 4 * number, noise=58) for number, user in enumerate(SAID)}
    sound = record(Talk(SECONDS, SAID), own, 1)
    stereo = np.stack([sound["ann"], sound["ann"] / 2])
    write(folder / "a.mp4", stereo, *WITH_PICTURE, "-ar", "44100", before=PICTURE)
    vp8 = ("-map", "0:v", "-map", "1:a", "-c:v", "libvpx", "-threads", "1", "-deadline", "realtime", "-c:a", "libopus")
    write(folder / "b.webm", sound["bob"][None], *vp8, before=PICTURE)
    write(folder / "c.mp3", sound["cem"][None], "-c:a", "libmp3lame", "-ar", "16000")
    return folder


def lesson() -> Recording:
    length = SECONDS * 1000
    files = [
        camera("a", "ann", 0, length), camera("b", "bob", 0, length),
        segment("c", StreamKind.AUDIO, "cem", 0, length),
    ]  # fmt: skip
    return recording(files, total=length, stop=length, omissions=[omission(None, 12_000, 14_000)])


def run(media: Path, folder: Path, **options: object) -> Playback:
    chosen = {"media_dir": media, "home": folder / "home", "play_times": PlayTimes.WALL, "layout": "grid", **options}
    return assemble(lesson(), folder / "class.mp4", load_options(**chosen))


def spoken(playback: Playback) -> dict[str, list[int]]:
    return {one.user: [at for s in one.spans for at in (s.start, s.end)] for one in playback.manifest.activity}


def near(said: Mapping[str, list[Span]]) -> dict[str, object]:
    return {
        user: pytest.approx([at for s in spans for at in (s.start, s.end)], abs=NEAR) for user, spans in said.items()
    }


def refuse(*args: object, **more: object) -> None:
    """Stand for the start of a measuring child."""
    raise AssertionError("a child decodes")


def test_the_playback_tells_who_speaks_when_and_decodes_nothing_for_it(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "run", refuse)
    playback = run(media, tmp_path)
    assert spoken(playback) == near(HEARD)
    talked = {one.user: one.talk for one in playback.manifest.activity}
    assert talked == {
        "ann": pytest.approx(6000, abs=NEAR),
        "bob": pytest.approx(6500, abs=NEAR),
        "cem": pytest.approx(1500, abs=NEAR),
    }
    assert "Who spoke" in playback.report.read_text("utf-8")


def test_a_window_tells_who_speaks_in_it(media: Path, tmp_path: Path) -> None:
    assert spoken(run(media, tmp_path, start=3000, end=18_000)) == near(WINDOW)


def test_a_window_of_what_was_measured_before_the_plan_tells_the_same(media: Path, tmp_path: Path) -> None:
    part = run(media, tmp_path, start=3000, end=18_000, layout="speaker", size="1280x720")
    assert spoken(part) == near(WINDOW)


def test_a_layout_that_needs_to_know_is_told_the_same_before_the_plan(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [
        spoken(run(media, tmp_path / layout, layout=layout, size="1280x720")) for layout in ("classroom", "speaker")
    ]
    assert told[0] == told[1]
    shown = run(media, tmp_path / "speaker", layout="speaker", size="1280x720").manifest
    large = [(scene.shown[-1].video_id, round(float(scene.first / shown.fps))) for scene in shown.scenes if scene.shown]
    assert [name for name, _ in large if name != "c"] == ["a", "b", "a", "b"]

    monkeypatch.setattr(measure, "run", refuse)
    playback = run(media, tmp_path / "classroom", layout="speaker", size="1280x720")
    assert spoken(playback) == told[0]


def test_levels_of_a_mixdown_that_failed_are_not_there(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mixdown.CODER
    monkeypatch.setattr(mixdown, "CODER", ("-no-such-option", "1"))
    with pytest.raises(Exception, match="ffmpeg could not take the sound"):
        run(media, tmp_path)
    assert not list((tmp_path / "home" / "levels").glob("*"))
    monkeypatch.setattr(mixdown, "CODER", real)
    assert spoken(run(media, tmp_path)) == near(HEARD)
