"""Encoders: a row for each, with the options of the three qualities.

A new encoder is one row here and its name in ``options.EncoderName``. Every row keeps to this: key frames are closed
(a decoder may begin at any of them), forced ones are obeyed, and all chunks of one playback have the same parameter
sets. ``tests/media/test_encoders.py`` asks that of every row that works where it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from assembler.choices import EncoderName, Quality
from assembler.plan.held import MAX_GOP_SECONDS
from assembler.plan.model import Imagery

Settings = tuple[tuple[str, str], ...]
"""Output options of ffmpeg, in order."""
UNKNOWN = Imagery()
"""Kind of picture where nothing is known of it."""


@dataclass(frozen=True)
class Hardware:
    """Hardware that an encoder needs."""

    platform: str
    """Value of ``sys.platform`` where it can exist."""
    devices: tuple[str, ...] = ()
    """Patterns of device files, one of which exists with the hardware; empty: the platform is enough."""
    global_options: tuple[str, ...] = ()
    """Global options of ffmpeg; ``{device}`` stands for the device file."""
    upload: tuple[tuple[str, Mapping[str, str]], ...] = ()
    """Filters at the end of the graph that upload frames to the hardware."""
    max_at_once: int = 4
    """Maximum count of encoders at the same time."""


@dataclass(frozen=True)
class Encoder:
    """Encoder, a row of ``ENCODERS``."""

    name: str
    """Name for users, also in playback.json."""
    codec: str
    """Codec of its output: h264, hevc or av1."""
    library: str
    """Name of the encoder in ffmpeg."""
    qualities: Mapping[Quality, Settings]
    """Options that differ between draft, standard and high."""
    by_imagery: Mapping[Imagery, Settings] = field(default_factory=dict)
    """Options of standard that differ by what fills the canvas, instead of those in ``qualities``."""
    always: Settings = ()
    """Options of every quality."""
    pixels: str | None = "yuv420p"
    """Pixel format; None where the last filter sets it."""
    hardware: Hardware | None = None
    """Hardware it needs; None: it runs on any processor."""
    is_salvageable: bool = False
    """True if in every quality frames are decoded in presentation order and none refers to a later one (no B-frames):
    any count of them from a chunk's start is then whole, and those of a killed run are salvaged. H.264 only."""
    takes_skips: bool = False
    """True if skip pictures can be put between its frames (``mp4.skip_pictures``): what is held is not encoded."""

    def at(self, quality: Quality, imagery: Imagery = UNKNOWN) -> Encoding:
        """Choose one quality of this encoder, for a kind of picture."""
        return Encoding(self, quality, imagery)


@dataclass(frozen=True)
class Encoding:
    """Encoder with the settings of one playback."""

    encoder: Encoder
    """Row of ``ENCODERS``."""
    quality: Quality
    """Column of that row."""
    imagery: Imagery = UNKNOWN
    """Kind of picture it has to serve."""
    device: str = ""
    """Device file of the hardware; "" for none."""
    proof: str = ""
    """Digest of the parameter sets of a trial; "" where none was made."""

    @property
    def name(self) -> str:
        """Name of the encoder."""
        return self.encoder.name

    @property
    def is_hardware(self) -> bool:
        """True if the encoder needs hardware beside the processor."""
        return self.encoder.hardware is not None

    @property
    def options(self) -> Settings:
        """Output options of encoder and quality."""
        row = self.encoder
        settings = row.qualities[self.quality]
        if self.quality is STANDARD:
            settings = row.by_imagery.get(self.imagery, settings)
        pixels = () if row.pixels is None else (("pix_fmt", row.pixels),)
        return (("c:v", row.library), *settings, *row.always, *pixels)

    @property
    def identity(self) -> list[Any]:
        """Parts of a digest of anything encoded with it."""
        return [self.name, list(self.options), *([self.proof] if self.proof else [])]

    @property
    def global_options(self) -> list[str]:
        """Global options of ffmpeg."""
        needed = self.encoder.hardware
        return [] if needed is None else [word.format(device=self.device) for word in needed.global_options]

    @property
    def upload(self) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """Filters at the end of the graph that upload frames to the hardware."""
        needed = self.encoder.hardware
        return () if needed is None else needed.upload

    def at_once(self, processes: int) -> int:
        """Limit ``processes`` to those that may run at the same time."""
        needed = self.encoder.hardware
        return processes if needed is None else min(processes, needed.max_at_once)

    def output_options(self, fps: Fraction) -> dict[str, str]:
        """Build the output options at a frame rate in Hz."""
        return {**dict(self.options), "g": str(max(1, int(MAX_GOP_SECONDS * fps)))}

    @property
    def container_options(self) -> dict[str, str]:
        """Options of a chunk's container: where it may be salvaged, fragments of a second that reach the disk at once
        (a plain mp4 without its moov is lost). The stamps are the same."""
        if not self.encoder.is_salvageable:
            return {"f": "mp4"}
        movflags = "+empty_moov+default_base_moof"
        return {"f": "mp4", "movflags": movflags, "frag_duration": "1000000", "flush_packets": "1"}


DRAFT, STANDARD, HIGH = Quality
"""Columns of the rows below."""


def _x264_standard(*, is_stage: bool, is_busy: bool) -> Settings:
    """Choose options of x264 for standard quality, by all that was tried (``tests/bench/presets_tried.csv``).

    Without B-frames a killed chunk is salvaged. With little adaptive quantisation VMAF is up to 4 higher at equal bytes
    on films and noisy cameras than with the usual 1.0. superfast with mbtree takes two thirds of veryfast's time and
    loses nothing on boards, pages, films and small cameras, 1.0 where cameras fill the canvas. What moves or has noise
    all over is referred to less, so that mbtree saves there: it gets one crf less.
    """
    preset, mbtree = ("superfast", "mbtree=1:") if is_stage else ("veryfast", "")
    params = f"{mbtree}rc-lookahead=10:bframes=0:weightp=0:aq-strength=0.3"
    return (("preset", preset), ("crf", "25" if is_busy else "26"), ("x264-params", params))


X264_BY_IMAGERY = {
    Imagery(is_stage=is_stage, is_busy=is_busy): _x264_standard(is_stage=is_stage, is_busy=is_busy)
    for is_stage in (False, True)
    for is_busy in (False, True)
}
"""Options of x264 for standard quality, by what fills the canvas."""

X264 = Encoder(
    name=EncoderName.X264,
    codec="h264",
    library="libx264",
    # draft and high on the same classes: (DESIGN, Encoding speed)
    qualities={
        DRAFT: (("preset", "ultrafast"), ("crf", "32")),
        STANDARD: X264_BY_IMAGERY[UNKNOWN],
        HIGH: (("preset", "veryfast"), ("crf", "20"), ("x264-params", "rc-lookahead=25:bframes=0:weightp=0")),
    },
    by_imagery=X264_BY_IMAGERY,
    is_salvageable=True,
    takes_skips=True,
)

# Without B-frames better by VMAF at nearly the same size and time. pools, frame-threads, wpp: one thread, as chunks
# already use all cores. info: its own settings need not stand in every file. hvc1: some players know no other tag.
X265_PARAMS = "log-level=error:open-gop=0:pools=none:frame-threads=1:wpp=0:info=0:bframes=0"
"""Parameters of x265 for every quality."""
X265 = Encoder(
    name=EncoderName.X265,
    codec="hevc",
    library="libx265",
    qualities={
        DRAFT: (("preset", "ultrafast"), ("crf", "28")),
        STANDARD: (("preset", "superfast"), ("crf", "27")),
        HIGH: (("preset", "veryfast"), ("crf", "23")),
    },
    always=(("x265-params", X265_PARAMS), ("forced-idr", "1"), ("tag:v", "hvc1")),
)

# SVT-AV1 1.4 (Debian 12) obeys forced key frames only where that is asked for; newer ones take the word too. Presets
# from 11 on of a newer one left old frames in place for up to 20 frames: wrong, not only ugly.
SVT_PARAMS = "lp=1:enable-force-key-frames=1"
"""Parameters of SVT-AV1 for every quality."""
SVT_AV1 = Encoder(
    name=EncoderName.SVT_AV1,
    codec="av1",
    library="libsvtav1",
    qualities={
        DRAFT: (("preset", "10"), ("crf", "42")),
        STANDARD: (("preset", "9"), ("crf", "37")),
        HIGH: (("preset", "8"), ("crf", "30")),
    },
    always=(("svtav1-params", SVT_PARAMS),),
)

# None of the rows below has met its hardware: the options are the documented ones, accepted by name by ffmpeg 5.1
# and 9.0 and no more. They are trusted only after a frame of the real size was encoded (``prove``). All of them: no
# B-frames (fewer differences between generations), constant quality, forced key frames that a decoder can begin at.

NVENC = Encoder(
    name=EncoderName.NVENC,
    codec="h264",
    library="h264_nvenc",
    qualities={
        DRAFT: (("preset", "p1"), ("cq", "31")),
        STANDARD: (("preset", "p4"), ("cq", "27")),
        HIGH: (("preset", "p6"), ("cq", "23")),
    },
    # b:v 0: else cq is held down by a default bit rate
    always=(("tune", "hq"), ("rc", "vbr"), ("b:v", "0"), ("bf", "0"), ("forced-idr", "1"), ("profile:v", "high")),
    # older drivers of consumer cards refuse a fourth encoder
    hardware=Hardware(platform="linux", devices=("/dev/nvidia[0-9]*", "/dev/dxg"), max_at_once=3),
)

QSV = Encoder(
    name=EncoderName.QSV,
    codec="h264",
    library="h264_qsv",
    qualities={
        DRAFT: (("preset", "veryfast"), ("global_quality", "29")),
        STANDARD: (("preset", "medium"), ("global_quality", "25")),
        HIGH: (("preset", "slower"), ("global_quality", "21")),
    },
    always=(("look_ahead", "0"), ("bf", "0"), ("forced_idr", "1"), ("profile:v", "high")),
    pixels="nv12",
    hardware=Hardware(platform="linux", devices=("/dev/dri/renderD*",)),
)

VAAPI = Encoder(
    name=EncoderName.VAAPI,
    codec="h264",
    library="h264_vaapi",
    # constant quantiser: the one way that every driver has
    qualities={
        DRAFT: (("rc_mode", "CQP"), ("qp", "29")),
        STANDARD: (("rc_mode", "CQP"), ("qp", "25")),
        HIGH: (("rc_mode", "CQP"), ("qp", "21")),
    },
    always=(("bf", "0"), ("profile:v", "high")),
    pixels=None,
    hardware=Hardware(
        platform="linux",
        devices=("/dev/dri/renderD*",),
        global_options=("-vaapi_device", "{device}"),
        upload=(("format", {"pix_fmts": "nv12"}), ("hwupload", {})),
    ),
)

VIDEOTOOLBOX = Encoder(
    name=EncoderName.VIDEOTOOLBOX,
    codec="h264",
    library="h264_videotoolbox",
    # q:v is refused on machines before Apple's own processors: there the proof fails, and that is right
    qualities={
        DRAFT: (("q:v", "45"),),
        STANDARD: (("q:v", "58"),),
        HIGH: (("q:v", "70"),),
    },
    always=(("bf", "0"), ("profile:v", "high")),
    hardware=Hardware(platform="darwin"),
)

ENCODERS: dict[str, Encoder] = {
    encoder.name: encoder for encoder in (X264, NVENC, QSV, VAAPI, VIDEOTOOLBOX, SVT_AV1, X265)
}
"""Rows by name; ``auto`` tries hardware in their order."""
