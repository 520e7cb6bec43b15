"""`python -m tools.findings_page`: prints docs/findings.md, made from findings.md.jinja and the committed tables.

Every number of the page is looked up (tools/findings_tables.py), so that it cannot hold what no table holds.
"""

from __future__ import annotations

import re
import sys
import textwrap
from argparse import ArgumentParser
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.findings_tables import HARD, LOOKS, PUBLISHED

WIDTH = 158
CONTINUED = {"- ": "  ", "> ": "> "}
"""What the further lines of a point and of a quotation start with."""


def page(published: Path = PUBLISHED) -> str:
    """The whole page as Markdown, its paragraphs wrapped; `published` is a folder with the tables of a run."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    looks = {name: partial(look, published) for name, look in LOOKS.items()}
    return wrapped(environment.get_template("findings.md.jinja").render(looks))


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


def main() -> int:
    """Print the page."""
    ArgumentParser(prog="tools.findings_page", description="Print docs/findings.md.").parse_args()
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
