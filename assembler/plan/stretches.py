"""Stretches of speech to transcribe: who speaks when, as ranges of files (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from assembler.plan.model import SoundPiece
from assembler.times import FileMs, Ms, Span, shared, span, split, union

MARGIN = Ms(400)
"""Sound before and behind speech that is heard with it, in ms: soft consonants; faster-whisper's own detector takes as
much (``VadOptions.speech_pad_ms``)."""
TOGETHER = Ms(2000)
"""Maximum silence within a stretch, in ms, as of that detector: no sentence is torn, no long silence heard."""
LONGEST = Ms(300_000)
"""Maximum length of a stretch, in ms: with each, work is kept that is not done again."""
SHORTEST_REST = Ms(1000)
"""Minimum length of speech that is heard in a mixed stream only, in ms: shorter rests are edges of what others say."""


class SpokenPiece(SoundPiece):
    """Stretch of one person's speech in a file."""

    user: str
    """User id; "" for speech in a mixed stream, of which nobody knows whose it is."""

    @property
    def range(self) -> tuple[int, int]:
        """Start and end in ms, file axis."""
        return self.file_start, self.file_start + self.span.length


def find_stretches(
    voices: Mapping[str, Sequence[SoundPiece]], speaking: Mapping[str, Sequence[Span]], window: Span
) -> list[SpokenPiece]:
    """Find the stretches of each user's speech, within the window; both are on the playback axis of the class."""
    return [
        SpokenPiece(
            user=user,
            video_id=piece.video_id,
            span=part,
            file_start=FileMs(piece.file_start + part.start - piece.span.start),
        )
        for user, pieces in voices.items()
        for piece in pieces
        if (inside := piece.span.within(window)) is not None
        for part in _joined(shared(_widened(speaking.get(user, ()), MARGIN), inside))
    ]


def find_nameless(speech: Sequence[Span], speaking: Mapping[str, Sequence[Span]]) -> list[Span]:
    """Find what is said in a mixed stream while nobody speaks whose own sound there is."""
    own = _widened((part for spans in speaking.values() for part in spans), 2 * MARGIN)
    return [rest for rest in split(list(speech), own)[1] if rest.length >= SHORTEST_REST]


def _widened(speech: Iterable[Span], margin: int) -> list[Span]:
    return union(span(max(0, part.start - margin), part.end + margin) for part in speech)


def _joined(parts: Sequence[Span]) -> Iterator[Span]:
    """Join parts with little silence between them, as long as they are short; cut those that are too long."""
    last: Span | None = None
    for part in (piece for whole in parts for piece in _cut(whole)):
        is_near = last is not None and part.start - last.end <= TOGETHER - 2 * MARGIN
        if last is not None and is_near and part.end - last.start <= LONGEST:
            last = span(last.start, part.end)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _cut(whole: Span) -> Iterator[Span]:
    for start in range(whole.start, whole.end, LONGEST):
        yield span(start, min(start + LONGEST, whole.end))
