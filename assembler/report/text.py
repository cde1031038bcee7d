"""Text for a terminal: a plan, the end of a run."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby
from types import MappingProxyType

from assembler.findings import Fate, Finding, Outcome, fold, note
from assembler.plan.manifest import Activity, Manifest
from assembler.plan.model import Account, Mode, Plan, Scene
from assembler.report.recordings import Names, describe_findings, of_many
from assembler.timeline.file_findings import reason_of
from assembler.times import Ms, PlayMs, clock_text, frame_ms

MOST_SHOWN = 12
"""Maximum number of pictures of one scene that are named."""
MOST_SCENES = 2000
"""Maximum number of scenes that are printed; --json has all."""


def describe_plan(plan: Plan, names: Names = MappingProxyType({})) -> str:
    """All of ``plan``: what is shown when, copied or encoded, and why. What only the files can tell is left open."""
    size = f"{plan.canvas.width}x{plan.canvas.height}"
    rate = "" if plan.is_provisional else f" {rate_text(plan.fps)} fps,"
    lines = [
        f"{clock_text(plan.length)}, {size},{rate} layout {plan.layout}: {plan.layout_reason}",
        f"{'copy or encode' if plan.mode is Mode.OPEN else plan.mode.value}: {plan.mode_reason}",
        f"sound: {plan.bed.reason}" + (" (copied)" if plan.bed.copied else ""),
    ]
    if any(lane.pieces for lane in plan.lanes) and not plan.is_provisional:
        filled = "board or screen share" if plan.imagery.is_stage else "cameras or a mixed stream"
        kind = "moving or noisy" if plan.imagery.is_busy else "quiet"
        lines.append(f"x264 at standard quality: set for a picture that is mostly {filled}, {kind}")
    if plan.is_provisional:
        lines.insert(0, "provisional: as declared, files were not probed; use --probe to be sure")
    lines.append("")
    lines += [_scene(scene, plan, names) for scene in plan.scenes[:MOST_SCENES]]
    if (more := len(plan.scenes) - MOST_SCENES) > 0:
        lines.append(f"and {more} more scenes (--json has them all)")
    shown = _told_once(plan.outcomes, plan.findings, names)
    return "\n".join([*lines, *([""] if shown else []), *shown])


def _told_once(outcomes: Iterable[Outcome], findings: Iterable[Finding], names: Names) -> list[str]:
    """Return what was dropped and why, and findings that do not say the same again."""
    dropped = {o.video_id: o.how for o in outcomes if o.fate is Fate.DROPPED}
    others = [f for f in findings if reason_of(f.sentence) not in dropped.get(f.where, "")]
    same: dict[str, list[str]] = {}
    for name, how in dropped.items():
        same.setdefault(how, []).append(name)
    folded = fold(note("", f"{of_many(where, names)}{how}") for how, where in same.items())
    lines = [f"{Fate.DROPPED.value}: {found.sentence}" for found in folded]
    return [*lines, *describe_findings(others, names)]


def rate_text(fps: Fraction) -> str:
    """``15``, ``29.97``."""
    return f"{float(fps):.3f}".rstrip("0").rstrip(".")


def _scene(scene: Scene, plan: Plan, names: Names) -> str:
    start, end = frame_ms(scene.first, plan.fps), frame_ms(scene.end, plan.fps)
    told = [f"{s.slot}: {names.get(s.video_id, s.video_id)}" for s in scene.shown[:MOST_SHOWN]]
    more = f" and {len(scene.shown) - MOST_SHOWN} more" if len(scene.shown) > MOST_SHOWN else ""
    shown = ", ".join(told) + more or "background"
    return f"{clock_text(start):>13} {clock_text(end):>13}  {scene.mode.value:6}  {shown}"


def account_text(account: Account) -> str:
    """``picture 0:40 shown, 0:20 covered; sound 1:00 heard``; "" where nothing was recorded."""
    kinds = {"picture": account.picture.lengths, "sound": account.sound.lengths}
    shown = [
        f"{kind} " + ", ".join(f"{clock_text(length)} {became.value}" for became, length in lengths.items())
        for kind, lengths in kinds.items()
        if lengths
    ]
    return "; ".join(shown)


def fates_text(outcomes: Iterable[Outcome]) -> str:
    """``7 used, 1 dropped``."""
    counts = {fate: len(list(same)) for fate, same in groupby(sorted(o.fate for o in outcomes))}
    return ", ".join(f"{counts[fate]} {fate.value}" for fate in Fate if fate in counts)


def by_talk(manifest: Manifest) -> list[tuple[str, Activity]]:
    """Names of those whose own sound was measured, and how they spoke, who spoke most first."""
    names = {person.user: person.name for person in manifest.people if person.name}
    ranked = sorted(manifest.activity, key=lambda one: (-one.talk, one.user))
    return [(names.get(one.user, one.user), one) for one in ranked]


def talk_text(manifest: Manifest) -> str:
    """``ann 12:03, bob 0:10``; "" where nobody spoke for a second."""
    told = [f"{name} {seconds_of(one.talk)}" for name, one in by_talk(manifest) if round(one.talk / 1000)]
    more = f" and {len(told) - MOST_SHOWN} more" if len(told) > MOST_SHOWN else ""
    return ", ".join(told[:MOST_SHOWN]) + more


def seconds_of(length: Ms) -> str:
    """``12:03``, in whole seconds."""
    return clock_text(round(length / 1000) * 1000)


def describe_playback(path: str, manifest: Manifest, names: Names = MappingProxyType({}), *, was_there: bool) -> str:
    """The end of a run: the verdict, what became of the segments, what was noticed."""
    size = f"{manifest.size / 2**20:.1f} MiB"
    how = "copied" if manifest.mode is Mode.COPY else f"{manifest.canvas.width}x{manifest.canvas.height}"
    lines = [
        f"{path}: {manifest.verdict.value}, {clock_text(PlayMs(manifest.length))}, {how}, {size}"
        + (" (was there already)" if was_there else ""),
        f"segments: {fates_text(manifest.outcomes)}",
        *([f"packages: {', '.join(package.name for package in manifest.packages)}"] if manifest.packages else []),
        *([f"spoke: {talk}"] if (talk := talk_text(manifest)) else []),
        *_told_once(manifest.outcomes, manifest.findings, names),
    ]
    return "\n".join(lines)
