"""A strict reader of the little LaTeX that the report writes: enough to say why it would not compile."""

from __future__ import annotations

import re
from pathlib import Path

_BUILT_IN = set(
    re.findall(
        r"\w+",
        """documentclass usepackage providecommand newcommand title author date begin end maketitle section caption
        label input includegraphics centering small texttt allowbreak textwidth columnwidth toprule midrule bottomrule
        ref beta mathrm tau rho Delta Sigma alpha pm le ge ldots times cdot frac lceil rceil infty textbackslash
        renewcommand setcounter topfraction dbltopfraction textfraction floatpagefraction dblfloatpagefraction
        textasciitilde textasciicircum textless textgreater textbar def report IfFileExists
        tablefile figurefile widefigure source predictor addlinespace minipage linewidth textheight hfill
        raggedright par setlength dbltextfloatsep dblfloatsep expandafter csname endcsname ifcsname fi cite bibliography
        bibliographystyle small""",
    )
)


def faults(text: str) -> list[str]:
    """What is wrong: braces, environments, mathematics, characters, rows of tables; [] where nothing is."""
    lines = [re.sub(r"(?<!\\)%.*", "", line) for line in text.splitlines()]
    bare = "\n".join(lines)
    return [*_braces(bare), *_environments(bare), *_mathematics(bare), *_characters(bare), *_rows(bare)]


def unknown(texts: list[str]) -> set[str]:
    """Commands that are used in the texts and defined in none of them."""
    whole = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for text in texts for line in text.splitlines())
    whole = whole.replace(r"\\", " ")
    defined = set(re.findall(r"\\(?:new|provide)command\{\\([A-Za-z]+)\}", whole))
    return set(re.findall(r"\\([A-Za-z]+)", whole)) - defined - _BUILT_IN


def wanted_files(paper: str, report: Path) -> list[Path]:
    """The files that a paper reads from the folder of its report."""
    bare = "\n".join(line for line in paper.splitlines() if not line.startswith(r"\newcommand"))
    tables = re.findall(r"\\tablefile\{(\w+)\}", bare)
    figures = re.findall(r"\\figurefile(?:\[[^\]]*\])?\{(\w+)\}", bare)
    figures += re.findall(r"\\widefigure\{[^}]*\}\{(\w+)\}", bare)
    return [report / "tables" / f"{name}.tex" for name in tables] + [report / "figures" / f"{n}.pdf" for n in figures]


def _braces(text: str) -> list[str]:
    depth = 0
    for mark in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return ["a brace is closed that was not opened"]
    return [f"{depth} braces are open at the end"] if depth else []


def _environments(text: str) -> list[str]:
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", text):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            return [f"\\end{{{name}}} ends what is not open"]
    return [f"{name} is not ended" for name in stack]


def _mathematics(text: str) -> list[str]:
    odd = [block for block in text.split("\n\n") if len(re.findall(r"(?<!\\)\$", block)) % 2]
    return [f"a $ stands alone in: {block.strip()[:60]}" for block in odd]


def _characters(text: str) -> list[str]:
    known = set("éöüßñ")
    return [f"no glyph for {mark!r}" for mark in sorted({c for c in text if ord(c) > 126} - known)] + [
        f"{name} outside mathematics"
        for name in re.findall(r"(?<![\\$])[_^](?=[^{]*$)", re.sub(r"\$[^$]*\$", "", text))
    ]


def _rows(text: str) -> list[str]:
    found = []
    for form, body in re.findall(r"\\begin\{tabular\}\{([^}]*)\}(.*?)\\end\{tabular\}", text, flags=re.DOTALL):
        columns = len(re.findall(r"[lrc]", form))
        for row in body.split(r"\\"):
            cells = re.sub(r"\\(top|mid|bottom)rule|\\addlinespace", "", row).strip()
            if cells and len(re.findall(r"(?<!\\)&", cells)) + 1 != columns:
                found.append(f"a row of {columns} columns is needed, got: {cells[:60]}")
    return found
