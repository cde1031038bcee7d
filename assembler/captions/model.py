"""Speech model: the folder that the options name, checked before anything is fetched. Nothing of it is downloaded."""

from __future__ import annotations

import json
import os
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from assembler.errors import InputError
from assembler.options import Options
from assembler.workspace import digest_of

WEIGHTS, CONFIG, TOKENIZER, FEATURES = "model.bin", "config.json", "tokenizer.json", "preprocessor_config.json"
"""Names of a model's files; without a tokenizer faster-whisper would fetch one from the network."""
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
"""Names of a file of which each model has one."""
USUAL_BANDS = 80
"""Number of frequency bands of a model whose folder does not say it; the large ones since v3 have 128."""
LONGEST_CODE = 3
"""Maximum length of a language's code, in letters; longer tokens are tasks."""
KNOWN_FORMATS = range(4, 7)
"""Versions of CTranslate2's format whose variables can be walked; others are left to its own code."""
HINT = "Name the folder of a faster-whisper model: {}, one of {}, and {} for the large ones.".format(
    ", ".join((WEIGHTS, CONFIG, TOKENIZER)), " and ".join(VOCABULARIES), FEATURES
)
"""Hint where something is missing in the folder."""


def check_model(options: Options) -> None:
    """Check that the extra is installed and that the model may be loaded, as far as its files tell; raises
    InputError."""
    if options.transcribe is None:
        return
    if find_spec("faster_whisper") is None:
        raise InputError(
            "--transcribe needs faster-whisper, which is not installed", hint="Run: pip install 'assembler[speech]'."
        )
    folder = options.transcribe
    try:
        if not folder.is_dir():
            raise InputError(
                f"--transcribe: {folder} is not a folder",
                hint="Name the folder of a faster-whisper model on this machine; none is ever downloaded by its name.",
            )
        _check_files(folder, options.transcribe_language)
    except OSError as exc:
        raise InputError(f"--transcribe: {folder} cannot be read: {exc.strerror}", hint=HINT) from exc


def identify_model(folder: Path) -> str:
    """Tell one version of a model from another, wherever it lies, without reading it; raises OSError."""
    names = (WEIGHTS, CONFIG, TOKENIZER, FEATURES, *VOCABULARIES)
    found = [(name, os.stat(folder / name)) for name in names if (folder / name).exists()]
    return digest_of([(name, status.st_size, status.st_mtime_ns) for name, status in found])


def _check_files(folder: Path, language: str | None) -> None:
    vocabulary = next((name for name in VOCABULARIES if (folder / name).is_file()), VOCABULARIES[0])
    for name in (WEIGHTS, CONFIG, TOKENIZER, vocabulary):
        if not (folder / name).is_file():
            raise InputError(f"--transcribe: {folder} has no {name}", hint=HINT)
    _load(folder / CONFIG)
    _load(folder / TOKENIZER)
    bands = _find_bands(folder / WEIGHTS)
    features = folder / FEATURES
    stated = _load(features).get("feature_size", USUAL_BANDS) if features.is_file() else USUAL_BANDS
    if bands is not None and bands != stated:
        said = f"says {stated}" if features.is_file() else "is missing"
        raise InputError(f"--transcribe: the model of {folder} has {bands} bands, {FEATURES} {said}", hint=HINT)
    if language is None:
        return
    if len(language) > LONGEST_CODE or f'"<|{language}|>"' not in (folder / TOKENIZER).read_text("utf-8"):
        raise InputError(
            f"--transcribe-language: the model knows no language {language!r}", hint="Write a code such as en or zh."
        )


def _load(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"--transcribe: {path} is damaged", hint="Copy the model's folder again.")
    return found


def _find_bands(weights: Path) -> int | None:
    """Find the number of frequency bands in a model's weights, of which all have to be there; None where the format is
    another one (``ModelSpec._serialize`` of CTranslate2 4.8). Raises InputError for what is no such model."""
    size, bands = weights.stat().st_size, None
    try:
        with weights.open("rb") as file:
            (version,) = _numbers(file, "<I")
            if version not in KNOWN_FORMATS:
                return None
            if _text(file) != b"WhisperSpec":
                raise InputError(f"--transcribe: {weights} is not a Whisper model", hint=HINT)
            _, count = _numbers(file, "<II")
            for _ in range(count):
                name, (rank,) = _text(file), _numbers(file, "<B")
                shape = _numbers(file, f"<{rank}I")
                _, length = _numbers(file, "<BI")
                bands = shape[1] if name == b"encoder/conv1/weight" else bands
                if file.seek(length, os.SEEK_CUR) > size:
                    raise InputError(f"--transcribe: {weights} is cut off", hint="Copy the model's folder again.")
    except (struct.error, IndexError) as exc:
        raise InputError(f"--transcribe: {weights} is not a model of CTranslate2, or cut off", hint=HINT) from exc
    return bands


def _numbers(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _text(file: BinaryIO) -> bytes:
    (length,) = _numbers(file, "<H")
    return file.read(length).rstrip(b"\0")
