"""JSON Schemas of what is read and written: ``assembler schema``."""

from __future__ import annotations

import ast
import inspect
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter

from assembler.class_card import ClassCard
from assembler.jobs.store.notices import EventNotice, JobNotice
from assembler.plan.manifest import Manifest
from assembler.recording import Recording

SCHEMAS: dict[str, tuple[str, bool, Any]] = {
    "playback": ("playback.json beside a finished file", False, Manifest),
    "class": ("Class card, for --class", True, ClassCard),
    "recording": ("Recording of another system, for `run`", True, Recording),
    "notice": ("Body of a notice to the notify address", False, JobNotice | EventNotice),
}
"""Title, whether it is read (else written), and type of each."""


def build_schema(name: str) -> dict[str, Any]:
    """Build the JSON Schema (2020-12) of one row of ``SCHEMAS``, with the sentences of its fields."""
    title, is_read, kind = SCHEMAS[name]
    schema = TypeAdapter(kind).json_schema(mode="validation" if is_read else "serialization")
    sentences = {one.__name__: field_sentences(one) for one in _models(kind)}
    for owner, part in [(kind.__name__ if isinstance(kind, type) else "", schema), *schema.get("$defs", {}).items()]:
        if not is_read and "properties" in part:
            part.pop("additionalProperties", None)  # a newer version may add keys
        for field, said in part.get("properties", {}).items():
            if text := sentences.get(owner, {}).get(field):
                said["description"] = text
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _models(kind: Any) -> set[type]:
    """All models and dataclasses that a type holds, in whatever containers."""
    found: set[type] = set()
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and (issubclass(one, BaseModel) or is_dataclass(one)) and one not in found:
            found.add(one)
            waiting += get_type_hints(one).values()
        waiting += get_args(one)
    return found


def field_sentences(model: type) -> dict[str, str]:
    """Read the sentence under each field of a model, by the field's name."""
    (body,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, under in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(under, ast.Expr) and isinstance(under.value, ast.Constant):
            found[ast.unparse(field.target)] = " ".join(str(under.value.value).split())
    return found
