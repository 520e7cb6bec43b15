"""The gathered ranked table of a sweep: sheets for files and page, and the one for the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.report.numbers import NONE, estimate, number, words
from harness.report.sweep.sentences import settings_table
from harness.report.sweep.sweep_tables import SweepTables
from harness.report.tables.display_table import DisplayTable

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 80
"""Columns of the printed table at most."""


def gathered_sheet(tables: SweepTables) -> DisplayTable:
    """One row a predictor, best first: its average rank over blocks, and τ with interval in each setting.

    The numbers have each interval in two columns of their own.
    """
    order = tables.order
    names = [str(name) for name in order["predictor"]]
    ranks = [float(rank) for rank in tables.ranks.set_index("predictor")["rank"].reindex(names)]
    text: dict[str, list[str]] = {
        "predictor": names, "family": [words(str(family)) for family in order["family"]],
        "rank": [number(rank, 1) for rank in ranks],
    }  # fmt: skip
    keys: dict[str, list[float]] = {"rank": ranks}
    ends: dict[str, list[float]] = {}

    def add(heading: str, rows: pd.DataFrame, columns: tuple[str, str, str], sign: bool = False) -> None:
        value, low, high = (rows[column].astype(float).tolist() for column in columns)
        text[heading] = [estimate(*each, sign) for each in zip(value, low, high, strict=True)]
        keys[heading] = value
        ends.update({f"{heading}, low": low, f"{heading}, high": high})

    several = len(tables.settings) > 1
    if several:
        keys["mean τ"] = [float(tau) for tau in order["tau"]]
        text["mean τ"] = [number(tau) for tau in keys["mean τ"]]
    for setting in tables.settings:
        rows = tables.at(setting).set_index("predictor").reindex(names)
        add(setting if several else "τ", rows, ("tau", "low", "high"))
    if not several and tables.settings:
        keys |= {"sd": [float(sd) for sd in rows["sd"]], "runs": [float(runs) for runs in rows["jobs"]]}
        text |= {"sd": [number(sd) for sd in keys["sd"]], "runs": [f"{runs:.0f}" for runs in keys["runs"]]}
        add("Δτ to baseline", rows, ("difference", "difference_low", "difference_high"), sign=True)
        text["baseline"] = [str(name) for name in rows["baseline"]]
    numbers = {name: keys.get(name, said) for name, said in text.items()} | ends
    return DisplayTable(pd.DataFrame(numbers), pd.DataFrame(text), left=2, keys=keys)


def budgets_sheet(tables: SweepTables, setting: str) -> DisplayTable:
    """One row a predictor, best at the last step first: its mean τ at every budget of the setting."""
    rows = tables.gathered[tables.gathered["setting"] == setting]
    names = [str(name) for name in tables.at(setting)["predictor"]]
    wide = rows.pivot(index="predictor", columns="step", values="tau").reindex(names)
    keys = {str(step): wide[step].astype(float).tolist() for step in sorted(int(str(step)) for step in wide)}
    text = {"predictor": names} | {step: [number(tau) for tau in taus] for step, taus in keys.items()}
    return DisplayTable(pd.DataFrame({"predictor": names, **keys}), pd.DataFrame(text), keys=keys)


def settings_sheet(tables: SweepTables) -> pd.DataFrame:
    """One row a setting: its runs and steps, the best predictor, and how far it is ahead of the best other baseline."""
    rows = settings_table(tables)
    records = rows.to_dict("records")
    return pd.DataFrame({
        "setting": rows["setting"], "runs": rows["runs"].astype(str), "steps": rows["step"].astype(str),
        "best predictor": rows["predictor"], "τ": [estimate(row["tau"], row["low"], row["high"]) for row in records],
        "sd": [number(float(row["sd"])) for row in records], "Δτ": [_difference(row) for row in records],
        "to the baseline": rows["baseline"],
    })  # fmt: skip


def jobs_sheet(tables: SweepTables) -> pd.DataFrame:
    """One row a job: number, setting, seed, how it ended, architectures, and the reason where something is wrong."""
    jobs = tables.jobs
    return pd.DataFrame({
        "job": jobs["job"].astype(str), "setting": jobs["setting"], "seed": [_count(seed) for seed in jobs["seed"]],
        "state": jobs["state"], "n": [_count(n) for n in jobs["n"]], "reason": jobs["reason"],
    })  # fmt: skip


def print_gathered(tables: SweepTables, console: Console) -> None:
    """Print the gathered ranked table in 80 columns: with one setting τ, sd and Δτ, with several τ in each."""
    from rich.table import Table

    if not tables.last["tau"].notna().any():
        console.print("no run of this sweep has a Kendall τ", highlight=False)
        return
    seeds = f"mean over {len(tables.seeds)} run seeds" if len(tables.seeds) > 1 else "one run seed"
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, title_justify="left", caption_justify="left")
    columns, key = (_columns_of_one if len(tables.settings) == 1 else _columns_of_many)(tables)
    table.title = f"Kendall τ, {seeds}" + (f", {tables.percent()} intervals" if len(tables.settings) == 1 else "")
    table.caption = key
    for heading in columns:
        table.add_column(heading, justify="left" if heading == "predictor" else "right", no_wrap=True)
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    console.print(table, markup=False, highlight=False)


def _columns_of_one(tables: SweepTables) -> tuple[dict[str, list[str]], str]:
    rows = tables.at(tables.settings[0]).to_dict("records")
    ranks = tables.ranks.set_index("predictor")["rank"]
    return {
        "predictor": [_name(row["predictor"], 24) for row in rows],
        "τ": [_short(estimate(row["tau"], row["low"], row["high"])) for row in rows],
        "sd": [_short(number(row["sd"])) for row in rows],
        "rank": [number(float(ranks.get(row["predictor"], float("nan"))), 1) for row in rows],
        "Δτ to baseline": [_short(_difference({str(k): v for k, v in row.items()})) for row in rows],
    }, _key_of_ranks(tables)


def _columns_of_many(tables: SweepTables) -> tuple[dict[str, list[str]], str]:
    """τ of as many settings as fit, each under a number that the caption explains."""
    order = tables.order
    ranks = tables.ranks.set_index("predictor")["rank"]
    columns = {
        "predictor": [_name(name, 24) for name in order["predictor"]],
        "rank": [number(float(ranks.get(name, float("nan"))), 1) for name in order["predictor"]],
        "mean": [_short(number(float(tau))) for tau in order["tau"]],
    }
    taken = sum(1 + max(len(text) for text in [heading, *texts]) for heading, texts in columns.items())
    shown = tables.settings[: (WIDTH - taken) // 6]
    for at, setting in enumerate(shown, 1):
        taus = tables.at(setting).set_index("predictor")["tau"].reindex(order["predictor"])
        columns[f"({at})"] = [_short(number(float(tau))) for tau in taus]
    key = [f"({at}) {setting}" for at, setting in enumerate(shown, 1)]
    left = len(tables.settings) - len(shown)
    more = [f"and {left} settings more in the report"] if left else []
    return columns, "\n".join([*key, *more, _key_of_ranks(tables)])


def _key_of_ranks(tables: SweepTables) -> str:
    blocks = tables.blocks()
    if not blocks.startswith("1 "):
        return f"rank: average over {blocks}, 1 is best"
    return "rank: in one run, 1 is best" if blocks == "1 run" else "rank: by mean τ over the settings, 1 is best"


def _name(name: object, longest: int) -> str:
    text = str(name)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _difference(row: Any) -> str:
    return estimate(row["difference"], row["difference_low"], row["difference_high"], sign=True)


def _count(value: int | None) -> str:
    return NONE if pd.isna(value) else str(value)


def _short(text: str) -> str:
    """Numbers without the zero before the point."""
    return re.sub(r"(?<!\d)0\.", ".", text)
