"""Names as people type them: what is taken out, what stays together, and which way it runs."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assembler.media.artwork.line import find_levels
from assembler.media.artwork.text import clean_text, find_initials, is_complex, script_of, split_clusters

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("typed", "drawn"),
    [
        ("  Anna \t\n Müller\r\n", "Anna Müller"),
        ("An\x00na\x1b[31m", "Anna[31m"),
        ("\u202egnp.exe\u202c \u2066x\u2069\u200f\ufeff", "gnp.exe x"),
        ("A\u0301nna", "Ánna"),
        ("\u200d\u200d\u200d", ""),
        ("\u3164\u2800", ""),
        ("\ue000\ud800\U000f0000x", "x"),
        (f"{FAMILY} Ng\u200b\u00adô", f"{FAMILY} Ngô"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Z" + "\u0337\u0321\u0322\u031b" * 100 + "a", "Z\u0337\u0337\u0337a"),
    ],
)
def test_what_shows_nothing_or_lies_about_the_order_is_taken_out(typed: str, drawn: str) -> None:
    assert clean_text(typed) == drawn


@given(st.text(max_size=300))
def test_a_cleaned_text_is_one_short_line_and_stays_as_it_is(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert len(split_clusters(cleaned)) <= 120
    assert not {unicodedata.category(c) for c in cleaned} & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not any("\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" for c in cleaned)


def test_ten_thousand_characters_are_read_no_further_than_they_can_be_drawn() -> None:
    assert len(clean_text("long " * 2000)) <= 120
    assert clean_text("\u200d" * 10_000) == ""
    assert len(clean_text("a" + "\u0301" * 10_000)) <= 4


@pytest.mark.parametrize(
    ("text", "clusters"),
    [
        ("ab", ["a", "b"]),
        (f"a{FAMILY}b", ["a", FAMILY, "b"]),
        ("👍🏽👍", ["👍🏽", "👍"]),
        ("🇨🇳🇩🇪", ["🇨🇳", "🇩🇪"]),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿x", ["🏴󠁧󠁢󠁥󠁮󠁧󠁿", "x"]),
        ("1️⃣2", ["1️⃣", "2"]),
        ("สมชาย", ["ส", "ม", "ช", "า", "ย"]),
        ("शर्मा", ["श", "र्", "मा"]),
    ],
)
def test_a_letter_keeps_its_marks_and_an_emoji_its_parts(text: str, clusters: list[str]) -> None:
    assert split_clusters(text) == clusters


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Anna Müller", "AM"),
        ("anna", "A"),
        ("(Dr.) anna maria o'neill", "DO"),
        ("王小明", "王"),
        ("山田 たろう", "山"),
        ("محمد علي", "م"),
        ("🦊 Fox", "🦊"),
        ("ßeta Ж", "SSЖ"),
        ("---", "-"),
        ("", ""),
    ],
)
def test_initials_are_two_capitals_or_the_first_letter(name: str, initials: str) -> None:
    assert find_initials(name) == initials


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("abc 12", "000000"),
        ("אבג", "111"),
        ("אב 12 ג", "1112211"),
        ("אב (ab)", "1111221"),
        ("ab אב cd", "00011000"),
        ("ab אב 12", "00011122"),
        ("אב 12:30", "11122222"),
        ("אב ab 12", "11122222"),
        ("ab…", "000"),
        ("אב…", "111"),
    ],
)
def test_letters_to_the_left_and_numbers_among_them_have_their_levels(text: str, levels: str) -> None:
    assert "".join(map(str, find_levels(list(text)))) == levels


def test_scripts_that_must_be_shaped_are_known_and_named() -> None:
    complex_ = {"م": "Arabic", "ד": "Hebrew", "अ": "Devanagari", "ส": "Thai", "ქ": "Georgian", "က": "Myanmar"}
    assert {c for c in complex_ if is_complex(c)} == set(complex_) - {"ქ"}
    assert {c: script_of(c) for c in complex_} == complex_
    assert not any(map(is_complex, "aÉЖΩ王た김1(…🦊"))
    assert (script_of("王"), script_of("🦊"), script_of("た"), script_of("김")) == (
        "CJK",
        "Emoji",
        "Hiragana",
        "Hangul",
    )
