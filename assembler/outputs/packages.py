"""Packages beside a finished playback: which there are, and how each comes to be whole or absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from assembler.choices import PackageName
from assembler.errors import AssemblerError, InputError, MediaError
from assembler.findings import Finding, judge, note, warning
from assembler.outputs.archive import check_archive, describe_late, make_archive
from assembler.outputs.audio import check_audio, make_audio
from assembler.outputs.hls import check_hls, make_hls
from assembler.outputs.material import Material
from assembler.outputs.otio import check_otio, make_otio
from assembler.outputs.people import check_people, make_people
from assembler.outputs.pictures import check_poster, check_storyboard, make_poster, make_storyboard
from assembler.plan.manifest import Manifest, Package, PackageFile
from assembler.report.assets import write_account
from assembler.workspace import PART, assets_of, digest_of, unwritable

OUTPUT_VERSION = 2
"""Version of the packages, raised whenever the same playback's would come out differently: they are then made anew."""
UNFINISHED = "The package is missing: it was not finished, or there was no room to say why."
"""Sentence on a package that a run set out to make."""


@dataclass(frozen=True)
class Output:
    """Kind of package."""

    make: Callable[[Material, Path], None]
    """Function that writes it into an empty folder; raises MediaError or VerifyError."""
    check: Callable[[Material, Path], None]
    """Function that reads what was written; raises VerifyError or MediaError."""
    remark: Callable[[Material], str] = lambda material: ""
    """Function that says, behind both, what people should know of it; "" for nothing."""
    needs: str = ""
    """Module of the extra of the same name that it needs; "" for none."""


OUTPUTS: dict[PackageName, Output] = {
    PackageName.HLS: Output(make_hls, check_hls),
    PackageName.ARCHIVE: Output(make_archive, check_archive, describe_late),
    PackageName.AUDIO: Output(make_audio, check_audio),
    PackageName.POSTER: Output(make_poster, check_poster),
    PackageName.STORYBOARD: Output(make_storyboard, check_storyboard),
    PackageName.OTIO: Output(make_otio, check_otio, needs="opentimelineio"),
    PackageName.PEOPLE: Output(make_people, check_people),
}
"""Packages by name, in the order in which they are made. Each has the folder of its name among the assets."""


def check_extras(names: Iterable[PackageName]) -> None:
    """Raise InputError where a package needs an extra that is not installed: told before the work."""
    for name in names:
        if OUTPUTS[name].needs and find_spec(OUTPUTS[name].needs) is None:
            raise InputError(
                f"--also {name.value} needs {OUTPUTS[name].needs}, which is not installed",
                hint=f"Run: pip install 'assembler[{name.value}]'.",
            )


def find_whole(playback: Path, manifest: Manifest) -> list[Package]:
    """List the packages that are in the list and there whole."""
    return [package for package in manifest.packages if _is_whole(playback, package, manifest)]


def find_missing(playback: Path, manifest: Manifest, names: Iterable[PackageName]) -> list[PackageName]:
    """List the packages that are asked for and not there whole."""
    whole = {package.name for package in find_whole(playback, manifest)}
    return [name for name in OUTPUTS if name in set(names) - whole]


def find_stale(playback: Path, manifest: Manifest) -> list[Path]:
    """List the folders of packages, whole or half, that are not of this playback."""
    whole = {package.name for package in find_whole(playback, manifest)}
    folders = [assets_of(playback) / name.value for name in OUTPUTS if name not in whole]
    return [folder for folder in (*folders, *_halves(playback)) if folder.exists()]


def _halves(playback: Path) -> list[Path]:
    return [assets_of(playback) / f"{name.value}{PART}" for name in OUTPUTS]


def is_settled(playback: Path, manifest: Manifest, names: Iterable[PackageName]) -> bool:
    """Tell whether the packages that are asked for are there, and nothing is there, listed or said of any other."""
    has_all = not find_missing(playback, manifest, names) and not find_stale(playback, manifest)
    return has_all and tell_missing(playback, manifest, ()) == manifest


def tell_missing(playback: Path, manifest: Manifest, names: Iterable[PackageName]) -> Manifest:
    """Return the manifest as it is true before packages of these names are made, and where a run ends in the middle:
    those that are whole are listed, of the others a warning says that they are missing."""
    whole = find_whole(playback, manifest)
    gone = {_subject(name) for name in OUTPUTS} - {_subject(package.name) for package in whole}
    kept = [finding for finding in manifest.findings if finding.where not in gone]
    missing = find_missing(playback, manifest, names)
    return _told(manifest, whole, [*kept, *(warning(_subject(name), UNFINISHED) for name in missing)])


def make_packages(material: Material) -> Manifest:
    """Make the packages that are asked for and missing, remove those of another playback, and write it all down.

    A package that cannot be made is missing, and a warning says so; the playback stays as it is. Returns the manifest
    as it is in playback.json. Raises MediaError, and has made nothing, where not even a warning can be written.
    """
    playback, manifest = material.playback, material.manifest
    missing = find_missing(playback, manifest, material.run.options.also)
    for half in _halves(playback):
        shutil.rmtree(half, ignore_errors=True)
    told = tell_missing(playback, manifest, missing)
    if told != manifest:
        write_account(playback, told, material.timeline)
    for folder in find_stale(playback, told):
        shutil.rmtree(folder, ignore_errors=True)
    for name in missing:
        material.run.progress.say(f"making {name.value}")
        told = _tell(material, told, name, _make(material, name))
    return told


def _told(manifest: Manifest, packages: Sequence[Package], findings: Sequence[Finding]) -> Manifest:
    changed = {"packages": tuple(packages), "findings": tuple(findings), "verdict": judge(findings)}
    return manifest.model_copy(update=changed)


def _tell(material: Material, before: Manifest, name: PackageName, made: Package | Finding) -> Manifest:
    """Write down that a package is there, or why it is not; where there is no room for that, nothing is changed and the
    package is removed."""
    said = [finding for finding in before.findings if finding.where != _subject(name)]
    if isinstance(made, Finding):
        made = material.recorded.redaction.finding(made)
        told = _told(before, before.packages, [*said, made])
    else:
        remark = OUTPUTS[name].remark(material)
        told = _told(before, [*before.packages, made], [*said, *([note(_subject(name), remark)] if remark else [])])
    try:
        write_account(material.playback, told, material.timeline)
    except MediaError as exc:
        if isinstance(made, Finding):
            material.run.progress.say(f"{made.where}: {made.sentence}")
            return before
        shutil.rmtree(assets_of(material.playback) / name.value, ignore_errors=True)
        return _tell(material, before, name, _missing(name, exc))
    return told


def _missing(name: PackageName, error: AssemblerError) -> Finding:
    return warning(_subject(name), f"The package is missing: {error.sentence}.")


def _make(material: Material, name: PackageName) -> Package | Finding:
    """Make one package: written and checked under another name, then moved."""
    folder = assets_of(material.playback) / name.value
    part = folder.with_name(f"{name.value}{PART}")
    try:
        part.mkdir()
        OUTPUTS[name].make(material, part)
        OUTPUTS[name].check(material, part)
        os.replace(part, folder)
    except AssemblerError as exc:  # whatever it is: the playback is in its place
        return _missing(name, exc)
    except OSError as exc:
        return _missing(name, unwritable(folder, exc))
    finally:
        shutil.rmtree(part, ignore_errors=True)
    files = [
        PackageFile(path=path.relative_to(folder.parent).as_posix(), size=path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return Package(name=name, digest=_digest(name, material.manifest), files=tuple(files))


def _is_whole(playback: Path, package: Package, manifest: Manifest) -> bool:
    if package.digest != _digest(package.name, manifest):
        return False
    with suppress(OSError):
        return all((assets_of(playback) / one.path).stat().st_size == one.size for one in package.files)
    return False


def _digest(name: PackageName, manifest: Manifest) -> str:
    return digest_of(OUTPUT_VERSION, name.value, manifest.digest, [p.model_dump_json() for p in manifest.people])


def _subject(name: PackageName) -> str:
    return f"package {name.value}"
