"""Texts and numbers of the report as HTML, Markdown, LaTeX, CSV and terminal text; each format has its functions here.

Names, labels and reasons come from whoever made the run. Every function writes them as text of its format: nothing in
them is markup, a formula or a command to the terminal, and control and bidirectional characters are shown as escapes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from harness.report.numbers import NO_BREAK, interval, number
from harness.report.text import Content, Name, Number, Part, Score, Symbol, Text
from harness.schema.visible import visible

if TYPE_CHECKING:
    import pandas as pd


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
    return one_line(part if isinstance(part, str) else part.text)


def one_line(text: str) -> str:
    """The text on one line, with every character visible."""
    return visible(text.replace("\n", " "))


def terminal(content: Content) -> str:
    """Plain text with estimates written without the zero before the point, so that two fit one line."""
    return terminal_words(content).replace(NO_BREAK, " ")


def terminal_words(content: Content) -> str:
    """The same with no-break spaces where a line must not end: within an estimate, an equation, a percentage."""
    return "".join(
        NO_BREAK.join(filter(None, _written(part, f",{NO_BREAK}", zero=False)))
        if isinstance(part, Score)
        else _plain(part)
        for part in _parts(content)
    )


_FORMULA = tuple("=+-@\t\r\n" + "\uff1d\uff0b\uff0d\uff20")
"""How a cell begins that a spreadsheet computes: OWASP's list, with the letters of full width."""


def csv(table: pd.DataFrame) -> str:
    """A table as CSV whose texts a spreadsheet does not compute: an apostrophe stands before what would be a formula.

    Numbers are as they are, to six digits.
    """
    named = table.rename(columns=lambda name: _csv_text(str(name)))
    texts = [at for at, kind in enumerate(table.dtypes) if str(kind).startswith(("object", "str", "category"))]
    columns = {at: named.iloc[:, at] for at in range(named.shape[1])}
    for at in texts:
        columns[at] = columns[at].map(lambda cell: _csv_text(cell) if isinstance(cell, str) else cell)
    written = type(named)(columns).set_axis(named.columns, axis=1)
    return str(written.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _csv_text(text: str) -> str:
    return ("'" if text.startswith(_FORMULA) else "") + visible(text)


_MARKS = re.compile(r"([\\`*_\[\]>|~#$]|<(?! )|&(?=[#\w])|(?<=\w):(?=//)|(?<=www)\.|(?<=\w)@(?=\w))", re.IGNORECASE)
"""What may begin a mark-up, an entity or a link in Markdown, wherever it stands."""

_BLOCK = re.compile(r"(\s*\d*)([-+=]|(?<=\d)[.)](?=\s|$))")
"""What begins a list or underlines a heading where it stands first."""


def markdown(content: Content) -> str:
    """A sentence in Markdown, names as code; no-break spaces keep estimates and equations on one line."""
    marked = (_code(part.text) if isinstance(part, Name) else _markdown(part) for part in _parts(content))
    return _unblocked("".join(marked))


def _unblocked(text: str) -> str:
    found = _BLOCK.match(text)
    return f"{found[1]}\\{text[found.start(2) :]}" if found else text


def _markdown(part: Part) -> str:
    if isinstance(part, Score):
        return _unbroken(part)
    return escape_markdown(part) if isinstance(part, str) else _plain(part)


def _unbroken(score: Score) -> str:
    """An estimate that stays on one line."""
    return NO_BREAK.join(filter(None, _written(score, f",{NO_BREAK}")))


def escape_markdown(text: str) -> str:
    """The text on one line, with a backslash before all that Markdown would read as a mark."""
    return _MARKS.sub(r"\\\1", one_line(text))


def _code(text: str) -> str:
    """A name as code, between more backticks than it has in a row; without any mark where it is blank."""
    name = one_line(text)
    if not name.strip():
        return name
    fence = "`" * (longest_run("`", name) + 1)
    gap = " " if "`" in name or name != name.strip() else ""
    return f"{fence}{gap}{name}{gap}{fence}"


def longest_run(letter: str, text: str) -> int:
    """How often a letter stands in a row, at most."""
    return max(map(len, re.findall(re.escape(letter) + "+", text)), default=0)


def markdown_block(text: str) -> str:
    """A text of several lines as a block of code, YAML, between more backticks than it has in a row."""
    fence = "`" * max(4, longest_run("`", text) + 1)
    return f"{fence}yaml\n{visible(text, lines=True)}\n{fence}"


def markdown_cell(content: Content) -> str:
    """A cell of a GitHub Markdown table: nothing in it ends the cell or the row, or starts a mark-up.

    Numbers, and estimates with their intervals, stay on one line.
    """
    parts = ((_unbroken(part) if isinstance(part, Score) else _plain(part)) for part in _parts(content))
    return escape_markdown(re.sub(" +", " ", "".join(parts)).strip())


def html(content: Content) -> Markup:
    """A sentence in HTML, names as code, everything escaped."""
    return Markup("").join(_html(part) for part in _parts(content))


def _html(part: Part) -> Markup:
    if isinstance(part, Name):
        return Markup("<code>{}</code>").format(one_line(part.text))
    if isinstance(part, Symbol):
        return Markup(part.html)
    if isinstance(part, Score):
        return escape(_unbroken(part))
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
    return "".join(_LATEX.get(letter, letter) for letter in one_line(text))


def latex(content: Content) -> str:
    r"""A sentence, or a cell, in LaTeX; a name is in typewriter letters that may break after an underscore."""
    return "".join(_latex(part) for part in _parts(content))


def latex_cell(content: Content) -> str:
    r"""A cell of a `tabular`: after \\ and \midrule a bracket or a star at its beginning would be an option."""
    text = latex(content)
    return f"{{{text[0]}}}{text[1:]}" if text[:1] in ("[", "*") else text


def _latex(part: Part) -> str:
    if isinstance(part, Name):
        return rf"\texttt{{{latex_escaped(part.text)}}}".replace(r"\_", r"\_\allowbreak{}")
    if isinstance(part, Symbol):
        return part.latex
    if isinstance(part, Score):
        return latex_escaped(" ".join(filter(None, _written(part, f",{NO_BREAK}"))))
    return latex_escaped(_plain(part))
