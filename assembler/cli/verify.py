"""The verb ``verify``: flags in, exit code out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from assembler.cli.flags import Json
from assembler.cli.verb import verb


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
