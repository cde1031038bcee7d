"""HLS: the finished mp4 cut at key frames into fragments, without encoding (RFC 8216; fragmented mp4, byte ranges)."""

from __future__ import annotations

import math
import re
from pathlib import Path

from assembler.captions.read import parse_captions, read_file
from assembler.captions.webvtt import write_vtt
from assembler.outputs.material import Material, hold, read_contents, run_ffmpeg
from assembler.workspace import MASTER, write_whole

PLAYLIST = "video.m3u8"
"""Playlist of the fragments."""
SEGMENT_SECONDS = 6
"""Minimum length of a fragment, in s, up to the next key frame: what Apple's authoring specification advises."""
LATE_MS = 1
"""Maximum difference of stamps between playlist and mp4, in ms: both round to their own ticks."""
_FRAGMENT = re.compile(r"#EXTINF:([\d.]+),\s+#EXT-X-BYTERANGE:(\d+)")
_CODECS = re.compile(r'CODECS="[^"]+"')


def make_hls(material: Material, folder: Path) -> None:
    """Write the playlists, and one file that holds all fragments."""
    # else all stamps would be later by the priming of the audio, which an edit list hides
    words = ["-i", "-map", "0:v:0", "-map", "0:a?", "-c", "copy", "-avoid_negative_ts", "disabled"]
    words += ["-f", "hls", "-hls_segment_type", "fmp4"]
    words += ["-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-master_pl_name", MASTER]
    words += ["-hls_flags", "single_file+independent_segments", "-hls_segment_filename", "video.mp4", PLAYLIST]
    run_ffmpeg(material, folder, words)
    seconds = f"{max(1, material.plan.length) / 1000:.3f}"
    for track in material.plan.captions:
        write_whole(folder / f"{track.name}.vtt", write_vtt(track.cues))
        head = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{math.ceil(float(seconds))}"]
        rest = ["#EXT-X-PLAYLIST-TYPE:VOD", f"#EXTINF:{seconds},", f"{track.name}.vtt", "#EXT-X-ENDLIST", ""]
        write_whole(folder / f"{track.name}.m3u8", "\n".join([*head, *rest]))
    write_whole(folder / MASTER, _master(material, folder))


def check_hls(material: Material, folder: Path) -> None:
    """Check that a player of the playlist gets every packet of the mp4 at its time."""
    played, finished = read_contents(material, folder / MASTER, material.playback)
    for kind in ("video", "audio"):
        there, due = played.of(kind), finished.of(kind)
        hold(len(there) == min(1, len(due)), f"the playlist has {len(there)} {kind} streams")
        for one, other in zip(there, due, strict=False):
            hold(one.packets == other.packets, f"{one.packets} of {other.packets} {kind} packets are played")
            for late in (one.first - other.first, one.last - other.last):
                hold(abs(late) * 1000 <= LATE_MS, f"its {kind} is {float(late):.3f} s late")
    for track in material.plan.captions:  # libav opens such playlists and gives none of their cues
        cues = parse_captions(read_file(folder / f"{track.name}.vtt", "the captions"), track.title)
        hold(len(cues) == len(track.cues), f"it has {len(cues)} of {len(track.cues)} cues of {track.title}")


def _master(material: Material, folder: Path) -> str:
    """Write the playlist that players open; ffmpeg's own names no rate, and then no stream, of a very short mp4."""
    fragments = [(float(s), int(n) * 8) for s, n in _FRAGMENT.findall((folder / PLAYLIST).read_text("utf-8"))]
    hold(bool(fragments), "nothing was cut")
    seconds, bits = sum(s for s, _ in fragments), sum(n for _, n in fragments)
    canvas = material.manifest.canvas
    named = [
        f"BANDWIDTH={math.ceil(max(n / s for s, n in fragments))}",
        f"AVERAGE-BANDWIDTH={math.ceil(bits / seconds)}",
        f"RESOLUTION={canvas.width}x{canvas.height}",
        f"FRAME-RATE={float(material.manifest.fps):.3f}",
        *_CODECS.findall((folder / MASTER).read_text("utf-8")),
        *(['SUBTITLES="text"'] if material.plan.captions else []),
    ]
    texts = [
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="{track.title}",AUTOSELECT=NO,URI="{track.name}.m3u8"'
        for track in material.plan.captions
    ]
    head = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS", *texts]
    return "\n".join([*head, f"#EXT-X-STREAM-INF:{','.join(named)}", PLAYLIST, ""])
