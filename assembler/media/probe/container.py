"""Container of a file by its first bytes, and truncation by its own header.

libav is never asked to guess: a playlist named .mp4 would be taken for one, and would read other files and URLs.
"""

from __future__ import annotations

import math
import re
import struct
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

from assembler.media.probe.order import UnusableFile
from assembler.mp4.boxes import read_box, walk_boxes

HEAD_BYTES = 4096
"""Bytes read at the start of a file."""
_PROTECTED = re.compile(rb"enc[va].{4,400}sinf", re.DOTALL)
"""Pattern of a protected sample entry with its scheme (ISO/IEC 14496-12, 8.12)."""
_MATROSKA_CIPHER = re.compile(rb"\x50\x35[\x80-\xff\x01-\x7f].{0,8}?\x47\xe1", re.DOTALL)
"""Pattern of a ContentEncryption with its ContentEncAlgo (RFC 9559, 5.1.4.1.31.8)."""
MAX_MOOV_BYTES = 64 << 20
"""Maximum bytes of a moov that are searched."""

TS_PACKETS = (188, 192, 204)
"""Sizes of a TS packet in bytes: alone, with a timestamp before it (M2TS), with a checksum behind it."""

FETCH_AGAIN = "Fetch the file again; where that is what the server sends, ask the vendor for a new URL."
"""Hint for a truncated file, or one that is not media."""
PLAYLISTS = ("#extm3u", "ffconcat", "[playlist]", "<smil", "<mpd")
"""First characters of playlists, in lower case."""
AUDIO_MAGIC = {
    b"fLaC": "flac",
    b"riff.\x91\xcf\x11": "w64",
    b"FORM": "aiff",
    b"caff": "caf",
    b".snd": "au",
    b"#!AMR": "amr",
}
"""First bytes of audio files, and libav's demuxer."""
MP4_BOXES = frozenset(
    (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx")
)
"""Types of boxes with which an mp4 or mov begins."""


class Container(NamedTuple):
    """Demuxer of a file, and what its headers say of the whole file."""

    name: str
    """Name of libav's demuxer."""
    is_cut: bool = False
    """True if the header promises more bytes than there are."""
    has_length: bool = True
    """True if the header can declare a length in time."""
    rules_pixel_shape: bool = False
    """True if the container's own pixel aspect overrides that of the video stream for the whole file."""
    may_change: bool = False
    """True if a packet may carry new extradata (asking each packet takes half of the time)."""
    encrypted: frozenset[int] | None = frozenset()
    """Ids (``stream.id``) of the encrypted tracks; None: all of them."""

    def is_encrypted(self, number: int) -> bool:
        """True if the track with this id is encrypted."""
        return self.encrypted is None or number in self.encrypted


def sniff(path: Path) -> Container:
    """Identify the container of an untrusted file.

    Raises Unusable where it is empty, a page, a playlist, or not a known container.
    """
    size = path.stat().st_size
    if size == 0:
        raise UnusableFile("has zero bytes", FETCH_AGAIN)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head[4:8] in MP4_BOXES:
            return _mp4(file, size)
        if head[:4] == b"\x1aE\xdf\xa3":
            encrypted = None if _MATROSKA_CIPHER.search(head) else frozenset[int]()
            return Container(
                "matroska", is_cut=_is_matroska_cut(head, size), rules_pixel_shape=True, encrypted=encrypted
            )
        if head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"AVI "):
            promised = struct.unpack("<I", head[4:8])[0]
            is_cut = 0 < promised < 0xFFFFFF00 and promised + 8 > size
            return Container("wav" if head[8:12] == b"WAVE" else "avi", is_cut=is_cut)
        if head[:4] in (b"RF64", b"BW64") and head[8:16] == b"WAVEds64":
            promised = struct.unpack("<Q", head[20:28])[0]  # EBU Tech 3306; 0 and all ones: never filled in
            return Container("wav", is_cut=0 < promised < 1 << 63 and promised + 8 > size)
        if head[:4] == b"FLV\x01":
            return Container("flv", is_cut=_flv_bytes(head) > size, may_change=True)
        if head[:4] == b"OggS":
            return Container("ogg", has_length=False, may_change=True)
        for mark, name in AUDIO_MAGIC.items():
            if head.startswith(mark):
                return Container(name, has_length=name != "amr")
        if find_packets(head) is not None:
            return Container("mpegts", is_cut=_ends_inside_packet(file, size), has_length=False)
        audio = _mpeg_audio(file, head)
    if audio is not None:
        return audio
    raise _not_media(head)


def find_packets(head: bytes, least: int = 5) -> tuple[int, int] | None:
    """Find the packets of a TS: (position of the first whole one, bytes from one to the next); it may begin midway."""
    for start in range(max(TS_PACKETS)):
        for step in TS_PACKETS:
            marks = head[start::step]
            if marks.count(b"\x47") == len(marks) and (
                len(marks) >= least or (start == 0 and len(head) < least * step)
            ):
                return start, step
    return None


def _ends_inside_packet(file: IO[bytes], size: int) -> bool:
    """True for a TS whose last packet is truncated; other bytes between two packets do not matter."""
    file.seek(max(0, size - HEAD_BYTES))
    tail = file.read(HEAD_BYTES)
    found = find_packets(tail)
    return found is not None and (len(tail) - found[0]) % found[1] not in (0, min(TS_PACKETS))


def _mpeg_audio(file: IO[bytes], head: bytes) -> Container | None:
    """Identify mp3 or ADTS, with or without an ID3 tag."""
    if head[:3] == b"ID3" and len(head) >= 10:
        length = 0
        for byte in head[6:10]:
            length = length << 7 | byte & 0x7F
        file.seek(10 + length)
        frame = file.read(HEAD_BYTES)
        if _is_adts(frame):
            return Container("aac", has_length=False)
        return Container("mp3", has_length=_has_mp3_length(frame))
    if _is_adts(head):
        return Container("aac", has_length=False)
    if len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[2] & 0xF0 != 0xF0:
        return Container("mp3", has_length=_has_mp3_length(head))
    return None


def _is_adts(frame: bytes) -> bool:
    return len(frame) > 6 and frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0


def _has_mp3_length(frame: bytes) -> bool:
    """True for an mp3 with a length in its first frame; without one libav guesses by bit rate."""
    return any(mark in frame[:256] for mark in (b"Xing", b"Info", b"VBRI"))


def _mp4(file: IO[bytes], size: int) -> Container:
    is_cut = has_moov = has_shape = may_change = False
    encrypted: frozenset[int] = frozenset()
    for box in walk_boxes(file, size, is_file=True):
        is_cut |= box.end > size
        if box.name == b"moov" and box.end <= size:
            has_moov = True
            moov = read_box(file, box._replace(end=min(box.end, box.body + MAX_MOOV_BYTES)))
            has_shape |= b"pasp" in moov or _is_stretched(moov)
            encrypted |= _encrypted_tracks(moov)
            may_change |= _has_two_descriptions(moov)
    if not has_moov:
        raise UnusableFile("is an mp4 without moov: its recorder or its download was cut", FETCH_AGAIN)
    return Container("mov", is_cut=is_cut, rules_pixel_shape=has_shape, may_change=may_change, encrypted=encrypted)


def _is_stretched(moov: bytes) -> bool:
    """True if a track's matrix (8.3.2) changes the pixel aspect by more than libav's 1 %."""
    at = moov.find(b"tkhd")
    while at >= 0:
        matrix = at + (56 if moov[at + 4 : at + 5] == b"\1" else 44)
        if len(moov) >= matrix + 20:
            a, b, _, c, d = struct.unpack(">5i", moov[matrix : matrix + 20])
            wide, high = math.hypot(a, c), math.hypot(b, d)
            if wide > 0 and high > 0 and abs(wide / high - 1) > 0.01:
                return True
        at = moov.find(b"tkhd", at + 4)
    return False


def _encrypted_tracks(moov: bytes) -> frozenset[int]:
    """Find the ids of tracks with protected sample entries (8.12)."""
    heads = [at for at in range(len(moov)) if moov.startswith(b"tkhd", at)] if _PROTECTED.search(moov) else []
    found = set()
    for at, end in pairwise([*heads, len(moov)]):
        number = at + (24 if moov[at + 4 : at + 5] == b"\1" else 16)
        if _PROTECTED.search(moov, at, end):
            found.add(int.from_bytes(moov[number : number + 4], "big"))
    return frozenset(found)


def _has_two_descriptions(moov: bytes) -> bool:
    """True if one of the tracks has more than one sample description."""
    at = moov.find(b"stsd")
    while at >= 0:
        if int.from_bytes(moov[at + 8 : at + 12], "big") > 1:
            return True
        at = moov.find(b"stsd", at + 4)
    return False


def _flv_bytes(head: bytes) -> int:
    """Read the file size from the metadata; 0 where it is not there."""
    at = head.find(b"\0\x08filesize\0")
    (value,) = struct.unpack(">d", head[at + 11 : at + 19]) if 0 <= at <= len(head) - 19 else (0.0,)
    return int(value) if 0 < value < 1e15 else 0


def _is_matroska_cut(head: bytes, size: int) -> bool:
    """True if the segment is longer than the file; a live recording's segment has no length, which proves nothing."""
    at = 4
    length, at = _vint(head, at)
    if length is None:
        return False
    at += length
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return False
    length, at = _vint(head, at + 4)
    return length is not None and at + length > size


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """Read an EBML number: (value, end position); value None for "unknown" and where there is none."""
    if at >= len(data) or data[at] == 0:
        return None, at
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), at + width


def _not_media(head: bytes) -> UnusableFile:
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith(PLAYLISTS) or "#extm3u" in text or "<mpd" in text:
        hint = "Playlists are never followed: give the video files themselves."
        return UnusableFile("is a playlist, not a video", hint)
    if text.startswith(("<!doctype html", "<html", "<head", "<body")) or "<html" in text:
        return UnusableFile("is an HTML page, not a video", FETCH_AGAIN)
    if text.startswith(("<?xml", "<error")):
        return UnusableFile("is an XML answer, not a video: most likely the storage's error message", FETCH_AGAIN)
    if text.startswith(("{", "[")):
        return UnusableFile("is JSON, not a video", FETCH_AGAIN)
    if text and "\ufffd" not in text[:-4] and all(char.isprintable() or char in "\t\r\n" for char in text):
        return UnusableFile("is a text, not a video", FETCH_AGAIN)
    return UnusableFile(
        "is not a known container (its first bytes are " + head[:8].hex(" ") + ")",
        "mp4, mkv, webm, mpegts, flv, mp3, aac, ogg, flac, wav and avi are known.",
    )
