"""No package shows, sounds or names whom the class card hides; anonymous people are heard under their number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from classes import BOARD, USER_1, USER_2, Class, Stream
from lessons import camera, recording
from readers import nearest
from sounds import beeps, listen
from synthetic import Recipe

from assembler.choices import PackageName
from assembler.class_card import parse_card
from assembler.demo.identity import IDENTITIES
from assembler.outputs.archive import _attached
from assembler.outputs.packages import OUTPUTS, make_packages
from assembler.privacy import cast_class
from assembler.recording import StreamKind
from assembler.workspace import assets_of
from outputs.conftest import Made, made

HIDDEN, SHY = "zq-hidden-4711", "zq-shy-0815"
LESSON = Class(
    [
        Stream("w1", StreamKind.WHITEBOARD, "", 0, Recipe(identity="blue", seconds=3, fps=5), BOARD),
        Stream(f"f-{SHY}", StreamKind.CAMERA, SHY, 0, Recipe(identity="red", seconds=3, fps=15), USER_1),
        Stream(f"f-{HIDDEN}", StreamKind.CAMERA, HIDDEN, 0, Recipe(identity="green", seconds=3, fps=15), USER_2),
    ],
    total=3000,
)
CARD = {
    "title": f"Reading with {HIDDEN}",
    "people": [{"id": HIDDEN, "name": "Zqhilda", "show": "no"}, {"id": SHY, "name": "Zqsharon", "show": "anonymous"}],
}
WORDS = [HIDDEN, SHY, "Zqhilda", "Zqsharon"]


@pytest.fixture(scope="session")
def private(folder: Path, bundled_ffmpeg: str) -> Made:
    card = folder / "card.json"
    card.write_text(json.dumps(CARD))
    return made(LESSON, folder / "private", bundled_ffmpeg, class_file=str(card))


def identities_in(path: Path) -> Iterator[str | None]:
    """Whose colours are anywhere in any frame of any picture."""
    with av.open(str(path)) as opened:
        for number in range(len(opened.streams.video)):
            opened.seek(0)
            for frame in opened.decode(video=number):
                pixels = frame.to_ndarray(format="rgb24")[4::8, 4::8].reshape(-1, 3)
                yield from {nearest(pixel) for pixel in np.unique(pixels, axis=0)}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_package_holds_nothing_of_whom_the_card_hides(private: Made, name: PackageName) -> None:
    told = make_packages(private.asking(name))
    assert name in {package.name for package in told.packages}, told.findings
    files = [path for path in (assets_of(private.material.playback) / name.value).rglob("*") if path.is_file()]
    for path in files:
        assert not any(word.lower() in str(path).lower() for word in WORDS)
        spelt = [
            word.encode(coding) for word in WORDS for coding in ("utf-8", "utf-16-le", "utf-16-be")
        ]  # mp3: the last
        assert not any(word in path.read_bytes() for word in spelt), path
    for path in files:
        if path.suffix in (".mp4", ".mkv", ".jpg"):
            assert {"red", "green"}.isdisjoint(identities_in(path)), path
        if path.suffix in (".mp4", ".m4a", ".mp3"):
            assert beeps(listen(path), [IDENTITIES["green"].pitch]) == {IDENTITIES["green"].pitch: []}


def test_an_anonymous_person_is_a_voice_with_a_number(private: Made) -> None:
    make_packages(private.asking(PackageName.ARCHIVE, PackageName.PEOPLE))
    assets = assets_of(private.material.playback)
    with av.open(str(assets / "archive" / "archive.mkv")) as opened:
        titles = [stream.metadata.get("title") for stream in opened.streams if stream.type != "attachment"]
    assert titles == ["camera of Student 1 (audio)", "whiteboard (video)", "whiteboard (audio)"]
    (alone,) = (assets / "people").iterdir()
    assert alone.name == "01-Student_1.mp4"
    pitch = IDENTITIES["red"].pitch
    assert len(beeps(listen(alone), [pitch])[pitch]) == 3


def test_no_names_of_slices_are_attached_where_they_name_somebody() -> None:
    """Other systems' slices have the user's id in their names."""
    parts = {user: (f"sid_cname__uid_s_{user}__uid_e_video_1.ts",) for user in (HIDDEN, SHY, "bob")}
    cameras = [camera(f"v-{user}", user, 0, 3000).model_copy(update={"parts": told}) for user, told in parts.items()]
    recorded = cast_class([recording(cameras)], parse_card(json.dumps(CARD).encode()))
    attached = _attached(SimpleNamespace(recorded=recorded), recorded.recordings[0])  # type: ignore[arg-type]
    assert [segment.parts for segment in attached.segments] == [(), parts["bob"]]
    assert not any(word in attached.model_dump_json() for word in WORDS)
