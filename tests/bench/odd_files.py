# ruff: noqa: E501  (a row a file)
"""A hundred odd files, each a camera of a small class: a playback or a clear word for each, and nothing lost unsaid.

    python tests/bench/odd_files.py FOLDER [NAME...]      -> a table on standard output

Each file is made from one plain camera by ffmpeg's bitstream filters and muxers, or by cutting and overwriting bytes.
The finished playback is read back: how many source frames are seen and how many beeps are heard, against what the
file's maker knows to be in it. A row is bad where something is missing and no warning says so ("SILENT"), where nothing
is missing and a warning says something is ("alarm"), or where the program ends in any way but a playback or an error of
its own ("CRASH").
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from lessons import camera, recording
from readers import View, beeps, listen, read_all
from synthetic import Recipe, make

from assembler.demo.identity import IDENTITIES
from assembler.errors import AssemblerError
from assembler.findings import Severity
from assembler.options import load_options
from assembler.pipeline.assemble import assemble

FFMPEG = "/usr/bin/ffmpeg"
SECONDS = 6
FRAMES, BEEPS = 15 * SECONDS, SECONDS
BASE = Recipe(identity="red", seconds=Fraction(SECONDS), gop=15)
OTHER = Recipe(identity="blue", seconds=Fraction(SECONDS), sound=False)
LAYOUT = """{"Canvas": {"LayoutParams": {"Width": 320, "Height": 120}}, "InputStreamList": [
 {"InputStreamId": "odd", "LayoutParams": {"X": 0, "Y": 0, "Width": 160, "Height": 120, "ZOrder": 1}},
 {"InputStreamId": "ref", "LayoutParams": {"X": 160, "Y": 0, "Width": 160, "Height": 120, "ZOrder": 1}}]}"""


@dataclass(frozen=True)
class Odd:
    """One odd file."""

    name: str
    suffix: str
    build: Callable[[dict[str, Path], Path], None]
    """From the plain files by kind to the odd one."""
    frames: int = FRAMES
    """Source frames that are in it, and can be had."""
    beeps: int = BEEPS
    """Whole beeps that are in it."""
    is_damaged: bool = False
    """True where a warning is right."""
    declared: int | None = SECONDS * 1000


def ff(*words: str, source: str = "mp4") -> Callable[[dict[str, Path], Path], None]:
    """Made by one ffmpeg from a plain file."""

    def build(plain: dict[str, Path], out: Path) -> None:
        run(FFMPEG, "-v", "error", "-y", "-i", str(plain[source]), *words, str(out))

    return build


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def hacked(change: Callable[[bytes], bytes], source: str = "mp4") -> Callable[[dict[str, Path], Path], None]:
    """Made by changing a plain file's bytes."""

    def build(plain: dict[str, Path], out: Path) -> None:
        out.write_bytes(change(plain[source].read_bytes()))

    return build


def poked(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def box(data: bytes, name: bytes, nth: int = 0) -> int:
    """Where the nth box of this name begins."""
    at = -1
    for _ in range(nth + 1):
        at = data.index(name, at + 1)
    return at - 4


def swapped(data: bytes, name: bytes, offset: int, new: bytes, nth: int = 0) -> bytes:
    return poked(data, box(data, name, nth) + offset, new)


def noisy(data: bytes, first: float, step: int = 997) -> bytes:
    changed = bytearray(data)
    for at in range(int(len(data) * first), int(len(data) * (first + 0.1)), step):
        changed[at] ^= 0x55
    return bytes(changed)


COPY = ("-c", "copy")


def muxers() -> Iterator[Odd]:
    """Other containers and codecs of the same content."""
    for suffix, words in {
        "mkv": COPY, "ts": COPY, "flv": COPY, "mov": COPY, "m2ts": (*COPY, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
        "3gp": (*COPY, "-f", "3gp"), "f4v": (*COPY, "-f", "f4v"), "ism": (*COPY, "-f", "ismv"),
        "avi": ("-c:v", "mpeg4", "-q:v", "2", "-c:a", "libmp3lame"), "nut": COPY,
        "mpg": ("-c:v", "mpeg2video", "-q:v", "2", "-r", "25", "-c:a", "mp2"), "asf": ("-c:v", "msmpeg4", "-q:v", "2", "-c:a", "wmav2"),
        "ogv": ("-c:v", "libtheora", "-q:v", "9", "-c:a", "libopus"), "mxf": ("-c:v", "mpeg2video", "-q:v", "2", "-r", "25", "-c:a", "pcm_s16le"),
    }.items():  # fmt: skip
        yield Odd(f"container {suffix}", suffix, ff(*words), is_damaged=suffix in ("nut",))
    frag = "frag_keyframe+empty_moov"
    for name, flags in {"fragmented": frag, "dash": f"{frag}+default_base_moof", "delay moov": "frag_keyframe+delay_moov",
                        "faststart": "faststart", "negative cts": "negative_cts_offsets", "no edit lists": "faststart"}.items():  # fmt: skip
        more = ("-use_editlist", "0") if name == "no edit lists" else ()
        yield Odd(f"mp4 {name}", "mp4", ff(*COPY, "-movflags", flags, *more))
    for name, words in {
        "h264 b-frames": ("-c:v", "libx264", "-bf", "3", "-crf", "18", "-c:a", "copy"),
        "h264 open gop": ("-c:v", "libx264", "-x264-params", "open-gop=1:bframes=3:keyint=30", "-crf", "18", "-c:a", "copy"),
        "h264 intra refresh": ("-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=30", "-crf", "18", "-c:a", "copy"),
        "hevc": ("-c:v", "libx265", "-x265-params", "log-level=none", "-crf", "20", "-c:a", "copy"),
        "10 bit": ("-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-crf", "18", "-c:a", "copy"),
        "444": ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-crf", "18", "-c:a", "copy"),
        "full range": ("-c:v", "libx264", "-pix_fmt", "yuvj420p", "-crf", "18", "-c:a", "copy"),
        "interlaced": ("-c:v", "libx264", "-flags", "+ilme+ildct", "-crf", "18", "-c:a", "copy"),
        "opus in mp4": ("-c:v", "copy", "-c:a", "libopus"), "flac in mp4": ("-c:v", "copy", "-c:a", "flac", "-strict", "-2"),
        "alac": ("-c:v", "copy", "-c:a", "alac"), "ac3": ("-c:v", "copy", "-c:a", "ac3"), "mp3 in mp4": ("-c:v", "copy", "-c:a", "libmp3lame"),
        "8 kHz": ("-c:v", "copy", "-c:a", "aac", "-ar", "8000"), "96 kHz": ("-c:v", "copy", "-c:a", "aac", "-ar", "96000"),
        "5.1": ("-c:v", "copy", "-c:a", "aac", "-ac", "6"), "mjpeg": ("-c:v", "mjpeg", "-q:v", "2", "-c:a", "copy"),
    }.items():  # fmt: skip
        yield Odd(name, "mp4", ff(*words))
    for name, words in {"pcm in mkv": ("-c:v", "copy", "-c:a", "pcm_s16le"), "vorbis in mkv": ("-c:v", "copy", "-c:a", "libvorbis"),
                        "vp9 in webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "20", "-b:v", "0", "-c:a", "libopus", "-f", "webm"),
                        "live mkv": (*COPY, "-live", "1"), "no cues mkv": (*COPY, "-f", "matroska", "-live", "1"),
                        "ffv1": ("-c:v", "ffv1", "-c:a", "copy")}.items():  # fmt: skip
        yield Odd(name, "mkv", ff(*words))
    for name, words in {"aac": ("-vn", *COPY, "-f", "adts"), "wav": ("-vn",), "flac": ("-vn",), "mp3": ("-vn",), "m4a": ("-vn", *COPY),
                        "ogg": ("-vn", "-c:a", "libvorbis", "-q:a", "9"), "opus": ("-vn", "-c:a", "libopus"), "mka": ("-vn", *COPY),
                        "w64": ("-vn",), "aiff": ("-vn",), "caf": ("-vn", "-c:a", "pcm_s16le"), "amr": ("-vn", "-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb")}.items():  # fmt: skip
        if name != "amr":
            yield Odd(f"sound only {name}", name, ff(*words), frames=0, is_damaged=True)  # a camera without a picture
    yield Odd("rf64", "wav", ff("-vn", "-rf64", "always"), frames=0, is_damaged=True)


def stamps() -> Iterator[Odd]:
    """The same packets with other stamps, by setts and by muxers."""

    def setts(
        video: str = "", audio: str = "", source: str = "mp4", *more: str
    ) -> Callable[[dict[str, Path], Path], None]:
        words = [
            *COPY,
            *(("-bsf:v", f"setts={video}") if video else ()),
            *(("-bsf:a", f"setts={audio}") if audio else ()),
        ]
        return ff(*words, *more, source=source)

    for suffix in ("mp4",):  # setts counts in the ticks of the source: other containers do not keep them
        yield Odd(f"two equal stamps {suffix}", suffix, setts(r"ts=if(eq(N\,30)\,PREV_OUTPTS\,PTS)"))
        yield Odd(f"all late by 100 s {suffix}", suffix, setts("ts=PTS+100/TB", "ts=PTS+100/TB", "mp4", "-copyts"))
        yield Odd(f"picture late by 1 s {suffix}", suffix, setts("ts=PTS+1/TB"), declared=7000)
        yield Odd(f"sound late by 1 s {suffix}", suffix, setts("", "ts=PTS+1/TB"), declared=7000)
        yield Odd(
            f"a hole of 3 s {suffix}",
            suffix,
            setts(r"ts=if(gte(N\,45)\,PTS+3/TB\,PTS)", r"ts=if(gte(PTS*TB\,3)\,PTS+3/TB\,PTS)"),
            beeps=BEEPS - 1,
            is_damaged=suffix == "ts",
            declared=9000,
        )
        yield Odd(
            f"jump of 60 s {suffix}",
            suffix,
            setts(r"ts=if(gte(N\,45)\,PTS+60/TB\,PTS)", r"ts=if(gte(PTS*TB\,3)\,PTS+60/TB\,PTS)"),
            is_damaged=True,
        )
        yield Odd(
            f"jump of an hour {suffix}",
            suffix,
            setts(r"ts=if(gte(N\,45)\,PTS+3600/TB\,PTS)", r"ts=if(gte(PTS*TB\,3)\,PTS+3600/TB\,PTS)"),
            is_damaged=True,
        )
        yield Odd(
            f"jump in the sound only {suffix}",
            suffix,
            setts("", r"ts=if(gte(PTS*TB\,3)\,PTS+60/TB\,PTS)"),
            is_damaged=True,
        )
        yield Odd(f"jitter of 20 ms {suffix}", suffix, setts("", r"ts=PTS+mod(N*7\,5)*0.004/TB"))
        yield Odd(f"drift of 0.2 % {suffix}", suffix, setts("", "ts=PTS*1.002"), is_damaged=True)
    for name, part in {
        "fall back 2 s": r"PTS-2/TB",
        "fall back 0.5 s": r"PTS-0.5/TB",
        "begin anew": r"PTS-3/TB",
    }.items():
        yield Odd(
            f"{name} ts",
            "ts",
            setts(rf"ts=if(gte(N\,45)\,{part}\,PTS)", rf"ts=if(gte(PTS*TB\,3)\,{part}\,PTS)"),
            frames=FRAMES - 8,
            is_damaged=True,
        )


def bytes_changed() -> Iterator[Odd]:
    """Files cut, glued and overwritten."""
    for kind in ("mp4", "webm", "ts", "flv"):
        for part in (0.3, 0.9, 0.999):
            yield Odd(
                f"{kind} cut at {part}",
                kind,
                hacked(lambda d, p=part: d[: int(len(d) * p)], kind),
                frames=0,
                beeps=0,
                is_damaged=True,
            )
        yield Odd(
            f"{kind} without its first 100 bytes",
            kind,
            hacked(lambda d: d[100:], kind),
            frames=0,
            beeps=0,
            is_damaged=True,
        )
        yield Odd(f"{kind} with noise", kind, hacked(lambda d: noisy(d, 0.5), kind), frames=0, beeps=0, is_damaged=True)
        yield Odd(f"{kind} with zeros behind", kind, hacked(lambda d: d + bytes(5000), kind))
        yield Odd(
            f"{kind} with a hole of zeros",
            kind,
            hacked(lambda d: poked(d, len(d) // 2, bytes(len(d) // 20)), kind),
            frames=0,
            beeps=0,
            is_damaged=True,
        )
        yield Odd(
            f"{kind} twice", kind, hacked(lambda d: d + d, kind), declared=2 * SECONDS * 1000, is_damaged=kind == "mp4"
        )
    for kind in ("mp3", "ogg", "aac", "wav", "flac", "opus"):
        yield Odd(
            f"{kind} twice",
            kind,
            hacked(lambda d: d + d, kind),
            frames=0,
            beeps=2 * BEEPS if kind != "wav" else BEEPS,
            declared=2 * SECONDS * 1000,
            is_damaged=True,
        )
        yield Odd(f"{kind} cut", kind, hacked(lambda d: d[: len(d) // 2], kind), frames=0, beeps=0, is_damaged=True)
    yield Odd(
        "wav sizes never filled in",
        "wav",
        hacked(lambda d: poked(poked(d, 4, b"\xff" * 4), d.index(b"data") + 4, b"\xff" * 4), "wav"),
        frames=0,
        is_damaged=True,
    )
    yield Odd(
        "wav sizes 0",
        "wav",
        hacked(lambda d: poked(poked(d, 4, bytes(4)), d.index(b"data") + 4, bytes(4)), "wav"),
        frames=0,
        is_damaged=True,
    )
    yield Odd("mp3 with an id3 picture", "mp3", hacked(lambda d: d, "mp3"), frames=0, is_damaged=True)
    yield Odd(
        "ts from the middle of a packet",
        "ts",
        hacked(lambda d: d[77:], "ts"),
        frames=FRAMES - 15,
        beeps=BEEPS - 1,
        is_damaged=True,
    )
    yield Odd(
        "ts with lost packets",
        "ts",
        hacked(lambda d: d[: 188 * 200] + d[188 * 212 :], "ts"),
        frames=0,
        beeps=0,
        is_damaged=True,
    )
    yield Odd(
        "mdat before moov, moov lost",
        "mp4",
        hacked(
            lambda d: (
                d[: box(d, b"moov")] + d[box(d, b"moov") + int.from_bytes(d[box(d, b"moov") : box(d, b"moov") + 4]) :]
            )
        ),
        frames=0,
        beeps=0,
        is_damaged=True,
    )
    yield Odd("mvhd duration 0", "mp4", hacked(lambda d: swapped(d, b"mvhd", 8 + 16, bytes(4))))
    yield Odd(
        "mvhd duration huge", "mp4", hacked(lambda d: swapped(d, b"mvhd", 8 + 16, b"\x7f\xff\xff\xff")), is_damaged=True
    )
    yield Odd("tkhd disabled", "mp4", hacked(lambda d: swapped(d, b"tkhd", 11, b"\x00")))
    yield Odd("tkhd rotated", "mp4", ff(*COPY, "-metadata:s:v", "rotate=90"), frames=0)
    yield Odd("stsd unknown codec", "mp4", hacked(lambda d: d.replace(b"avc1", b"zzz1")), frames=0, is_damaged=True)
    yield Odd(
        "stsz one size 0",
        "mp4",
        hacked(lambda d: swapped(d, b"stsz", 20 + 4 * 20, bytes(4))),
        frames=0,
        is_damaged=True,
    )
    yield Odd("stts of 0", "mp4", hacked(lambda d: swapped(d, b"stts", 20, bytes(4))), frames=0, is_damaged=True)
    yield Odd(
        "stco behind the end",
        "mp4",
        hacked(lambda d: swapped(d, b"stco", 16, b"\x7f\xff\xff\xff")),
        frames=0,
        beeps=0,
        is_damaged=True,
    )
    yield Odd("stss emptied", "mp4", hacked(lambda d: swapped(d, b"stss", 12, bytes(4))), frames=0, is_damaged=True)
    yield Odd(
        "elst delayed",
        "mp4",
        hacked(lambda d: swapped(d, b"elst", 16 + 4, struct.pack(">i", 1024)) if b"elst" in d else d),
        frames=FRAMES - 15,
        beeps=BEEPS - 1,
        is_damaged=True,
    )
    yield Odd("ftyp of nobody", "mp4", hacked(lambda d: swapped(d, b"ftyp", 8, b"zzzz")))
    yield Odd(
        "no ftyp",
        "mp4",
        hacked(lambda d: d[int.from_bytes(d[:4]) :] if b"moov" not in d[:64] else d),
        frames=0,
        beeps=0,
        is_damaged=True,
    )
    for name, data in {"empty": b"", "one byte": b"x", "zeros": bytes(4096), "a page": b"<html><body>403</body></html>" * 50, "a json": b'{"a":1}', "a zip": b"PK\x03\x04" + bytes(200), "an m3u8": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"}.items():  # fmt: skip
        yield Odd(f"no media: {name}", "mp4", hacked(lambda d, new=data: new), frames=0, beeps=0, is_damaged=True)


def more_tracks() -> Iterator[Odd]:
    yield Odd("two sound tracks", "mp4", ff("-map", "0:v", "-map", "0:a", "-map", "0:a", *COPY))
    yield Odd("two pictures", "mp4", ff("-map", "0:v", "-map", "0:v", "-map", "0:a", *COPY), is_damaged=True)
    yield Odd("chapters", "mkv", ff("-i", "CHAPTERS", "-map_metadata", "1", "-map", "0", *COPY))
    yield Odd("a subtitle track", "mkv", ff("-i", "SUBS", "-map", "0", "-map", "1", *COPY, "-c:s", "srt"))
    yield Odd("a mov_text track", "mp4", ff("-i", "SUBS", "-map", "0", "-map", "1", *COPY, "-c:s", "mov_text"))
    yield Odd("a cover", "mp4", ff("-i", "COVER", "-map", "0", "-map", "1", *COPY, "-disposition:v:1", "attached_pic"))
    yield Odd("a cover in mkv", "mkv", ff(*COPY, "-attach", "COVER", "-metadata:s:t", "mimetype=image/png"))
    yield Odd("picture only", "mp4", ff("-an", *COPY), beeps=0)
    yield Odd("timecode track", "mov", ff(*COPY, "-timecode", "01:00:00:00"))
    yield Odd(
        "no opening key frame",
        "mp4",
        ff("-c:v", "copy", "-c:a", "copy", "-bsf:v", "noise=drop='eq(n,0)'", source="ts"),
        frames=FRAMES - 15,
        is_damaged=True,
    )


def judge(odd: Odd, folder: Path, plain: dict[str, Path]) -> str:
    """One line of the table."""
    own = folder / odd.name.replace(" ", "-").replace(":", "").replace("%", "")
    own.mkdir(parents=True, exist_ok=True)
    try:
        odd.build(plain, own / f"o1.{odd.suffix}")
    except subprocess.CalledProcessError as exc:
        return f"| {odd.name} | not made: {exc.stderr.decode()[-60:].strip()!r} | | | |"
    if not (own / "r1.mp4").exists():
        (own / "r1.mp4").symlink_to(plain["other"])
    (own / "layout.json").write_text(LAYOUT)
    lesson = recording([camera("o1", "odd", 0, odd.declared), camera("r1", "ref", 0, SECONDS * 1000)])
    lesson = lesson.model_copy(
        update={"segments": tuple(s.model_copy(update={"format": "", "url": None}) for s in lesson.segments)}
    )
    options = load_options(home=own / "home", media_dir=own, layout=str(own / "layout.json"), processes=1)
    try:
        playback = assemble(lesson, own / "out.mp4", options)
    except AssemblerError as exc:
        return f"| {odd.name} | error {exc.exit_code} | | | {exc.sentence[:150]} |"
    except Exception as exc:  # noqa: BLE001  whatever it is, it is what is looked for
        return f"| {odd.name} | **CRASH** | | | {type(exc).__name__}: {str(exc)[:150]} |"
    rows = read_all(playback.path, {"o": View((0, 0, 160, 120), (320, 240))})
    seen = {row.seen["o"].counter for row in rows if row.seen["o"].identity == "red"} - {None}
    heard = len(beeps(listen(playback.path), [IDENTITIES["red"].pitch])[IDENTITIES["red"].pitch])
    said = [f.sentence for f in playback.manifest.findings if f.severity is Severity.WARNING]
    is_all = len(seen) >= odd.frames - 1 and heard >= odd.beeps
    verdict = "ok" if is_all and not said else "told" if said else "**SILENT**"
    if is_all and said and not odd.is_damaged:
        verdict = "alarm"
    return f"| {odd.name} | {verdict} | {len(seen)}/{odd.frames} | {heard}/{odd.beeps} | {' '.join(said)[:230]} |"


def main() -> None:
    folder, names = Path(sys.argv[1]).resolve(), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    plain = {
        "mp4": make(BASE, FFMPEG),
        "other": make(OTHER, FFMPEG),
        "webm": make(BASE.model_copy(update={"container": "webm"}), FFMPEG),
    }
    for kind, words in {"ts": COPY, "flv": COPY, "mp3": ("-vn",), "aac": ("-vn", *COPY), "wav": ("-vn",), "flac": ("-vn",),
                        "ogg": ("-vn", "-c:a", "libvorbis", "-q:a", "9"), "opus": ("-vn", "-c:a", "libopus")}.items():  # fmt: skip
        plain[kind] = folder / f"plain.{kind}"
        ff(*words)(plain, plain[kind])
    (folder / "CHAPTERS").write_text(
        ";FFMETADATA1\n" + "".join(f"[CHAPTER]\nTIMEBASE=1/1\nSTART={n}\nEND={n + 2}\ntitle=c\n" for n in (0, 2))
    )
    (folder / "SUBS").write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    run(
        FFMPEG,
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "color=green:s=64x64",
        "-frames:v",
        "1",
        "-f",
        "image2",
        "-c:v",
        "png",
        str(folder / "COVER"),
    )
    os.chdir(folder)
    print("| file | | frames | beeps | said |\n|---|---|---:|---:|---|")
    for odd in (*muxers(), *stamps(), *bytes_changed(), *more_tracks()):
        if not names or any(name in odd.name for name in names):
            print(judge(odd, folder, plain), flush=True)


if __name__ == "__main__":
    main()
