"""What a LaTeX paper needs beside tables and figures: the report's sentences and captions as commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.report.latex import prose


def write_sentences(texts: Mapping[str, str], captions: Mapping[str, str], path: Path) -> None:
    r"""Write one \newcommand a text: \runRanking for "ranking", \captionTauAgainstBudget for "tau_against_budget".

    `texts` and `captions` are plain sentences with names in backticks, as the page has them. A name becomes a command
    by its letters alone, as TeX asks. Raises ValueError where two names would be one command.
    """
    named = [(f"run{_camel(name)}", text) for name, text in texts.items()]
    named += [(f"caption{_camel(name)}", text) for name, text in captions.items()]
    commands = dict(named)
    if len(commands) < len(named):
        raise ValueError(f"two texts have one command: {[name for name, _ in named]}")
    lines = [f"\\newcommand{{\\{name}}}{{{prose(text)}}}\n" for name, text in commands.items()]
    path.write_text("".join(lines), encoding="utf-8")


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in "".join(c if c.isalpha() else " " for c in name).split())
