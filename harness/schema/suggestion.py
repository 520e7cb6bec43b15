"""The nearest of several known names to one that is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CUTOFF = 0.7
"""Similarity (difflib's ratio) from which on a name counts as a near miss: one or two letters of a short word."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """ "; did you mean NAME?" for the known name that is nearest to `word`, whatever its case; "" where none is near.

    >>> suggestion("beta_ef", ["flops", "beta_eff"])
    '; did you mean beta_eff?'
    """
    by_folded = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_folded, n=1, cutoff=CUTOFF)
    return f"; did you mean {by_folded[near[0]]}?" if near else ""
