"""Drawn pictures: sizes, legibility, and what is drawn where a font or a shaper is missing."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from assembler.media.artwork import fonts
from assembler.media.artwork.draw import draw_artwork
from assembler.media.artwork.files import drawing_identity
from assembler.media.artwork.line import fit_line, lay_out
from assembler.media.artwork.scripts import SAMPLES, check_scripts
from assembler.plan.artwork import Artwork, ArtworkKind, label_height, label_margin

LONG = "Bartholomew Featherstonehaugh-Cholmondeley von und zu Hohenzo"
NAMES = ["Anna Müller", "王小明", "محمد علي 12 (Ali)", "🦊👨‍👩‍👧‍👦", LONG, "W", "i" * 10_000, "Z" + "\u0337" * 999]
SIZES = [(1280, 960), (640, 480), (320, 240), (320, 180), (160, 120), (96, 54)]


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was found out about fonts is found out anew, within the test and behind it."""
    caches = (fonts.load_font, fonts._packaged, fonts._files)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def drawn(kind: ArtworkKind, text: str, size: tuple[int, int], **more: Any) -> Image.Image:
    drawing = draw_artwork(Artwork(kind=kind, text=text, user="user_1", width=size[0], height=size[1], **more))
    return Image.open(BytesIO(drawing.png))


def label(text: str, tile: tuple[int, int]) -> Image.Image:
    return drawn(ArtworkKind.LABEL, text, (tile[0] - 2 * label_margin(tile[1]), label_height(*tile)))


@pytest.mark.parametrize("tile", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_label_is_never_wider_than_its_tile_and_its_sides_are_even(name: str, tile: tuple[int, int]) -> None:
    image = label(name, tile)
    assert image.width <= tile[0] - 2 * label_margin(tile[1])
    assert image.height == label_height(*tile)
    assert image.width % 2 == image.height % 2 == label_margin(tile[1]) % 2 == 0


def test_a_short_name_has_a_short_label_and_a_long_one_an_ellipsis() -> None:
    assert label("Al", (320, 180)).width < 50 < label("Anna Müller", (320, 180)).width < 150
    text = "".join(run.text for run in fit_line(LONG, 14, 200).runs)
    assert text.endswith("…")
    assert LONG.startswith(text[:-1])
    assert fit_line(LONG, 14, 2).runs == ()


def test_tiles_too_small_for_letters_have_no_label() -> None:
    sizes = (94, 70), (128, 52), (96, 54), (320, 180), (1280, 960)
    assert [label_height(*size) for size in sizes] == [0, 0, 22, 24, 48]


@pytest.mark.parametrize("tile", [(320, 240), (320, 180)])
def test_letters_are_high_and_light_enough_over_any_picture(tile: tuple[int, int]) -> None:
    image = label("HHHH", tile)
    for colour in ("#FFFFFF", "#000000"):
        ground = Image.new("RGBA", image.size, colour)
        ground.alpha_composite(image)
        grey = np.asarray(ground.convert("L"), dtype=float)
        inner = grey[4:-4, 8:-8]
        rows = np.flatnonzero((inner > 200).any(axis=1))
        assert rows[-1] - rows[0] + 1 >= 9  # a capital of a letter size of 14
        assert ((inner.max() / 255) ** 2.2 + 0.05) / ((np.median(grey[2:4, 8:-8]) / 255) ** 2.2 + 0.05) > 4.5


@pytest.mark.parametrize("size", [*SIZES, (64, 48), (48, 96), (2, 2), (3840, 64)])
@pytest.mark.parametrize("kind", [ArtworkKind.CARD, ArtworkKind.SILHOUETTE])
def test_a_card_fills_its_tile_and_hides_all_below(kind: ArtworkKind, size: tuple[int, int]) -> None:
    image = drawn(kind, LONG, size)
    assert image.size == size
    assert image.getchannel("A").getextrema() == (255, 255)


def test_cards_of_two_people_differ_in_colour_and_one_person_keeps_it() -> None:
    one, other = (draw_artwork(Artwork(kind=ArtworkKind.CARD, text="A", user=u, width=64, height=48)) for u in "ab")
    assert one.png != other.png
    assert one == draw_artwork(Artwork(kind=ArtworkKind.CARD, text="A", user="a", width=64, height=48))


def test_a_frame_is_thin_and_clear_within() -> None:
    alpha = np.asarray(drawn(ArtworkKind.FRAME, "", (320, 180)).getchannel("A"))
    assert alpha[:4].all() and alpha[-4:].all() and alpha[:, :4].all() and alpha[:, -4:].all()  # noqa: PT018
    assert not alpha[4:-4, 4:-4].any()


@pytest.mark.skipif(not fonts.can_shape(), reason="this machine has no FriBiDi")
def test_all_scripts_can_be_drawn_with_our_packages_and_arabic_letters_join() -> None:
    assert set(check_scripts().values()) == {None}
    alone = sum(lay_out(letter, 32).width for letter in "محمد")
    assert abs(lay_out("محمد", 32).width - alone) > 3
    assert lay_out("👨‍👩‍👧‍👦", 32).width < 1.5 * lay_out("👨", 32).width


@pytest.mark.usefixtures("forgotten")
def test_a_script_without_a_font_is_drawn_as_the_id_and_the_reason_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "PACKAGES", fonts.PACKAGES[:1])
    monkeypatch.setattr(fonts, "FOLDERS", ())
    named, plain = (
        draw_artwork(Artwork(kind=ArtworkKind.LABEL, text=text, user="user_1", width=300, height=22))
        for text in ("王小明", "user_1")
    )
    assert named.refused == "no font here has CJK letters"
    assert (named.png, plain.refused) == (plain.png, "")
    assert [name for name, why in check_scripts().items() if why] == ["Chinese", "Japanese", "Korean"]
    nobody = draw_artwork(Artwork(kind=ArtworkKind.LABEL, text="王", user="明", width=300, height=22))
    assert Image.open(BytesIO(nobody.png)).getchannel("A").getextrema() == (0, 0)


@pytest.mark.usefixtures("forgotten")
def test_names_that_a_font_more_would_draw_are_part_of_what_decides_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = drawing_identity({"Anna", "王小明"})
    assert tools == drawing_identity({"Anna"})
    monkeypatch.setattr(fonts, "PACKAGES", fonts.PACKAGES[:1])
    monkeypatch.setattr(fonts, "FOLDERS", ())
    fonts._packaged.cache_clear()
    fonts._files.cache_clear()
    assert drawing_identity({"Anna", "王小明"}) == ("王小明", *tools)


@pytest.mark.usefixtures("forgotten")
def test_without_a_shaper_letters_that_need_one_are_never_drawn_unshaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda feature: False)
    refused = {name for name, why in check_scripts().items() if "shaped" in str(why)}
    assert refused == {"Arabic", "Hebrew", "Hindi", "Bengali", "Tamil", "Thai"}
    card, plain = (
        draw_artwork(Artwork(kind=ArtworkKind.CARD, text=text, user="user_1", width=320, height=180))
        for text in ("محمد", "user_1")
    )
    assert card.refused == "Arabic letters cannot be shaped here (FriBiDi is missing)"
    assert card.png == plain.png
    assert lay_out("Anna 王 👍🏽", 16).width > 0


@pytest.mark.usefixtures("forgotten")
def test_fonts_of_the_machine_are_found_where_ours_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    ours = fonts.find_face("ד")
    assert ours is not None
    (tmp_path / "deep" / "down").mkdir(parents=True)
    (tmp_path / "deep" / "down" / "Some.TTF").write_bytes(ours.path.read_bytes())
    (tmp_path / "a.ttf").write_bytes(b"no font")
    (tmp_path / "b.otf").write_bytes(ours.path.read_bytes()[:2000])
    fonts._packaged.cache_clear()
    fonts._files.cache_clear()
    monkeypatch.setattr(fonts, "PACKAGES", ())
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path / "nowhere"), str(tmp_path)))
    found = fonts.find_face("ד")
    assert found is not None
    assert found.path.name == "Some.TTF"
    assert fonts.find_face("王") is None
    assert set(SAMPLES) - {name for name, why in check_scripts().items() if why} == {"Hebrew"}
