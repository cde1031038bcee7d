"""The verbs ``run``, ``inspect`` and ``plan``, which read results: flags in, exit code out."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from assembler.cli.flags import AgoraDir, Json, ProgressStyle, Results, ShownAs, progress_of, with_options
from assembler.cli.record_flags import Generation
from assembler.cli.verb import verb
from assembler.errors import InputError
from assembler.options import Options
from assembler.processes import fork_server
from assembler.times import parse_clock

FIRST_CHILD = "assembler.media.probe.child"
"""Module of the first child process of a run: libav is imported for it beside our own modules."""


def _read(results: list[str] | None, agora_dir: Path | None, options: Options) -> tuple[list[Any], Options]:
    """Read what was named; the folder of Agora's files is their media folder, too."""
    from assembler.pipeline.read_results import read_recordings

    found: list[Any] = read_recordings(results or [], sys.stdin.buffer)
    if agora_dir is not None:
        from assembler.pipeline.agora_folder import read_agora_folder

        found += read_agora_folder(agora_dir)
        options = options if options.media_dir else options.model_copy(update={"media_dir": agora_dir})
    return found, options


def _require(*given: object, more: str = "") -> None:
    if not any(given):
        hint = f"Name result files, - for standard input{more}, or --agora-dir FOLDER."
        raise InputError("no result was named", hint=hint)


def _width() -> int:
    return min(160, shutil.get_terminal_size((100, 24)).columns)


@verb
@with_options
def run(
    results: Results = None,
    out: Annotated[Path, typer.Option("-o", "--output", help="The file to make.")] = Path("playback.mp4"),
    *,
    options: Options,
    frame: Annotated[
        tuple[str, Path] | None,
        typer.Option("--frame", help="Make one composed picture instead: a time and a PNG file.", metavar="TIME PNG"),
    ] = None,
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help="Task whose result is asked of the vendor.", metavar="TASK")
    ] = None,
    api: Generation = None,
    agora_dir: AgoraDir = None,
    progress: ShownAs = ProgressStyle.BARS,
    as_json: Json = False,
) -> int:
    """Make the playback: parse, download, probe, plan, render, verify."""
    _require(results, tasks, agora_dir, more=", --task TASK")
    if not os.path.exists(out):  # a second run of a finished job has no children
        fork_server.prepare(FIRST_CHILD)
    from assembler.pipeline.archives import unpacked
    from assembler.pipeline.assemble import assemble, take_frame
    from assembler.report.recordings import names_of
    from assembler.report.text import describe_playback

    results = results or []
    recordings, options = _read(results, agora_dir, options)
    if tasks:
        from assembler.cli.record import fetch_recordings

        recordings += fetch_recordings(tasks, api, options)
    inputs = [Path(name) for name in results if name != "-"]
    with unpacked(results, options) as given:
        if frame is not None:
            png = take_frame(recordings, parse_clock(frame[0]), frame[1], given, progress_of(progress), inputs=inputs)
            print(json.dumps({"frame": str(png)}) if as_json else png)
            return 0
        playback = assemble(recordings, out, given, progress_of(progress), inputs=inputs)
    names = names_of(playback.recordings)
    text = describe_playback(str(out), playback.manifest, names, was_there=playback.was_there)
    if playback.watch.exists():  # older versions wrote none
        text += f"\nwatch: {playback.watch}"
    if playback.report.exists():
        text += f"\nreport: {playback.report}"
    print(text, file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print(playback.manifest.model_dump_json())
    return 0


@verb
@with_options
def inspect(results: Results = None, *, options: Options, agora_dir: AgoraDir = None, as_json: Json = False) -> int:
    """Show a result: tracks, gaps, pauses, findings, and the timeline drawn to scale. Never uses the network."""
    from assembler.pipeline.timelines import in_order, timeline_on_disk
    from assembler.report.recordings import describe_recordings
    from assembler.timeline.build import NoLength

    _require(results, agora_dir)
    recordings, options = _read(results, agora_dir, options)
    recorded = in_order(recordings, options)
    timeline = None
    with suppress(NoLength):
        timeline = timeline_on_disk(recorded, options)
    if as_json:
        plain = [r.model_dump(mode="json") for r in recorded.recordings]
        drawn = timeline.model_dump(mode="json") if timeline is not None else None
        print(json.dumps({"recordings": plain, "timeline": drawn}, ensure_ascii=False))
    else:
        print(describe_recordings(recorded.recordings, timeline, _width()))
    return 0


@verb
@with_options
def plan(
    results: Results = None,
    probe: Annotated[bool, typer.Option("--probe", help="Download and probe first, so that all is final.")] = False,
    *,
    options: Options,
    agora_dir: AgoraDir = None,
    progress: ShownAs = ProgressStyle.BARS,
    as_json: Json = False,
) -> int:
    """Show every scene: what is shown where, copied or encoded, and why."""
    from assembler.pipeline.decide import plan_only
    from assembler.pipeline.timelines import in_order
    from assembler.plan.json_parts import json_parts
    from assembler.report.recordings import names_of
    from assembler.report.text import describe_plan
    from assembler.timeline.build import NoLength

    _require(results, agora_dir)
    recordings, options = _read(results, agora_dir, options)
    recorded = in_order(recordings, options)
    if probe:
        from assembler.pipeline.archives import unpacked
        from assembler.pipeline.assemble import plan_probed

        with unpacked(results or [], options) as given:
            made = plan_probed(recorded, given, progress_of(progress))
    else:
        try:
            made = plan_only(recorded, options)
        except NoLength as exc:
            raise NoLength(exc.sentence, hint=f"Look into the files: --probe. {exc.hint}") from exc
    if as_json:
        for part in json_parts(made[1]):
            print(part, end="")
        print()
    else:
        print(describe_plan(made[1], names_of(recorded.recordings)))
    return 0
