"""The answer in a few sentences, where there is room for no more: at the end of a command, at the top of a page."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import NO_BREAK, equals, ordinal, seconds
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.sentences.studied import label
from harness.report.text import Name, Number, Text, listed, score


def verdict(tables: RunTables) -> list[Text]:
    """Which predictor ranks best and whether it leads the best baseline; where what is under study stands."""
    table = ranked_table(tables)
    scored = table[table["tau"].notna()].reset_index(drop=True)
    if scored.empty:
        return [Text(f"No predictor has a Kendall τ {tables.moment}: nothing was ranked.")]
    rows: list[dict[str, Any]] = [{str(key): value for key, value in row.items()} for row in scored.to_dict("records")]
    best, name = rows[0], tables.best_studied
    found = [Text(Name(best["predictor"]), " ranks best, τ ", score(best, "tau"), _lead(best, tables), ".")]
    found += [choice] if (choice := first_choice(tables, str(best["predictor"]))) else []
    if name is not None and name != best["predictor"]:
        place = next(at for at, row in enumerate(rows) if row["predictor"] == name)
        found.append(_studied(rows[place], place, len(rows), tables))
    return found


def _lead(row: dict[str, Any], tables: RunTables) -> Text:
    """How the best predictor compares with the best baseline, or with the next one where it is a baseline itself."""
    which = "the next baseline" if row["baseline"] else "the best baseline"
    if pd.isna(row["difference"]):
        return Text(", and is itself the best baseline" if row["baseline"] else "")
    return Text("; to ", which, ", ", Name(row["against"]), ", ", _difference(row, tables))


def _difference(row: dict[str, Any], tables: RunTables) -> Text:
    """Δτ with its interval and what the test says."""
    if pd.isna(row["p_holm"]):
        return Text(f"Δτ{NO_BREAK}", score(row, "difference", sign=True))
    shown = "significant" if row["p_holm"] <= tables.alpha else "not significant"
    p = equals(row["p_holm"], tables.floor_of(row))
    return Text(f"Δτ{NO_BREAK}", score(row, "difference", sign=True), f" ({shown}: {p}, Holm)")


def _studied(row: dict[str, Any], place: int, of: int, tables: RunTables) -> Text:
    """Where the best predictor under study stands."""
    about = listed([label(tables, each) for each in tables.studied])
    lead = Text("" if about == Text(Name(row["predictor"])) else Text("Of ", about, ", "), Name(row["predictor"]))
    gap = Text(", ", _difference(row, tables)) if pd.notna(row["difference"]) else Text()
    return Text(lead, f" ranks {ordinal(place + 1)} of {of}, τ ", score(row, "tau"), gap, ".")


def first_choice(tables: RunTables, name: str) -> Text:
    """What the first choice of the best predictor by τ loses, and which one loses less: it need not be the same."""
    rows = tables.at_end(tables.selection)
    rows = rows[(rows["k"] == 1) & rows["regret"].notna()]
    mine = rows[rows["predictor"] == name]
    if mine.empty:
        return Text()
    own: dict[str, Any] = {str(key): value for key, value in mine.iloc[0].items()}
    text = Text("Its first choice loses ", score(own, "regret"), " percentage points of accuracy")
    order = {str(each): place for place, each in enumerate(tables.final["predictor"])}
    least = min(rows.to_dict("records"), key=lambda row: (row["regret"], order.get(row["predictor"], len(order))))
    if least["regret"] >= own["regret"]:
        return Text(text, ".")
    tau = float(tables.final.set_index("predictor")["tau"][least["predictor"]])
    return Text(
        text, "; that of ", Name(least["predictor"]), ", τ ", Number(tau), ", loses ", Number(least["regret"]), "."
    )


def cost(tables: RunTables) -> Text:
    """What the brief training behind the scores took an architecture, measured; empty where it was not recorded."""
    spent = tables.trajectories.groupby("architecture")["seconds"].max() if "seconds" in tables.trajectories else None
    if spent is None or not (spent > 0).any():
        return Text()
    return Text(f"Training took {seconds(float(spent.mean()))} s per architecture, without measures and scores.")
