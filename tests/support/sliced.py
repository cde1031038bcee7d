"""Files cut into slices with a playlist, as a recorder writes them: packets are copied, stamps go on."""

from __future__ import annotations

import csv
import subprocess
from datetime import UTC, datetime
from pathlib import Path

FORMATS = {"ts": "mpegts", "webm": "webm", "aac": "adts"}
"""Muxers by the ending of a slice."""


def stamp(at: int) -> str:
    """Write an instant as Agora does: 17 calendar digits of UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y%m%d%H%M%S%f")[:17]


def cut(
    source: Path, folder: Path, name: str, at: int, ffmpeg: str, *, seconds: float = 1, restarts: bool = False
) -> list[str]:
    """Cut a file into slices beside ``<name>.m3u8``, which it writes; ``at``: instant of the beginning, Unix ms;
    ``restarts``: stamps of each slice begin at 0. Returns the names of the slices."""
    table, ending = folder / f"{name}.csv", source.suffix
    subprocess.run(
        [ffmpeg, "-v", "error", "-i", source, "-map", "0", "-c", "copy", "-muxdelay", "0", "-f", "segment",
         "-segment_format", FORMATS[ending[1:]], "-segment_time", str(seconds), "-segment_list", table,
         "-reset_timestamps", str(int(restarts)), "-segment_list_type", "csv", folder / f"{name}_%05d{ending}"],
        check=True,
    )  # fmt: skip
    rows = list(csv.reader(table.read_text().splitlines()))
    table.unlink()
    begin = float(rows[0][1])
    lines, names = ["#EXTM3U", f"#EXT-X-AGORA-TRACK-EVENT:EVENT=START,TIME={stamp(at)}"], []
    for slice_name, start, end in rows:
        named = f"{name}_{stamp(at + round((float(start) - begin) * 1000))}{ending}"
        (folder / slice_name).rename(folder / named)
        lines += [f"#EXTINF:{float(end) - float(start):.6f}", named]
        names.append(named)
    (folder / f"{name}.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST"]))
    return names
