"""Tables with one row per predictor, in the order of the ranking."""

from __future__ import annotations

from functools import partial

import pandas as pd

from harness.report.numbers import count, number, seconds
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import TOPS, RunTables
from harness.report.tables.display_table import DisplayTable, p_values, quantities, scores, strings
from harness.report.text import Content, Number, Text
from harness.schema.columns import PLAIN_ENDS
from harness.schema.families import family


def families(names: pd.Series) -> list[Content]:
    """Families by their labels."""
    return [family(str(name)).label for name in names]


def ranked(tables: RunTables) -> DisplayTable:
    """What a reader compares first: τ over all and among the best, the difference to the best baseline, cost."""
    table, by_target = ranked_table(tables), tables.taus_by_target
    ends = {"tau": "", "low": "_low", "high": "_high"}
    further = {f"tau_on_{name}{end}": rows[of] for name, rows in by_target.items() for of, end in ends.items()}
    made = DisplayTable(
        table.assign(**further),
        {
            "predictor": strings(table["predictor"]),
            "family": families(table["family"]),
            "τ": scores(table, "tau"),
            f"τ, {TOPS['tau_half']}": scores(table, "tau_half"),
            f"τ, {TOPS['tau_fifth']}": scores(table, "tau_fifth"),
            **({"τ between groups": scores(table, "tau_groups")} if "tau_groups" in table else {}),
            **{f"τ, {name}": scores(rows, "tau", ends=PLAIN_ENDS) for name, rows in by_target.items()},
            "Δτ to best baseline": scores(table, "difference", sign=True),
            "p (Holm)": p_values(table, "p_holm", tables.permutation_floor),
            "n": quantities(table["n"], count),
            "seconds": quantities(table["seconds"], seconds),
        },
        left=2,
        aside=(f"τ, {TOPS['tau_fifth']}", "τ between groups"),
    )
    return made.without_empty("seconds") if tables.given else made


def every_metric(tables: RunTables) -> DisplayTable:
    """All that was measured of each predictor at the last budget; columns that nothing fills are left out."""
    table = ranked_table(tables)
    metrics = {
        "τ": "tau", f"τ, {TOPS['tau_tenth']}": "tau_tenth", "τ between groups": "tau_groups",
        "weighted τ": "weighted_tau", "Spearman": "spearman", "Pearson": "pearson", "half accuracy": "half_accuracy",
    }  # fmt: skip
    columns = {
        "predictor": strings(table["predictor"]),
        **{heading: scores(table, name) for heading, name in metrics.items() if name in table},
        "n": quantities(table["n"], count),
        "failed": quantities(table["failed"], count),
        "fitted on": quantities(table["fitted_on"].where(table["fitted_on"] > 0), mean_count),
        "mean sd": quantities(table["sd"], partial(number, decimals=3)),
        "note": strings(table["note"]),
    }
    return DisplayTable(table, columns).without_empty("fitted on", "mean sd", "note")


def mean_count(value: float) -> str:
    """A mean count: 64, or 57.6 where folds differ."""
    return count(value) if pd.isna(value) or value == round(value) else f"{value:,.1f}"


def short(tables: RunTables) -> DisplayTable:
    """The predictors of the short list, in columns that a paper has room for."""
    table = ranked_table(tables)
    table = table[table["predictor"].isin(tables.short_list)].reset_index(drop=True)
    signed = partial(number, sign=True)
    differences: list[Content] = [
        Text(Number(gap, signed), " (", p, ")") if pd.notna(gap) else Number(gap)
        for gap, p in zip(
            table["difference"].to_numpy(dtype=float), p_values(table, "p_holm", tables.permutation_floor), strict=True
        )
    ]
    columns = {
        "predictor": strings(table["predictor"]),
        "family": families(table["family"]),
        f"τ [{tables.percent}]": scores(table, "tau"),
        TOPS["tau_half"]: quantities(table["tau_half"]),
        TOPS["tau_fifth"]: quantities(table["tau_fifth"]),
        "Δτ (p)": differences,
        "seconds": quantities(table["seconds"], seconds),
    }
    kept = ["predictor", "family", "tau", "tau_low", "tau_high", "tau_half", "tau_fifth", "difference", "p_holm",
            "seconds"]  # fmt: skip
    return DisplayTable(table[kept], columns, left=2)


def budgets(tables: RunTables) -> DisplayTable:
    """τ of every predictor at every budget, in the order of the ranking."""
    table = tables.metrics.pivot(index="predictor", columns="step", values="tau").reindex(tables.final["predictor"])
    kept = ["predictor", "step", "epoch", "tau", "tau_low", "tau_high", "n", "failed", "images", "seconds",
            "fitted_on", "initial_seconds"]  # fmt: skip
    columns = {"predictor": strings(table.index)} | {f"step {step}": quantities(table[step]) for step in table}
    return DisplayTable(tables.metrics[kept], columns)
