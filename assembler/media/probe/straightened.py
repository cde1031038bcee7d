"""Facts of a file, or of its straightened copy where its stamps or streams cannot be used as they are."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace

import av

from assembler.facts import Facts
from assembler.media.probe.byte_ranges import Reach
from assembler.media.probe.container import Container, sniff
from assembler.media.probe.order import UNFORESEEN, LateStream, ProbeAnswer, ProbeInput, UnusableFile, describe_error
from assembler.media.straighten.breaks import JUMP
from assembler.media.straighten.concatenated import find_pieces, is_plain
from assembler.media.straighten.edit_lists import read_edit_lists
from assembler.media.straighten.ogg_pages import read_stamps
from assembler.media.straighten.shifts import StampShifts

ProbeFile = Callable[[ProbeInput], tuple[Facts, Reach]]


def probe_straightened(wanted: ProbeInput, probe_file: ProbeFile) -> ProbeAnswer:
    """Probe one file, and its straightened copy if it needs one; raises Unusable or libav's error."""
    container = sniff(wanted.path)
    problem: Exception | None = None
    facts: Facts | None = None
    plain: ProbeAnswer | None = None
    if is_plain(find_pieces(wanted.path, container.name), wanted.path):
        try:
            facts, reach = probe_file(wanted)
        except (LateStream, *UNFORESEEN) as exc:
            problem = exc
        else:
            plain = ProbeAnswer(video_id=wanted.video_id, facts=facts, reach=reach.on_file_axis(facts.origin))
            if not _is_crooked(wanted, container, facts, reach):
                return plain
    if wanted.straight is None and wanted.hole is None and plain is not None:
        return plain
    if wanted.straight is None or wanted.hole is not None:
        raise UnusableFile("has stamps or streams that have to be repaired first")
    try:
        answer = _straightened(wanted, container, probe_file, facts) or plain
    except (av.FFmpegError, *UNFORESEEN) as exc:
        if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(exc.errno, os.strerror(exc.errno)) from exc
        if plain is None:
            raise UnusableFile(f"cannot be read: {describe_error(problem or exc)}") from exc
        why = describe_error(exc)
        message = f"Its stamps or its streams are broken and could not be repaired ({why}): used as they are."
        return replace(plain, warnings=(message,))
    if answer is None:
        raise UnusableFile(f"cannot be read: {describe_error(problem or LateStream())}")
    return answer


def _is_crooked(wanted: ProbeInput, container: Container, facts: Facts, reach: Reach) -> bool:
    """True if the file may have to be straightened; certain only when all packets are read."""
    if container.name == "mov":
        with wanted.path.open("rb") as file:
            if read_edit_lists(file):
                return True
    if container.name == "ogg" and read_stamps(wanted.path):
        return True
    if wanted.declared is not None and container.name == "mov":
        return facts.end > wanted.declared + JUMP // 1000
    return reach.stamps.arrange(wanted.declared) is not None


def _straightened(
    wanted: ProbeInput, container: Container, probe_file: ProbeFile, plain: Facts | None
) -> ProbeAnswer | None:
    """Straighten and probe the copy; None where nothing had to be changed.

    ``plain``: facts of the file itself. Its ``left_out`` and ``is_truncated`` hold for the copy too.
    """
    from assembler.media.straighten.straighten import straighten

    assert wanted.straight is not None
    found = straighten(wanted.path, container, wanted.declared, wanted.straight)
    if found is None:
        return None
    facts, _ = probe_file(replace(wanted, path=wanted.straight, size=None))
    known = plain.left_out if plain is not None else ()
    facts = replace(
        facts,
        left_out=tuple(dict.fromkeys([*known, *found.left_out, *facts.left_out])),
        is_truncated=facts.is_truncated or container.is_cut or (plain is not None and plain.is_truncated),
    )
    return _with_sentence(ProbeAnswer(video_id=wanted.video_id, facts=facts, straight=wanted.straight), found)


def _with_sentence(answer: ProbeAnswer, found: StampShifts) -> ProbeAnswer:
    if not found.sentence:
        return answer
    return replace(answer, notes=(found.sentence,)) if found.is_whole else replace(answer, warnings=(found.sentence,))
