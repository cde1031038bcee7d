"""Every kind of damage to a finished file is found and named."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from classes import Class, Stream
from synthetic import Recipe
from terminal import Desk, three_streams

from assembler.errors import InputError, VerifyError
from assembler.media.verify.child import check
from assembler.media.verify.index import is_as_planned
from assembler.media.verify.verify import build_check, verify
from assembler.pipeline.assemble import Playback
from assembler.plan.manifest import load_manifest
from assembler.plan.model import Mode
from assembler.recording import StreamKind
from assembler.workspace import assets_of

Packets = list[Any]
Change = Callable[[Packets], Packets]
MIXED = Class(
    [
        Stream("m1", StreamKind.MIX, "", 0, Recipe(identity="red", seconds=5, fps=15, gop=15)),
        Stream("m2", StreamKind.MIX, "", 5_000, Recipe(identity="red", seconds=4, fps=15, gop=15)),
    ],
    options={"layout": "auto"},
)


def made(lesson: Class, folder: Path, ffmpeg: str, **options: Any) -> Playback:
    return lesson.assemble(folder, ffmpeg, home=folder / "home", **options)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> Playback:
    """Three pieces, joined at 1 s and 2 s."""
    playback = made(three_streams(3), tmp_path_factory.mktemp("encoded"), bundled_ffmpeg, chunk_seconds=1)
    assert len(playback.manifest.joins) == 2
    return playback


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory, bundled_ffmpeg: str) -> Playback:
    """A key frame every second, joined at 5 s."""
    playback = made(MIXED, tmp_path_factory.mktemp("copied"), bundled_ffmpeg)
    assert playback.manifest.mode is Mode.COPY
    return playback


@pytest.fixture(params=["encoded", "copied"])
def playback(request: pytest.FixtureRequest, tmp_path: Path) -> Playback:
    """A copy of one of the two, to be damaged."""
    return copy_of(request.getfixturevalue(request.param), tmp_path)


def copy_of(whole: Playback, folder: Path) -> Playback:
    path = folder / "class.mp4"
    shutil.copyfile(whole.path, path)
    return Playback(path, whole.manifest, was_there=False)


def problem(playback: Playback, *, decode: str = "joins", **planned: Any) -> str:
    """What verify says of the file as it is now; "" if nothing. Its new size alone must not give it away."""
    manifest = playback.manifest.model_copy(update={"size": playback.path.stat().st_size, **planned})
    return "\n".join(check(build_check(playback.path, manifest, decode=decode, answer=Path())))


def refused(playback: Playback) -> str:
    """The same asked of the child process, which a broken file may take along."""
    manifest = playback.manifest.model_copy(update={"size": playback.path.stat().st_size})
    with pytest.raises(VerifyError) as caught:
        verify(playback.path, manifest)
    return caught.value.sentence


def remux(
    playback: Playback, picture: Change | None = None, sound: Change | None = None, *, faststart: bool = True
) -> None:
    """The same packets in a new file, some of them changed, left out or moved."""
    new = playback.path.with_name("new.mp4")
    scale = playback.manifest.stamps.time_scale
    options = {"movie_timescale": str(scale)} | ({"movflags": "+faststart"} if faststart else {})
    with av.open(str(playback.path)) as source, av.open(str(new), "w", format="mp4", options=options) as out:
        pairs = [(stream, out.add_stream_from_template(stream)) for stream in source.streams if stream.type != "data"]
        by_kind: dict[str, Packets] = {"video": [], "audio": []}
        for stream, target in pairs:
            target.time_base = stream.time_base
        for packet in source.demux([stream for stream, _ in pairs]):
            if packet.pts is not None and packet.size:
                by_kind[packet.stream.type].append(packet)
        for kind, change in (("video", picture), ("audio", sound)):
            if change is not None:
                by_kind[kind] = change(by_kind[kind])
        targets = {stream.type: target for stream, target in pairs}
        for packet in sorted((p for ps in by_kind.values() for p in ps), key=lambda p: p.dts * p.time_base):
            packet.stream = targets[packet.stream.type]
            out.mux_one(packet)
    os.replace(new, playback.path)


def moved(index: int, ticks: int) -> Change:
    def change(packets: Packets) -> Packets:
        packets[index].pts += ticks
        return packets

    return change


def without(*indices: int) -> Change:
    return lambda packets: [p for i, p in enumerate(packets) if i not in {n % len(packets) for n in indices}]


def spoil(playback: Playback, group: int, which: slice = slice(None)) -> None:
    """Random bytes over pictures of one group; lengths stay, so that only decoding tells."""
    groups: list[Packets] = []
    with av.open(str(playback.path)) as source:
        for packet in source.demux(video=0):
            if packet.size:
                if packet.is_keyframe:
                    groups.append([])
                groups[-1].append((packet.pos, packet.size))
    data, chance = bytearray(playback.path.read_bytes()), random.Random(1)
    for at, size in groups[group][which]:
        data[at + 8 : at + size] = chance.randbytes(max(0, size - 8))
    playback.path.write_bytes(data)


class TestDamage:
    def test_none_is_found_in_a_whole_file(self, playback: Playback) -> None:
        assert problem(playback, decode="all") == ""
        remux(playback)
        assert problem(playback, decode="all") == ""

    def test_a_stamp_moved_by_one_tick(self, playback: Playback) -> None:
        remux(playback, moved(20, 1))
        assert "is shown +0." in problem(playback, decode="nothing")
        assert "ms off its planned" in problem(playback)

    def test_all_stamps_moved(self, playback: Playback) -> None:
        def later(packets: Packets) -> Packets:
            for packet in packets:
                packet.pts += 900
                packet.dts += 900
            return packets

        remux(playback, later)
        assert "picture 0 is shown" in problem(playback, decode="nothing")

    def test_a_missing_picture(self, playback: Playback) -> None:
        count = playback.manifest.stamps.count
        remux(playback, without(-1))
        assert f"there are {count - 1} pictures, {count} were planned" in problem(playback, decode="nothing")

    def test_a_sound_that_ends_early(self, playback: Playback) -> None:
        remux(playback, sound=without(*range(-10, 0)))
        assert "the sound ends at" in problem(playback, decode="nothing")

    def test_a_sound_with_a_hole(self, encoded: Playback, tmp_path: Path) -> None:
        playback = copy_of(encoded, tmp_path)
        remux(playback, sound=without(40))
        assert "the sound has a hole at 0.8" in problem(playback, decode="nothing")

    def test_a_sound_that_is_late(self, playback: Playback) -> None:
        def later(packets: Packets) -> Packets:
            for packet in packets:
                packet.pts += 4800
                packet.dts += 4800
            return packets

        remux(playback, sound=later)
        assert "the sound starts at 0.079 s" in problem(playback, decode="nothing")

    def test_no_sound_at_all(self, playback: Playback) -> None:
        remux(playback, sound=lambda packets: [])
        assert "there is no sound track" in problem(playback)

    def test_an_index_behind_the_pictures(self, playback: Playback) -> None:
        remux(playback, faststart=False)
        assert "no fast start" in problem(playback, decode="nothing")

    @pytest.mark.parametrize("part", [0.9, 0.5, 0.01, 0])
    def test_a_file_that_is_cut_off(self, playback: Playback, part: float) -> None:
        data = playback.path.read_bytes()
        playback.path.write_bytes(data[: int(len(data) * part)])
        assert f"{len(data)} were written" in problem(playback, size=len(data))
        assert refused(playback)

    def test_another_size_of_picture(self, playback: Playback) -> None:
        canvas = playback.manifest.canvas
        found = problem(playback, canvas=canvas.model_copy(update={"width": canvas.width + 2}))
        assert f"the picture is {canvas.width}x{canvas.height}, planned was {canvas.width + 2}" in found

    def test_what_is_no_video(self, playback: Playback) -> None:
        playback.path.write_bytes(b"<html>" * 1000)
        assert refused(playback)

    @pytest.mark.parametrize("group", [0, 1, 2])
    def test_spoiled_pictures_of_a_made_file(self, encoded: Playback, tmp_path: Path, group: int) -> None:
        playback = copy_of(encoded, tmp_path)
        spoil(playback, group)
        assert problem(playback, decode="nothing") == ""
        assert f"from {group}.000 s on" in problem(playback)

    @pytest.mark.parametrize("number", [12, 14, 27, 29, 44])
    def test_a_picture_of_a_made_file_that_is_not_whole(self, encoded: Playback, tmp_path: Path, number: int) -> None:
        """Wherever it lies: nothing is decoded for it, as its bytes are a row of units with a length each."""
        playback = copy_of(encoded, tmp_path)
        with av.open(str(playback.path)) as source:
            packet = [packet for packet in source.demux(video=0) if packet.size][number]
        for change in (-1, 1, 1 << 24):
            data = bytearray(playback.path.read_bytes())
            length = int.from_bytes(data[packet.pos : packet.pos + 4], "big")
            data[packet.pos : packet.pos + 4] = (length + change).to_bytes(4, "big")
            playback.path.write_bytes(data)
            assert f"picture {number} is damaged: its bytes are no row of whole NAL units" in problem(playback)
            playback.path.write_bytes(encoded.path.read_bytes())
            assert problem(playback) == ""

    @pytest.mark.parametrize("number", [7, 12, 20, 27])
    def test_a_picture_of_a_made_file_of_which_the_disk_holds_zeros(
        self, encoded: Playback, tmp_path: Path, number: int
    ) -> None:
        """Its units have the right lengths: the group with zeros that belong to no unit is decoded, wherever it is."""
        playback = copy_of(encoded, tmp_path)
        with av.open(str(playback.path)) as source:
            packet = [packet for packet in source.demux(video=0) if packet.size][number]
        data = bytearray(playback.path.read_bytes())
        data[packet.pos + 6 : packet.pos + packet.size] = bytes(packet.size - 6)
        playback.path.write_bytes(data)
        assert f"from {number // 15}.000 s on decode to" in problem(playback)

    @pytest.mark.parametrize("group", [0, 4, 5, 8])
    def test_spoiled_pictures_at_the_ends_and_joins_of_a_copied_file(
        self, copied: Playback, tmp_path: Path, group: int
    ) -> None:
        playback = copy_of(copied, tmp_path)
        spoil(playback, group)
        assert f"from {group}.000 s on" in problem(playback)

    def test_spoiled_pictures_in_the_middle_need_decoding_all(self, copied: Playback, tmp_path: Path) -> None:
        playback = copy_of(copied, tmp_path)
        spoil(playback, 2)
        assert problem(playback) == ""
        assert "from 2.000 s on" in problem(playback, decode="all")

    def test_behind_a_join_the_first_pictures_are_decoded(self, copied: Playback, tmp_path: Path) -> None:
        """More of them would only cost: the group before the join has to be decoded whole to see its end."""
        first = copy_of(copied, tmp_path)
        spoil(first, 5, slice(8, None))
        assert "10 pictures from 5.000 s on decode to" in problem(first)
        later = copy_of(copied, tmp_path)
        spoil(later, 5, slice(10, None))
        assert problem(later) == ""
        assert "15 pictures from 5.000 s on decode to" in problem(later, decode="all")
        before = copy_of(copied, tmp_path)
        spoil(before, 4, slice(14, None))
        assert "from 4.000 s on" in problem(before)

    def test_spoiled_sound_needs_decoding_all(self, encoded: Playback, tmp_path: Path) -> None:
        playback = copy_of(encoded, tmp_path)
        data, chance = bytearray(playback.path.read_bytes()), random.Random(1)
        with av.open(str(playback.path)) as source:
            for packet in list(source.demux(audio=0))[40:60]:
                data[packet.pos : packet.pos + packet.size] = chance.randbytes(packet.size)
        playback.path.write_bytes(data)
        assert problem(playback) == ""
        assert "the sound" in problem(playback, decode="all")


def test_any_wrong_byte_gives_an_answer_and_no_crash(copied: Playback, tmp_path: Path) -> None:
    chance = random.Random(3)
    whole = copied.path.read_bytes()
    for _ in range(4):
        playback = copy_of(copied, tmp_path)
        data = bytearray(whole)
        for _ in range(30):
            data[chance.randrange(4000)] = chance.randrange(256)
        playback.path.write_bytes(data)
        assert refused(playback)


class TestTheVerb:
    @pytest.fixture
    def desk(self, encoded: Playback, tmp_path: Path) -> Desk:
        shutil.copyfile(encoded.path, tmp_path / "class.mp4")
        shutil.copytree(assets_of(encoded.path), tmp_path / "class.assets")
        return Desk(tmp_path, three_streams(3))

    def test_says_that_it_is_as_planned(self, desk: Desk) -> None:
        said = desk.say("verify", "class.mp4")
        looked = "index and joins; `--decode` looks at every frame"
        assert (said.code, said.out) == (0, f"class.mp4: as planned (45 pictures): {looked}\n")
        said = desk.say("verify", "class.mp4", "--decode", "--json")
        assert json.loads(said.out) == {"verdict": "ok", "pictures": 45, "decoded": "all"}

    def test_ends_with_6_and_names_the_damage(self, desk: Desk) -> None:
        desk.out.write_bytes(desk.out.read_bytes()[:-100])
        said = desk.say("verify", "class.mp4", "--json")
        assert said.code == 6
        assert said.failure["kind"] == "VerifyError"
        assert "bytes" in said.failure["sentence"]
        assert "assembler run" in said.failure["hint"]

    def test_needs_the_playback_json(self, desk: Desk) -> None:
        (desk.folder / "class.assets/playback.json").unlink()
        said = desk.say("verify", "class.mp4")
        assert said.code == 2
        assert "there is no playback.json in class.assets" in said.err
        assert "hint: Keep the .assets folder beside the file" in said.err

    def test_needs_a_playback_json_of_ours(self, desk: Desk) -> None:
        for text in ("{}", "not json", "[]", '{"format": 0}'):
            (desk.folder / "class.assets/playback.json").write_text(text)
            with pytest.raises(InputError, match=r"is not a playback\.json of this version"):
                load_manifest(desk.out)


@pytest.mark.leaves_parts
def test_a_run_that_fails_its_verification_keeps_the_part_and_the_older_file(
    tmp_path: Path, bundled_ffmpeg: str
) -> None:
    desk = Desk.laid(tmp_path, three_streams(3), bundled_ffmpeg)
    desk.out.write_bytes(b"an older file")
    first = desk.start([*desk.run, "--keep-work", "--overwrite"], chunk_seconds="1")
    assert first.wait(60) == 0
    first.communicate()
    desk.out.write_bytes(b"an older file")
    shutil.rmtree(tmp_path / "class.assets")
    for piece in desk.home.glob("work/*/chunks/*.mp4"):  # a disk that went bad behind our back
        _spoil_file(piece)
    said = desk.say(*desk.run, "--keep-work", "--overwrite", "--json", chunk_seconds="1")
    assert said.code == 6, said.err
    assert said.failure["kind"] == "VerifyError"
    assert (tmp_path / "class.mp4.part").exists()
    assert desk.out.read_bytes() == b"an older file"
    assert not (tmp_path / "class.assets/playback.json").exists()


def _spoil_file(path: Path) -> None:
    data, chance = bytearray(path.read_bytes()), random.Random(1)
    with av.open(str(path)) as source:
        for packet in source.demux(video=0):
            if packet.size:
                data[packet.pos + 8 : packet.pos + packet.size] = chance.randbytes(max(0, packet.size - 8))
    path.write_bytes(data)


def cut(playback: Playback) -> None:
    os.truncate(playback.path, playback.path.stat().st_size - 1)


def exchanged(playback: Playback) -> None:
    """Another file of the same size."""
    playback.path.write_bytes(random.Random(1).randbytes(playback.path.stat().st_size))


def without_index(playback: Playback) -> None:
    whole = playback.path.read_bytes()
    playback.path.write_bytes(whole.replace(b"moov", b"free", 1))


def later(ticks: int, which: slice) -> Change:
    def change(packets: Packets) -> Packets:
        for packet in packets[which]:
            packet.pts += ticks
            packet.dts += ticks
        return packets

    return change


INDEX_DAMAGE: dict[str, Callable[[Playback], None]] = {
    "cut": cut,
    "exchanged": exchanged,
    "without an index": without_index,
    "index at the end": lambda playback: remux(playback, faststart=False),
    "a picture 1 tick later": lambda playback: remux(playback, picture=later(1, slice(7, 8))),
    "all pictures 1 tick later": lambda playback: remux(playback, picture=later(1, slice(None))),
    "the last picture later": lambda playback: remux(playback, picture=later(100, slice(-1, None))),
    "a picture less": lambda playback: remux(playback, picture=without(-1)),
    "a picture less inside": lambda playback: remux(playback, picture=without(7)),
}


class TestIndexAlone:
    """A second run of a finished job reads the tables here; libav, in a child, is asked where that is no yes."""

    def test_a_whole_file_of_ours_needs_no_child(self, playback: Playback, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("assembler.media.verify.verify.run_module", None)
        verify(playback.path, playback.manifest, decode="index")

    @pytest.mark.parametrize("damage", INDEX_DAMAGE)
    def test_damage_is_found_and_named_by_libav(self, playback: Playback, damage: str) -> None:
        INDEX_DAMAGE[damage](playback)
        size = 0 if damage not in ("cut", "exchanged") else playback.manifest.size  # its size alone must not tell
        manifest = playback.manifest.model_copy(update={"size": size})
        assert not is_as_planned(playback.path, size or None, manifest.stamps)
        with pytest.raises(VerifyError):
            verify(playback.path, manifest, decode="index")

    def test_the_same_packets_in_a_file_of_libav_are_as_planned(self, playback: Playback) -> None:
        remux(playback)
        manifest = playback.manifest.model_copy(update={"size": 0})
        assert is_as_planned(playback.path, None, manifest.stamps)
        verify(playback.path, manifest, decode="index")

    def test_what_only_libav_can_read_is_asked_of_libav(self, playback: Playback) -> None:
        """Fragments, say."""
        new = playback.path.with_name("new.mp4")
        options = {"movflags": "frag_keyframe+empty_moov", "movie_timescale": str(playback.manifest.stamps.time_scale)}
        with av.open(str(playback.path)) as source, av.open(str(new), "w", format="mp4", options=options) as out:
            target: Any = out.add_stream_from_template(source.streams.video[0])
            target.time_base = source.streams.video[0].time_base
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = target
                    out.mux(packet)
        os.replace(new, playback.path)
        assert not is_as_planned(playback.path, None, playback.manifest.stamps)
        verify(playback.path, playback.manifest.model_copy(update={"size": 0}), decode="index")

    def test_a_second_run_makes_a_damaged_playback_anew(self, tmp_path: Path, bundled_ffmpeg: str) -> None:
        lesson = three_streams(3)
        whole = made(lesson, tmp_path, bundled_ffmpeg)
        assert made(lesson, tmp_path, bundled_ffmpeg).was_there
        exchanged(whole)
        assert not made(lesson, tmp_path, bundled_ffmpeg).was_there
        verify(whole.path, load_manifest(whole.path))
