"""index.html: the page on which people watch a playback, made from its manifest alone and whole in one file.

Markup, names and addresses are written here; ``watch.js`` makes them move. Without it the video plays all the same.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import quote

from assembler.choices import PackageName
from assembler.plan.manifest import Manifest
from assembler.recording import StreamKind
from assembler.report import markup
from assembler.report.attendees import find_attendees, find_seen, pairs_of
from assembler.report.markup import document, source_of, text
from assembler.timeline import wall_at
from assembler.timeline.time_of_day import choose_zone
from assembler.times import Ms, PlayMs, clock_text, seconds_text, whole_seconds
from assembler.workspace import CHAPTERS, MANIFEST, MASTER, REPORT

TALKING_LANES = 8
"""Maximum number of people with a lane of their own on the timeline; all others share one."""
MOST_PICTURES = 200
"""Maximum number of chapters with a picture."""
MOST_CUES = 20_000
"""Maximum number of captions, and of messages, in the page; the files have all."""
FEW_FILES = 12
"""Maximum number of files of a package that stay in sight."""
SPEEDS = ("0.5", "0.75", "1", "1.25", "1.5", "1.75", "2")
"""Speeds at which it can be played."""
KEYS = (
    ("Space, K", "play, pause"), ("J, L", "10 s back, on"), ("Left, Right", "5 s back, on"), ("0 to 9", "to 0 to 90 %"),
    ("P, N", "to the chapter before, behind"), ("<, >", "slower, faster"), ("C", "captions: next, off"),
    ("F", "full screen"), ("M", "mute"),
    ("Home, End, Page up, Page down", "on the timeline: to its start, its end, a minute on, back"),
    ("?", "this list"),
)  # fmt: skip
"""Keys of the page and what they do."""
PACKAGES = {
    PackageName.HLS: "Streaming (HLS)", PackageName.ARCHIVE: "Archive of all streams (mkv)",
    PackageName.AUDIO: "Sound alone", PackageName.POSTER: "Picture", PackageName.STORYBOARD: "Storyboard",
    PackageName.OTIO: "Project for an editor (OpenTimelineIO)",
    PackageName.PEOPLE: "One video for each person",
}  # fmt: skip
"""Packages, for people."""


@dataclass(frozen=True)
class Subtitles:
    """Captions or chat that are shown over the video and beside it."""

    title: str
    """Title for people."""
    path: str
    """Path of the file below the assets folder."""
    cues: Sequence[tuple[int, int, str, str]]
    """Start and end in ms, who says it, and what."""


@dataclass(frozen=True)
class Extras:
    """Pictures and texts that are written into the page."""

    cover: bytes = b""
    """JPEG that is seen before it plays; empty for none."""
    sheet: bytes = b""
    """JPEG with a picture of each chapter, below each other; empty for none."""
    subtitles: tuple[Subtitles, ...] = ()
    """Captions and chat."""


@cache
def style() -> str:
    """Read the style sheet of the page."""
    return markup.STYLE + (files(__package__) / "watch.css").read_text("utf-8")


@cache
def script() -> str:
    """Read the script of the page."""
    return (files(__package__) / "watch.js").read_text("utf-8")


@cache
def policy() -> str:
    """Write the content security policy of the page: run the script above, show the file beside it."""
    return (
        f"default-src 'none'; style-src {source_of(style())}; script-src {source_of(script())}; "
        "media-src 'self' file:; img-src data:; base-uri 'none'; form-action 'none'"
    )


def watch_page(manifest: Manifest, file_name: str, extras: Extras) -> str:
    """Write the whole page; ``file_name`` is that of the playback, which lies one folder higher."""
    page = _Page(manifest, file_name, extras)
    head = (
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}"><meta name="referrer" content="no-referrer">'
    )
    return document(page.title, page.markup(), style(), script(), head)


class _Page:
    """Parts of the page; every method returns markup."""

    def __init__(self, manifest: Manifest, file_name: str, extras: Extras) -> None:
        self.manifest, self.extras, self.file_name = manifest, extras, file_name
        self.video = "../" + quote(os.fsencode(file_name))
        self.title = manifest.title or ", ".join(manifest.tasks) or file_name
        self.people = find_attendees(manifest)

    def markup(self) -> str:
        return "".join([
            self.header(), self.player(), self.chapters(), self.attendance(), self.words(), self.downloads(), _help(),
            f'<script type="application/json" id="known">{_inline(self.known())}</script>',
        ])  # fmt: skip

    def known(self) -> dict[str, object]:
        """All that the script needs."""
        manifest, canvas = self.manifest, self.manifest.canvas
        return {
            "length": manifest.length, "zone": manifest.timezone, "exact": manifest.clock.is_exact,
            "start": manifest.clock.start, "jumps": [[jump.at, jump.length] for jump in manifest.clock.jumps],
            "chapters": [[chapter.at, chapter.title] for chapter in manifest.chapters],
            "people": [person.known() for person in self.people], "lanes": TALKING_LANES,
            "shares": pairs_of(find_seen(manifest, StreamKind.SCREEN)),
            "boards": pairs_of(find_seen(manifest, StreamKind.WHITEBOARD)),
            "pictures": MOST_PICTURES, "shape": f"{canvas.width} / {canvas.height}",
            "captions": [{"title": one.title, "cues": one.cues[:MOST_CUES]} for one in self.extras.subtitles],
        }  # fmt: skip

    def header(self) -> str:
        manifest = self.manifest
        wall = wall_at(manifest.clock, PlayMs(0))
        zone = manifest.timezone or "UTC"
        date = "" if wall is None else f"{choose_zone(zone, None).local(wall):%a %d %B %Y, %H:%M} ({zone})"
        length = clock_text(whole_seconds(Ms(manifest.length)))
        course = f"<bdi>{text(manifest.course)}</bdi>" if manifest.course else ""
        told = " · ".join(filter(None, [course, f'<span id="date">{date}</span>', length]))
        return f"<header><h1><bdi>{text(self.title)}</bdi></h1><p>{told}</p></header>"

    def player(self) -> str:
        poster = f' poster="{_data(self.extras.cover)}"' if self.extras.cover else ""
        canvas, name = self.manifest.canvas, text(self.file_name)
        return (
            '<section id="player" aria-label="Player">'
            f'<video controls playsinline preload="metadata" width="{canvas.width}" height="{canvas.height}"{poster} '
            f'src="{text(self.video)}" aria-label="{text(self.title)}"></video>'
            f'<p id="gone" class="box failed" role="alert" hidden>{name} cannot be played: it belongs into the folder '
            "above that of this page, and the browser has to know its codec.</p>"
            '<div id="strip" role="slider" tabindex="0" aria-label="Timeline" aria-valuemin="0" '
            f'aria-valuemax="{self.manifest.length // 1000}" aria-valuenow="0" hidden><div class="head"></div>'
            '<div id="tip" aria-hidden="true" hidden><span class="thumb"></span><b></b> <span></span></div></div>'
            f'<ul class="legend alive" hidden>{self.legend()}</ul>{self.bar()}'
            '<p id="said" class="faint" role="status"></p></section>'
        )

    def bar(self) -> str:
        rates = "".join(f"<option{' selected' if speed == '1' else ''}>{speed}</option>" for speed in SPEEDS)
        captions = f'<select id="captions"><option value="-1">off</option>{self.tracks()}</select>'
        return (
            '<div class="bar alive" hidden><div class="now"><b id="at"></b><span id="when"></span></div>'
            '<button id="before" aria-label="Chapter before">«</button>'
            '<button id="after" aria-label="Next chapter">»</button>'
            f'<label>Speed <select id="speed">{rates}</select></label>'
            f"<label{'' if self.extras.subtitles else ' hidden'}>Captions {captions}</label>"
            '<button id="copy">Copy link</button><button id="keys">Keys <kbd>?</kbd></button></div>'
        )

    def tracks(self) -> str:
        return "".join(f'<option value="{n}">{text(one.title)}</option>' for n, one in enumerate(self.extras.subtitles))

    def legend(self) -> str:
        kinds = [("board", StreamKind.WHITEBOARD, "board"), ("share", StreamKind.SCREEN, "screen share")]
        rows = [(css, words) for css, kind, words in kinds if find_seen(self.manifest, kind)]
        rows += [("break", "break")] if self.manifest.clock.jumps else []
        talking = [(f"c{min(n, 7)}", person.name) for n, person in enumerate(self.people) if person.speech]
        rows += talking[:TALKING_LANES] + ([("c7", "others")] if len(talking) > TALKING_LANES else [])
        return "".join(f'<li><i class="dot {css}"></i><bdi>{text(words, 80)}</bdi></li>' for css, words in rows)

    def at(self, ms: int, inside: str) -> str:
        """Link to an instant: here, where the script runs; else in a player of its own."""
        return f'<a data-at="{ms}" href="{text(self.video)}#t={seconds_text(ms)}">{inside}</a>'

    def chapters(self) -> str:
        thumb = '<span class="thumb" aria-hidden="true" hidden></span>'
        rows = [
            (c.at, f"{thumb}<span><bdi>{text(c.title)}</bdi> <small>{clock_text(c.at)}</small></span>")
            for c in self.manifest.chapters
        ]
        sheet = f'<img id="sheet" alt="" hidden src="{_data(self.extras.sheet)}">' if self.extras.sheet else ""
        listed = f"<h2>Chapters</h2><ol>{''.join(f'<li>{self.at(*row)}</li>' for row in rows)}</ol>"
        return f'<nav id="chapters" aria-label="Chapters"><div>{listed}</div>{sheet}</nav>'

    def attendance(self) -> str:
        if not self.people:
            return ""
        rows = "".join(
            f'<li><i class="dot c{min(number, 7)}"></i><button disabled title="Go to the next time">'
            f'<bdi>{text(person.name, 200)}</bdi></button> <span class="role">{person.role}</span>'
            f'<span class="did">{person.did}</span>'
            '<div class="lane" aria-hidden="true"><div class="head"></div></div></li>'
            for number, person in enumerate(self.people)
        )
        hint = '<p class="faint alive" hidden>A name leads to the next time that somebody speaks (or is seen).</p>'
        return f'<section id="people" aria-labelledby="who"><h2 id="who">People</h2>{hint}<ul>{rows}</ul></section>'

    def words(self) -> str:
        if not self.extras.subtitles:
            return ""
        return (
            '<section id="transcript" aria-labelledby="spoken" class="alive" hidden><h2 id="spoken">Transcript</h2>'
            f'<div class="bar"><label>Show <select id="which">{self.tracks()}</select></label>'
            '<label>Find <input id="filter" type="search"></label></div>'
            '<div id="words" tabindex="0" role="region" aria-labelledby="spoken">'
            '<ul id="said-list"></ul></div></section>'
        )

    def downloads(self) -> str:
        size = self.manifest.size
        rows = [_file(self.video, f"Video ({self.file_name})", size), _file(CHAPTERS, "Chapters (WebVTT)", None)]
        rows += [_file(quote(one.path), f"{one.title} (WebVTT)", None) for one in self.extras.subtitles]
        for package in self.manifest.packages:
            first = [f for f in package.files if f.path.endswith(f"/{MASTER}")]  # it leads players to the others
            few = [_file(quote(f.path), f.path.rpartition("/")[2], f.size) for f in first or package.files]
            shown = f"<ul>{''.join(few)}</ul>"
            more = f"<details><summary>{len(few)} files</summary>{shown}</details>" if len(few) > FEW_FILES else shown
            rows.append(f"<li>{text(PACKAGES[package.name])}{more}</li>")
        rows += [_file(REPORT, "Report: what it was made from", None), _file(MANIFEST, "The same for programs", None)]
        listed = f'<h2 id="files">Files</h2><ul>{"".join(rows)}</ul>'
        return f'<section id="downloads" aria-labelledby="files">{listed}</section>'


def _file(address: str, label: str, size: int | None) -> str:
    shown = "" if size is None else f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{-(-size // 2**10)} KiB"
    told = f' <span class="role">{shown}</span>' if shown else ""
    return f'<li><a href="{text(address)}">{text(label)}</a>{told}</li>'


def _help() -> str:
    rows = "".join(
        f"<tr><td>{', '.join(f'<kbd>{text(key)}</kbd>' for key in keys.split(', '))}</td><td>{does}</td></tr>"
        for keys, does in KEYS
    )
    return (
        '<dialog id="help" aria-labelledby="all-keys"><header><h2 id="all-keys" tabindex="-1" autofocus>Keys</h2>'
        f'<button id="close">Close</button></header><table><tbody>{rows}</tbody></table></dialog>'
    )


def _data(picture: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")


def _inline(value: object) -> str:
    """Write JSON that stands within a page: nothing in it ends its element."""
    written = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
