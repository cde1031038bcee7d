"""Files of other kinds, given where a result's JSON belongs, called what they are."""

from __future__ import annotations

from assembler.errors import InputError

MEDIA_HINT = "Give the JSON of the result; recorded files go into a folder named with --media-dir."
"""Hint for a media file."""
PACKED_HINT = "Unpack it, and give the JSON of the result that is in it."
"""Hint for an archive."""
_STARTS: tuple[tuple[int, tuple[bytes, ...], str, str], ...] = (
    (0, (b"PK\3\4", b"PK\5\6"), "a zip archive (an Office document is one too)", PACKED_HINT),
    (0, (b"\x1f\x8b",), "a gzip archive", PACKED_HINT),
    (0, (b"7z\xbc\xaf\x27\x1c",), "a 7z archive", PACKED_HINT),
    (0, (b"Rar!\x1a\x07",), "a RAR archive", PACKED_HINT),
    (257, (b"ustar",), "a tar archive", PACKED_HINT),
    (0, (b"#EXTM3U",), "a playlist (m3u8)", "Give the JSON of the result: it names the files themselves."),
    (4, (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"wide"), "an mp4 (or mov) file", MEDIA_HINT),
    (0, (b"\x1a\x45\xdf\xa3",), "a webm (or mkv) file", MEDIA_HINT),
    (0, (b"FLV\1",), "an flv file", MEDIA_HINT),
    (0, (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"), "an mp3 file", MEDIA_HINT),
    (0, (b"\xff\xf1", b"\xff\xf9"), "an aac file", MEDIA_HINT),
    (0, (b"OggS",), "an ogg file", MEDIA_HINT),
    (0, (b"fLaC",), "a flac file", MEDIA_HINT),
    (8, (b"AVI ",), "an avi file", MEDIA_HINT),
    (8, (b"WAVE",), "a wav file", MEDIA_HINT),
    (188, (b"\x47",), "an MPEG transport stream (ts)", MEDIA_HINT),
    (0, (b"\x89PNG", b"\xff\xd8\xff", b"GIF8"), "a picture", "Give the JSON of the result."),
    (0, (b"%PDF-",), "a PDF", "Give the JSON of the result."),
    (0, (b"SQLite format 3",), "a database", "Give the JSON of the result."),
)
"""Offset of the mark, the marks, name of the kind, next step. No JSON text begins like any of them."""


def refuse_other_file(body: bytes) -> None:
    """Check the kind of a file; raises InputError where the first kilobyte is that of a file of another kind."""
    head = body[:1024].removeprefix(b"\xef\xbb\xbf")
    if head.lstrip()[:1] in (b"{", b"["):
        return
    if head.lstrip().startswith(b"#"):
        head = head.lstrip()
    for at, marks, kind, hint in _STARTS:
        if head[at:].startswith(marks) and (at != 188 or head[:1] == b"\x47"):
            raise InputError(f"this is {kind}, not the JSON of a recording result", hint=hint)
