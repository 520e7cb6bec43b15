"""Where predictors fail."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import count, percent
from harness.report.run_tables import TOPS, RunTables
from harness.report.text import Name, Number, Points, Text, listed, score
from harness.schema.made_with import mixture

STAGES = {"train": "training", "measure": "measure", "score": "score"}
"""What a failure of each stage is called; the plural adds an s."""


def describe_failing(tables: RunTables) -> Text:
    """How the best predictor does among the good architectures, in its first choices, and on close pairs."""
    scored = tables.final[tables.final["tau"].notna()]
    if scored.empty:
        none = Text("No predictor has a Kendall τ, so there is no ranking to look into.")
        return Points([none, _lost(tables), _mixed(tables)])
    best: dict[str, Any] = {str(key): value for key, value in scored.iloc[0].items()}
    name = str(best["predictor"])
    return Points([_good(best, tables), _choice(tables, name), _close(tables, name), _lost(tables), _mixed(tables)])


def _mixed(tables: RunTables) -> Text:
    """That the traces come from several versions or machines; empty where they do not."""
    given = tables.status.get("made_with")
    sets = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    found = mixture([{str(name): str(value) for name, value in each.items()} for each in sets])
    return Text(f"{found[0].upper()}{found[1:]}.") if found else Text()


def _good(best: dict[str, Any], tables: RunTables) -> Text:
    """τ among the good ones, with the noise ceiling there."""
    tops = {column: top for column, top in TOPS.items() if pd.notna(best[column])}
    if not tops:
        return Text()
    each = [Text(score(best, column), f" in the {top}", _oracle(tables, top)) for column, top in tops.items()]
    unsure = [top for column, top in tops.items() if best[f"{column}_low"] <= 0 <= best[f"{column}_high"]]
    end = Text("; in the ", listed(unsure), " the interval includes 0.") if unsure else "."
    return Text(Name(best["predictor"]), " ranks the good architectures with τ ", listed(each), end)


def _oracle(tables: RunTables, subset: str) -> Text:
    row = tables.ceilings(subset).get("oracle")
    if not row:
        return Text()
    return Text(" (oracle ceiling ", Number(row["tau"]), ")") if row["tau"] > 0 else Text(" (no ceiling above 0)")


def _choice(tables: RunTables, name: str) -> Text:
    """How many of its first choices are good, and what the best of them loses."""
    rows = tables.at_end(tables.selection)
    rows = rows[(rows["predictor"] == name) & rows["precision"].notna() & (rows["k"] < rows["n"])].sort_values("k")
    if rows.empty:
        return Text()
    first, last = ({str(key): value for key, value in rows.iloc[at].items()} for at in (0, -1))
    chosen = f"choosing the best of its first {first['k']}" if first["k"] > 1 else "taking the one it ranks first"
    return Text(
        f"Of the {last['k']} that it ranks first, {percent(last['precision'], 0)} are among the true best {last['k']} "
        f"(by chance {percent(round(last['k'] / last['n'], 3))}); {chosen} loses ", score(first, "regret"),
        " percentage points of accuracy to the best there is.",
    )  # fmt: skip


def _close(tables: RunTables, name: str) -> Text:
    """The nearest and the farthest pairs, of ranges that do not hang on one architecture."""
    rows = tables.at_end(tables.pairs)
    rows = rows[(rows["predictor"] == name) & rows["accuracy"].notna() & (rows["disjoint"] > 1)].sort_values("gap_low")
    if len(rows) < 2:
        return Text()
    parts = [f"{percent(row['accuracy'], 0)} of pairs {_apart(row)}" for row in (rows.iloc[0], rows.iloc[-1])]
    return Text("It puts ", listed(parts), " in the right order.")


def _apart(row: Any) -> str:
    low, high = f"{row['gap_low']:g}", f"{row['gap_high']:g}"
    if high == "inf":
        return f"more than {low} points apart"
    return f"at most {high} points apart" if row["gap_low"] == 0 else f"{low} to {high} points apart"


def _lost(tables: RunTables) -> Text:
    """How much is missing; its reasons are in the table."""
    if tables.failures.empty:
        return Text("No training and no score failed.")
    of = tables.failures["stage"].value_counts()
    lost = [f"{count(n)} {STAGES.get(str(stage), str(stage))}{'s' if n > 1 else ''}" for stage, n in of.items()]
    return Text(listed(lost), f" failed, counted per architecture{'' if tables.given else ' and budget'}.")
