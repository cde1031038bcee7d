"""The page on which a playback is watched, as text; tests/jobs/web/test_watch.py opens it in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lessons import board, camera, recording, screen
from manifests import manifest_of

from assembler.choices import PackageName, Role
from assembler.people import Person
from assembler.plan.manifest import Activity, CaptionFile, Manifest, Package, PackageFile
from assembler.report.assets import chapters_text, load_extras
from assembler.report.attendees import find_attendees
from assembler.report.markup import source_of
from assembler.report.watch import MOST_CUES, Extras, Subtitles, policy, script, style, watch_page
from assembler.timeline.model import Chapter
from assembler.times import Ms, PlayMs, span

EVIL = "</script><b onclick='x'>\"&amp;\u2028"
LESSON = recording(
    [board("w", 0, 60_000), camera("a", "ann", 0, 60_000), camera("b", EVIL, 10_000, 20_000),
     screen("s", "ann", 20_000, 10_000)],
    total=60_000,
)  # fmt: skip


def known_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="known">(.*?)</script>', page)
    assert found is not None
    return dict(json.loads(found[1]))


def manifest(**changes: Any) -> Manifest:
    return manifest_of(LESSON, **changes)[0]


class TestPage:
    def test_what_anybody_may_name_is_text(self) -> None:
        marks, people = (Chapter(at=PlayMs(0), title=EVIL),), (Person(user=EVIL, name=EVIL, role=Role.STUDENT),)
        named = manifest(title=EVIL, course=EVIL, chapters=marks, people=people)
        chat = Subtitles(EVIL, "chat.vtt", [(0, 1, EVIL, EVIL)])
        page = watch_page(named, f"{EVIL}.mp4", Extras(subtitles=(chat,)))
        assert "<b onclick" not in page
        assert page.count("</script>") == 2
        known = known_of(page)
        assert (known["chapters"], known["captions"][0]["cues"]) == ([[0, EVIL]], [[0, 1, EVIL, EVIL]])

    def test_its_policy_lets_run_and_look_what_is_its_own_only(self) -> None:
        page = watch_page(manifest(), "class.mp4", Extras())
        assert f"<script>{script()}</script>" in page
        assert f"<style>{style()}</style>" in page
        assert source_of(script()) in policy()
        assert source_of(style()) in policy()
        assert policy() in page
        assert "default-src 'none'" in policy()
        assert re.findall(r'(?:src|href)="(?!data:|\.\./|[\w./]+")[^"]*"', page) == []

    def test_files_that_are_there_are_linked(self) -> None:
        files = tuple(PackageFile(path=f"people/{n:02d} ä.mp4", size=5) for n in range(20))
        packages = (Package(name=PackageName.PEOPLE, digest="d", files=files),)
        page = watch_page(manifest(packages=packages), "class #1.mp4", Extras())
        assert 'href="../class%20%231.mp4"' in page
        assert 'href="people/00%20%C3%A4.mp4"' in page
        assert "<summary>20 files</summary>" in page

    def test_of_a_package_to_stream_the_playlist_that_players_open_is_linked_alone(self) -> None:
        files = tuple(PackageFile(path=f"hls/{name}", size=5) for name in ("master.m3u8", "video.m3u8", "video.mp4"))
        packages = (Package(name=PackageName.HLS, digest="d", files=files),)
        page = watch_page(manifest(packages=packages), "class.mp4", Extras())
        assert re.findall(r'href="(hls/[^"]*)"', page) == ["hls/master.m3u8"]

    def test_of_very_many_messages_the_first_are_in_the_page(self) -> None:
        many = Subtitles("Chat", "chat.vtt", [(n, n + 1, "", "x") for n in range(100_000)])
        known = known_of(watch_page(manifest(), "x.mp4", Extras(subtitles=(many,))))
        assert len(known["captions"][0]["cues"]) == MOST_CUES


class TestPeople:
    def test_the_teacher_comes_first_then_who_speaks_longest(self) -> None:
        speech = (
            Activity(user="ann", talk=Ms(1000), spans=(span(0, 1000),)),
            Activity(
                user=EVIL, talk=Ms(4000), spans=(span(12_000, 14_000), span(14_500, 16_500), span(20_000, 20_100))
            ),
        )
        assert [one.name for one in find_attendees(manifest(activity=speech))] == [EVIL, "ann"]
        teacher = (Person(user="ann", name="Ms Wu", role=Role.TEACHER), Person(user=EVIL, name="", role=Role.STUDENT))
        first, second = find_attendees(manifest(activity=speech, people=teacher))
        assert (first.name, first.role, second.name) == ("Ms Wu", "teacher", EVIL)
        assert second.speech == [span(12_000, 16_500), span(20_000, 20_100)], "a short pause is within a turn"
        assert {one.did for one in find_attendees(manifest(scenes=()))} == {"was there"}
        assert (first.shares, first.did) == ([span(20_000, 30_000)], "spoke 0:01 · shared the screen 0:10 · seen 1:00")


class TestFiles:
    def test_chapters_end_where_the_next_begin(self) -> None:
        marks = (Chapter(at=PlayMs(0), title="Start"), Chapter(at=PlayMs(5000), title="a --> <b>"))
        assert chapters_text(manifest(chapters=marks)) == (
            "WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nStart\n\n00:00:05.000 --> 00:01:00.000\na --&gt; &lt;b&gt;\n"
        )

    def test_what_is_not_there_or_leads_elsewhere_is_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"secret")
        (tmp_path / "cover.jpg").symlink_to(tmp_path / "secret")
        (tmp_path / "chat.vtt").symlink_to(tmp_path / "secret")
        known = manifest(captions=(CaptionFile(path="chat.vtt", title="Chat", cues=1),))
        assert load_extras(tmp_path, known) == Extras()
        (tmp_path / "chapters.jpg").write_bytes(b"jpeg")
        assert load_extras(tmp_path, known).sheet == b"jpeg"
