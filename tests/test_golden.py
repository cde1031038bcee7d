"""A change of what is rendered or found raises its version: else work of older runs would be taken up as if it were
the same."""

from __future__ import annotations

import json
from typing import Any

import golden
import pytest


@pytest.fixture(scope="module")
def digests() -> dict[str, dict[str, str]]:
    return golden.build_digests()


@pytest.fixture
def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(golden.DIGESTS.read_text("utf-8"))
    return found


def test_another_result_has_another_version(digests: dict[str, dict[str, str]], kept: dict[str, Any]) -> None:
    assert golden.find_stale(digests, kept) == []


def test_the_golden_digests_are_todays(digests: dict[str, dict[str, str]], kept: dict[str, Any]) -> None:
    told = {version: {"is": number, "digests": digests[version]} for version, number in golden.VERSIONS.items()}
    assert told == kept, "run `python tests/golden.py`"


@pytest.mark.parametrize("version", golden.VERSIONS)
def test_a_result_that_changes_under_the_same_version_is_named(version: str, kept: dict[str, Any]) -> None:
    changed = {v: {**kept[v]["digests"]} for v in kept}
    changed[version][next(iter(changed[version]))] = "another"
    [sentence] = golden.find_stale(changed, kept)
    assert sentence.startswith(f"{version} is still {golden.VERSIONS[version]}")
    assert "raise it, then run `python tests/golden.py`" in sentence
    kept[version]["is"] -= 1
    assert golden.find_stale(changed, kept) == []


def test_what_is_not_the_same_has_not_the_same_digest(digests: dict[str, dict[str, str]]) -> None:
    for found in digests.values():
        assert len(set(found.values())) == len(found) >= 10
