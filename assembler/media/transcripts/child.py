"""Child process that transcribes speech: ``python -m assembler.media.transcripts.child ORDER.json``.

Whisper invents text where nobody speaks. So only stretches in which somebody speaks are given to it, each alone and
without the text before it, and text is dropped that fails the limits of its authors (Radford et al., 2022, "Robust
Speech Recognition via Large-Scale Weak Supervision", 4.5) even after their retries. Each stretch is kept as soon as it
is done. A line ``out_time_us=...`` on standard output is how ``processes.run`` sees how far it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from assembler.media.mixdown.decode import Reader
from assembler.media.mixdown.file_pool import OpenFiles
from assembler.media.mixdown.resample import Samples
from assembler.media.transcripts.order import Heard, Range, SpeechSource, TranscribeOrder
from assembler.times import SAMPLE_RATE

RATE = 16_000
"""Sample rate of what Whisper hears, in Hz."""
PER_MS = SAMPLE_RATE // 1000
"""Number of samples in a millisecond, as they are read."""
LEAST_SURE, MOST_REPEATED = -1.0, 2.4
"""Minimum mean log probability of a text's tokens, and maximum ratio of its compression: what repeats itself is a
loop."""
NO_SPEECH = 0.6
"""Minimum probability that nobody speaks, with which the model drops what it is not sure of."""
TRIES = (0.0, 0.2, 0.4)
"""Temperatures of the tries; at higher ones it guesses, and noise would take twice as long."""


def main(order_file: Path) -> None:
    """Transcribe all that is ordered; where the model fails, what it says ends this process."""
    sys.tracebacklimit = 0  # the last words are told to people
    order = TranscribeOrder.from_json(order_file.read_bytes())
    os.environ["HF_HUB_OFFLINE"] = "1"  # all of the model is on disk, and nothing is to be fetched
    av.logging.set_level(None)
    import ctranslate2
    from faster_whisper import WhisperModel

    ctranslate2.set_random_seed(1)  # of the retries: the same sound is to give the same text
    model = WhisperModel(str(order.model), compute_type="auto", cpu_threads=order.threads, local_files_only=True)
    done = 0
    for source in order.sources:
        done = _transcribe(model, source, order.language, done)


def _transcribe(model: Any, source: SpeechSource, language: str | None, done: int) -> int:
    """Transcribe one source; ``done`` and the answer: ms of speech transcribed by then."""
    if language is None:
        _, sound = next(read_stretches(source, [source.longest]))
        language = model.detect_language(sound)[0] if model.model.is_multilingual else "en"
    with source.transcript.open("a", encoding="utf-8") as out:
        for stretch, sound in read_stretches(source, source.stretches):
            heard = Heard(stretch, tuple(_texts(model, sound, stretch, language, done)))
            out.write(f"{heard.to_json()}\n")
            out.flush()
            done += stretch[1] - stretch[0]
            _tell(done)
    return done


def _tell(done: int) -> None:
    print(f"out_time_us={done * 1000}", flush=True)


def _texts(model: Any, sound: Samples, stretch: Range, language: str, done: int) -> Iterator[tuple[int, int, str]]:
    found, _ = model.transcribe(
        sound,
        language=language,
        temperature=TRIES,
        condition_on_previous_text=False,
        log_prob_threshold=LEAST_SURE,
        compression_ratio_threshold=MOST_REPEATED,
        no_speech_threshold=NO_SPEECH,
    )
    for one in found:
        start, end = (min(stretch[0] + round(1000 * at), stretch[1]) for at in (one.start, one.end))
        _tell(done + end - stretch[0])
        is_good = one.avg_logprob >= LEAST_SURE and one.compression_ratio <= MOST_REPEATED
        if is_good and start < end and one.text.strip():
            yield start, end, one.text.strip()


def read_stretches(source: SpeechSource, stretches: Iterable[Range]) -> Iterator[tuple[Range, Samples]]:
    """Read the sound of each stretch as Whisper hears it, of all tracks together; silence where there is none."""
    files = OpenFiles()
    readers = [Reader(source.input, track, files, lambda: None) for track in source.input.tracks]
    for reader in readers:
        reader.open()
    try:
        for stretch in stretches:
            first, last = (at * PER_MS for at in stretch)
            sound = np.zeros(last - first, np.float32)
            for at in range(first, last, SAMPLE_RATE):
                for placed in (p for reader in readers for p in reader.read(at, min(at + SAMPLE_RATE, last))):
                    begin = max(placed.at, at)
                    end = max(begin, min(placed.end, at + SAMPLE_RATE, last))
                    part = placed.samples[:, begin - placed.at : end - placed.at]
                    sound[begin - first : end - first] += part.mean(axis=0)
            yield stretch, _resampled(sound)
    finally:
        for reader in readers:
            reader.close()


def _resampled(sound: Samples) -> Samples:
    frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
    frame.sample_rate = SAMPLE_RATE
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    return np.concatenate([part.to_ndarray()[0] for part in (*resampler.resample(frame), *resampler.resample(None))])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
