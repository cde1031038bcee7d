"""The folder of a speech model is looked at before anything is fetched."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assembler.captions.model import check_model, identify_model
from assembler.errors import InputError
from assembler.options import Options, load_options

pytest.importorskip("faster_whisper")
from speech_model import make_model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "model"))


def named(folder: Path | str, **more: str) -> Options:
    return load_options(transcribe=Path(folder), **more)


def cut(model: Path, keep: int) -> None:
    weights = model / "model.bin"
    weights.write_bytes(weights.read_bytes()[:keep])


def rename_spec(model: Path) -> None:
    weights = model / "model.bin"
    weights.write_bytes(weights.read_bytes().replace(b"WhisperSpec", b"TransfoSpec", 1))


def test_a_whole_model_is_taken_with_a_language_that_it_knows(model: Path) -> None:
    check_model(named(model))
    check_model(named(model, transcribe_language="zh"))
    check_model(load_options())


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (lambda m: (m / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda m: (m / "model.bin").unlink(), "has no model.bin"),
        (lambda m: (m / "config.json").unlink(), "has no config.json"),
        (lambda m: (m / "vocabulary.json").unlink(), "has no vocabulary.json"),
        (lambda m: (m / "tokenizer.json").write_text("[" * 100_000), "tokenizer.json is damaged"),
        (lambda m: (m / "config.json").write_bytes(b"\xff\xfe\0"), "config.json is damaged"),
        (lambda m: (m / "preprocessor_config.json").write_text('{"feature_size": 128}'), "has 80 bands, .* says 128"),
        (lambda m: (m / "model.bin").write_bytes(b""), "is not a model of CTranslate2, or cut off"),
        (lambda m: cut(m, 500), "cut off"),
        (lambda m: cut(m, -20_000), "cut off"),
        (rename_spec, "is not a Whisper model"),
    ],
)
def test_what_is_missing_or_damaged_is_named(model: Path, damage: Callable[[Path], object], part: str) -> None:
    damage(model)
    with pytest.raises(InputError, match=part):
        check_model(named(model))


@pytest.mark.parametrize("name", ["small", "Systran/faster-whisper-small", "a\0b"])
def test_a_name_that_is_no_folder_is_refused_and_nothing_is_downloaded(name: str) -> None:
    with pytest.raises(InputError, match="is not a folder") as caught:
        check_model(named(name))
    assert "none is ever downloaded" in caught.value.hint


def test_a_large_model_needs_the_file_that_says_how_many_bands_it_has(tmp_path: Path) -> None:
    large = make_model(tmp_path / "large", bands=128)
    with pytest.raises(InputError, match=r"has 128 bands, preprocessor_config\.json is missing"):
        check_model(named(large))
    (large / "preprocessor_config.json").write_text('{"feature_size": 128}')
    check_model(named(large))


@pytest.mark.parametrize("language", ["english", "EN", "translate", "xx", ""])
def test_a_language_that_the_model_does_not_know_is_refused(model: Path, language: str) -> None:
    with pytest.raises(InputError, match=f"knows no language '{language}'"):
        check_model(named(model, transcribe_language=language))


def test_without_the_extra_it_says_how_to_install_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "faster_whisper"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not (Path(path) / "faster_whisper").exists()])
    with pytest.raises(InputError, match="is not installed") as caught:
        check_model(named(model))
    assert caught.value.hint == "Run: pip install 'assembler[speech]'."


def test_a_model_is_the_same_wherever_it_lies_and_another_when_it_changes(model: Path, tmp_path: Path) -> None:
    before = identify_model(model)
    moved = model.rename(tmp_path / "elsewhere")
    assert identify_model(moved) == before
    with (moved / "config.json").open("a") as file:
        file.write(" ")
    assert identify_model(moved) != before
