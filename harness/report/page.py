"""Pages filled from templates that lie next to this file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.numbers import words
from harness.report.renderers import html, html_cell, markdown, markdown_block, markdown_cell, plain
from harness.report.style.compact import address, compact


def fill(template: str, values: Mapping[str, Any], more: Sequence[str] = ()) -> str:
    """A page from its template; those in HTML get the style and the script, and escape what they are given.

    `more` are further files of styles and scripts.
    """
    is_html = template.endswith(".html.jinja")
    room = files("harness.report")
    shared = {}
    if is_html:
        texts = {name: (room / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", *more)}
        shared = {key: "\n".join(text for name, text in texts.items() if name.endswith(ending))
                  for key, ending in (("style", ".css"), ("script", ".js"))}  # fmt: skip
        shared["policy"] = _policy(f"\n{shared['script']}")
    return _environment(is_html).get_template(template).render({**shared, **values})


@cache
def _environment(is_html: bool) -> Environment:
    """Where templates are compiled, once a process, with what they may ask of a value."""
    environment = Environment(
        loader=PackageLoader("harness.report", "."), autoescape=is_html, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "prose": html if is_html else markdown,
        "cell": html_cell if is_html else markdown_cell,
        "plain": plain,
        "block": markdown_block,
        "svg": svg,
        "words": words,
    }
    return environment


def _policy(script: str) -> str:
    """What a browser may load for the page: nothing but what is in it, and no script but ours."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    images, styles = "img-src 'self' data:", "style-src 'unsafe-inline'"
    return f"default-src 'none'; {images}; {styles}; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def svg(text: str) -> Markup:
    """A data address of an SVG that turns dark with the page, so that the page asks for no further file.

    It goes between double quotes, which `address` leaves none of.
    """
    return Markup(address(compact(text)))
