"""A hook of mkdocs: links from docs/ to what is no page of the site (files elsewhere, folders) become its name."""

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
