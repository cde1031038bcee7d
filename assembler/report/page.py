"""report.html: one finished playback on one self-contained page, which plays the file beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sized
from urllib.parse import quote

from assembler.findings import Fate, Finding, Outcome, Severity, Verdict
from assembler.plan.manifest import Manifest, Origin
from assembler.plan.model import Mode
from assembler.report import markup, picture
from assembler.report.markup import document, facts, folded, listed, source_of, table, text
from assembler.report.recordings import vendor_facts
from assembler.report.text import account_text, by_talk, fates_text, rate_text, seconds_of
from assembler.timeline import wall_at
from assembler.timeline.model import Timeline
from assembler.times import PlayMs, Span, clock_text, frame_ms, seconds_text, wall_text
from assembler.workspace import MANIFEST, WATCH

FEW_PLACES = 12
"""Maximum number of places of one file, and of pictures of one scene, that stay in sight."""
STYLE = markup.STYLE + picture.STYLE
"""Style sheet of the page."""
SCRIPT = """
const video = document.querySelector("video"), drawn = document.querySelector("svg.timeline");
const length = Number(drawn.dataset.length) / 1000, head = drawn.querySelector(".head");
const show = (at) => { video.currentTime = at; video.scrollIntoView({block: "nearest"}); };
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-at]");
  if (!link || video.error || video.readyState === 0) return;
  event.preventDefault();
  show(Number(link.dataset.at));
});
drawn.addEventListener("click", (event) => {
  const box = drawn.getBoundingClientRect();
  if (video.readyState > 0) show(Math.max(0, (event.clientX - box.left) / box.width * length));
});
video.addEventListener("timeupdate", () => {
  for (const end of ["x1", "x2"]) head.setAttribute(end, 100 * video.currentTime / length + "%");
});
"""
"""Script of the page: links and the drawn timeline move the video."""
POLICY = (
    f"default-src 'none'; style-src {source_of(STYLE)}; script-src {source_of(SCRIPT)}; media-src 'self' file:; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
"""Content security policy of the page: run the one script above, show the file beside it."""


def report_page(manifest: Manifest, timeline: Timeline, file_name: str) -> str:
    """The whole page, to be written into the folder beside the playback.

    ``file_name``: of the playback, which lies one folder higher.
    """
    page = _Page(manifest, timeline, "../" + quote(os.fsencode(file_name)))  # names need not be text
    title = manifest.title or ", ".join(manifest.tasks) or file_name
    policy = (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="referrer" content="no-referrer">'
    )
    return document(f"{title} - report", page.markup(title), STYLE, SCRIPT, policy)


class _Page:
    """The parts of the page; every method returns markup."""

    def __init__(self, manifest: Manifest, timeline: Timeline, video: str) -> None:
        self.manifest, self.timeline, self.video = manifest, timeline, video
        self.spans: dict[str, list[Span]] = {}
        for _, clip in timeline.clips():
            self.spans.setdefault(clip.video_id, []).append(clip.span)

    def markup(self, title: str) -> str:
        fates = {outcome.video_id: outcome.fate for outcome in self.manifest.outcomes}
        size = f'width="{self.manifest.canvas.width}" height="{self.manifest.canvas.height}"'
        parts = [
            f"<h1>{text(title)}</h1>", self.summary(),
            f'<video controls preload="metadata" {size} src="{text(self.video)}"></video>',
            "<h2>Timeline</h2>", picture.draw_picture(self.timeline, fates, self.unused()),
            "<h2>Findings</h2>", self.findings(),
            self.activity(),
            self.alignments(),
            "<h2>What it was made from</h2>", self.segments(),
            "<h2>Chapters and pauses</h2>", self.chapters(), self.pauses(),
            "<h2>Decisions</h2>", self.decisions(),
            self.vendor(),
            "<h2>Scenes</h2>", self.scenes(),
            f'<p class="faint">Made by assembler {text(self.manifest.made_by)} with ffmpeg '
            f'{text(self.manifest.ffmpeg)}; all of it, with every stamp: <a href="{MANIFEST}">{MANIFEST}</a></p>',
        ]  # fmt: skip
        return "".join(parts)

    def unused(self) -> list[picture.Unused]:
        """List what is on no track; where play times lie on the wall clock, its place is not known here."""
        if not self.manifest.play_times.startswith("playback"):
            return []
        return [
            picture.Unused(_stream(o), o.video_id, Span(start=o.play_time, end=PlayMs(o.play_time + (o.duration or 0))))
            for o in self.manifest.origins
            if o.video_id not in self.spans and 0 <= o.play_time < self.timeline.length
        ]

    def summary(self) -> str:
        known = self.manifest
        words = {
            Verdict.OK: "All of the class is in it.",
            Verdict.DEGRADED: "Worth having, but something is missing, repaired or doubtful: see the findings.",
            Verdict.FAILED: "There is no playback.",
        }
        size = f"{known.size / 2**20:.1f} MiB"
        picture_size = f"{known.canvas.width}×{known.canvas.height}"
        most = "up to " if len(known.stamps.steps) > 1 else ""
        rate, fates = f"{most}{rate_text(known.fps)} frames/s", fates_text(known.outcomes)
        shown = f"{clock_text(known.length)}, {picture_size}, {rate}, {size}, {fates}"
        return (
            f'<p><span class="state {known.verdict.value}">{known.verdict.value}</span>: {words[known.verdict]}</p>'
            f'<p>{shown}. <a href="{text(self.video)}">Open the video</a> · <a href="{WATCH}">Watch it</a></p>'
        )

    def at(self, ms: int) -> str:
        """An instant to click on: here if the video plays here, else in a player of its own."""
        return f'<a data-at="{seconds_text(ms)}" href="{text(self.video)}#t={seconds_text(ms)}">{clock_text(ms)}</a>'

    def span(self, span: Span) -> str:
        return f'<span class="nowrap">{self.at(span.start)}–{clock_text(span.end)}</span>'

    def places(self, video_id: str) -> str:
        return listed([self.span(span) for span in self.spans.get(video_id, ())], FEW_PLACES)

    def findings(self) -> str:
        ordered = sorted(self.manifest.findings, key=lambda f: f.severity is not Severity.WARNING)
        if not ordered:
            return "<p>Nothing was noticed.</p>"
        return markup.findings([self.finding(finding) for finding in ordered])

    def finding(self, finding: Finding) -> str:
        where = text(finding.where) + ": " if finding.where else ""
        places = self.places(finding.where)
        at = f' <span class="faint">(at {places})</span>' if places else ""
        return f"{finding.severity.value}: {where}{text(finding.sentence)}{at}"

    def activity(self) -> str:
        """Tell who spoke how long and when; "" where nothing was measured."""
        whole = max(1, self.manifest.length)
        rows = [
            [
                f"<b>{text(name)}</b>",
                f'<span class="nowrap">{seconds_of(one.talk)} ({100 * one.talk / whole:.0f} %)</span>',
                self.at(one.spans[0].start // 1000 * 1000) if one.spans else "never",
                picture.draw_strip(one.spans, whole),
            ]
            for name, one in by_talk(self.manifest)
        ]
        who = "1 person" if len(rows) == 1 else f"{len(rows)} people"
        inside = table(["person", "spoke", "first", "when"], rows)
        return f"<h2>Who spoke</h2>{folded(who, inside, len(rows))}" if rows else ""

    def alignments(self) -> str:
        """Tell where files were declared and where they belong by the sound they share; "" where none was measured."""
        rows = [
            [
                f"<b>{text(', '.join(one.video_ids))}</b>",
                clock_text(one.declared),
                clock_text(one.measured),
                f"{one.confidence:.2f}",
                f"{one.moved:+} ms" if one.moved else text(one.doubt or "stays"),
                text(one.against),
            ]
            for one in self.manifest.alignments
        ]
        inside = table(["file", "declared at", "by sound at", "confidence", "moved", "shares sound with"], rows)
        return f"<h2>Placed by sound</h2>{folded(_count(rows, 'file'), inside, len(rows))}" if rows else ""

    def segments(self) -> str:
        fates = {outcome.video_id: outcome for outcome in self.manifest.outcomes}
        accounts = {account.video_id: account_text(account) for account in self.manifest.accounts}
        origins = sorted(self.manifest.origins, key=lambda o: (o.play_time, o.kind.value, o.user, o.video_id))
        rows = [[*self.segment(origin, fates), text(accounts.get(origin.video_id, ""))] for origin in origins]
        heads = ["segment", "stream", "in the playback", "declared", "file", "fate", "where it went"]
        odd = [
            row for origin, row in zip(origins, rows, strict=True)
            if origin.video_id not in fates or fates[origin.video_id].fate is not Fate.USED
        ]  # fmt: skip
        first = folded(f"{len(odd)} not used as declared", table(heads, odd), len(odd)) if odd else ""
        everything = folded(_count(rows, "file"), table(heads, rows), len(rows))
        return everything if len(rows) <= markup.FEW else f"{first}{everything}"

    def segment(self, origin: Origin, fates: Mapping[str, Outcome]) -> list[str]:
        outcome = fates.get(origin.video_id)
        lasts = f", {clock_text(origin.duration)} long" if origin.duration is not None else ""
        fate = ""
        if outcome is not None:
            name = "ok" if outcome.fate is Fate.USED else "warning"
            fate = f'<span class="{name} nowrap">{outcome.fate.value}</span>' + (
                f": {text(outcome.how)}" if outcome.how else ""
            )
        return [
            f"<b>{text(origin.video_id)}</b>",
            text(_stream(origin)),
            self.places(origin.video_id),
            f"at {clock_text(origin.play_time)}{lasts}",
            f"{origin.bytes:,} B".replace(",", " ") if origin.bytes is not None else "none",
            fate,
        ]

    def chapters(self) -> str:
        rows = [[self.at(c.at), text(c.title), _wall(self.timeline, c.at)] for c in self.manifest.chapters]
        return folded(_count(rows, "chapter"), table(["at", "chapter", "wall clock"], rows), len(rows))

    def pauses(self) -> str:
        jumps = self.manifest.clock.jumps
        if not jumps:
            return "<p>No pause was skipped.</p>"
        lines = []
        for jump in jumps:
            length = clock_text(jump.length) if jump.length is not None else "unknown length"
            lines.append(f"<li>Pause of {length} skipped at {self.at(jump.at)} (known from: {text(jump.reason)})</li>")
        return folded(_count(lines, "pause"), f"<ul>{''.join(lines)}</ul>", len(lines))

    def decisions(self) -> str:
        known = self.manifest
        encoder = text(known.encoder) + (f", quality {text(known.quality.value)}" if known.quality else "")
        sound = f"copied from {text(known.sound_copied)}" if known.sound_copied else "mixed"
        return facts(
            [
                ("layout", f"{text(known.layout)}: {text(known.layout_reason)}"),
                ("picture", f"{known.mode.value}: {text(known.mode_reason)}"),
                ("encoder", "" if known.mode is Mode.COPY else encoder),
                ("sound", f"{sound}: {text(known.sound_reason)}"),
                ("play times", text(known.play_times)),
                ("began", _wall(self.timeline, 0)),
            ]
        )

    def vendor(self) -> str:
        """Quote the vendor about each recording."""
        parts = []
        for words in self.manifest.recordings:
            rows = [(name, text(value)) for name, value in vendor_facts(words)]
            error = words.error
            rows += [("failure", text(f"{error.message} {error.advice}"))] if error is not None else []
            parts += [f"<h2>Recording: {text(words.name)}</h2>", facts(rows)] if rows else []
        return "".join(parts)

    def scenes(self) -> str:
        owners = {o.video_id: o.user or o.kind.value for o in self.manifest.origins}
        rows = []
        for scene in self.manifest.scenes:
            start, end = frame_ms(scene.first, self.manifest.fps), frame_ms(scene.end, self.manifest.fps)
            named = [f"{text(s.slot)}: {text(owners.get(s.video_id, s.video_id))}" for s in scene.shown]
            shown = listed(named, FEW_PLACES)
            rows.append(
                [self.at(start), clock_text(end), shown or "background", f"{scene.mode.value}: {text(scene.reason)}"]
            )
        return folded(_count(rows, "scene"), table(["from", "to", "shown", "how"], rows), len(rows))


def _count(rows: Sized, name: str) -> str:
    return f"{len(rows)} {name}{'s' if len(rows) != 1 else ''}"


def _stream(origin: Origin) -> str:
    return f"{origin.kind.value} of {origin.user}" if origin.user else origin.kind.value


def _wall(timeline: Timeline, at: int) -> str:
    """The wall clock of a playback instant; "" where unknown."""
    wall = wall_at(timeline.clock, PlayMs(at))
    if wall is None:
        return ""
    return wall_text(wall) + ("" if timeline.clock.is_exact else " (±1 s)")
