"""Flags in, exit code out: one function per verb. Only this module prints."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command_name

import assembler
from assembler.cli.at import at
from assembler.cli.emulate import emulate
from assembler.cli.flags import AgoraDir, Json, ProgressStyle, Results, ShownAs, with_options
from assembler.cli.job_list import list_jobs
from assembler.cli.jobs import add_job_verbs, jobs_app
from assembler.cli.operate import check, costs, prune
from assembler.cli.record import add_cloud_verbs, fetch_recordings
from assembler.cli.record_flags import Generation
from assembler.cli.refused import refused_app
from assembler.cli.schema import schema
from assembler.cli.verb import print_failure, verb
from assembler.errors import InputError
from assembler.options import Options
from assembler.progress import Bars, JsonLines, Progress
from assembler.times import parse_clock

app = typer.Typer(
    name="assembler",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"assembler {assembler.__version__}")
        raise typer.Exit


@app.callback()
def every_verb(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """One synchronized playback file from the result of a finished online-class recording."""


def _progress(shown: ProgressStyle) -> Progress:
    return JsonLines() if shown is ProgressStyle.JSON else Bars()


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


@app.command()
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
    from assembler.pipeline.archives import unpacked
    from assembler.pipeline.assemble import assemble, take_frame
    from assembler.report.text import describe_playback, names_of

    _require(results, tasks, agora_dir, more=", --task TASK")
    results = results or []
    recordings, options = _read(results, agora_dir, options)
    recordings += fetch_recordings(tasks, api, options) if tasks else []
    inputs = [Path(name) for name in results if name != "-"]
    with unpacked(results, options) as given:
        if frame is not None:
            png = take_frame(recordings, parse_clock(frame[0]), frame[1], given, _progress(progress), inputs=inputs)
            print(json.dumps({"frame": str(png)}) if as_json else png)
            return 0
        playback = assemble(recordings, out, given, _progress(progress), inputs=inputs)
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


@app.command()
@verb
@with_options
def inspect(results: Results = None, *, options: Options, agora_dir: AgoraDir = None, as_json: Json = False) -> int:
    """Show a result: tracks, gaps, pauses, findings, and the timeline drawn to scale. Never uses the network."""
    from assembler.pipeline.assemble import timeline_on_disk
    from assembler.pipeline.decide import in_order
    from assembler.report.text import describe_recordings
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


@app.command()
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
    from assembler.pipeline.decide import in_order, plan_only
    from assembler.plan.json_parts import json_parts
    from assembler.report.text import describe_plan, names_of

    _require(results, agora_dir)
    recordings, options = _read(results, agora_dir, options)
    recorded = in_order(recordings, options)
    if probe:
        from assembler.pipeline.archives import unpacked
        from assembler.pipeline.assemble import plan_probed

        with unpacked(results or [], options) as given:
            made = plan_probed(recorded, given, _progress(progress))
    else:
        made = plan_only(recorded, options)
    if as_json:
        for part in json_parts(made[1]):
            print(part, end="")
        print()
    else:
        print(describe_plan(made[1], names_of(recorded.recordings)))
    return 0


@app.command()
@verb
def verify(
    playback: Annotated[Path, typer.Argument(help="A file made by `assembler run`.")],
    decode: Annotated[bool, typer.Option("--decode", help="Decode every picture, not only around the joins.")] = False,
    as_json: Json = False,
) -> int:
    """Check that a file is what its plan said. Reads the playback.json in the .assets folder beside it."""
    from assembler.media.verify.verify import verify as hold
    from assembler.plan.manifest import load_manifest

    manifest = load_manifest(playback)
    hold(playback, manifest, decode="all" if decode else "joins")
    looked = "every frame was decoded" if decode else "index and joins; `--decode` looks at every frame"
    print(
        f"{playback}: as planned ({manifest.stamps.count} pictures): {looked}",
        file=sys.stderr if as_json else sys.stdout,
    )
    if as_json:
        print(json.dumps({"verdict": "ok", "pictures": manifest.stamps.count, "decoded": "all" if decode else "joins"}))
    return 0


@app.command()
@verb
@with_options
def demo(
    out: Annotated[Path, typer.Option("-o", "--output", help="Folder for the demo.")] = Path("assembler-demo"),
    live: Annotated[
        bool, typer.Option("--live", help="Record a class by API in a stand-in cloud, and assemble it by callback.")
    ] = False,
    *,
    options: Options,
    progress: ShownAs = ProgressStyle.BARS,
) -> int:
    """Make a small class, serve it on loopback, and inspect, plan, run and verify it."""
    if live:
        from assembler.emulator.live import show_live

        show_live(out / "live", options, partial(print, flush=True))
        return 0
    from assembler.demo.show import show

    show(out, options, _progress(progress), print)
    return 0


@app.command()
@verb
@with_options
def doctor(*, options: Options, as_json: Json = False) -> int:
    """Examine the machine: what is here (ffmpeg, disk, settings), what is missing, and what to do about it."""
    from assembler.doctor import examine

    symptoms = examine(options)
    if as_json:
        print(json.dumps([s.model_dump(mode="json") for s in symptoms], ensure_ascii=False))
    else:
        for symptom in symptoms:
            grade = "ok  " if symptom.is_well else "warn" if symptom.is_warning else "BAD "
            print(f"{grade} {symptom.name}: {symptom.text}")
            if symptom.hint:
                print(f"     -> {symptom.hint}")
    return 0 if all(s.is_well or s.is_warning for s in symptoms) else 5


add_cloud_verbs(app)
add_job_verbs(app)
for one in (at, schema, emulate):
    app.command()(one)
jobs_app.add_typer(refused_app, name="refused")
for one in (check, costs, prune):
    jobs_app.command()(one)
jobs_app.command("list")(list_jobs)


def narrow(whole: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """Copy an app with only the verb that ``words`` begin with: typer builds all flags of each verb it knows, and that
    is a sixth of the time of a start. Help, and words that are no verb, get the whole app."""
    wanted = words[0] if words else ""
    one = copy.copy(whole)
    one.registered_commands = [
        info for info in whole.registered_commands
        if info.callback is not None and wanted == (info.name or get_command_name(info.callback.__name__))
    ]  # fmt: skip
    one.registered_groups = [copy.copy(info) for info in whole.registered_groups if info.name == wanted]
    for info in one.registered_groups:
        assert info.typer_instance is not None
        info.typer_instance = narrow(info.typer_instance, words[1:])
    return one if one.registered_commands or one.registered_groups else whole


def main() -> None:
    """Entry point of the ``assembler`` command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        narrow(app, sys.argv[1:])()
    except SystemExit as exc:
        usage = exc.__context__
        if (
            "--json" in sys.argv and usage is not None and hasattr(usage, "format_message")
        ):  # a mistake in the command line itself
            print_failure("Usage", usage.format_message(), "Look at --help.", 2)
        raise
