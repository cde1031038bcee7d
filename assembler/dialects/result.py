"""One object that holds a result, in whatever spelling, to a Recording."""

from __future__ import annotations

from functools import partial
from typing import Never

from assembler.dialects.body import Json, shortened, shown
from assembler.dialects.dialect import APP, Query
from assembler.dialects.fields import Fields, whole
from assembler.dialects.omissions import LAST_WALL, read_interrupts, read_omissions
from assembler.dialects.segments import LONGEST, UnusableEntry, collect, read_vendor_segment
from assembler.dialects.spelling import Spelling
from assembler.dialects.vendor_errors import error_text, failure, read_error, read_reason, refusal_of_request
from assembler.errors import InputError, NotFinished
from assembler.findings import Finding, note, warning
from assembler.recording import Recording, VendorError
from assembler.times import Ms, WallMs

UNFINISHED = {
    "PREPARED": "the recorder is still getting ready",
    "RECORDING": "the recording still runs",
    "PAUSED": "the recording is paused",
    "RESUMED": "the recording still runs",
    "STOPPED": "the recording was stopped, its files are still being prepared",
    "QUEUED": "the video generation waits in the queue",
    "PROCESSING": "the video generation still runs",
}
"""Status of v1 (upper-cased), DescribeOnlineRecord and DescribeVideoGenerationTask before FINISHED.

Videos beside such a status prove nothing: while STOPPED the files are uploaded one by one."""


def read_result(
    fields: Fields, spelling: Spelling, query: Query, *, dialect: str, app_id: str | None = None, is_over: bool = False
) -> Recording:
    """The recording in this object; ``app_id`` is what stands around it.

    ``is_over`` is True where the envelope itself says that the recording finished, whatever the status field says.
    Raises NotFinished, RecordingFailed where the vendor names a failure and no video is usable, CloudError where it
    refused a request, else InputError.
    """
    findings = fields.findings
    task, room = fields.text(spelling.task), fields.text(spelling.room)
    name = f"task {shortened(task, 60)}" if task else f"room {shortened(room, 60)}" if room else "the recording"
    reason = read_reason(fields.text(spelling.reason))
    error = read_error(fields, reason)
    entries = [entry for videos in _lists(fields, spelling) for entry in fields.entries(videos)]
    if not is_over:
        _refuse_unfinished(fields, spelling, name, has_videos=bool(entries))
    read = partial(read_vendor_segment, spelling=spelling, findings=findings, is_failed=error is not None)
    segments, refused = collect(entries, read, spelling.play_time, findings)
    if not segments and error is not None and not is_over:
        refused_request = refusal_of_request(error, has_status=bool(task and fields.text(spelling.status)))
        if refused_request is not None:
            raise refused_request
    if not segments and error is None and not refused and fields.text(spelling.replay) is not None:
        _refuse_replay(name, fields.at(spelling.replay))
    if not segments:
        where = spelling.videos[0]
        refuse_empty(name, fields.at(where), error, refused, given=fields.get(where))
    if error is not None:
        findings.append(error_finding(error))
    start = _instant(fields, fields.first(spelling.start))
    total = fields.number(spelling.total, -LONGEST, LONGEST, "ms, at most 48 h")
    exceptions = fields.number(spelling.exceptions, -(10**9), 10**9, "a count")
    return Recording(
        dialect=dialect,
        task_id=task,
        app_id=fields.text(spelling.app) or app_id or query.get(APP),
        room_id=room,
        group_id=fields.text(spelling.group),
        record_user_id=fields.text(spelling.recorder),
        start=start,
        stop=_instant(fields, spelling.stop),
        total=Ms(total) if total is not None and total > 0 else None,
        segments=segments,
        omissions=read_omissions(fields, spelling, start),
        finish_reason=reason,
        exception_count=max(0, exceptions or 0),
        interrupts=read_interrupts(fields, spelling),
        error=error,
        request_id=fields.text(spelling.request),
        random=shortened(query["random"], 60) if query.get("random") else None,
        findings=tuple(findings),
    )


def _lists(fields: Fields, spelling: Spelling) -> list[str]:
    """The fields in which the videos are: a lone object beside a list is the vendor's placeholder, not a video."""
    has_list = any(isinstance(fields.get(name), list) for name in spelling.videos)
    return [name for name in spelling.videos if not (has_list and isinstance(fields.get(name), dict))]


def _refuse_replay(name: str, where: str) -> Never:
    raise InputError(
        f"{name} holds no videos, only a {where}: its files have to be made first",
        hint="Have them made: `assembler record generate` (CreateVideoGenerationTask); give the result of that task.",
    )


def error_finding(error: VendorError) -> Finding:
    """The failure as a finding: it makes the playback degraded."""
    advice = f" {error.advice}" if error.advice else ""
    return warning("", f"The vendor reports a failure beside the videos: {error_text(error)}.{advice}")


def refuse_empty(
    name: str, where: str, error: VendorError | None, refused: list[UnusableEntry], hint: str = "", given: Json = None
) -> Never:
    """Raise what fits a result without any usable segment; ``given``: what stands in the field ``where``."""
    if error is not None:
        raise failure(name, error)
    if refused:
        more = f" (none of the {len(refused)} segments is usable)" if len(refused) > 1 else ""
        raise InputError(
            refused[0].sentence + more, hint=hint or "Compare the body with the vendor's page of this result."
        )
    is_list = given is None or given == "" or isinstance(given, list)
    state = "is empty or missing" if is_list else f"is {shown(given)}, expected a list"
    raise InputError(
        f"{name} holds no videos: {where} {state}",
        hint=hint or "Give the body of a finished recording; a room with nothing but sound records no file.",
    )


def _refuse_unfinished(fields: Fields, spelling: Spelling, name: str, *, has_videos: bool) -> None:
    """Raise NotFinished where the status says so; an error without videos is final even then.

    A finish reason is not an error here: after FORCE_STOP the files are still being prepared.
    """
    status = (fields.text(spelling.status) or "").strip().upper()
    progress = whole(fields.get(spelling.progress)) if status == "" else None
    is_under_way = progress is not None and 0 <= progress < 100
    if is_under_way and (has_videos or read_error(fields, None) is None):
        raise NotFinished(
            f"{name} is not finished: {fields.at(spelling.progress)} is {progress} of 100",
            hint="Ask again later, or wait for the vendor's event about the finished recording.",
        )
    if status in UNFINISHED and (has_videos or read_error(fields, None) is None):
        raise NotFinished(
            f"{name} is not finished: {UNFINISHED[status]} ({fields.at(spelling.status)} {status})",
            hint="Ask again later, or wait for the vendor's event about the finished recording.",
        )
    if status not in ("", "FINISHED") and status not in UNFINISHED:
        sentence = f"The status {shown(status)} is unknown; the result was read as a finished one."
        fields.findings.append(note(fields.at(spelling.status), sentence))


def _instant(fields: Fields, name: str) -> WallMs | None:
    """Unix seconds as wall clock ms; None where missing or 0, with a warning where it is not one."""
    seconds = fields.number(name, 0, LAST_WALL // 1000, "Unix seconds")
    return WallMs(seconds * 1000) if seconds else None
