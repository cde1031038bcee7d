"""Record search: the answer of DescribeRecordSearch, with each task's result in RecordTaskSet[].Result."""

from __future__ import annotations

from assembler.dialects.body import Json, JsonObject, shortened
from assembler.dialects.dialect import Dialect, Query
from assembler.dialects.fields import Fields
from assembler.dialects.result import read_result
from assembler.dialects.spelling import CAMEL
from assembler.errors import InputError
from assembler.findings import note
from assembler.recording import Recording

TASKS = "RecordTaskSet"
"""Key of the list of tasks."""


def _matches(body: JsonObject) -> bool:
    inner = body.get("Response")
    return TASKS in body or (isinstance(inner, dict) and TASKS in inner)


def _read(fields: Fields, query: Query) -> Recording:
    answer = fields if TASKS in fields.values else fields.require("Response")
    tasks = [(path, entry) for path, entry in answer.entries(TASKS) if isinstance(entry, dict)]
    full = [task for task in tasks if _has_videos(task[1])]
    if len(full) > 1:
        ids = ", ".join(shortened(str(entry.get("TaskId")), 40) for _, entry in full[:5])
        more = f" and {len(full) - 5} more" if len(full) > 5 else ""
        raise InputError(
            f"the search found {len(full)} recordings (tasks {ids}{more}); which one is meant is not said",
            hint=f"Leave one entry in {TASKS}, or search for one task.",
        )
    if not tasks:
        raise InputError(f"{answer.at(TASKS)} names no task", hint="Search for the task of a finished recording.")
    path, entry = (full or tasks)[0]
    if len(tasks) > 1:
        answer.findings.append(note(answer.at(TASKS), f"{len(tasks) - 1} more tasks without videos were left out."))
    result = entry.get("Result")
    around: JsonObject = {name: entry[name] for name in ("TaskId", "SdkAppId", "RoomId", "Status") if name in entry}
    inside: JsonObject = result if isinstance(result, dict) else {}
    values: JsonObject = {"RequestId": answer.get("RequestId"), **around, **inside}
    return read_result(Fields(values, f"{path}.Result", answer.findings), CAMEL, query, dialect=RECORD_SEARCH.name)


def _has_videos(entry: JsonObject) -> bool:
    result: Json = entry.get("Result")
    return isinstance(result, dict) and any(result.get(name) for name in CAMEL.videos)


RECORD_SEARCH = Dialect("record-search", f"{TASKS}[].Result of DescribeRecordSearch", _matches, _read)
