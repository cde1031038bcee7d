"""The README says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from assembler import errors
from assembler.cli import flags
from assembler.cli.main import app
from assembler.options import Options

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text("utf-8")
UNFLAGGED = {
    "home", "chunk_seconds", "stall_seconds", "database_url", "output", "template", "callback_key", "callback_keys",
    "retry_seconds", "s3_endpoint", "s3_virtual_hosted", "notify_url", "notify_secret", "share_minutes",
    "public_hosts",
}  # fmt: skip
FLAGS = {"start": "--from", "end": "--to", "allow_hosts": "--allow-host"}


def settings_table() -> str:
    """The table of all settings, made from the code; printed by ``python tests/test_readme.py``."""
    lines = ["| setting | flag | environment | meaning |", "|---|---|---|---|"]
    for name, field in Options.model_fields.items():
        flag = "" if name in UNFLAGGED else f"`{FLAGS.get(name, '--' + name.replace('_', '-'))}`"
        lines.append(f"| `{name}` | {flag} | `ASSEMBLER_{name.upper()}` | {field.description} |")
    return "\n".join(lines)


def test_the_settings_table_is_the_one_in_the_code() -> None:
    between = TEXT.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    assert between.strip() == settings_table()


def test_every_flag_of_the_table_is_a_flag() -> None:
    source = Path(flags.__file__).read_text("utf-8")
    for flag in re.findall(r"\| `(--[a-z-]+)` \|", settings_table()):
        assert f'"{flag}"' in source, flag


def test_every_verb_is_named() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"assembler {command.callback.__name__}" in TEXT


def test_every_exit_code_of_the_error_tree_is_named() -> None:
    codes = {c.exit_code for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.AssemblerError)}
    for code in codes:
        assert f"| {code} |" in TEXT


def test_the_first_line_with_the_demo_is_the_whole_first_command() -> None:
    first = next(line for line in TEXT.splitlines() if "assembler demo" in line)
    assert first.startswith("python3 -m venv")
    assert first.endswith(".venv/bin/assembler demo")


if __name__ == "__main__":
    head, rest = TEXT.split("<!-- settings -->")
    tail = rest.split("<!-- /settings -->")[1]
    README.write_text(f"{head}<!-- settings -->\n{settings_table()}\n<!-- /settings -->{tail}", "utf-8")
