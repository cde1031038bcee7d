"""Draw the README's pictures of the layouts: ``python tests/bench/layout_pictures.py`` writes fixtures/layouts/*.png
(of the layouts that are named, if any are).

Each is a frame of a real playback of one small class (board, teacher, three students), scaled down; the mixed
stream of ``mix`` is that class as the vendor's ``tiw-2`` shows it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from assembler.demo.media import Recipe, make_stream
from assembler.layout.builtin import LAYOUTS

FOLDER = Path(__file__).parents[2] / "fixtures" / "layouts"
WIDTH = 400
"""Width of a picture, in pixels; two of them fit beside each other in a README."""
COLOURS = 48
"""Size of a picture's palette: no picture has more than 30 KB."""
USERS = {"teacher": "blue", "ann": "orange", "bob": "purple", "cem": "pink"}


def make_class(folder: Path, ffmpeg: str) -> list[dict[str, object]]:
    """Make the files of the class; its segments in the neutral form."""
    board = Recipe(identity="green", label="whiteboard", scene="slide", width=1280, height=960, fps=Fraction(5))
    recipes = {"board": board}
    for user, colour in USERS.items():
        recipes[user] = Recipe(identity=colour, label=user, scene="person", width=640, height=480)
    for name, recipe in recipes.items():
        make_stream(recipe.model_copy(update={"seconds": Fraction(2)}), folder / f"{name}.mp4", ffmpeg)
    cameras = [{"kind": "camera", "user": user, "video_id": user} for user in USERS]
    return [{"kind": "whiteboard", "video_id": "board"}, *cameras]


def run(folder: Path, segments: list[dict[str, object]], *words: str) -> None:
    """Run ``assembler run`` on these segments, whose files lie in the folder."""
    placed = [{"play_time": 0, "duration": 2000, **segment} for segment in segments]
    (folder / "lesson.json").write_text(json.dumps({"dialect": "neutral", "segments": placed}), "utf-8")
    program = [sys.executable, "-c", "from assembler.cli.main import main; main()"]
    subprocess.run([*program, "run", "lesson.json", "--media-dir", ".", *words], cwd=folder, check=True)


def draw_all(folder: Path, layouts: Sequence[str]) -> None:
    """Draw one picture for each of these layouts."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    segments = make_class(folder, ffmpeg)
    run(folder, segments, "--layout", "tiw-2", "--teacher", "teacher", "-o", "mixed.mp4")
    segments.append({"kind": "mix", "video_id": "mixed"})
    for layout in layouts:
        run(folder, segments, "--layout", layout, "--teacher", "teacher", "--frame", "1.4", f"{layout}.png")
        palette = f"[a]palettegen=max_colors={COLOURS}[p];[b][p]paletteuse=dither=none"
        small = f"scale={WIDTH}:-2:flags=area,split[a][b];{palette}"
        picture = ["-i", f"{layout}.png", "-vf", small, "-frames:v", "1", str(FOLDER / f"{layout}.png")]
        subprocess.run([ffmpeg, "-v", "error", "-y", *picture], cwd=folder, check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        draw_all(Path(place), sys.argv[1:] or list(LAYOUTS))
