"""Folders with what Agora wrote into a bucket, without any body: the names of the playlists tell who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from assembler.dialects import parse
from assembler.dialects.body import JsonObject, shown
from assembler.dialects.systems.agora_names import ListName, read_name, superseded
from assembler.dialects.systems.playlist import PLAYLIST, find_begin
from assembler.errors import InputError
from assembler.network.download.slices import read_list
from assembler.recording import Recording


def read_agora_folder(folder: Path) -> list[Recording]:
    """Read the recordings whose playlists lie in a folder, one for each task. Raises InputError for more rooms than
    one, for a playlist that is not read, and where there is none."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() == f".{PLAYLIST}")
    except OSError as exc:
        raise InputError(f"{folder} cannot be read: {exc.strerror}", hint="Name a folder that you may read.") from exc
    told = {name: found for name in names if (found := read_name(name)) is not None}
    if not told:
        raise InputError(
            f"{folder} holds no playlist of Agora",
            hint="They are called SID_CNAME__uid_s_UID__uid_e_TYPE.m3u8 and lie beside their slices: copy both.",
        )
    rooms = sorted({found.room for found in told.values()})
    if len(rooms) > 1:
        listed = ", ".join(map(shown, rooms[:5]))
        raise InputError(f"{folder} holds playlists of {len(rooms)} rooms: {listed}", hint="Give those of one class.")
    tasks = sorted({found.task for found in told.values()})
    return [parse(_body(folder, {name: found for name, found in told.items() if found.task == task})) for task in tasks]


def _body(folder: Path, told: dict[str, ListName]) -> JsonObject:
    first = next(iter(told.values()))
    server: JsonObject = {"fileList": list(_entries(folder, told)), "uploadingStatus": "uploaded"}
    return {"sid": first.task, "cname": first.room, "serverResponse": server}


def _entries(folder: Path, told: dict[str, ListName]) -> Iterator[JsonObject]:
    older = superseded(told)
    for name, found in told.items():
        begin = None if name in older else find_begin(read_list(folder / name, name))
        yield {
            "fileName": name, "uid": found.user, "trackType": found.track, "mixedAllUser": found.user is None,
            "sliceStartTime": begin,
        }  # fmt: skip
