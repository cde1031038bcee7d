"""Who speaks when, from how loud each person's own sound is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from lessons import camera, recording, screen, segment
from talk import SIX, Microphone, Talk, converse, levels_of, listen_to, record, score

from assembler.levels import NO_SOUND, QUIETEST, STEP, Levels
from assembler.plan.heard import find_voices
from assembler.plan.model import SoundPiece
from assembler.plan.speech import find_speech
from assembler.recording import StreamKind
from assembler.timeline import build_timeline
from assembler.times import FileMs, Ms, Span, span, split

NEAR = 250
"""Maximum distance of a found border from the true one, in ms: a phrase may begin and end with a quiet syllable."""


def said(*phrases: Span, seconds: float = 30, seed: int = 1, **microphone: object) -> tuple[Span, ...]:
    """Find what one person alone says."""
    talk = Talk(seconds, {"ann": list(phrases)})
    own = Microphone(**{"voice": 26, "noise": 58, **microphone})  # type: ignore[arg-type]
    return listen_to(record(talk, {"ann": own}, seed))["ann"]


def borders(spans: Sequence[Span]) -> list[int]:
    return [border for one in spans for border in (one.start, one.end)]


SENTENCES = [span(4000, 9000), span(15_000, 16_500), span(22_000, 26_000)]


@pytest.mark.parametrize(
    "microphone",
    [
        {},
        {"noise": 80},
        {"voice": 44, "noise": 66},
        {"hum": 44},
        {"is_gated": True},
        {"gain": 8},
        {"clicks": 4},
        {"muted": (span(0, 3000), span(10_000, 14_000), span(27_000, 30_000))},
    ],
    ids=["plain", "silent room", "quiet", "hum", "gate", "automatic gain", "keys", "muted"],
)
def test_sentences_are_found_whatever_the_microphone_adds(microphone: dict[str, object]) -> None:
    found = said(*SENTENCES, **microphone)
    assert borders(found) == pytest.approx(borders(SENTENCES), abs=NEAR)


def test_breathing_is_speech_and_a_silence_is_not() -> None:
    found = said(span(5000, 7000), span(7400, 9000), span(10_000, 12_000))
    assert borders(found) == pytest.approx([5000, 9000, 10_000, 12_000], abs=NEAR)


@pytest.mark.parametrize(
    "microphone", [{"noise": 30}, {"noise": 75, "muted": (span(0, 30_000),)}, {"fan_from": 12_000}]
)
def test_nothing_is_said_by_a_loud_room_a_muted_microphone_or_a_fan_that_starts(microphone: dict[str, object]) -> None:
    assert said(**microphone) == ()


def test_who_speaks_beside_a_fan_that_starts_is_heard_before_and_behind_it() -> None:
    found = said(*SENTENCES, fan_from=12_000, voice=22, noise=55)
    assert borders(found) == pytest.approx(borders(SENTENCES), abs=NEAR)


def test_anothers_voice_from_the_loudspeakers_is_not_speech_but_own_words_over_it_are() -> None:
    phrases = [span(at, at + 5000) for at in range(1000, 50_000, 6000)]
    talk = Talk(60, {"ann": phrases, "bob": [span(26_000, 29_000), span(56_000, 58_000)]})
    leaky = {"ann": Microphone(voice=24, noise=60), "bob": Microphone(voice=26, noise=62, echo=(16, 200))}
    found = listen_to(record(talk, leaky, 3))["bob"]
    assert sum(s.length for s in split(found, talk.truth["bob"])[1]) < 300
    assert sum(s.length for s in split(talk.truth["bob"], found)[1]) < 1500


def test_two_who_speak_at_once_both_speak() -> None:
    talk = Talk(60, {"ann": [span(2000, 58_000)], "bob": [span(10_000, 40_000)]})
    both = {"ann": Microphone(voice=24, noise=60), "bob": Microphone(voice=34, noise=60)}
    found = listen_to(record(talk, both, 1))
    assert sum(s.length for s in found["bob"]) > 27_000
    assert sum(s.length for s in found["ann"]) > 50_000


@pytest.mark.parametrize("seed", [2, 3])
def test_of_six_who_talk_into_each_other_the_right_one_is_the_speaker(seed: int) -> None:
    talk = converse(list(SIX), 60, seed)
    found = listen_to(record(talk, SIX, seed))
    result = score(talk.truth, found, 60_000)
    assert result.right >= 0.95
    assert result.late == 0, result.slowest


def test_speech_follows_its_clip_through_pauses_and_cuts() -> None:
    """File time 10 s is cut to playback 4 s, and what lies between two pieces of a file is not heard."""
    values = levels_of(record(Talk(30, {"a": SENTENCES}), {"a": Microphone(voice=26, noise=58)}, 1)["a"])
    pieces = (
        SoundPiece(video_id="v", span=span(0, 4000), file_start=FileMs(2500)),
        SoundPiece(video_id="v", span=span(4000, 21_003), file_start=FileMs(13_000)),
    )
    found = find_speech({"a": pieces}, {"v": values}, Ms(21_003))["a"]
    wanted = [span(1500, 4000), span(6000, 7500), span(13_000, 17_000)]
    assert borders(found) == pytest.approx(borders(wanted), abs=NEAR)
    assert all(one.end <= 21_003 for one in found)


def test_files_of_one_user_are_one_voice_and_holes_are_silent() -> None:
    loud, quiet = bytes([20] * 8 + [50] * 2) * 10, bytes([60] * 400)
    levels = {
        "one": Levels.pack(quiet + loud + bytes([NO_SOUND] * 200) + loud, is_whole=True),
        "two": Levels.pack(bytes([QUIETEST] * 50) + loud, is_whole=True),
    }
    ends = {name: len(found.unpack()) * STEP for name, found in levels.items()}
    pieces = (
        SoundPiece(video_id="one", span=span(0, ends["one"]), file_start=FileMs(0)),
        SoundPiece(video_id="two", span=span(ends["one"], ends["one"] + ends["two"]), file_start=FileMs(0)),
    )
    found = find_speech({"a": pieces, "b": ()}, levels, Ms(ends["one"] + ends["two"] + 5000))
    assert found == {"a": (span(8000, 9960), span(14_000, 15_960), span(17_000, 18_960))}


def test_a_voice_is_that_of_camera_and_audio_file_and_not_of_a_share() -> None:
    timeline = build_timeline(
        recording(
            [
                camera("c1", "ann", 0, 10_000),
                screen("s1", "ann", 0, 20_000),
                segment("m1", StreamKind.AUDIO, "ann", 5000, 15_000),
                screen("s2", "film", 0, 20_000),
                segment("s3", StreamKind.SCREEN, "web", 0, 20_000),
                segment("m3", StreamKind.AUDIO, "web", 0, 20_000),
            ]
        )
    )
    found = {user: [(p.video_id, p.span) for p in pieces] for user, pieces in find_voices(timeline).items()}
    assert found == {"ann": [("c1", span(0, 10_000)), ("m1", span(10_000, 20_000))], "web": [("s3", span(0, 20_000))]}
