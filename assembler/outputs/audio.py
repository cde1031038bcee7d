"""Audio: what is heard, copied as m4a and encoded as mp3."""

from __future__ import annotations

from pathlib import Path

from assembler.outputs.material import Material, hold, read_contents, run_ffmpeg

COPIED, ENCODED = "audio.m4a", "audio.mp3"
"""Names of the two files."""
BIT_RATE = "128k"
"""Bit rate of the mp3, in bit/s: speech in stereo sounds like its source."""
LENGTH_MS = 150
"""Maximum difference of length, in ms: an mp3 begins and ends with whole frames, and with a delay."""


def make_audio(material: Material, folder: Path) -> None:
    """Write both files, with the chapters of the playback."""
    # without :g and :s the titles of chapters would go as well
    both = ["-map", "0:a:0", "-map_metadata:g", "-1", "-map_metadata:s", "-1", "-map_chapters", "0"]
    both += ["-metadata", f"title={material.title}"]
    copied = [*both, "-c", "copy", "-movflags", "+faststart", COPIED]
    encoded = [*both, "-c:a", "libmp3lame", "-b:a", BIT_RATE, "-id3v2_version", "3", ENCODED]  # libav reads long titles
    run_ffmpeg(material, folder, ["-i", *copied, *encoded])


def check_audio(material: Material, folder: Path) -> None:
    """Check that both last as long as the playback, and that all packets were copied."""
    finished, copied, encoded = read_contents(material, material.playback, folder / COPIED, folder / ENCODED)
    for one in (copied, encoded):
        hold(len(one.of("audio")) == 1 and not one.of("video"), "it is not audio alone")
        hold(one.chapters == finished.chapters, "its chapters are not those of the playback")
    (due,), (there,), (mp3,) = finished.of("audio"), copied.of("audio"), encoded.of("audio")
    hold(there.packets == due.packets, f"{there.packets} of {due.packets} packets were copied")
    hold(abs(mp3.last - due.last) * 1000 <= LENGTH_MS, f"the mp3 ends {float(mp3.last - due.last):.3f} s later")
