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
from assembler.report.assets import write_pages
from assembler.workspace import MANIFEST, PART, assets_of, digest_of, unwritable, write_whole

OUTPUT_VERSION = 1
"""Version of the packages, raised whenever the same playback's would come out differently: they are then made anew."""


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
    halves = [assets_of(playback) / f"{name.value}{PART}" for name in OUTPUTS]
    return [folder for folder in (*folders, *halves) if folder.exists()]


def make_packages(material: Material) -> Manifest:
    """Make the packages that are asked for and missing, remove those of another playback, and write it all down.

    A package that cannot be made is missing, and a warning says so; the playback stays as it is. Returns the manifest.
    """
    playback, manifest = material.playback, material.manifest
    for folder in find_stale(playback, manifest):
        shutil.rmtree(folder, ignore_errors=True)
    missing = find_missing(playback, manifest, material.run.options.also)
    kept = find_whole(playback, manifest)
    lost = {package.name for package in manifest.packages if package not in kept}
    findings = [f for f in manifest.findings if not any(f.where == _subject(name) for name in lost.union(missing))]
    for name in missing:
        material.run.progress.say(f"making {name.value}")
        made = _make(material, name)
        if isinstance(made, Finding):
            findings.append(material.recorded.redaction.finding(made))
            continue
        kept.append(made)
        if said := OUTPUTS[name].remark(material):
            findings.append(note(_subject(name), said))
    told = _told(manifest, kept, findings)
    if told != manifest:
        try:
            _write(material, told)
        except MediaError as exc:  # not even room for the list: the playback's own playback.json stays
            new = [package.name for package in kept if package not in manifest.packages]
            for name in new:
                shutil.rmtree(assets_of(playback) / name.value, ignore_errors=True)
            findings += [warning(_subject(name), f"The package is missing: {exc.sentence}.") for name in new]
            told = _told(manifest, [package for package in kept if package.name not in new], findings)
    return told


def _told(manifest: Manifest, packages: Sequence[Package], findings: Sequence[Finding]) -> Manifest:
    changed = {"packages": tuple(packages), "findings": tuple(findings), "verdict": judge(findings)}
    return manifest.model_copy(update=changed)


def _write(material: Material, told: Manifest) -> None:
    write_pages(material.playback, told, material.timeline)
    write_whole(assets_of(material.playback) / MANIFEST, told.model_dump_json(indent=1))


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
        return warning(_subject(name), f"The package is missing: {exc.sentence}.")
    except OSError as exc:
        return warning(_subject(name), f"The package is missing: {unwritable(folder, exc).sentence}.")
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
