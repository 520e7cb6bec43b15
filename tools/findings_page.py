"""`python -m tools.findings_page [PAGE]`: prints docs/findings.md or an appendix page, made from the committed tables.

Templates lie in tools/findings. Their numbers are looked up (tools/findings_looks.py), so that a page cannot hold what
no table holds.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path

from tools.findings_looks import LOOKS
from tools.findings_tables import HARD, PUBLISHED
from tools.pages import filled, print_page

APPENDIX = ("neural_capacitance", "early_training", "accuracy_from_weights", "nasbench201", "pretrained")
PAGES = {"findings": "docs/findings.md"} | {name: f"docs/findings/{name}.md" for name in APPENDIX}
"""Where each page lies."""

WIDTH = 158
CONTINUED = {"- ": "  ", "> ": "> "}
"""What the further lines of a point and of a quotation start with."""


def page(name: str = "findings", published: Path = PUBLISHED) -> str:
    """A page of `PAGES` as Markdown, its paragraphs wrapped; `published` is a folder with the tables of a run."""
    looks = {key: partial(look, published) for key, look in LOOKS.items()}
    return wrapped(filled(f"findings/{name}.md.jinja", looks))


def wrapped(text: str) -> str:
    """Markdown with its paragraphs and points broken at WIDTH; tables, commands, headings and figures stay as they are.

    An estimate stays on one line.
    """
    lines: list[str] = []
    for block, rows in groupby(text.splitlines(), bool):
        found = list(rows)
        lines += _blocks(found) if block else found
    return "\n".join(lines).replace(HARD, " ") + "\n"


def _blocks(rows: list[str]) -> Iterator[str]:
    if re.match(r"\||#|    |!\[|<", rows[0]):
        yield from rows
        return
    for point in re.split(r"\n(?=- )", "\n".join(rows)):
        indent = next((mark for start, mark in CONTINUED.items() if point.startswith(start)), "")
        line = re.sub(rf" *\n(?:{re.escape(indent)})? *", " ", point)
        yield from textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(print_page("tools.findings_page", page, PAGES))
