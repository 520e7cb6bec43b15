"""What a LaTeX paper needs next to tables and figures: the report's sentences and captions as commands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.report.renderers import latex
from harness.report.text import Content, Name
from harness.storage.files import write_text


def write_sentences(texts: Mapping[str, Content], captions: Mapping[str, Content], path: Path) -> None:
    r"""Write one \newcommand a text: \runRanking for "ranking", \captionTauAgainstBudget for "tau_against_budget".

    A name becomes a command by its letters alone, as TeX asks. Raises ValueError where two names would be one command.
    """
    named = [(f"run{_camel(name)}", text) for name, text in texts.items()]
    named += [(f"caption{_camel(name)}", text) for name, text in captions.items()]
    commands = dict(named)
    if len(commands) < len(named):
        raise ValueError(f"two texts have one command: {[name for name, _ in named]}")
    write_text(path, "".join(f"\\newcommand{{\\{name}}}{{{latex(text)}}}\n" for name, text in commands.items()))


_PLAIN_NAME = re.compile(r"[A-Za-z0-9_]+")


def write_shown(names: Sequence[str], path: Path) -> None:
    r"""Write \predictor{name}{\texttt{name}} for each predictor that the paper's table shows.

    The paper looks the first up among its sources and prints the second; a name with other letters has no source.
    """
    shown = [f"\\predictor{{{name if _PLAIN_NAME.fullmatch(name) else ''}}}{{{latex(Name(name))}}}" for name in names]
    write_text(path, "".join(f"{line}\n" for line in shown))


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in "".join(c if c.isalpha() else " " for c in name).split())
