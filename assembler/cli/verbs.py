"""The verbs of the command line by name. A verb's module is imported, and its flags are made, when it is called: help
and typos need names and sentences alone, and the modules of all verbs take longer than the rest of a start."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Verb(NamedTuple):
    """Verb that is not imported yet."""

    function: str
    """Place of its function in this room, ``module.name``."""
    sentence: str
    """Docstring of its function."""


class Group(NamedTuple):
    """Verbs below a word of their own."""

    sentence: str
    """Sentence for the help."""
    verbs: Mapping[str, Verb | Group]
    """Verbs by name, in the order of the help."""


REFUSED = {
    "list": Verb("refused.list_", "List callbacks that were refused, the newest first."),
    "show": Verb(
        "refused.show", "Print the body of one, byte by byte as it came; on a terminal, control characters are escaped."
    ),
    "take": Verb(
        "refused.take_again",
        "Check them against today's keys; those that are signed with one become jobs and events as any other callback.",
    ),
}
"""Verbs of ``assembler jobs refused``."""
JOBS: dict[str, Verb | Group] = {
    "show": Verb("jobs.show", "Show one job: its fields, findings and steps."),
    "logs": Verb("jobs.logs", "Print what was said while a job was done."),
    "retry": Verb("jobs.retry", "Start jobs once more, perhaps with another layout, a class card or a fresh result."),
    "cancel": Verb("jobs.cancel", "End jobs; a worker that is at one stops within seconds."),
    "expect": Verb(
        "jobs.expect", "Name tasks whose results are to come: `jobs list --missing` shows those that did not."
    ),
    "check": Verb(
        "operate.check",
        "Check whether all is well, in one line for cron and probes: exit code 0, 1 (warning) or 2 (critical).",
    ),
    "costs": Verb(
        "operate.costs", "Print what the jobs cost: time, CPU, memory and bytes, also of jobs that were forgotten."
    ),
    "prune": Verb(
        "operate.prune", "Forget jobs that are over, and remove what their work left; what they published stays."
    ),
    "list": Verb("job_list.list_jobs", "List jobs, those that failed first, then the newest first."),
    "refused": Group("See callbacks that were refused, and take them after all.", REFUSED),
}
"""Verbs of ``assembler jobs``."""
RECORD = {
    "start": Verb("record.start", "Start a recording; prints its task id, and nothing else, on standard output."),
    "stop": Verb("record.stop", "End a recording; its files are made after that: `assembler fetch TASK --wait`."),
    "pause": Verb("record.pause", "Pause a recording; what happens until `record resume` is not in it."),
    "resume": Verb("record.resume", "Go on with a paused recording."),
    "query": Verb("record.query", "The state of a task in one word: PREPARED, RECORDING, PAUSED, STOPPED, FINISHED."),
    "set-callback": Verb(
        "record.set_callback", "Set, delete or show the callback address of the app, and the key of its callbacks."
    ),
    "running": Verb("record.running", "All recordings of the app that are under way (v3)."),
    "generate": Verb(
        "record.generate", "Have files made after class; prints the id of that task, to `fetch` with --offline."
    ),
}
"""Verbs of ``assembler record``."""
VERBS: dict[str, Verb | Group] = {
    "run": Verb("playback.run", "Make the playback: parse, download, probe, plan, render, verify."),
    "inspect": Verb(
        "playback.inspect",
        "Show a result: tracks, gaps, pauses, findings, and the timeline drawn to scale. Never uses the network.",
    ),
    "plan": Verb("playback.plan", "Show every scene: what is shown where, copied or encoded, and why."),
    "verify": Verb(
        "verify.verify",
        "Check that a file is what its plan said. Reads the playback.json in the .assets folder beside it.",
    ),
    "demo": Verb("demo.demo", "Make a small class, serve it on loopback, and inspect, plan, run and verify it."),
    "doctor": Verb(
        "doctor.doctor",
        "Examine the machine: what is here (ffmpeg, disk, settings), what is missing, and what to do about it.",
    ),
    "fetch": Verb("record.fetch", "Get the result of a recording, for `assembler run`, as the vendor sends it."),
    "serve": Verb("jobs.serve", "Run all that one machine needs: webhook, status page and a worker."),
    "work": Verb("jobs.work", "Run more workers: those that name the same database take from the same queue."),
    "batch": Verb("jobs.batch", "Put many results into the queue; with --wait also do them, and print a summary."),
    "at": Verb(
        "at.at", "Find a time of day in a playback, or the time of day of a playback instant, through all pauses."
    ),
    "schema": Verb(
        "schema.schema",
        "Print the JSON Schema of playback.json, a class card, a recording of another system, or a notice.",
    ),
    "emulate": Verb(
        "emulate.emulate",
        "Run a stand-in for the recording cloud: its API, its callbacks, and real files of what happened in a room.",
    ),
    "record": Group("Start, steer and ask for recordings by the vendor's API.", RECORD),
    "jobs": Group("See and steer jobs.", JOBS),
}
"""Verbs of ``assembler``."""


class NamedCommand(TyperCommand):
    """Command with a name and a sentence, whose function was not imported."""

    def __init__(self, name: str, verb: Verb) -> None:
        super().__init__(name, help=verb.sentence)
        self.function = verb.function

    def load(self) -> Any:
        """Import the function, and build the command with its flags."""
        module, function = self.function.split(".")
        alone = typer.Typer(add_completion=False)
        alone.command(self.name)(getattr(import_module(f"assembler.cli.{module}"), function))
        return get_command(alone)


class VerbGroup(TyperGroup):
    """Group of verbs of which only the one that is called is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the words call (typer asks for this method, also to complete its flags)."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, NamedCommand) else command, rest


class Program(VerbGroup):
    """All verbs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": build_commands(VERBS)})


def build_commands(verbs: Mapping[str, Verb | Group]) -> dict[str, Any]:
    """Build the commands of a table, nothing of it imported."""
    return {
        name: NamedCommand(name, one)
        if isinstance(one, Verb)
        else VerbGroup(name=name, help=one.sentence, commands=build_commands(one.verbs), no_args_is_help=True)
        for name, one in verbs.items()
    }
