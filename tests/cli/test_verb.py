"""The frame of all verbs: every end has its exit code, its message and, where asked for, its JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from assembler.cli.verb import INTERRUPTED, NOBODY_READS, OUR_FAULT, Plain, verb
from assembler.errors import AssemblerError, CloudError, DiskFull, InputError
from assembler.processes import Stopped
from assembler.settings import FormerName


def code_of(function: Callable[..., int | None], **words: bool) -> int:
    with pytest.raises(typer.Exit) as ended:
        verb(function)(**words)
    return ended.value.exit_code


@pytest.fixture(autouse=True)
def _handlers() -> object:
    """A stopped verb leaves signals ignored: its process is to end."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def raising(error: BaseException) -> Callable[..., int]:
    def function(as_json: bool = False) -> int:
        raise error

    return function


ENDS = [
    (InputError("a is not b", hint="Give b."), 2, "error: a is not b\nhint: Give b.\n"),
    (CloudError("no answer"), 3, "error: no answer\n"),
    (DiskFull("no room", hint="Make some."), 5, "error: no room\nhint: Make some.\n"),
    (KeyboardInterrupt(), INTERRUPTED, "stopped\nhint: The same command continues where it stopped.\n"),
    (Stopped(), INTERRUPTED, "stopped\nhint: The same command continues where it stopped.\n"),
]


@pytest.mark.parametrize(("error", "code", "said"), ENDS, ids=lambda one: type(one).__name__)
def test_an_error_is_a_code_a_message_and_an_object(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    assert code_of(raising(error)) == code
    assert capsys.readouterr() == ("", said)
    assert code_of(raising(error), as_json=True) == code
    told = capsys.readouterr()
    assert told.err == said
    failure = json.loads(told.out)["error"]
    kind = type(error).__name__ if isinstance(error, AssemblerError) else "Stopped"
    assert (failure["kind"], failure["exit"]) == (kind, code)
    assert said.endswith(f"{failure['sentence']}\n" + (f"hint: {failure['hint']}\n" if failure["hint"] else ""))


def test_too_little_memory_is_said_and_is_not_our_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(raising(MemoryError())) == 5
    assert capsys.readouterr().err.startswith("error: there is not enough memory for this\nhint: Give it more")


def test_any_other_exception_is_our_bug_with_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(raising(KeyError("oops"))) == OUR_FAULT
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert "KeyError: 'oops'" in said
    assert said.endswith("error: this is a bug in assembler\nhint: Please report it with the lines above.\n")


@pytest.mark.parametrize(("given_code", "code"), [(None, 0), (0, 0), (3, 3)])
def test_a_verb_ends_with_its_own_code(given_code: int | None, code: int) -> None:
    assert code_of(lambda: given_code) == code


def test_outputs_and_handlers_are_given_back() -> None:
    before = sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM)
    during: list[object] = []
    code_of(lambda: during.extend((sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM))))
    assert all(one is not other for one, other in zip(during, before, strict=True))
    assert (sys.stdout, sys.stderr, signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_stops_and_further_ones_do_not_disturb_the_end(
    capsys: pytest.CaptureFixture[str], name: signal.Signals
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tidied: list[bool] = []

    def function() -> int:
        try:
            signal.raise_signal(name)
        finally:
            for again in (signal.SIGTERM, signal.SIGINT):
                signal.raise_signal(again)
            tidied.append(True)
        return 0

    assert code_of(function) == INTERRUPTED
    assert tidied
    assert capsys.readouterr().err.startswith("stopped\n")


def test_a_ctrl_c_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def function() -> int:
        signal.raise_signal(signal.SIGINT)
        return 4

    assert code_of(function) == 4


def test_a_former_name_is_one_line_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    def function() -> None:
        for _ in range(2):
            warnings.warn("--jobs is --processes now", FormerName, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert code_of(function) == 0
    assert capsys.readouterr().err == "warning: --jobs is --processes now\n" * 2


def test_what_nobody_reads_ends_quietly() -> None:
    script = "import sys, typer; from assembler.cli.verb import verb\n"
    script += "try: verb(lambda: print('x' * 100_000))()\nexcept typer.Exit as ended: sys.exit(ended.exit_code)"
    told, ours = os.pipe()
    os.close(told)
    done = subprocess.run([sys.executable, "-c", script], stdout=ours, stderr=subprocess.PIPE, text=True, check=False)
    os.close(ours)
    assert (done.returncode, done.stderr) == (NOBODY_READS, "")


class Kept:
    """An output that is asked what was written."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)


@given(st.text(alphabet=st.sampled_from("ab\u061c\u200e\u202e\u2066\u2069\u2065é中\n")))
def test_only_marks_of_direction_are_written_out_and_json_reads_them_back(text: str) -> None:
    output = Kept()
    plain = Plain(output, needed=True)  # type: ignore[arg-type]
    assert plain.write(text) == len(text), "as the caller gave it"
    assert not set(output.text) & set("\u061c\u200e\u202e\u2066\u2069")
    line = text.replace("\n", "")
    output.text = ""
    plain.write(f'"{line}"')
    assert json.loads(output.text) == line
    assert plain.encoding == "utf-8"


def test_a_signature_is_not_shown() -> None:
    output = Kept()
    Plain(output, needed=True).write("at https://h/p?sign=s3cret now")  # type: ignore[arg-type]
    assert output.text == "at https://h/p now"
