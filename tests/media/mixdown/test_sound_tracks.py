"""A file may hold several sound tracks (microphone and system, one a participant): all are heard, in their places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chirps import chirps, with_tracks
from hearing import hear

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_every_sound_track_is_heard(suffix: str, tmp_path: Path) -> None:
    tracks = chirps(2.5, 0.4), chirps(2.5, 1.1), chirps(2.5, 1.8)
    heard = hear(with_tracks(tmp_path / f"three.{suffix}", *tracks), tmp_path)
    assert heard.chirps == pytest.approx([0.4, 1.1, 1.8], abs=0.001)
    assert [sound.index for sound in heard.facts.sounds] == [1, 2, 3]
    assert heard.told == []


def test_tracks_of_a_transport_stream_keep_their_places(tmp_path: Path) -> None:
    late = ("-c:a:0", "aac", "-c:a:1", "libmp3lame")
    heard = hear(with_tracks(tmp_path / "two.ts", chirps(2.5, 0.4), chirps(2.5, 1.1), words=late), tmp_path)
    assert len(heard.chirps) == 2
    assert heard.chirps[1] - heard.chirps[0] == pytest.approx(0.7, abs=0.03)  # each keeps its encoder's delay


def test_a_track_that_ends_before_the_others_is_no_loss(tmp_path: Path) -> None:
    heard = hear(with_tracks(tmp_path / "short.mkv", chirps(1.0, 0.4), chirps(2.5, 1.8)), tmp_path)
    assert heard.chirps == pytest.approx([0.4, 1.8], abs=0.001)
    assert heard.told == []


def test_tracks_of_other_rates_and_channels_are_mixed_at_full_level(tmp_path: Path) -> None:
    stereo = np.concatenate([chirps(2.5, 0.4)] * 2)
    words = ("-c:a", "pcm_s16le", "-ar:a:0", "44100", "-ar:a:1", "16000")
    heard = hear(with_tracks(tmp_path / "rates.mkv", stereo, chirps(2.5, 1.1), words=words), tmp_path)
    assert heard.chirps == pytest.approx([0.4, 1.1], abs=0.001)


def test_only_a_lone_sound_track_is_copied(tmp_path: Path) -> None:
    lone = hear(with_tracks(tmp_path / "one.mp4", chirps(2.4, 0.4)), tmp_path)
    both = hear(with_tracks(tmp_path / "two.mp4", chirps(2.4, 0.4), chirps(2.4, 1.1)), tmp_path)
    assert (lone.bed.copied, both.bed.copied) == ("cam", None)


def test_a_track_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = with_tracks(tmp_path / "unknown.mkv", chirps(2.5, 0.4), chirps(2.5, 1.1), words=("-c:a", "pcm_s16le"))
    raw = path.read_bytes()
    at = raw.rindex(b"A_PCM/INT/LIT")
    path.write_bytes(raw[:at] + b"A_XYZ/INT/LIT" + raw[at + 13 :])
    heard = hear(path, tmp_path)
    assert heard.chirps == pytest.approx([0.4], abs=0.001)
    assert ["stream 2" in sentence and "not heard" in sentence for sentence in heard.told] == [True]
