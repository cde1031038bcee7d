"""The place of a file that is to be made: what is refused before the work, without a run."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from lessons import camera, recording

from assembler.errors import InputError
from assembler.options import Options
from assembler.pipeline.target import Target
from assembler.plan.manifest import OURS
from assembler.workspace import PART, PNG_SIGNATURE


@pytest.fixture
def target(tmp_path: Path) -> Target:
    media = tmp_path / "media"
    media.mkdir()
    (media / "v1.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(99))
    options = Options(home=tmp_path / "home", media_dir=media)
    return Target(tmp_path / "class.mp4", [recording([camera("v1", "ann", 0, 1000)])], options)


def refusal(target: Target, *, frame: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        target.check_frame() if frame else target.check_playback()
    assert caught.value.hint
    return caught.value.sentence


def overwriting(target: Target) -> Target:
    return replace(target, options=target.options.model_copy(update={"overwrite": True}))


def claim(target: Target, **changed: object) -> None:
    """A playback.json beside the file, as far as it is asked."""
    claims = {**dict.fromkeys(OURS, ""), "size": 7, "tasks": ["task t1"], **changed}
    assets = target.out.with_suffix(".assets")
    assets.mkdir(exist_ok=True)
    (assets / "playback.json").write_text(json.dumps(claims))


def test_a_free_place_is_taken_and_its_folder_made(target: Target) -> None:
    there = replace(target, out=target.out.parent / "new/deep/class.mp4")
    there.check_playback()
    assert there.out.parent.is_dir()
    replace(target, out=target.out.with_suffix(".png")).check_frame()


@pytest.mark.parametrize("name", ["class.mkv", "class", "class.png"])
def test_another_ending_is_refused(target: Target, name: str) -> None:
    assert "does not end in .mp4" in refusal(replace(target, out=target.out.with_name(name)))
    replace(target, out=target.out.with_name("CLASS.MP4")).check_playback()
    assert "does not end in .png" in refusal(target, frame=True)


def test_what_is_in_the_way_is_named(target: Target, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    assert "is a folder" in refusal(replace(target, out=tmp_path / "folder.mp4"))
    (tmp_path / "class.assets").write_text("")
    assert "class.assets is in the way: it is not a folder" in refusal(target)
    assert "class.assets is in the way" in refusal(replace(target, out=tmp_path / "class.assets/x.mp4"))
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "is not a plain file" in refusal(overwriting(replace(target, out=tmp_path / "pipe.mp4")))
    assert "cannot be written: File name too long" in refusal(replace(target, out=tmp_path / f"{'x' * 300}.mp4"))


def test_a_recorded_file_is_never_replaced_under_whatever_name(target: Target, tmp_path: Path) -> None:
    source, link = tmp_path / "media/v1.mp4", tmp_path / "link.mp4"
    os.link(source, link)
    for out in (source, link):
        assert "is one of the files that the playback is made from" in refusal(overwriting(replace(target, out=out)))
    target.out.write_bytes(b"{}")
    assert "is one of the files" in refusal(overwriting(replace(target, inputs=[target.out])))
    overwriting(target).check_playback()


def test_nothing_is_put_among_recordings_or_into_the_cache(target: Target, tmp_path: Path) -> None:
    (tmp_path / "media/v1.mp4").unlink()
    assert "a later run would take it for one" in refusal(overwriting(replace(target, out=tmp_path / "media/v1.mp4")))
    overwriting(replace(target, out=tmp_path / "media/class.mp4")).check_playback()
    cache = tmp_path / "home/cache"
    cache.mkdir(parents=True)
    (tmp_path / "door").symlink_to(cache)
    assert "the cache of downloaded files" in refusal(overwriting(replace(target, out=tmp_path / "door/class.mp4")))


def test_only_a_playback_of_this_class_is_replaced_without_a_word(target: Target) -> None:
    target.out.write_bytes(b"7 bytes")
    assert "is not a playback made by assembler" in refusal(target)
    claim(target)
    target.check_playback()
    claim(target, tasks=["task t0", "task t1"])
    target.check_playback()
    claim(target, tasks=["task t0"])
    assert "the playback of another class (task t0)" in refusal(target)
    overwriting(target).check_playback()
    claim(target, size=8)
    assert "is not a playback made by assembler" in refusal(target)
    target.out.with_name(target.out.name + PART).write_bytes(b"8 bytes.")  # it was about to be replaced by this one
    target.check_playback()
    target.out.with_name(target.out.name + PART).unlink()


@pytest.mark.parametrize("name", ["report.html", "index.html", "chapters.vtt", "cover.jpg", "chapters.jpg"])
def test_files_beside_it_that_are_not_ours_are_not_replaced(name: str, target: Target) -> None:
    assets = target.out.with_suffix(".assets")
    assets.mkdir()
    (assets / name).write_text("mine")
    assert f"{name} is there and does not describe a playback" in refusal(target)
    overwriting(target).check_playback()
    claim(target)
    target.check_playback()


def test_only_a_picture_of_ours_is_replaced_without_a_word(target: Target) -> None:
    there = replace(target, out=target.out.with_suffix(".png"))
    there.out.write_bytes(b"a photo")
    assert "is not a picture made by assembler" in refusal(there, frame=True)
    overwriting(there).check_frame()
    there.out.write_bytes(b"\x89PNG" + b"tEXt" + PNG_SIGNATURE)
    there.check_frame()
