"""Python processes stay under 200 MB whatever the length; a render does not grow with the number of cuts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
from classes import Class, Stream
from lessons import omission
from synthetic import Recipe
from terminal import CAMERA, Desk, peak_of, three_streams

from assembler.media.mux.by_sample_table import join_by_sample_table
from assembler.media.mux.order import Join, PacketRun
from assembler.media.probe.order import ProbeAnswer, ProbeInput, Request
from assembler.media.verify.order import Check
from assembler.messages import Message
from assembler.plan.stamps import folded

MOST = 200_000_000
RATE, COUNT, SCALE = 30, 3 * 3600 * 30, 5_760_000


def three_hours(path: Path) -> None:
    """A film of three hours: the same few packets again and again."""
    base = Fraction(1, RATE)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"g": "300", "preset": "ultrafast"})
        video.width = video.height = 16
        black = av.VideoFrame(16, 16, "yuv420p")
        some = [packet for _ in range(300) for packet in video.encode(black)] + list(video.encode())
        for index in range(COUNT):
            like = some[index % 300]
            packet = av.Packet(bytes(like))
            packet.stream, packet.time_base, packet.is_keyframe = video, base, like.is_keyframe
            packet.pts = packet.dts = index
            out.mux_one(packet)


def peak_bytes(module: str, order: Message, folder: Path) -> int:
    """The most memory one of our own child processes takes for this order."""
    path = folder / f"{module}.json"
    path.write_text(order.to_json())
    words = ["join"] if module == "mux.child" else []
    return peak_of(f"from assembler.media.{module} import main", [*words, str(path)], folder)


def test_three_hours_of_copied_packets_are_probed_joined_and_checked_in_little_memory(tmp_path: Path) -> None:
    source, out, answer = tmp_path / "source.mp4", tmp_path / "joined.mp4", tmp_path / "answer"
    three_hours(source)
    wanted = ProbeInput(video_id="m", path=source, keep_stamps=True)
    answers = tmp_path / "answers.jsonl"
    (tmp_path / "request.json").write_text(Request(files=(wanted,), memory=4 << 30).to_json())
    probing = "from pathlib import Path; from assembler.media.probe import child; main = lambda: child.main(*PLACES)"
    places = [tmp_path / "request.json", answers]
    assert peak_of(probing.replace("PLACES", f"map(Path, {[str(p) for p in places]})"), [], tmp_path) < MOST
    facts = ProbeAnswer.from_json(answers.read_text().splitlines()[-1]).facts
    assert facts is not None
    assert facts.picture is not None
    assert len(facts.picture.stamps or ()) == COUNT
    # no step like the one before it: the longest list of stamps there can be
    ticks = tuple(index * SCALE // RATE + index % 2 * 7 for index in range(COUNT))
    run = PacketRun(
        name=str(source), container="mov", first_packet=0, end_packet=None, start=0, stamps=ticks, frames=COUNT
    )
    order = Join(
        out=str(out), time_scale=SCALE, frame_ticks=SCALE // RATE, runs=(run,), audio=None, chapters=(), length=0
    )
    assert peak_bytes("mux.child", order, tmp_path) < MOST
    keys = frozenset(facts.picture.keyframes)
    known = tuple(index for index, stamp in enumerate(facts.picture.stamps or ()) if stamp in keys)
    plain = replace(order, runs=(replace(run, lasts=SCALE // RATE, keys=known),))
    join_by_sample_table(plain)  # raises where it could not be
    assert peak_bytes("mux.child", plain, tmp_path) < MOST
    check = Check(
        path=str(out), size=None, stamps=folded(list(ticks), SCALE), joins=(), width=16, height=16,
        length=COUNT * 1000 // RATE, has_encoded_video=True, has_encoded_audio=False, decode="joins",
        answer=str(answer),
    )  # fmt: skip
    assert peak_bytes("verify.child", check, tmp_path) < MOST
    assert answer.read_text() == "there is no sound track"


def test_a_run_stays_small(tmp_path: Path, bundled_ffmpeg: str) -> None:
    desk = Desk.laid(tmp_path, three_streams(3), bundled_ffmpeg)
    assert peak_of("from assembler.cli.main import main", desk.run, desk.folder) < MOST
    assert desk.out.exists()


def test_a_hundred_cuts_take_no_more_memory_than_two(tmp_path: Path, bundled_ffmpeg: str) -> None:
    """An ffmpeg with a decoder for each piece would hold 5 MB for each of 640x480."""
    recipe = Recipe(identity="red", seconds=Fraction(20), width=640, height=480)
    peaks = {}
    for cuts in (2, 100):
        length, pause = 17_000 // cuts, 3_000 // cuts
        omissions = tuple(
            omission(n * length, n * length + (n - 1) * pause, n * (length + pause)) for n in range(1, cuts)
        )
        lesson = Class([Stream("a", CAMERA, "x", 0, recipe)], total=17_000, stop=20_000 - pause, omissions=omissions)
        (tmp_path / str(cuts)).mkdir()
        desk = Desk.laid(tmp_path / str(cuts), lesson, bundled_ffmpeg)
        peaks[cuts] = largest_child(desk)
        assert len(json.loads((desk.folder / "class.assets/playback.json").read_text())["chapters"]) == cuts
    assert peaks[100] < 1.25 * peaks[2]


def largest_child(desk: Desk) -> int:
    """Bytes that the largest of all processes held which a run started."""
    asked = "sys.stderr.write('\\npeak %d' % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    code = (
        "import atexit, resource, sys\n"
        "from assembler.processes import fork_server\n"
        "from assembler.cli.main import main\n"
        f"atexit.register(lambda: (fork_server.close(), {asked}))\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *desk.run], cwd=desk.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.rpartition("peak ")[2]) * 1024
