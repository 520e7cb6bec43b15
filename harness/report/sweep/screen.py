"""What a sweep prints when it is gathered: the best predictors, those of every family, and last the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from harness.report.numbers import number
from harness.report.renderers import plain, terminal
from harness.report.sweep import sentences
from harness.report.sweep.ranked_table import PLAIN_ENDS
from harness.report.sweep.sweep_tables import SweepTables
from harness.report.tables.display_table import scores
from harness.report.terminal_table import lines_of
from harness.report.text import score

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 80
"""Columns of the printed table at most."""

FIRST = 8
"""Predictors that are printed whatever their family; the best of each other family and the answer fit 24 lines."""

LONGEST = 24
"""Letters of a printed name at most."""


def print_gathered(tables: SweepTables, console: Console) -> None:
    """Print the best predictors in 80 columns (with one setting τ, sd and Δτ, with several τ in each), then the answer.

    The first `FIRST` and the best predictor of each other family are shown, with their places; the page has all.
    """
    from rich.table import Table
    from rich.text import Text as Plain

    if not tables.last["tau"].notna().any():
        console.print("no run of this sweep has a Kendall τ", markup=False, highlight=False)
        return
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left", caption_justify="left")
    columns, key = (_columns_of_one if len(tables.settings) == 1 else _columns_of_many)(tables)
    table.title = Plain(_title(tables), style="table.title")  # as text: a label may have brackets
    table.caption = Plain(key, style="table.caption")
    for heading in columns:
        table.add_column(heading, justify="left" if heading == "predictor" else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    console.print(table, markup=False, highlight=False)
    console.print()
    lines = [lines_of(text, min(console.width, WIDTH)) for text in sentences.answer(tables)]
    console.print("\n".join(lines), markup=False, highlight=False)


def _title(tables: SweepTables) -> str:
    seeds = f"mean over {len(tables.seeds)} run seeds" if len(tables.seeds) > 1 else "one run seed"
    intervals = plain(f", {tables.percent()} intervals") if len(tables.settings) == 1 else ""
    return f"Kendall τ, {seeds}{intervals}"


def _shown(ranked: pd.DataFrame) -> pd.DataFrame:
    """The rows of a ranking (predictor, family; best first) that are printed, under their places from 1."""
    placed = ranked.set_axis(range(1, len(ranked) + 1))
    return placed[(placed.index <= FIRST) | ~placed["family"].duplicated()]


def _caption(tables: SweepTables, ranked: pd.DataFrame) -> str:
    """What the ranks are, and how many predictors are not printed."""
    hidden = len(ranked) - len(_shown(ranked))
    more = f"{hidden} more predictors in the report, none the best of its family" if hidden else ""
    return "\n".join(filter(None, [_key_of_ranks(tables), more]))


def _columns_of_one(tables: SweepTables) -> tuple[dict[str, list[str]], str]:
    ranked = tables.at(tables.settings[0])
    frame = _shown(ranked)
    rows = frame.to_dict("records")
    ranks = tables.ranks.set_index("predictor")["rank"]
    return {
        "": [str(place) for place in frame.index],
        "predictor": [_name(row["predictor"]) for row in rows],
        "τ": [terminal(tau) for tau in scores(frame, "tau", ends=PLAIN_ENDS)],
        "sd": [number(row["sd"], zero=False) for row in rows],
        "rank": [number(float(ranks.get(row["predictor"], float("nan"))), 1) for row in rows],
        "Δτ to baseline": [terminal(score(row, "difference", sign=True)) for row in rows],
    }, _caption(tables, ranked)


def _columns_of_many(tables: SweepTables) -> tuple[dict[str, list[str]], str]:
    """τ of as many settings as fit, each under a number that the caption explains."""
    order = _shown(tables.order)
    ranks = tables.ranks.set_index("predictor")["rank"]
    columns = {
        "": [str(place) for place in order.index],
        "predictor": [_name(name) for name in order["predictor"]],
        "rank": [number(float(ranks.get(name, float("nan"))), 1) for name in order["predictor"]],
        "mean": [number(float(tau), zero=False) for tau in order["tau"]],
    }
    taken = sum(1 + max(len(text) for text in [heading, *texts]) for heading, texts in columns.items())
    shown = tables.settings[: (WIDTH - taken) // 6]
    for at, setting in enumerate(shown, 1):
        taus = tables.at(setting).set_index("predictor")["tau"].reindex(order["predictor"])
        columns[f"({at})"] = [number(float(tau), zero=False) for tau in taus]
    key = [terminal(f"({at}) {setting}") for at, setting in enumerate(shown, 1)]
    left = len(tables.settings) - len(shown)
    more = [f"and {left} more settings in the report"] if left else []
    return columns, "\n".join([*key, *more, _caption(tables, tables.order)])


def _key_of_ranks(tables: SweepTables) -> str:
    blocks = tables.blocks()
    if not blocks.startswith("1 "):
        return f"rank: average over {blocks}, 1 is best"
    return "rank: in one run, 1 is best" if blocks == "1 run" else "rank: by mean τ over the settings, 1 is best"


def _name(name: object) -> str:
    """The name of a predictor, cut where it is longer than `LONGEST`."""
    text = terminal(str(name))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
