"""The house's rules that a machine can keep: who may import whom, and that nothing happens at import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "assembler"
RANKS = {
    "errors": 0, "messages": 0, "values": 0,
    "choices": 1, "findings": 1, "processes": 1, "progress": 1, "settings": 1, "times": 1,
    "class_card": 2, "echoes": 2, "facts": 2, "levels": 2, "mp4": 2, "options": 2, "recording": 2, "redaction": 2,
    "templates": 2, "workspace": 2,
    "card_file": 3, "dialects": 3, "people": 3, "timeline": 3,
    "captions": 4, "layout": 4, "privacy": 4, "segment_files": 4,
    "plan": 5,
    "media": 6, "network": 6, "report": 6,
    "cloud": 7, "outputs": 7,
    "pipeline": 8,
    "demo": 9, "doctor": 9, "jobs": 9,
    "emulator": 10, "schemas": 10,
    "cli": 11,
    "__main__": 12,
}  # fmt: skip
"""A room imports only from rooms of a LOWER rank, and from itself."""
PIPELINE = [
    "archives",
    "read_results",
    "agora_folder",
    "gather",
    "transcribe",
    "target",
    "timelines",
    "decide",
    "render_ahead",
    "assemble",
]
"""Inside the pipeline each imports only those before it."""
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")
AT_MOST = 330
"""Lines; the house says 300, and that a rule may bend a little."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules and names that a module imports, relative ones by their full name."""
    package, found = path.relative_to(PACKAGE.parent).parent.parts, set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(found)


def test_relative_imports_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "assembler")
    module = tmp_path / "assembler" / "plan" / "sub" / "scenes.py"
    module.parent.mkdir(parents=True)
    module.write_text("from . import why\nfrom ..rate import one\nfrom ...media import child\nimport numpy")
    found = {"assembler.plan.sub.why", "assembler.plan.rate.one", "assembler.media.child", "numpy"}
    assert found <= imported(module)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_lower_ranks_or_itself(path: Path) -> None:
    own = room(path)
    for module in imported(path):
        parts = module.split(".")
        if parts[0] == "assembler" and len(parts) > 1 and parts[1] != own:
            assert RANKS[parts[1]] < RANKS[own], f"{own} imports {module}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {
        ".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts): p for p in FILES if p.name != "__init__.py"
    }
    ahead = {name: imported(path) & modules.keys() for name, path in modules.items()}
    while free := [name for name, wanted in ahead.items() if not wanted & ahead.keys()]:
        ahead = {name: wanted for name, wanted in ahead.items() if name not in free}
    assert not ahead


def test_the_pipeline_runs_one_way() -> None:
    for place, step in enumerate(PIPELINE):
        inside = {
            m.split(".")[2] for m in imported(PACKAGE / f"pipeline/{step}.py") if m.startswith("assembler.pipeline.")
        }
        assert inside <= set(PIPELINE[:place]), step
    assert {p.stem for p in (PACKAGE / "pipeline").glob("*.py")} - {"__init__"} == set(PIPELINE)


def test_no_room_holds_more_than_two_dozen_files() -> None:
    for folder in {p.parent for p in (*FILES, *Path(__file__).parent.glob("**/test_*.py"))}:
        assert len(list(folder.glob("*.py"))) <= 25, folder


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("ffmpeg", {"media"}),
        ("PIL", {"media"}),
        ("fontTools", {"media"}),
        ("requests", {"network"}),
        ("obstore", {"network"}),
        ("subprocess", {"processes"}),
        ("dbos", {"jobs"}),
        ("fastapi", {"jobs"}),
        ("typer", {"cli"}),
        ("tencentcloud", {"cloud"}),
        ("opentimelineio", {"outputs"}),
        ("stamina", {"cloud"}),
    ],
)
def test_a_library_has_one_door(library: str, rooms: set[str]) -> None:
    users = {room(p) for p in FILES if any(m.split(".")[0] == library for m in imported(p))}
    assert users <= rooms, users - rooms
    assert users, "this test would not notice"


@pytest.mark.parametrize(
    ("library", "file"), [("dbos", "engine.py"), ("fastapi", "web/app.py"), ("psycopg", "worker/lease.py")]
)
def test_a_library_of_the_jobs_has_one_module(library: str, file: str) -> None:
    users = [p for p in FILES if any(m.split(".")[0] == library for m in imported(p))]
    assert users == [PACKAGE / "jobs" / file]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_grows_past_a_purpose(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= AT_MOST


HEAVY = {"av", "PIL", "fontTools", "numpy", "ffmpeg", "requests", "urllib3", "typer", "pydantic"}
CHILDREN = ("align", "damage", "levels", "mixdown", "mux", "pages", "probe", "verify")
LIBRARIES = {"mux": set[str](), **{name: {"av", "numpy"} for name in ("align", "levels", "mixdown", "pages")}}


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("import assembler", set()),
        *((f"import assembler.media.{child}.child", LIBRARIES.get(child, {"av"})) for child in CHILDREN),
        ("from assembler.cli.main import app; app(['--help'], standalone_mode=False)", {"typer"}),
        ("import assembler.pipeline.read_results, assembler.pipeline.assemble, assembler.report.text", {"pydantic"}),
    ],
)
def test_a_process_imports_no_heavy_library_that_it_can_do_without(words: str, needed: set[str]) -> None:
    """Every one costs a run 0.02 to 0.1 s of CPU, in each of its processes. What is only fetched or only rendered with
    is imported where that begins: a second run does neither."""
    code = f"import sys; {words}; print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stderr.split()) & HEAVY == needed


def test_inspect_imports_nothing_that_plans_renders_or_fetches() -> None:
    result = PACKAGE.parent / "fixtures" / "vendor" / "v1-result-six-files.json"
    code = f"import sys; from assembler.cli.main import app; app(['inspect', {str(result)!r}], standalone_mode=False)"
    code += "; print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in done.stderr.split() if name.startswith("assembler.")}
    assert "timeline" in rooms
    assert not rooms & {"plan", "layout", "captions", "media", "outputs", "jobs", "mp4"}


def test_public_names_are_there() -> None:
    import assembler

    for name in assembler.__all__:
        assert getattr(assembler, name) is not None


DESIGN = (PACKAGE / "DESIGN.md").read_text("utf-8")
HEADINGS = set(re.findall(r"^##+ (.+)$", DESIGN, re.MULTILINE))
SOURCES = [
    *PACKAGE.rglob("*.py"),
    *(path for path in (PACKAGE.parent / "tests").rglob("*.py") if path != Path(__file__)),
    PACKAGE.parent / ".github" / "CONTRIBUTING.md",
]


def design_references(text: str) -> list[str]:
    """Headings that "DESIGN, <heading>" names, also where the line ends within one."""
    return [" ".join(name.split()) for name in re.findall(r"\bDESIGN, ([^<>().,;:`\"|\\[]+)", text)]


def test_every_reference_to_the_design_names_one_of_its_headings() -> None:
    named = {name: path for path in SOURCES for name in design_references(path.read_text("utf-8"))}
    assert len(named) > 8, "this test would not notice"
    assert named.keys() <= HEADINGS, {name: path for name, path in named.items() if name not in HEADINGS}


def test_the_design_draws_the_ranks_as_they_are() -> None:
    drawn = [line.split() for line in DESIGN.split("## Ranks")[1].split("```")[1].strip().splitlines()]
    assert {room: int(rank) for rank, room, *_ in drawn} == RANKS


def test_every_module_that_the_design_names_is_there() -> None:
    for name in re.findall(r"`([\w/]+\.py)`", DESIGN):
        assert (PACKAGE / name).exists() or (PACKAGE.parent / name).exists(), name


def test_every_table_and_version_that_the_design_names_is_in_its_module() -> None:
    named = re.findall(r"`(\w+)`\)? in `([\w/]+\.py)`", DESIGN)
    assert {"RENDER_VERSION", "PROBE_VERSION", "LAYOUTS", "DIALECTS"} <= {name for name, _ in named}
    for name, module in named:
        path = PACKAGE / module if (PACKAGE / module).exists() else PACKAGE.parent / module
        assert re.search(rf"^ *(class )?{name}\b", path.read_text("utf-8"), re.MULTILINE), (name, module)


NOT_AN_OPENING = re.compile(
    r"""\W*(what|whatever|who|whoever|whom|whose|whether|which|how|where|wherever|when|why|so|as|if|while|since|because|
    also|and|or|but|by|of|from|to|in|at|for|on|with|without|before|behind|until|between|about|above|below|up|it|its|this|
    these|those|they|their|them|there|our|ours|we|you|nothing|something|everything|nobody|somebody|anybody|neither|either|
    never|only|more|less|most|longer|larger|smaller|like|is|are|was|were|has|told|none|no|not)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words with which no sentence begins: it begins with a verb or with a standard noun."""


def sentences_to_write(path: Path) -> list[str]:
    """Public names of a module that have no docstring, and names of any kind whose docstring opens badly.

    A field or constant has its docstring in the line under it; rows (``X = Dialect(...)``) and other values of a base's
    field need none.
    """
    found: list[str] = []

    def judge(name: str, text: str | None, *, is_needed: bool = True) -> None:
        if NOT_AN_OPENING.match(text) if text else is_needed:
            found.append(f"{path.relative_to(PACKAGE)}: {name}: {text or 'no sentence'}")

    def visit(owner: str, node: ast.Module | ast.ClassDef) -> None:
        for part, under in zip(node.body, [*node.body[1:], None], strict=True):
            if isinstance(part, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{owner}{part.name}"
                judge(name, ast.get_docstring(part), is_needed=not re.search(r"(^|\.)_", name))
                if isinstance(part, ast.ClassDef):
                    visit(f"{name}.", part)
            elif isinstance(part, ast.Assign | ast.AnnAssign):
                name = owner + ast.unparse(part.target if isinstance(part, ast.AnnAssign) else part.targets[0])
                text = (
                    under.value.value if isinstance(under, ast.Expr) and isinstance(under.value, ast.Constant) else None
                )
                is_row = re.match(r"[A-Z]\w+\(", ast.unparse(part.value) if part.value else "")
                is_field = owner and isinstance(part, ast.AnnAssign)
                is_constant = name.split(".")[-1].isupper() and not is_row
                is_private = re.search(r"(^|\.)_", name) is not None
                judge(name, text and str(text), is_needed=not is_private and bool(is_field or is_constant))

    tree = ast.parse(path.read_text("utf-8"))
    if tree.body:
        judge("module", ast.get_docstring(tree))
        visit("", tree)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_public_name_has_a_sentence_that_opens_with_a_verb_or_a_noun(path: Path) -> None:
    assert not sentences_to_write(path)
