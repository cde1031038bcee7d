"""Digests of what is rendered from fixed chunks and of what is found in fixed files, beside their versions.

    python tests/golden.py

writes ``fixtures/golden/digests.json`` anew. It refuses to do so where a digest changes and its version does not:
work folders and facts of older runs would then be taken up as if nothing had changed. ``--same-result`` is for a change
of words that gives the same pictures, or the same facts.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "support"))

from lessons import facts

from assembler.choices import Fill, Quality
from assembler.facts import Facts, Stretch
from assembler.layout.model import Canvas, Rect
from assembler.media.encoders import VAAPI, X264, Encoding
from assembler.media.ffmpeg import Ffmpeg
from assembler.media.probe.probe import probe_all
from assembler.media.render.filter_graph import build_graph, compile_graph
from assembler.media.render.inputs import Input
from assembler.media.render.run_ffmpeg import output_options
from assembler.media.render.setup import RENDER_VERSION
from assembler.pipeline.gather import PROBE_VERSION
from assembler.plan.chunks import Chunk, Source, Tile
from assembler.progress import Silent
from assembler.times import Frame
from assembler.workspace import digest_of

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden"
DIGESTS, MEDIA = GOLDEN / "digests.json", GOLDEN / "media.json"
VERSIONS = {"RENDER_VERSION": RENDER_VERSION, "PROBE_VERSION": PROBE_VERSION}

NEW, OLD = Ffmpeg("ffmpeg", (9, 0), "new"), Ffmpeg("ffmpeg", (5, 1), "old")
BOARD, SCREEN, FACE, FACE_2 = (8, 8, 1280, 960), (8, 8, 1280, 960), (1296, 8, 320, 240), (1296, 256, 320, 240)


def stretch(size: tuple[int, int] = (640, 480), **changes: Any) -> Stretch:
    picture = facts("any", 1000, size=size).picture
    assert picture is not None
    return replace(picture.stretches[0], **changes)


def known(video_id: str, *stretches: Stretch, rate: int = 15, **changes: Any) -> Facts:
    found = facts(video_id, 10_000, rate=Fraction(rate))
    assert found.picture is not None
    return replace(found, picture=replace(found.picture, stretches=stretches or (stretch(),), **changes))


FACTS = {
    found.video_id: found
    for found in (
        known("board", stretch((1280, 960))),
        known("face"),
        known("other", stretch((320, 240))),
        known("fast", rate=30),
        known("phone", stretch((480, 640), rotation=90)),
        known("grey", stretch((640, 480), matrix="smpte170m", full_range=True)),
        known("wide", stretch((352, 288), sample_aspect=Fraction(12, 11))),
        known("lone", frames=1),
        known("turning", stretch((640, 480), end=76_800), stretch((480, 640), start=76_800)),
        known("drifting", pace=Fraction(1_000_100, 1_000_000)),
    )
}


def source(video_id: str, first: int = 0, end: int = 75, **changes: Any) -> Source:
    words: dict[str, Any] = {"stretch": 0, "shift": 0, "seek": None, "fill": Fill.FIT, "background": "#000000"}
    return Source(video_id=video_id, first=Frame(first), end=Frame(end), **{**words, **changes})


def tile(place: tuple[int, int, int, int], *sources: Source) -> Tile:
    x, y, width, height = place
    return Tile(rect=Rect(x=x, y=y, width=width, height=height), sources=sources)


def chunk(*tiles: Tile, is_disjoint: bool = True, background: str = "#34363B", **changes: Any) -> Chunk:
    canvas = Canvas(width=1624, height=1000, background=background)
    words: dict[str, Any] = {"first": Frame(0), "end": Frame(75), "fps": Fraction(15), "keyframes": ()}
    return Chunk(**{"canvas": canvas, "tiles": tiles, "is_disjoint": is_disjoint, **words, **changes})


CLASSES: dict[str, Chunk] = {
    "nothing is shown": chunk(),
    "a board alone": chunk(tile(BOARD, source("board")), keyframes=(Frame(30),)),
    "a mixed stream as it is": chunk(tile((0, 0, 640, 480), source("face")), canvas=Canvas(
        width=640, height=480, background="#000000")),
    "a lesson of three": chunk(tile(BOARD, source("board")), tile(FACE, source("face")), tile(FACE_2, source("other"))),
    "a share over the board": chunk(
        tile(BOARD, source("board")), tile(SCREEN, source("fast", 20, 50)), tile(FACE, source("face")),
        is_disjoint=False,
    ),
    "a camera that leaves and comes back": chunk(
        tile(FACE, source("face", 0, 20), source("face", 40, 60, shift=600_000, seek=30_720))
    ),
    "cropped, on a red that pad cannot draw": chunk(
        tile(FACE, source("wide", fill=Fill.CROP)), tile(FACE_2, source("wide", background="#FE2A01")),
        background="#FE2A01",
    ),
    "a phone held upright": chunk(tile(FACE, source("phone"))),
    "full range and a faster camera": chunk(tile(FACE, source("grey")), tile(FACE_2, source("fast"))),
    "places that change": chunk(
        tile(BOARD, source("board", 0, 40)), tile((400, 8, 1200, 900), source("board", 40, 75, seek=30_720)),
        tile(FACE, source("face", 0, 40)), is_disjoint=False,
    ),
    "a lone picture": chunk(tile(FACE, source("lone"))),
    "a camera whose size changes": chunk(
        tile(FACE, source("turning", 0, 40), source("turning", 40, 75, stretch=1)), fps=Fraction(30_000, 1001)
    ),
    "a clock that drifts": chunk(tile(FACE, source("drifting", pace=Fraction(1_000_100, 1_000_000)))),
}  # fmt: skip
"""Chunks by hand, whatever plans look like: a plan that changes is another chunk, and its digest says so by itself."""


def rendered(chunk: Chunk, program: Ffmpeg, encoder: Encoding) -> str:
    """Digest of what ffmpeg is told, without what differs between machines."""
    inputs = {
        (s.video_id, s.stretch): Input(f"sources/{s.video_id}", "mov", late=7 * s.stretch)
        for tile in chunk.tiles
        for s in tile.sources
    }
    stream = build_graph(chunk, FACTS, inputs, program)
    for name, words in encoder.upload:
        stream = stream.filter(name, **words)
    arguments, graph = compile_graph(stream, "out", output_options(chunk, encoder))
    return digest_of(arguments, graph)[:16]


def find_facts() -> dict[str, Facts]:
    """What the prober finds in the fixed files."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, name) for name in json.loads(MEDIA.read_text("utf-8"))}
        for name, text in json.loads(MEDIA.read_text("utf-8")).items():
            files[name].write_bytes(base64.b64decode(text))
        found, bad = probe_all(
            files, keep_stamps=set(files), work=Path(folder), progress=Silent(), stop=None, parallel=1
        )
    assert not bad, bad
    return found


def build_digests() -> dict[str, dict[str, str]]:
    """By version, then by what they are of."""
    x264 = X264.at(Quality.STANDARD)
    return {
        "RENDER_VERSION": {
            **{name: rendered(made, NEW, x264) for name, made in CLASSES.items()},
            **{f"{name} (ffmpeg 5)": rendered(made, OLD, x264) for name, made in CLASSES.items() if "red" in name},
            "a board alone (vaapi)": rendered(CLASSES["a board alone"], NEW, VAAPI.at(Quality.HIGH)),
        },
        "PROBE_VERSION": {name: digest_of(found)[:16] for name, found in find_facts().items()},
    }


def find_stale(digests: Mapping[str, Mapping[str, str]], golden: Mapping[str, Any]) -> list[str]:
    """One sentence for each version that has to be raised: a digest changed under it."""
    return [
        f"{version} is still {VERSIONS[version]}, but the result for {', '.join(changed)} is another one: raise it, "
        "then run `python tests/golden.py` (with --same-result instead, where only words changed)"
        for version, found in digests.items()
        if golden[version]["is"] == VERSIONS[version]
        and (changed := [name for name in found if golden[version]["digests"].get(name, found[name]) != found[name]])
    ]


def main(words: Sequence[str]) -> int:
    digests = build_digests()
    stale = find_stale(digests, json.loads(DIGESTS.read_text("utf-8"))) if DIGESTS.exists() else []
    if stale and "--same-result" not in words:
        print("\n".join(stale), file=sys.stderr)
        return 1
    golden = {version: {"is": VERSIONS[version], "digests": found} for version, found in digests.items()}
    DIGESTS.write_text(json.dumps(golden, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
