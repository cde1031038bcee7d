"""Redaction of text: ids and names of people who are not to be named, and what is said instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cached_property
from typing import TypeVar
from unicodedata import normalize
from urllib.parse import quote

from assembler.errors import AssemblerError
from assembler.findings import Finding
from assembler.values import Value

HIDDEN = "(hidden)"
"""Word for a hidden person."""
SHORT = 4
"""Length below which an id or name in Latin letters is only replaced as a whole word."""
GAP = r"[\s_.+-]+"
"""Pattern of what may stand between the words of a name: other spaces, a new line in a caption, "_" in a file name."""

Error = TypeVar("Error", bound=AssemblerError)


class Redaction(Value):
    """Words that are to stand in nothing that is published."""

    words: tuple[tuple[str, str], ...] = ()
    """Ids and names, each with what is said instead."""
    known: tuple[str, ...] = ()
    """Ids and names of people who are shown: a word that stands within one of them is replaced as a whole only."""

    @cached_property
    def _table(self) -> dict[str, str]:
        """Words said instead, by lower-case spelling: also that of an address."""
        return {
            spelling.casefold(): instead
            for word, instead in reversed(self.words)  # the first of two that are alike counts
            for form in ("NFC", "NFD")
            for spelling in (normalize(form, word), quote(normalize(form, word), safe=""))
        }

    @cached_property
    def _gaps(self) -> dict[str, re.Pattern[str]]:
        """Patterns of those spellings that have several words."""
        return {word: re.compile(_gapped(word)) for word in self._table if len(word.split()) > 1}

    def _is_in(self, word: str, text: str) -> bool:
        if word in text or word not in self._gaps:
            return word in text
        return word.split(maxsplit=1)[0] in text and self._gaps[word].search(text) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        shown = [text.casefold() for text in self.known]
        within = {word: [text for text in shown if self._is_in(word, text)] for word in self._table}
        longer = {text for texts in within.values() for text in texts}
        parts = [_gapped(text) for text in sorted(longer, key=len, reverse=True)]
        for word in sorted(self._table, key=len, reverse=True):
            is_whole = (word.isascii() and len(word) < SHORT) or bool(within[word])
            escaped = _gapped(word)
            parts.append(rf"(?<![^\W_]){escaped}(?![^\W_])" if is_whole else escaped)
        return re.compile("|".join(parts), re.IGNORECASE)

    def text(self, text: str) -> str:
        """Return the text with every such word replaced."""
        return self._pattern.sub(self._instead, text) if self.words and text else text

    def _instead(self, found: re.Match[str]) -> str:
        text = found[0].casefold()
        if text not in self._table and text in map(str.casefold, self.known):
            return found[0]
        alike = (self._table[word] for word, pattern in self._gaps.items() if pattern.fullmatch(text))
        return self._table.get(text) or next(alike, found[0])

    def names(self, text: str) -> bool:
        """Tell whether such a word stands anywhere in the text, also within another word."""
        lower = text.casefold()
        return any(self._is_in(word, lower) for word in self._table)

    def finding(self, finding: Finding) -> Finding:
        """Return the finding without such words."""
        if not self.words:
            return finding
        return finding.model_copy(update={"where": self.text(finding.where), "sentence": self.text(finding.sentence)})

    def error(self, error: Error) -> Error:
        """Return the error without such words; itself where it has none."""
        sentence, hint = self.text(error.sentence), self.text(error.hint)
        if (sentence, hint) == (error.sentence, error.hint):
            return error
        again = error.reworded(sentence)
        again.hint = hint
        return again


def _gapped(text: str) -> str:
    """Build a pattern that finds a text whatever its words stand apart by."""
    return GAP.join(re.escape(word) for word in text.split()) or re.escape(text)


def build_redaction(words: Iterable[tuple[str, str]], known: Collection[str]) -> Redaction:
    """Build a redaction; what is also an id or name of somebody who is shown stays."""
    shown = {text.casefold() for text in known}
    kept = {word: instead for word, instead in reversed(list(words)) if word and word.casefold() not in shown}
    return Redaction(words=tuple(reversed(kept.items())), known=tuple(known))
