"""Pages of docs that are made from a template: how they are filled and printed."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TOOLS = Path(__file__).parent


def filled(template: str, known: Mapping[str, Any]) -> str:
    """The text of a template of `TOOLS`; it and the templates that it imports may use what is `known`."""
    environment = Environment(
        loader=FileSystemLoader(TOOLS),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(known)
    return environment.get_template(template).render()


def print_page(prog: str, make: Callable[[str], str], pages: Mapping[str, str]) -> int:
    """Print the page that is named on the command line, the first of `pages` (name: path in docs) if none is."""
    parser = ArgumentParser(prog=f"python -m {prog}", description=f"Print a page of docs: {', '.join(pages.values())}.")
    first = next(iter(pages))
    parser.add_argument("page", nargs="?", default=first, choices=[*pages], metavar="PAGE", help=f"{', '.join(pages)}")
    sys.stdout.write(make(parser.parse_args().page))
    return 0
