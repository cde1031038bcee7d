"""Is the right speaker found, and what does it cost?

    python tests/bench/speech.py FOLDER [SECONDS [accuracy|cost]]      -> tables; about 5 minutes of CPU

Classes of six (and one of 25) talk into each other, each with an odd microphone; their sound goes through AAC, opus and
mp3 into files, which are probed and measured as in a run. Then one of them is assembled with pictures.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from chirps import BUNDLED, probed, write
from lessons import camera, recording
from talk import SIX, Microphone, Score, Talk, converse, record, score

from assembler.facts import Facts
from assembler.levels import Levels
from assembler.media import soundtrack
from assembler.media.levels.measure import measure_levels
from assembler.media.mixdown.mixdown import render_mixdown
from assembler.media.run import Run
from assembler.media.source_files import SourceFiles
from assembler.options import load_options
from assembler.pipeline.assemble import assemble
from assembler.plan.model import AudioBed, SoundPiece
from assembler.plan.speech import find_speech
from assembler.processes import Stop
from assembler.times import FileMs, Ms, span

CODECS = (
    ("mp4", "aac", "48000"),
    ("webm", "libopus", "48000"),
    ("mp3", "libmp3lame", "16000"),
    ("mp4", "aac", "44100"),
)
"""Container, encoder and sample rate of the files, in turn."""
HARD = {user: replace(own, voice=own.voice + 6, noise=own.noise - 4) for user, own in SIX.items()}
"""The same with 10 dB less between voice and noise."""
LOUDSPEAKERS = {user: replace(own, echo=(18, 150 + 70 * number)) for number, (user, own) in enumerate(SIX.items())}
"""All six hear each other from loudspeakers."""
CROWD = {
    f"u{number:02}": Microphone(
        voice=20 + number * 7 % 17, noise=52 + number * 5 % 19, hum=46 if number % 9 == 4 else None,
        echo=(18, 180 + 20 * number) if number % 8 == 3 else None, clicks=4 if number % 6 == 5 else 0,
        is_gated=number % 7 == 2,
    )
    for number in range(25)
}  # fmt: skip


HEAD = """# Who speaks

`python tests/bench/speech.py FOLDER {seconds}`: {seconds} s of each class (half of it of 25 people), found from files.
Right: share of the time in which one person speaks where that one is the speaker; another: where somebody else is.
Slowest: longest time from when somebody begins to speak alone, for half a second at least, until that is found. Asked
for: right at least 95 %, within 0.5 s. Time: what is found of somebody and was not said, and what was said and is not
found, of whom that is worst.
"""


@dataclass(frozen=True)
class Files:
    """A class on disk."""

    talk: Talk
    files: Mapping[str, Path]
    facts: Mapping[str, Facts]


def make(folder: Path, microphones: Mapping[str, Microphone], seconds: int, seed: int) -> Files:
    folder.mkdir(parents=True, exist_ok=True)
    talk, files = converse(list(microphones), seconds, seed), {}
    for number, (user, samples) in enumerate(record(talk, microphones, seed).items()):
        ending, encoder, rate = CODECS[number % len(CODECS)]
        files[user] = write(folder / f"{user}.{ending}", samples[None], "-c:a", encoder, "-ar", rate)
    return Files(talk, files, probed(files, folder))


def found(lesson: Files, levels: Mapping[str, Levels]) -> Score:
    length = Ms(round(lesson.talk.seconds * 1000))
    ends = {user: min(length, known.end) for user, known in lesson.facts.items()}
    voices = {u: (SoundPiece(video_id=u, span=span(0, end), file_start=FileMs(0)),) for u, end in ends.items()}
    return score(lesson.talk.truth, find_speech(voices, levels, length), length)


def cpu_of(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process and its children, and wall seconds."""

    def used() -> float:
        both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in both)

    before, begun = used(), time.perf_counter()
    work()
    return used() - before, time.perf_counter() - begun


def accuracy(folder: Path, seconds: int) -> list[str]:
    rows = [
        "| class | seed | right | another | slowest, s | later than 0.5 s | time too much, s | time missed, s |",
        "|---|---:|" + "---:|" * 6,
    ]
    cases = [("six", SIX, seed) for seed in range(1, 6)]
    cases += [("six, 10 dB less over the noise", HARD, seed) for seed in (1,)]
    cases += [("six, all with loudspeakers", LOUDSPEAKERS, seed) for seed in (1,)]
    cases += [("twenty-five", CROWD, 1)]
    for name, microphones, seed in cases:
        place = folder / f"{name}-{seed}".replace(" ", "-").replace(",", "")
        lesson = make(place, microphones, seconds if len(microphones) < 10 else seconds // 2, seed)
        run = Run(load_options(home=folder / "home", processes=2))
        got = found(lesson, measure_levels(lesson.files, lesson.facts, run))
        rows.append(
            f"| {name} | {seed} | {100 * got.right:.1f} % | {100 * got.wrong:.1f} % | {got.slowest:.2f} |"
            f" {100 * got.late:.1f} % | {max(got.extra.values()):.1f} | {max(got.missed.values()):.1f} |"
        )
        for file in lesson.files.values():
            file.unlink()
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def cost(folder: Path, seconds: int) -> list[str]:
    """CPU of a lesson of six cameras whose levels are measured while it is mixed, and before its plan."""
    lesson = make(folder / "sound", SIX, seconds, 1)
    media = folder / "media"
    media.mkdir(exist_ok=True)
    for user, sound in lesson.files.items():
        picture = ("-f", "lavfi", "-i", f"testsrc2=s=320x240:r=15:d={seconds},noise=alls=8:allf=t", "-i", str(sound))
        argv = (*picture, "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "300k")
        if not (media / f"{user}.mp4").exists():
            os.spawnvp(
                os.P_WAIT, BUNDLED, [BUNDLED, "-v", "error", "-y", *argv, "-c:a", "aac", str(media / f"{user}.mp4")]
            )
    whole = recording([camera(user, user, 0, seconds * 1000) for user in lesson.files], total=seconds * 1000)
    options = {"media_dir": media, "layout": "grid", "processes": 2}
    plain, mixing, before = [], [], []
    for turn in range(2):
        home = folder / f"home-{turn}"
        with mock.patch.object(soundtrack, "_unmeasured", return_value={}):
            plain.append(
                cpu_of(lambda h=home: assemble(whole, folder / "a.mp4", load_options(home=h / "a", **options)))
            )
        mixing.append(cpu_of(lambda h=home: assemble(whole, folder / "b.mp4", load_options(home=h / "b", **options))))
        facts = probed({user: media / f"{user}.mp4" for user in lesson.files}, folder)
        run = Run(load_options(home=home / "c", processes=2))
        files = {user: media / f"{user}.mp4" for user in lesson.files}
        before.append(cpu_of(lambda r=run, f=facts, i=files: found(replace(lesson, facts=f), measure_levels(i, f, r))))
        for name in ("a", "b"):
            (folder / f"{name}.mp4").unlink()
    best = [min(costs) for costs in (plain, mixing, before)]
    names = (
        "a lesson, nothing measured",
        "the same, measured while it is mixed",
        "measured before the plan: in addition",
    )
    rows = ["| | CPU s | of the lesson |", "|---|---:|---:|"]
    return [
        *rows,
        *(f"| {n} | {c:.1f} | {100 * c / best[0][0]:.1f} % |" for n, (c, _) in zip(names, best, strict=True)),
    ]


def mixdown(folder: Path, seconds: int) -> list[str]:
    """CPU of the mixdown of six files, the encoding of its audio included, with and without a meter in it."""
    lesson = make(folder / "sound", SIX, seconds, 1)
    pieces = tuple(
        SoundPiece(video_id=user, span=span(0, min(seconds * 1000, known.end)), file_start=FileMs(0))
        for user, known in lesson.facts.items()
    )

    def mix(levels: Mapping[str, Path]) -> None:
        render_mixdown(
            AudioBed(pieces=pieces, reason="", copied=None), SourceFiles(lesson.files), lesson.facts,
            length=Ms(seconds * 1000), out=folder / "mix.m4a", work=folder, ffmpeg=BUNDLED, loudness=None, stop=Stop(),
            on_seconds=None, stall_seconds=600, levels=levels,
        )  # fmt: skip

    places = {user: folder / f"{user}.json" for user in lesson.files}
    plain, measured = [], []
    for _ in range(3):
        plain.append(cpu_of(lambda: mix({}))[0])
        measured.append(cpu_of(lambda: mix(places))[0])
    more = 100 * min(measured) / min(plain)
    return [
        f"| its mixdown alone | {min(plain):.2f} | |",
        f"| the same, measured | {min(measured):.2f} | {more:.1f} % of it |",
    ]


def main(folder: Path, seconds: int, only: str) -> None:
    if only != "cost":
        print(HEAD.format(seconds=seconds))
        print("\n".join(accuracy(folder, seconds)))
    if only != "accuracy":
        length = min(seconds, 60)
        print(f"\n## Cost\n\nSix cameras of 320x240 at 15 fps, {length} s, `grid`; the least of several runs each.\n")
        print("\n".join([*cost(folder, length), *mixdown(folder, length)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((*sys.argv, "120")[2]), (*sys.argv, "", "")[3])
