"""What the page says, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from harness.report.blocks import blocks
from harness.report.elements import Block, Drawn, Grid, Plate, Section
from harness.report.run_tables import RunTables
from harness.report.sentences.studied import title_studied
from harness.report.tables import DisplayTable
from harness.report.text import Content, Name, Text
from harness.schema.families import FAMILIES

TITLES = {
    "needs": "Which should I use?",
    "question": "What was asked",
    "ranking": "Which predictor ranks best?",
    "settled": "Is the difference real?",
    "cost": "At what cost?",
    "failing": "Where does it fail?",
    "studied": "What is under study?",
    "run": "How it was run",
    "more": "Further figures",
}
"""Sections by name; the title of `studied` names what is. A figure's module names its section, or a family, in SECTION:
a figure of a family under study comes in `studied`, one that names neither in the last section."""


def sections(
    tables: RunTables,
    sentences: Mapping[str, Text],
    drawn: Sequence[Drawn],
    displayed: Mapping[str, DisplayTable],
) -> list[Section]:
    """The page, section by section, from the sentences, figures and tables by name."""
    texts: dict[str, list[Content]] = {name: [sentences[name]] for name in TITLES if name in sentences}
    texts["needs"] = [sentences["verdict"]]
    texts["question"] = [sentences["question"], sentences["tried"]]
    if "command" in tables.status:
        texts["run"] = [Text("The command of the run: ", Name(str(tables.status["command"])))]
    found = blocks(tables, displayed)
    number = count(1)
    made = []
    for name, title in TITLES.items():
        here = [figure for figure in drawn if _section(figure, tables) == name]
        if name == "studied" and not tables.is_studied(tables.metrics).any() and all(each.missing for each in here):
            continue  # nothing under study was run
        if name == "cost" and tables.given and not here:
            continue
        plates = [Plate(next(number), figure) for figure in here]
        all_blocks = _arranged(found.get(name, []), plates)
        if name in texts or all_blocks:
            heading = title_studied(tables) if name == "studied" else title
            made.append(Section(name, heading, texts.get(name, []), all_blocks))
    return made


def _section(figure: Drawn, tables: RunTables) -> str:
    """The section that a figure comes in; empty for that of a family which was not run."""
    if figure.section in tables.studied:
        return "studied"
    if figure.missing and figure.section in FAMILIES and figure.section not in set(tables.metrics["family"]):
        return ""
    return figure.section if figure.section in TITLES else "more"


def _arranged(unordered: Iterable[Block], plates: list[Plate]) -> list[Block]:
    """The first open table, the figures, then all else; tables that say nothing are left out."""
    kept = [block for block in unordered if not (isinstance(block, Grid) and block.table.is_empty)]
    first = 1 if kept and isinstance(kept[0], Grid) and not kept[0].folded else 0
    return [*kept[:first], *plates, *kept[first:]]
