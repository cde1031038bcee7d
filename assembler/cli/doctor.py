"""The verb ``doctor``: flags in, exit code out."""

from __future__ import annotations

import json

from assembler.cli.flags import Json, with_options
from assembler.cli.verb import verb
from assembler.options import Options


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
