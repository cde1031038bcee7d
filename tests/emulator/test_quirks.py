"""Every oddity by name: each gives a body that is read rightly, or refused with the right words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dialects.bodies import vendor

from assembler import parse
from assembler.dialects import read_event
from assembler.emulator.callbacks import Delivery, body_of, signed
from assembler.emulator.errors import Failure
from assembler.emulator.lesson import Lesson, Presence
from assembler.emulator.media import wanted_files
from assembler.emulator.quirks import FAULTS, QUIRKS
from assembler.emulator.results import ODD, v1_result, v3_result
from assembler.emulator.state import finished
from assembler.emulator.task import Delays, Event, File, Happening, Pause, Phase, Task, Wishes
from assembler.errors import InputError, NotFinished, RecordingFailed
from assembler.options import Options
from assembler.pipeline.timelines import timeline_only
from assembler.recording import Recording, StreamKind
from assembler.times import WallMs

START = 1_718_010_000_250
LESSON = Lesson(
    streams=(
        Presence(user="ann"),
        Presence(shows="board"),
        Presence(user="ann", shows="screen", since=2, until=8),
    )
)


def task_with(quirks: frozenset[str], api: str, **more: Any) -> Task:
    """A finished class of 20 s with a pause of 30 s after the tenth, as the files would be."""
    given: dict[str, Any] = {
        "wishes": Wishes(),
        "user": "tic_record_user_5_1",
        "phase": Phase.STOPPED,
        "why": "USER_CALL",
    }
    task = Task(
        id="bj0mt2l23osdj300hl30", api=api, room=5, group="5", base="http://127.0.0.1:1", lesson=LESSON,
        due=WallMs(START), seen=WallMs(START), began=WallMs(START), ended=WallMs(START + 50_000),
        pauses=(Pause(begin=WallMs(START + 10_000), end=WallMs(START + 40_000)),), **{**given, **more},
    )  # fmt: skip
    files = [
        File(
            video_id=f"v{number}", name=f"v{number}.mp4", kind=one.kind, user=one.user, play=one.play,
            length=one.length, size=1000, width=64, height=48,
        )
        for number, one in enumerate(wanted_files(task, quirks))
    ]  # fmt: skip
    if not files and not task.wishes.later:
        task = task.changed(failure=Failure.NO_FILES, why="EXCEPTION")
    return finished(task.changed(files=tuple(files)), WallMs(START + 60_000), [])


def address(task: Task, file: File) -> str:
    return f"{task.base}/files/{task.id}/{file.name}?t=1&sign=2"


def read(quirk: str, api: str, **more: Any) -> Recording:
    quirks = frozenset({quirk} - {""})
    task = task_with(quirks, api, **more)
    body = body_of(task, Happening(Event.FINISHED, WallMs(START + 60_000)), address, quirks, Delays())
    return parse(json.dumps(body))


def timeline_ends(recording: Recording) -> tuple[int, list[int]]:
    """Length of the playback and the places of its pauses."""
    timeline = timeline_only(recording, Options())
    return timeline.length, [jump.at for jump in timeline.clock.jumps]


def test_the_names_of_bodies_are_known_and_all_are_told_apart() -> None:
    assert ODD.keys() <= QUIRKS.keys()
    assert not QUIRKS.keys() & FAULTS.keys()


HARMLESS = [
    "", "omissions-in-seconds", "wrong-total-time", "wall-axis", "numbers-as-text", "null-lists", "desktop-sharing",
    "substream-in-v1", "placeholder-video-infos",
]  # fmt: skip


@pytest.mark.parametrize("api", ["v1", "v3"])
@pytest.mark.parametrize("concat", [False, True])
@pytest.mark.parametrize("quirk", HARMLESS)
def test_an_oddity_changes_nothing_about_the_class(quirk: str, api: str, concat: bool) -> None:
    plain, odd = read("", api, wishes=Wishes(concat=concat)), read(quirk, api, wishes=Wishes(concat=concat))
    if quirk == "wall-axis":
        assert max(segment.play_time for segment in odd.segments) == 40_000, "it is odd"
        plain = read("", api)
    end, pauses = timeline_ends(odd)
    # neither what was joined shows its pause without a list, nor what was not with a wrong length
    is_unknown = (quirk, concat) in (("null-lists", True), ("wrong-total-time", False))
    assert (end, pauses) == (20_000, [] if is_unknown else [10_000])
    told = [(s.kind, s.user, s.duration, s.size) for s in odd.segments]
    screens = {"desktop_sharing_5"} if quirk == "desktop-sharing" else {"ann"}
    assert {user for kind, user, *_ in told if kind is StreamKind.SCREEN} == screens
    if quirk not in ("desktop-sharing",):
        assert told == [(s.kind, s.user, s.duration, s.size) for s in plain.segments]
    is_odd = {
        "omissions-in-seconds": concat and any("seconds" in finding.sentence for finding in odd.findings),
        "wrong-total-time": odd.total == 560_000,
        "substream-in-v1": any(s.stream_id == "tic_substream_ann" for s in odd.segments),
    }
    assert is_odd.get(quirk, True) or (quirk == "omissions-in-seconds" and not concat)


@pytest.mark.parametrize("api", ["v1", "v3"])
def test_sounds_and_mixed_streams_are_files_as_well(api: str) -> None:
    sounds = [s for s in read("mp3", api).segments if s.kind is StreamKind.AUDIO]
    assert [(s.user, s.format, s.play_time) for s in sounds] == [("ann", "mp3", 0), ("ann", "mp3", 10_000)]
    mixed = [s for s in read("several-mixed-streams", api).segments if s.kind is StreamKind.MIX]
    names = {"tic_mixstream_5_101", "tic_mixstream_5_3"} if api == "v3" else {""}
    assert (len(mixed), {s.stream_id for s in mixed}) == (4, names)


@pytest.mark.parametrize("api", ["v1", "v3"])
def test_a_broken_off_recording_is_worth_having(api: str) -> None:
    recording = read("broken-off", api)
    assert recording.finish_reason == "EXCEPTION"
    assert recording.error is not None
    assert recording.error.number == 49999
    assert len(recording.segments) == 5


@pytest.mark.parametrize("api", ["v1", "v3"])
@pytest.mark.parametrize(("quirk", "number"), [("recording-fails", 40002), ("hollow-videos", 2004)])
def test_a_failed_recording_is_told_as_one(api: str, quirk: str, number: int) -> None:
    with pytest.raises(RecordingFailed, match=str(number)):
        read(quirk, api)


@pytest.mark.parametrize("api", ["v1", "v3"])
def test_a_start_that_fails_is_told_at_once(api: str) -> None:
    task = finished(
        task_with(frozenset(), api).changed(fails=True, failure=Failure.LOGIN, files=(), began=None), WallMs(START), []
    )
    told = {event: body_of(task, Happening(event, WallMs(START)), address, frozenset(), Delays()) for event in Event}
    sent = [json.dumps(told[event]) for event in (Event.STARTED, Event.FINISHED) if told[event]]
    assert len(sent) == 1
    with pytest.raises(RecordingFailed, match="40004"):
        parse(sent[0])


def test_expiring_addresses_and_repeated_signatures_are_tested_elsewhere() -> None:
    tested = {"expiring-urls", "same-signature", "start-fails", "recording-fails", "mp3", "several-mixed-streams"}
    tested |= {"placeholder-video-infos"}
    assert QUIRKS.keys() == ODD.keys() | tested


@pytest.mark.parametrize("event", Event)
def test_every_event_is_read_back_as_what_it_is(event: Event) -> None:
    task = task_with(frozenset(), "v3", user="" if str(event).startswith("Offline") else "tic_record_user_5_1")
    body = body_of(task, Happening(event, WallMs(START + 70_000)), address, frozenset(), Delays())
    told = read_event(json.dumps(body))
    assert (told.kind, told.task_id, told.room_id) == (event, task.id, "5")
    assert told.is_result is (event in (Event.FINISHED, Event.GENERATED))
    assert told.progress == {Event.PROGRESS: 50, Event.GENERATED: 100}.get(event)
    if event in (Event.PAUSED_LONG, Event.PAUSED_TOO_LONG):
        assert told.pause == (START + 10_000) // 1000 * 1000


PRINTED = {
    ("v1", Event.STARTED): "v1-callback-record-started.json",
    ("v1", Event.FINISHED): "v1-callback-record-finished.json",
    ("v3", Event.STARTED): "online-record-started.json",
    ("v3", Event.PAUSED_LONG): "online-record-long-pause-warning.json",
    ("v3", Event.PAUSED_TOO_LONG): "online-record-long-pause-force-stopped.json",
    ("v3", Event.STOPPED): "online-record-stopped.json",
    ("v3", Event.FINISHED): "online-record-finished.json",
    ("v3", Event.PROGRESS): "offline-record-progress-changed.json",
    ("v3", Event.GENERATED): "offline-record-finished.json",
}


def shape(value: Any) -> Any:
    """Fields of a body, and the types of their values."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def within(part: Any, whole: Any) -> bool:
    """Whether all these fields are there, with values of the same type."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and within(part[name], whole[name]) for name in part)
    return within(part[0], whole[0]) if isinstance(part, list) else bool(part == whole)


def test_every_event_of_the_vendors_pages_is_sent() -> None:
    assert {event for _, event in PRINTED} == set(Event)


@pytest.mark.parametrize(("api", "event"), PRINTED)
def test_a_callback_has_every_field_of_the_vendors_example(api: str, event: Event) -> None:
    task = task_with(frozenset(), api, user="" if str(event).startswith("Offline") else "tic_record_user_5_1")
    body = body_of(task, Happening(event, WallMs(START + 70_000)), address, frozenset(), Delays())
    way = Delivery(task=task.id, api=api, app=1, event=event, body=body, url="http://h/", key="k", due=None)
    printed = json.loads(vendor(PRINTED[api, event]))
    assert within(shape(printed), shape(signed(way, 1590046391)[1])), shape(printed)


def test_an_answer_to_a_query_has_every_field_of_the_vendors_example() -> None:
    told = v1_result(task_with(frozenset(), "v1"), address, frozenset())
    assert within(shape(json.loads(vendor("v1-query-response.json"))), shape(told))


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FINISHED])
def test_an_answer_before_the_end_is_not_finished(phase: Phase) -> None:
    is_offline = phase in (Phase.QUEUED, Phase.PROCESSING)
    for api, told in (("v1", v1_result), ("v3", v3_result)):
        task = task_with(frozenset(), api, user="" if is_offline else "u").changed(phase=phase)
        with pytest.raises(NotFinished):
            parse(json.dumps(told(task, address, frozenset())))


def test_a_result_with_a_replay_only_says_so() -> None:
    task = task_with(frozenset(), "v3", wishes=Wishes(later=True))
    with pytest.raises(InputError, match="have to be made first"):
        parse(json.dumps({"Response": v3_result(task, address, frozenset())}))
