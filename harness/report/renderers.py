"""Texts and numbers of the report as HTML, Markdown, LaTeX and terminal text; each format has its functions here."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from harness.report.numbers import NO_BREAK, interval, number
from harness.report.text import Content, Name, Number, Part, Score, Symbol, Text


def _parts(content: Content) -> tuple[Part, ...]:
    return content.parts if isinstance(content, Text) else (content,)


def _written(score: Score, between: str = ", ", zero: bool = True) -> tuple[str, str]:
    """The value and its interval; the second is empty where an end is nan."""
    of, sign = score.estimate, score.sign
    return number(of.value, sign=sign, zero=zero), interval(of.low, of.high, sign, between, zero)


def plain(content: Content) -> str:
    """Text without any marks and without no-break spaces, for attributes and files of plain text."""
    return "".join(_plain(part) for part in _parts(content)).replace(NO_BREAK, " ")


def _plain(part: Part) -> str:
    if isinstance(part, Score):
        return " ".join(filter(None, _written(part)))
    if isinstance(part, Number):
        return part.form(part.value)
    return part if isinstance(part, str) else part.text


def terminal(content: Content) -> str:
    """Plain text with estimates written without the zero before the point, so that two fit one line."""
    return "".join(
        " ".join(filter(None, _written(part, zero=False))) if isinstance(part, Score) else _plain(part)
        for part in _parts(content)
    ).replace(NO_BREAK, " ")


def markdown(content: Content) -> str:
    """A sentence in Markdown, names as code."""
    marked = (f"`{part.text}`" if isinstance(part, Name) else _plain(part) for part in _parts(content))
    return "".join(marked).replace(NO_BREAK, " ")


def markdown_cell(content: Content) -> str:
    """A cell of a GitHub Markdown table: nothing in it ends the cell or the row, or starts a mark-up."""
    return re.sub(r"([\\`*_\[\]<>|~#$])", r"\\\1", " ".join(plain(content).split()))


def html(content: Content) -> Markup:
    """A sentence in HTML, names as code, everything escaped."""
    return Markup("").join(_html(part) for part in _parts(content))


def _html(part: Part) -> Markup:
    if isinstance(part, Name):
        return Markup("<code>{}</code>").format(part.text)
    if isinstance(part, Symbol):
        return Markup(part.html)
    if isinstance(part, Score):
        return escape(" ".join(filter(None, _written(part, f",{NO_BREAK}"))))
    return escape(_plain(part))


def html_cell(content: Content) -> Markup:
    """A cell of a table in HTML: the interval is set smaller than its value."""
    return Markup("").join(_html_cell(part) for part in _parts(content))


def _html_cell(part: Part) -> Markup:
    value, ends = _written(part) if isinstance(part, Score) else ("", "")
    return Markup("{} <small>{}</small>").format(value, ends) if ends else _html(part)


_LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "\n": " "},
    **{"τ": r"$\tau$", "β": r"$\beta$", "ρ": r"$\rho$", "Δ": r"$\Delta$", "Σ": r"$\Sigma$", "α": r"$\alpha$"},
    **{
        "\N{MINUS SIGN}": "$-$",
        "\N{EN DASH}": "--",
        "\N{EM DASH}": "---",
        "±": r"$\pm$",
        "≤": r"$\le$",
        "≥": r"$\ge$",
        "…": r"\ldots{}",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "½": r"$\frac{1}{2}$",
        "⌈": r"$\lceil$",
        "⌉": r"$\rceil$",
        "²": r"$^2$",
        "∞": r"$\infty$",
        NO_BREAK: "~",
    },
}


def latex_escaped(text: str) -> str:
    """The text with every character that LaTeX would read as a command, or lacks in its fonts, written out."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def latex(content: Content) -> str:
    r"""A sentence, or a cell, in LaTeX; a name is in typewriter letters that may break after an underscore."""
    return "".join(_latex(part) for part in _parts(content))


def _latex(part: Part) -> str:
    if isinstance(part, Name):
        return rf"\texttt{{{latex_escaped(part.text)}}}".replace(r"\_", r"\_\allowbreak{}")
    if isinstance(part, Symbol):
        return part.latex
    if isinstance(part, Score):
        return latex_escaped(" ".join(filter(None, _written(part, f",{NO_BREAK}"))))
    return latex_escaped(_plain(part))
