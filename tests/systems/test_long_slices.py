"""Slices that are minutes long together: any of their pictures is found without decoding from the beginning."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from classes import SMALL, USER_1, Class, Stream, wrong_pictures
from sliced import cut
from synthetic import Recipe, make

from assembler.options import load_options
from assembler.pipeline.agora_folder import read_agora_folder
from assembler.pipeline.assemble import assemble
from assembler.recording import StreamKind

BEGUN = 1_790_000_007_700


def test_a_long_track_of_slices_is_sought_and_shows_each_picture_in_its_place(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    recipe = Recipe(seconds=Fraction(130), fps=Fraction(10), width=160, height=120, sound=False, container="ts")
    folder = tmp_path / "bucket"
    folder.mkdir()
    cut(make(recipe, bundled_ffmpeg), folder, "sid7_r__uid_s_1__uid_e_video", BEGUN, bundled_ffmpeg, seconds=15)
    (tmp_path / "small.json").write_text(SMALL)
    options = load_options(
        layout=str(tmp_path / "small.json"), media_dir=folder, ffmpeg=bundled_ffmpeg, start=100_000, end=125_000,
        home=tmp_path / "home", keep_work=True,
    )  # fmt: skip
    playback = assemble(read_agora_folder(folder), tmp_path / "class.mp4", options)
    shown = Stream("v", StreamKind.CAMERA, "1", 0, recipe, USER_1, pieces=((0, 25_000, 100_000),))
    assert wrong_pictures(Class([shown]), playback) == []
    (facts,) = (tmp_path / "home/facts").iterdir()
    assert '"container":"matroska"' in facts.read_text()
