"""Hostile texts, and what must hold of every page they come out on."""

from __future__ import annotations

import re
from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "[a](javascript:alert(1))",
    "javascript:alert(1)",
    "![a](http://127.0.0.1:9/a.png)",
    "`<b>`` </code></pre></details><script>",
    "</title></style><iframe src=//x>",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp.exe\u2066",
    "=HYPERLINK(\"http://x\")",
    "@SUM(1)",
    "+1|'/C calc'!A0",
    "-2+3",
    "\t=1",
    "\r=1",
    "a\n# heading\n\n<script>alert(1)</script>",
    "$\\frac{$ \\input{/etc/passwd}",
    "[0] \\end{tabular}",
    "{{ 7*7 }}{% raw %}",
    "&lt;script&gt; https://evil.example www.evil.example",
]  # fmt: skip

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

OWN = r"(data:(image/svg\+xml)?,|#|figures/|https://arxiv\.org/abs/|\.\./index\.html|bench-data/)"
"""What pages may lead to."""


def name_of(at: int) -> str:
    return f"{HOSTILE[at % len(HOSTILE)]}{'' if at < len(HOSTILE) else at}"


class Markup(HTMLParser):
    """Raises at anything that executes, or asks for a file, in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("iframe", "object", "embed", "svg", "base", "form")
        self.scripts += tag == "script" and ("type", "text/plain") not in attrs  # data are no script
        for name, value in attrs:
            assert not name.startswith("on") and name != "srcdoc", (tag, name, value)
            if name in ("src", "href"):
                assert re.match(OWN, value or ""), (tag, name, value)


def check_html(text: str, own_script: bool) -> None:
    parser = Markup()
    parser.feed(text)
    parser.close()
    assert parser.scripts == own_script
    assert not CONTROL.search(text)
