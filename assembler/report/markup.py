"""Markup that every page shares: escaped text, tables that fit a phone, one calm style for light and dark."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

from assembler.errors import without_queries

LONGEST_TEXT = 2000
"""Maximum number of characters shown of one untrusted text."""
# what cannot be written down as UTF-8, is not a character, or turns the text around it
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4; --soft: #f6f8fa;
--link: #0a58b5; --good: #1a6b2c; --bad: #a8201a; --odd: #8a5a00; --busy: #0a58b5; --camera: #4f7cc4; --screen: #8a63b8;
--whiteboard: #3f8f63; --mix: #b06a3b; --audio: #7a7f87; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #dfe3e8; --faint: #9aa4af; --line: #363c44;
--soft: #202429; --link: #83b4ff; --good: #7bd08d; --bad: #ff8d85; --odd: #e2b24a; --busy: #83b4ff; --camera: #5f8fdc;
--screen: #a17fd0; --whiteboard: #4fa878; --mix: #c98453; --audio: #8b929b; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem 1rem 3rem;
color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: .6rem 0; } h2 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; }
p { margin: .4rem 0; max-width: 60rem; } ul { margin: .4rem 0; padding-left: 1.2rem; } a { color: var(--link); }
code, pre { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--soft); border-radius: 4px; }
code { padding: .1rem .3rem; } pre { overflow-x: auto; padding: .7rem; overflow-wrap: normal; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .7rem .35rem 0;
vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--faint); font-size: 13px; } .cards th:first-child { width: 18%; }
.facts th { width: 11rem; } .facts td, .facts th { font-size: inherit; }
.faint { color: var(--faint); font-size: 13px; } td > :first-child { margin-top: 0; } td > .faint { display: block; }
.state { font-weight: 600; white-space: nowrap; }
.done, .ok { color: var(--good); } .failed, .poison { color: var(--bad); }
.running { color: var(--busy); } .degraded, .delayed, .warning { color: var(--odd); }
.box { border-left: 3px solid var(--odd); background: var(--soft); padding: .5rem .8rem; margin: .8rem 0; }
.box.failed { border-color: var(--bad); color: inherit; } .nowrap { white-space: nowrap; }
.chips { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
progress { width: 100%; min-width: 6rem; max-width: 12rem; height: .6rem; vertical-align: middle;
accent-color: var(--busy); }
video { display: block; width: 100%; height: auto; max-height: 70vh; background: #000; margin: .8rem 0; }
summary { cursor: pointer; color: var(--link); }
@media (max-width: 45rem) {
.cards thead { display: none; } .cards, .cards tbody, .cards tr, .cards td { display: block; }
.cards tr { border-bottom: 1px solid var(--line); padding: .5rem 0; } .cards td { border: 0; padding: .1rem 0; }
.cards td:empty { display: none; } .cards td[data-name]::before { content: attr(data-name) ": "; color: var(--faint);
font-size: 13px; } .cards td[data-name]:has(p, ul)::before { content: none; } .facts th { width: 6.5rem; } }
"""
"""Style sheet shared by all pages."""


def text(value: object, longest: int = LONGEST_TEXT) -> str:
    """Untrusted text as markup: escaped, cut, and without what turns or hides its neighbours."""
    whole = str(value)
    cut = whole if len(whole) <= longest else whole[: longest - 1] + "…"
    return escape(_UNSEEN.sub("\ufffd", without_queries(cut)))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are markup already; on a phone every row is a card, its first cell the title. "" without rows."""
    if not rows:
        return ""
    names = ["", *(f' data-name="{escape(name)}"' if name else "" for name in heads[1:])]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        "<tr>" + "".join(f"<td{name}>{cell}</td>" for name, cell in zip(names, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


FEW = 50
"""Maximum number of rows that stay in sight; more are folded away."""


def folded(summary: str, inside: str, count: int) -> str:
    """Markup under a line to click on, open where it holds no more than ``FEW`` rows."""
    return f"<details{' open' if count <= FEW else ''}><summary>{summary}</summary>{inside}</details>"


def listed(items: Sequence[str], most: int) -> str:
    """Pieces of markup in a sentence, those behind the first ones folded away."""
    if len(items) <= most:
        return ", ".join(items)
    rest = f"<details><summary>and {len(items) - most} more</summary>{', '.join(items[most:])}</details>"
    return f"{', '.join(items[:most])} {rest}"


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values; values are markup already, empty ones are left out."""
    cells = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in rows if value)
    return f'<table class="facts"><tbody>{cells}</tbody></table>'


def findings(sentences: Sequence[str]) -> str:
    """A list of what was noticed; sentences are markup already, those of warnings begin with the word."""
    items = []
    for sentence in sentences:
        word, found, rest = sentence.partition(": ")
        is_judged = found and word in ("warning", "note")
        items.append(f'<li><span class="{word}">{word}</span>: {rest}</li>' if is_judged else f"<li>{sentence}</li>")
    return f"<ul>{''.join(items)}</ul>"


def document(title: str, main: str, style: str, script: str, head: str = "") -> str:
    """A whole page, with nothing in it that is loaded from elsewhere; all but the title is markup already."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}<link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{style}</style></head>"
        f"<body><main>{main}</main>{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def source_of(inline: str) -> str:
    """Name an inline style or script as a content security policy does: by its digest."""
    digest = hashlib.sha256(inline.encode("utf-8")).digest()
    return "'sha256-" + base64.b64encode(digest).decode("ascii") + "'"
