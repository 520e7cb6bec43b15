"""Frames as LaTeX tables with booktabs rules."""

from __future__ import annotations

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
