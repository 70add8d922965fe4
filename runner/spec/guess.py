"""The word that somebody meant, among those that exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_WORD = 64
_MOST_WORDS = 500


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like this one; empty where none is."""
    words = [str(candidate) for _, candidate in zip(range(_MOST_WORDS), known, strict=False)]
    if not word or len(word) > _LONGEST_WORD:
        return ""
    folded = {candidate.casefold(): candidate for candidate in reversed(words)}
    matches = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean alpha?` for a word that is like a known one; empty for any other."""
    guess = nearest(word, known)
    return f"; did you mean {guess}?" if guess else ""


def listed(words: Iterable[str], joint: str = "or") -> str:
    """Words as a sentence has them: `a, b or c`; `nothing` for none."""
    *most, last = list(words) or ["nothing"]
    return f"{', '.join(most)} {joint} {last}" if most else last
