"""Whether the difference between the best predictors is statistically significant."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import count, counted, equal, equals, number, percent
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.text import Name, Number, Points, Score, Text, joined, score
from harness.schema import Estimate


def describe_settled(tables: RunTables) -> Text:
    """The test of the best predictor against the best baseline, its power, and how many others differ from it."""
    table = ranked_table(tables)
    compared = table[table["difference"].notna()]
    if compared.empty:
        none = Text("No paired difference to a baseline was computed, so no difference was tested.")
        return Points([none, _ceiling(tables)])
    first: dict[str, Any] = {str(key): value for key, value in compared.iloc[0].items()}
    asked = _asked(compared, tables)
    return Points([*asked, _test(first, tables, len(compared)), _power(first), _tied(table, tables), _ceiling(tables)])


def _asked(compared: pd.DataFrame, tables: RunTables) -> list[Text]:
    """The question of the run (`evaluate.question`), and what the best other predictor says against the baselines."""
    question = str(tables.status["evaluation"].get("question", ""))
    others = compared[~compared["baseline"].astype(bool)]
    if not question or others.empty:
        return []
    row: dict[str, Any] = {str(key): value for key, value in others.iloc[0].items()}
    text = Text(
        f"{question} ", Name(row["predictor"]), f", the best of {counted(len(others), 'predictor')} that "
        f"{'is' if len(others) == 1 else 'are'} no baseline{'' if len(others) == 1 else 's'}, against the best "
        "baseline, ", Name(row["against"]), ": ", score(row, "difference", sign=True), " in τ (paired)",
    )  # fmt: skip
    if pd.isna(row["p_holm"]):
        return [Text(text, ".")]
    shown = row["p_holm"] <= tables.alpha
    answer = "it is not shown" if not shown else "yes" if row["difference"] > 0 else "no, it ranks worse"
    return [Text(text, f", {equals(row['p_holm'], tables.floor_of(row))} after Holm's correction: {answer}.")]


def _test(row: dict[str, Any], tables: RunTables, compared: int) -> Text:
    """The paired interval and the permutation test; the Holm-adjusted p decides."""
    interval = "no interval" if pd.isna(row["difference_low"]) else f"{tables.percent} interval"
    text = Text(
        Name(row["predictor"]), " differs from ", Name(row["against"]), " by ", score(row, "difference", sign=True),
        f" in τ (paired, {interval}); the permutation test gives "
        f"{equals(row['p'], tables.floor_of(row, 'p'))}, {equals(row['p_holm'], tables.floor_of(row))} after "
        f"Holm's correction for {counted(compared, 'comparison')}",
    )  # fmt: skip
    if pd.isna(row["p_holm"]):
        return Text(text, ".")
    significant = "is" if row["p_holm"] <= tables.alpha else "is not"
    return Text(text, f": the difference {significant} statistically significant at {percent(tables.alpha)}.")


def _power(row: dict[str, Any]) -> Text:
    if pd.isna(row["detectable"]):
        return Text()
    if row["detectable"] == 0:
        return Text("Both rank every architecture alike.")
    return Text(
        f"Minimum detectable difference between the two at {percent(0.8)} power (uncorrected), "
        f"{equal('n', count(row['n_paired']))}: ", Number(row["detectable"]), "; a smaller one may well be missed.",
    )  # fmt: skip


def _tied(table: pd.DataFrame, tables: RunTables) -> Text:
    """How many do not differ significantly from the best baseline, which all others are compared with."""
    rival = table.loc[table["difference"].notna() & table["against"].notna(), "against"].mode()
    if rival.empty:
        return Text()
    others = table[(table["against"] == rival.iloc[0]) & table["p_holm"].notna()]
    if others.empty:
        return Text()
    real = others["p_holm"] <= tables.alpha
    above, below = int((real & (others["difference"] > 0)).sum()), int((real & (others["difference"] < 0)).sum())
    limit = f"{number(tables.alpha, 3).rstrip('0')}"
    return Text(
        f"Of the {counted(len(others), 'predictor')} compared with the best baseline, ", Name(str(rival.iloc[0])),
        f", {int((~real).sum())} do not differ from it significantly (Holm-adjusted p above {limit}), {above} "
        f"rank{'s' if above == 1 else ''} significantly better and {below} worse.",
    )  # fmt: skip


def _ceiling(tables: RunTables) -> Text:
    kinds = tables.ceilings()
    if not kinds:
        return Text(f"No noise ceiling is given: {tables.why_no_ceiling}.")
    if not tables.band:
        return Text("The seeds of the ground truth do not agree: no noise ceiling above 0 can be shown.")
    return Text("Noise ceiling: ", joined([_reach(kind, row) for kind, row in kinds.items()], "; "), ".")


def _reach(kind: str, row: dict[str, Any]) -> Text:
    """What one kind of ceiling means, with its τ."""
    tau = Score(Estimate(row["tau"], row["low"], row["high"]))
    if kind == "retraining":
        one = Text(" (one fresh training each: ", Number(row["tau_one"]), ")") if pd.notna(row["tau_one"]) else ""
        return Text(f"test–retest with {counted(row['seeds'], 'seed')} each, τ ", tau, one)
    meaning = " (expected accuracy known)" if kind == "oracle" else ""
    return Text(f"{kind}{meaning}, τ ", tau)
