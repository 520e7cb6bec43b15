"""The gathered ranked table of a sweep, for files, page and terminal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.numbers import count, counted, number
from harness.report.renderers import plain, terminal
from harness.report.sweep.sentences import settings_table
from harness.report.sweep.sweep_tables import SweepTables
from harness.report.tables.display_table import DisplayTable, quantities, scores, strings
from harness.report.text import Content, score
from harness.schema.families import family

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 80
"""Columns of the printed table at most."""

PLAIN_ENDS = ("low", "high")
"""The ends of the interval of τ in the gathered tables."""

rank_form = partial(number, decimals=1)
"""How average ranks are written."""


def gathered_table(tables: SweepTables) -> DisplayTable:
    """One row per predictor, best first: its average rank over blocks, and τ with interval in each setting.

    The numbers have each interval in two columns of their own.
    """
    order = tables.order
    names = [str(name) for name in order["predictor"]]
    ranks = tables.ranks.set_index("predictor")["rank"].reindex(names).astype(float)
    columns: dict[str, list[Content]] = {
        "predictor": strings(names),
        "family": [family(str(name)).label for name in order["family"]],
        "rank": quantities(ranks, rank_form),
    }
    found: dict[str, Any] = {"predictor": names, "family": columns["family"], "rank": ranks.tolist()}
    ends: dict[str, list[float]] = {}

    def add(heading: str, rows: pd.DataFrame, name: str, low_high: tuple[str, str], sign: bool = False) -> None:
        columns[heading] = scores(rows, name, sign, low_high)
        found[heading] = rows[name].astype(float).tolist()
        for end, column in zip(("low", "high"), low_high, strict=True):
            ends[f"{heading}, {end}"] = rows[column].astype(float).tolist()

    several = len(tables.settings) > 1
    if several:
        columns["mean τ"], found["mean τ"] = quantities(order["tau"]), order["tau"].astype(float).tolist()
    for setting in tables.settings:
        rows = tables.at(setting).set_index("predictor").reindex(names)
        add(setting if several else "τ", rows, "tau", PLAIN_ENDS)
    if not several and tables.settings:
        for heading, name, form in (("sd", "sd", number), ("runs", "jobs", count)):
            columns[heading], found[heading] = quantities(rows[name], form), rows[name].astype(float).tolist()
        add("Δτ to baseline", rows, "difference", ("difference_low", "difference_high"), sign=True)
        columns["baseline"], found["baseline"] = strings(rows["baseline"]), rows["baseline"].tolist()
    return DisplayTable(pd.DataFrame(found | ends), columns, left=2, words=("baseline",))


def budgets_table(tables: SweepTables, setting: str) -> DisplayTable:
    """One row per predictor, best at the last step first: its mean τ at every budget of the setting."""
    rows = tables.gathered[tables.gathered["setting"] == setting]
    names = strings(tables.at(setting)["predictor"])
    wide = rows.pivot(index="predictor", columns="step", values="tau").reindex(names)
    steps = sorted(int(str(step)) for step in wide)
    columns = {"predictor": names} | {counted(step, "step"): quantities(wide[step]) for step in steps}
    return DisplayTable(wide.reset_index(), columns)


def targets_table(tables: SweepTables, setting: str) -> DisplayTable:
    """One row per predictor of a setting: its mean τ with each further ground truth, at the last step."""
    rows = tables.gathered_targets[tables.gathered_targets["setting"] == setting]
    names = strings(tables.at(setting)["predictor"])
    wide = rows.pivot(index="predictor", columns="target", values="tau").reindex(names)
    columns = {"predictor": names} | {str(target): quantities(wide[target]) for target in dict.fromkeys(rows["target"])}
    return DisplayTable(wide.reset_index(), columns)


def best_table(tables: SweepTables) -> DisplayTable:
    """One row per setting: its runs and steps, the best predictor and its difference to the best other baseline."""
    rows = settings_table(tables)
    columns = {
        "setting": strings(rows["setting"]),
        "runs": quantities(rows["runs"], count),
        "steps": quantities(rows["step"], count),
        "best predictor": strings(rows["predictor"]),
        "τ": scores(rows, "tau", ends=PLAIN_ENDS),
        "sd": quantities(rows["sd"]),
        "Δτ": scores(rows, "difference", sign=True),
        "to the baseline": strings(rows["baseline"]),
    }
    return DisplayTable(rows, columns, words=("best predictor", "to the baseline"))


def print_gathered(tables: SweepTables, console: Console) -> None:
    """Print the gathered ranked table in 80 columns: with one setting τ, sd and Δτ, with several τ in each."""
    from rich.table import Table
    from rich.text import Text as Plain

    if not tables.last["tau"].notna().any():
        console.print("no run of this sweep has a Kendall τ", markup=False, highlight=False)
        return
    seeds = f"mean over {len(tables.seeds)} run seeds" if len(tables.seeds) > 1 else "one run seed"
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left", caption_justify="left")
    columns, key = (_columns_of_one if len(tables.settings) == 1 else _columns_of_many)(tables)
    intervals = plain(f", {tables.percent()} intervals") if len(tables.settings) == 1 else ""
    table.title = Plain(f"Kendall τ, {seeds}{intervals}", style="table.title")  # as text: a label may have brackets
    table.caption = Plain(key, style="table.caption")
    for heading in columns:
        table.add_column(heading, justify="left" if heading == "predictor" else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    console.print(table, markup=False, highlight=False)


def _columns_of_one(tables: SweepTables) -> tuple[dict[str, list[str]], str]:
    frame = tables.at(tables.settings[0])
    rows = frame.to_dict("records")
    ranks = tables.ranks.set_index("predictor")["rank"]
    return {
        "predictor": [_name(row["predictor"], 24) for row in rows],
        "τ": [terminal(tau) for tau in scores(frame, "tau", ends=PLAIN_ENDS)],
        "sd": [number(row["sd"], zero=False) for row in rows],
        "rank": [number(float(ranks.get(row["predictor"], float("nan"))), 1) for row in rows],
        "Δτ to baseline": [terminal(score(row, "difference", sign=True)) for row in rows],
    }, _key_of_ranks(tables)


def _columns_of_many(tables: SweepTables) -> tuple[dict[str, list[str]], str]:
    """τ of as many settings as fit, each under a number that the caption explains."""
    order = tables.order
    ranks = tables.ranks.set_index("predictor")["rank"]
    columns = {
        "predictor": [_name(name, 24) for name in order["predictor"]],
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
    return columns, "\n".join([*key, *more, _key_of_ranks(tables)])


def _key_of_ranks(tables: SweepTables) -> str:
    blocks = tables.blocks()
    if not blocks.startswith("1 "):
        return f"rank: average over {blocks}, 1 is best"
    return "rank: in one run, 1 is best" if blocks == "1 run" else "rank: by mean τ over the settings, 1 is best"


def _name(name: object, longest: int) -> str:
    text = terminal(str(name))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
