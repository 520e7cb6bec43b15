"""Frames as LaTeX tables with booktabs rules; sentences of the page as LaTeX text."""

from __future__ import annotations

import re

import pandas as pd

_SPECIAL = {
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
        "\N{NO-BREAK SPACE}": "~",
    },
}


def escaped(text: str) -> str:
    """The text with every character that LaTeX would read as a command, or lacks in its fonts, written out."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text)


def latex(frame: pd.DataFrame, left: int = 1) -> str:
    r"""A `tabular` with booktabs rules (\usepackage{booktabs}); the first `left` columns are set left, others right."""
    texts = frame.astype(str).map(escaped).rename(columns=lambda name: escaped(str(name)))
    form = "l" * left + "r" * (frame.shape[1] - left)
    return str(texts.to_latex(index=False, escape=False, column_format=form))


def prose(text: str) -> str:
    r"""A sentence as LaTeX: names in backticks in \texttt, β_eff in mathematics, intervals and "n = 80" unbroken."""
    parts = re.split(r"`([^`]+)`", text)
    said = [_sentence(part) if at % 2 == 0 else _name(part) for at, part in enumerate(parts)]
    return "".join(said)


def _sentence(text: str) -> str:
    said = r"$\beta_\mathrm{eff}$".join(escaped(part) for part in text.split("β_eff"))
    said = re.sub(r" = (?=\d)", "~=~", said.replace(r" \%", r"~\%"))
    return re.sub(r"(\[[^\[\] ]+,) ([^\[\] ]+\])", r"\1~\2", said)


def _name(text: str) -> str:
    r"""A name in typewriter letters that may break after an underscore, as narrow columns need."""
    return rf"\texttt{{{escaped(text)}}}".replace(r"\_", r"\_\allowbreak{}")
