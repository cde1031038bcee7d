"""Contents of each file, as probing found them. Facts never overwrite what we were told (``recording``): where the two
disagree the timeline decides and states a finding."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assembler.messages import Message
from assembler.times import FileMs


@dataclass(frozen=True)
class Stretch(Message):
    """A part of a picture stream with one set of parameters; every change inside a file starts a new one."""

    start: int
    """Stamp of its first key frame, in ticks of the picture's time base, container axis."""
    end: int | None
    """Stamp at which the next stretch starts, same axis; None for the last one."""
    width: int
    """Coded picture width in pixels, before rotation and pixel shape."""
    height: int
    """Coded picture height in pixels."""
    sample_aspect: Fraction
    """Width of a pixel divided by its height; 1 where unknown."""
    rotation: int
    """Degrees counter-clockwise the picture has to be turned for display: 0, 90, 180 or 270."""
    matrix: str
    """Colour matrix tag in ffmpeg's words ("bt709", "smpte170m"...); "" where untagged."""
    full_range: bool
    """True for full (JPEG) range."""

    @property
    def display_size(self) -> tuple[int, int]:
        """(width, height) in square pixels, upright."""
        width = round(self.width * self.sample_aspect) if self.sample_aspect > 0 else self.width
        size = (max(1, width), self.height)
        return (size[1], size[0]) if self.rotation % 180 == 90 else size


NO_KEY = "no key frame is in front of it"
"""Reason for a ``LostVideo``: decoding starts at key frames only."""
PACKETS_LOST = "packets of the file are missing"
"""Reason for a ``LostVideo``: a cut or damaged file."""


@dataclass(frozen=True)
class LostVideo(Message):
    """A part of a picture stream that was recorded and cannot be shown."""

    start: FileMs
    """Start of the part, file axis."""
    end: FileMs
    """Start of the next frame that can be shown, file axis."""
    why: str
    """Reason in words: ``NO_KEY`` or ``PACKETS_LOST``."""


@dataclass(frozen=True)
class EntryPoints(Message):
    """Places in a file without an index at which its picture can be read from, beside its start."""

    tables: tuple[int, int]
    """Range of bytes that tells which streams there are; it is read before those of a place."""
    stamps: tuple[int, ...]
    """Stamps of some of the key frames, ticks, sorted; each stretch starts at one of them."""
    places: tuple[int, ...]
    """First byte of each of these key frames."""


@dataclass(frozen=True)
class VideoFacts(Message):
    """The picture stream of a file."""

    codec: str
    """Decoder name, such as "h264" or "vp8"."""
    time_base: Fraction
    """Seconds per tick."""
    first: int
    """Stamp of the first presented frame, ticks, container axis."""
    last: int
    """Stamp of the last presented frame, ticks."""
    end: FileMs
    """End of the last frame (its stamp plus its duration), file axis, rounded to ms."""
    start: FileMs
    """Time at which the first frame is presented, file axis, rounded to ms; 0 where the picture starts the file."""
    frames: int
    """Number of presented frames."""
    rate: Fraction
    """True frame rate: 1 / median packet interval, snapped to a usual rate (DESIGN, Filter graphs)."""
    keyframes: tuple[int, ...]
    """Stamps of the frames at which decoding may start (IDR for H.264), ticks, sorted."""
    stretches: tuple[Stretch, ...]
    """Parts with one set of parameters each, at least one, in order."""
    extradata: str
    """Digest of the codec's parameter sets; equal digests may share one mp4 track."""
    holes: tuple[tuple[FileMs, FileMs], ...]
    """Ranges of more than 5 s between two stamps, file axis."""
    stamps: tuple[int, ...] | None
    """Stamp of every packet in decode order, ticks; None unless the probe was asked to keep them (copying needs
    them: mixed streams, and single streams that may be copied)."""
    stream: int = 0
    """Number of the stream among all of the file, as libav counts them: what the probe chose is what is read."""
    lost: tuple[LostVideo, ...] = ()
    """Parts that cannot be shown, sorted."""
    hidden: tuple[int, ...] = ()
    """Packets, counted in decode order, that show nothing (an edit list takes them away); empty without ``stamps``."""
    has_new_sets: bool = False
    """True if its parameter sets change inside the file without being in the packets: it cannot be copied."""
    longest: int = 0
    """The longest time between two frames, ms."""
    pace: Fraction = Fraction(1)
    """Number of true seconds that a second of its stamps lasts; not 1 only where clock drift is taken out."""
    held: tuple[tuple[int, int], ...] = ()
    """Pairs of consecutive stamps of presented frames, ticks, that lie far from each other (``HELD_SECONDS`` of the
    probe): nothing has to be composed between them."""
    entries: EntryPoints | None = None
    """Places at which reading may start; None where there is an index, or where they cannot be told."""


@dataclass(frozen=True)
class AudioFacts(Message):
    """One sound stream of a file."""

    index: int
    """The stream's index in the file, as libav counts."""
    codec: str
    """Decoder name, such as "aac"."""
    rate: int
    """Sample rate of the first packet, Hz."""
    channels: int
    """Channels of the first packet."""
    start: FileMs
    """Time at which the first sample is presented, file axis, rounded to ms."""
    end: FileMs
    """End of the last sample, file axis, rounded to ms."""
    is_constant: bool
    """True if every packet has the parameters of the first and the stamps have no hole: may be copied."""
    has_holes: bool = False
    """True if somewhere stamps are at a larger distance than jitter explains, or fall back."""
    pace: Fraction = Fraction(1)
    """Number of true seconds that a second of its stamps lasts, as ``VideoFacts.pace``."""
    bit_rate: int = 0
    """Mean of all its packets in bit/s; 0 where unknown."""


@dataclass(frozen=True)
class Facts(Message):
    """Contents of one file.

    The names ``picture`` and ``sounds`` are in stored facts: they stay, whatever media/ calls video and audio.
    """

    video_id: str
    """The segment it belongs to."""
    size: int
    """Bytes on disk."""
    container: str
    """The demuxer that read it ("mov", "matroska", "mp3"...), to be named when it is opened again."""
    origin: Fraction
    """Seconds on the container's axis of the first PRESENTED sample of any stream: file time 0."""
    declared: FileMs | None
    """Length that the container's header declares, ms; None where it declares none."""
    picture: VideoFacts | None
    """The picture stream; None where there is none (mp3, or a sound-only mp4)."""
    sounds: tuple[AudioFacts, ...]
    """Every sound stream of which something can be decoded, by stream index: all are heard (microphone and system,
    one for each participant...)."""
    is_truncated: bool
    """True if the header promises more than the file holds (cut download, killed recorder)."""
    stated: FileMs | None = None
    """End of the file as its header alone says and nothing contradicts, file axis; None elsewhere."""
    left_out: tuple[str, ...] = ()
    """Contents of the file that are not used, each to be read behind "The file holds "."""
    drift: str = ""
    """Description of the clock drift that was taken out; "" for none. Ends and starts are then true ones, stamps are
    not."""

    @property
    def end(self) -> FileMs:
        """End of the file: the last end of picture and sound, or what its header states."""
        return FileMs(max([s.end for s in (self.picture, *self.sounds) if s is not None] + [self.stated or 0]))

    @property
    def heard(self) -> tuple[FileMs, FileMs] | None:
        """Range from the first to the last sample of all sound streams, file axis; None where there is none."""
        if not self.sounds:
            return None
        return min(sound.start for sound in self.sounds), max(sound.end for sound in self.sounds)

    @property
    def starts(self) -> tuple[int, ...]:
        """Stamps of the key frames at which reading the picture may start, ticks, sorted; empty where it starts at the
        file's beginning only."""
        picture = self.picture
        if picture is None:
            return ()
        if picture.entries is not None:
            return picture.entries.stamps
        has_index = self.container in ("mov", "matroska")
        return picture.keyframes if has_index and len(picture.stretches) == 1 else ()
