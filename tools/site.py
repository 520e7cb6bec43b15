"""Hooks of mkdocs: links from docs/ to what is no page of the site (files elsewhere, folders) become its name, and an
estimate stays on one line with its interval."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:)([^)#\s]+)[^)]*\)")
"""A relative link: its text and its target."""


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """The page's text without such links. Raises FileNotFoundError for one that leads nowhere."""
    folder = (ROOT / "docs" / page.file.src_uri).parent

    def named(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        if target.is_relative_to(ROOT / "docs") and not target.is_dir():
            return link[0]  # mkdocs says what is wrong with it
        if not target.exists():
            raise FileNotFoundError(f"{page.file.src_uri}: {link[2]}")
        return f"{link[1]} (`{target.relative_to(ROOT)}` in the repository)"

    return LINK.sub(named, markdown)


HARD = "\N{NO-BREAK SPACE}"
_NUMBER = "([-+\N{MINUS SIGN}]?\\d*\\.?\\d+)"
ESTIMATE = re.compile(rf"{_NUMBER}( |<br ?/?>)\[{_NUMBER}, {_NUMBER}\]")
"""A number with its interval, as .61 [.51, .70], beside it or below it."""


def on_page_content(html: str, **_: object) -> str:
    """The page with no-break spaces in every estimate."""

    def kept(found: re.Match[str]) -> str:
        number, between, low, high = found.groups()
        return f"{number}{HARD if between == ' ' else between}[{low},{HARD}{high}]"

    return ESTIMATE.sub(kept, html)
