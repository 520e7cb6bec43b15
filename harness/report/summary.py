"""The sentences of the report, made from the tables; names stand in backticks. They state, they do not praise."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import estimate, interval, number, ordinal
from harness.report.ranking import ranked_table
from harness.report.tables import Tables


def question(tables: Tables) -> str:
    """What the run asked."""
    last, status = tables.final.iloc[0], tables.status
    epochs = f" ({number(last['epoch'], 1)} epochs)" if pd.notna(last["epoch"]) else ""
    return (
        f"Which score, read from a network after at most {tables.last_step} updates{epochs}, puts "
        f"{len(tables.architectures)} architectures of {status['bench']} on {status['dataset']} in the order of their "
        "final accuracy?"
    )


def answer(tables: Tables) -> str:
    """What the tables answer, in one paragraph: the best predictor, β_eff, the ceiling."""
    return " ".join(part for part in (_best(tables), _sets(tables), _capacitance(tables), _ceiling(tables)) if part)


def _tau(row: Any, prefix: str = "tau") -> str:
    return estimate(row[prefix], row[f"{prefix}_low"], row[f"{prefix}_high"])


def _best(tables: Tables) -> str:
    final = tables.final
    scored = final[final["tau"].notna()]
    if scored.empty:
        return f"None of the {len(final)} predictors has a Kendall τ at {tables.last_step} steps; nothing was ranked."
    best = scored.iloc[0]
    text = f"`{best['predictor']}` has the highest Kendall τ, {_tau(best)} (95 % interval, n = {best['n']})"
    if pd.notna(best["tau_half"]):
        text += f"; among the better half of the architectures it is {_tau(best, 'tau_half')} (n = {best['n_half']})"
    if len(scored) == 1:
        return text + ". It is the only predictor with a τ."
    text += (
        f". It is the largest of {len(scored)} estimates on the same architectures, so it carries selection: expect a "
        "lower τ on others. "
    )
    overlap = int((scored["tau_high"].iloc[1:] >= best["tau_low"]).sum())
    if not overlap:
        return text + "Its interval overlaps that of no other predictor."
    others = len(scored) - 1
    return (
        f"{text}Its interval overlaps {overlap} of the {others} others: by these intervals their order is not settled."
    )


def _sets(tables: Tables) -> str:
    counts = tables.final.loc[tables.final["tau"].notna(), "n"]
    if counts.nunique() < 2:
        return ""
    return (
        f"Predictors with failures are ranked on fewer architectures ({counts.min()} to {counts.max()}), so their τ is "
        "not over the same set."
    )


def _capacitance(tables: Tables) -> str:
    table = ranked_table(tables)
    mine = table[table["family"] == "capacitance"]
    name = tables.best_capacitance
    if mine.empty:
        return "No capacitance predictor (β_eff) was run."
    if name is None:
        return "No capacitance predictor (β_eff) has a τ at this budget."
    row = table[table["predictor"] == name].iloc[0]
    place, scored = int(table.index[table["predictor"] == name][0]) + 1, int(table["tau"].notna().sum())
    which = f", the best of {len(mine)} capacitance predictors, itself a selection" if len(mine) > 1 else ""
    text = f"β_eff (`{name}`{which}) comes {ordinal(place)} of {scored}, with τ {_tau(row)}.{_given(tables, name)}"
    if pd.isna(row["difference"]):
        return text + " No paired difference to a baseline was computed."
    return " ".join(part for part in (text, _paired(row), _over_budgets(tables, name), _added(tables)) if part)


def _given(tables: Tables, name: str) -> str:
    """What is left of the predictor's τ once the training loss, or FLOPs, is held fixed."""
    row: dict[str, Any] = dict(tables.final.set_index("predictor").loc[name])
    said = [
        f"{number(float(row[column]))} given {what}"
        for column, what in (
            ("tau_given_train_loss", "the training loss"),
            ("tau_given_flops", "FLOPs"),
            ("tau_given_params", "parameters"),
        )
        if pd.notna(row.get(column))
    ]
    listed = " and ".join(part for part in (", ".join(said[:-1]), *said[-1:]) if part)
    return f" Its partial τ is {listed}." if said else ""


def _added(tables: Tables) -> str:
    """What β_eff adds to predictors that were also run without it."""
    rows = tables.ablations
    rows = rows[(rows["step"] == tables.last_step) & (rows["group"] == "capacitance") & rows["difference"].notna()]
    return " ".join(
        f"Among the inputs of `{row['predictor']}`, β_eff changes τ by {number(row['difference'], sign=True)} "
        f"{interval(row['low'], row['high'], sign=True)} (from {number(row['tau_without'])} to {number(row['tau'])})."
        for row in rows.to_dict("records")
    )


def _paired(row: Any) -> str:
    low, high = row["difference_low"], row["difference_high"]
    text = (
        f"Its paired difference in τ to the best baseline, `{row['against']}`, is "
        f"{number(row['difference'], sign=True)} {interval(low, high, sign=True)}"
    )
    if pd.isna(low) or pd.isna(high):
        return text.rstrip() + " (no interval)."
    if low > 0:
        return text + ": the interval excludes 0, in favour of β_eff."
    if high < 0:
        return text + ": the interval excludes 0, in favour of the baseline."
    return text + ": the interval includes 0, so these architectures do not tell the two apart."


def _over_budgets(tables: Tables, name: str) -> str:
    rows = tables.differences[(tables.differences["predictor"] == name) & tables.differences["low"].notna()]
    if len(rows) < 2:
        return ""
    above, below = int((rows["low"] > 0).sum()), int((rows["high"] < 0).sum())
    return (
        f"Against the best baseline of each of {len(rows)} budgets the interval lies above 0 at {above} and below 0 at "
        f"{below} (not corrected for looking at several)."
    )


def _ceiling(tables: Tables) -> str:
    kinds = tables.ceilings()
    if not kinds:
        return "No ceiling is given: it needs a truth of at least two seeds."
    said = {
        "retraining": "training the same architectures again, with another seed, orders them with τ",
        "oracle": "knowing the expected accuracy without noise would give τ",
    }
    texts = [f"{said.get(kind, kind)} {estimate(row['tau'], row['low'], row['high'])}" for kind, row in kinds.items()]
    return f"The ceiling: {'; '.join(texts)}."


def derived(tables: Tables) -> list[str]:
    """What in this report is worked out by this project and not the wording of the papers, by family present."""
    notes = {
        "capacitance": (
            "β_eff: the definition over a weighted graph P is the paper's (Jiang et al., arXiv 2201.04194). P for "
            "consecutive layers and for convolutions, the coupling by |P| and the evaluation in matrix products are "
            "[derived] (docs/methods.md)."
        ),
        "temporal_graph": (
            "Temporal graphs: the rolled graph is the paper's (Vahedian et al., arXiv 2111.05410). The moments taken "
            "of its node features, the normalisation per layer and the regressor are [derived]."
        ),
        "weight_statistics": (
            "Weight statistics: the seven numbers per tensor are the paper's (Unterthiner et al., arXiv 2002.11448). "
            "How they are brought to one length across architectures is [derived]."
        ),
        "zero_cost": (
            "Zero-cost proxies: the scores are the papers'. How edges that are computed together are counted, which "
            "draws of weights are read and what gives no score is [derived] (docs/methods.md)."
        ),
        "learning_curve": (
            "Learning curves: the curve families of LCE and the idea of CL are the papers' (Domhan et al. 2015; "
            "Chandrashekaran & Lane 2017). Priors, integration and what CL takes from earlier curves are [derived]."
        ),
        "combination": (
            "Combinations: the stack and the recurrent network are [derived]; the aggregate of ranks is that of AZ-NAS."
        ),
    }
    present = set(tables.metrics["family"])
    return [note for family, note in notes.items() if family in present]


def failures(tables: Tables) -> pd.DataFrame:
    """Failures counted by stage, predictor and reason, most frequent first.

    `count` is rows (an architecture at a budget), `architectures` how many different ones, `budgets` at how many.
    """
    groups = tables.failures.groupby(["stage", "predictor", "reason"], dropna=False)
    counted = groups.agg(
        count=("reason", "size"), architectures=("architecture", "nunique"), budgets=("step", "nunique")
    )
    by = ["count", "stage", "predictor", "reason"]
    return counted.reset_index().sort_values(by, ascending=[False, True, True, True], ignore_index=True)
