"""Verification of a finished file against its manifest."""

from __future__ import annotations

import tempfile
from pathlib import Path

from assembler.errors import DiskFull, MediaError, VerifyError
from assembler.media.child import run_module
from assembler.media.verify.index import is_as_planned
from assembler.media.verify.order import Check, Pictures
from assembler.plan.manifest import Manifest
from assembler.plan.model import Mode
from assembler.plan.scenes import fullest_moment
from assembler.processes import Stop
from assembler.workspace import COVER, SMALL_PICTURES

AGAIN = "Run `assembler run` again; if it comes back, keep the work folder and report it."
"""Hint for a file that is not what was planned."""


def verify(
    path: Path, manifest: Manifest, *, decode: str = "joins", stop: Stop | None = None, pictures: Path | None = None
) -> None:
    """Check a file against its manifest; raises VerifyError with the first problem and the count of all.

    ``decode`` as in ``Check.decode``. A manifest of size 0 was not written yet. ``pictures``: folder for the pictures
    of a file without problems. The index alone is first looked at here: a child that opens a file takes as long as all
    else that a second run of a finished job does.
    """
    if decode == "index" and is_as_planned(path, manifest.size or None, manifest.stamps):
        return
    with tempfile.TemporaryDirectory(prefix="assembler-verify-") as scratch:
        answer = Path(scratch) / "answer"
        order = build_check(path, manifest, decode=decode, answer=answer, pictures=pictures)
        try:
            run_module("assembler.media.verify.child", [], order, cwd=Path(scratch), name="check", stop=stop or Stop())
        except DiskFull:
            raise
        except MediaError as exc:  # the file's fault, not the machine's: libav did not survive it
            raise VerifyError(f"{path.name} cannot be read: {exc.sentence}", hint=AGAIN) from exc
        problems = answer.read_text("utf-8").splitlines()
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise VerifyError(f"{path.name} is not what was planned: {problems[0]}{more}", hint=AGAIN)


def build_check(path: Path, manifest: Manifest, *, decode: str, answer: Path, pictures: Path | None = None) -> Check:
    """Build the order for the checking child from a manifest; ``pictures`` as for ``verify``."""
    return Check(
        path=str(path.absolute()),
        size=manifest.size or None,
        stamps=manifest.stamps,
        joins=manifest.joins,
        cuts=manifest.joins if manifest.cuts is None else manifest.cuts,
        width=manifest.canvas.width,
        height=manifest.canvas.height,
        length=manifest.length,
        has_encoded_video=manifest.mode is Mode.ENCODE,
        has_encoded_audio=manifest.sound_copied is None,
        decode=decode,
        answer=str(answer),
        pictures=None if pictures is None else _pictures(manifest, pictures.absolute()),
    )


def _pictures(manifest: Manifest, folder: Path) -> Pictures:
    return Pictures(
        instants=tuple(chapter.at for chapter in manifest.chapters),
        sheet=str(folder / SMALL_PICTURES),
        best=fullest_moment(manifest.scenes, manifest.fps),
        cover=str(folder / COVER),
    )
