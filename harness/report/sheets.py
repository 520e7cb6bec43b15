"""The tables of the report as files: CSV with the numbers, LaTeX with what a paper prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.report.latex import latex
from harness.report.numbers import NONE, estimate, number, seconds, words
from harness.report.ranking import ranked_table
from harness.report.summary import failures
from harness.report.tables import Tables


@dataclass(frozen=True)
class Sheet:
    """One table twice: `numbers` for machines, `text` as people read it (the first `left` columns are words)."""

    name: str
    numbers: pd.DataFrame
    text: pd.DataFrame
    left: int = 1


def write_sheets(tables: Tables, folder: Path) -> dict[str, Sheet]:
    """Write every sheet as CSV and LaTeX into the folder; gives them by name."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets = [_ranked(tables), _budgets(tables), _differences(tables), _ablations(tables), _ceiling(tables)]
    sheets.append(_failures(tables))
    for sheet in sheets:
        sheet.numbers.to_csv(folder / f"{sheet.name}.csv", index=False, float_format="%.6g", lineterminator="\n")
        (folder / f"{sheet.name}.tex").write_text(latex(sheet.text, sheet.left), encoding="utf-8")
    return {sheet.name: sheet for sheet in sheets}


def _estimates(frame: pd.DataFrame, name: str, sign: bool = False) -> list[str]:
    ends = frame[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return [estimate(value, low, high, sign) for value, low, high in ends]


def _ranked(tables: Tables) -> Sheet:
    table = ranked_table(tables)
    text = pd.DataFrame(
        {
            "predictor": table["predictor"],
            "family": table["family"].map(words),
            "τ": _estimates(table, "tau"),
            "τ, better half": _estimates(table, "tau_half"),
            "τ, best fifth": _estimates(table, "tau_fifth"),
            "Δτ to best baseline": _estimates(table, "difference", sign=True),
            "Spearman": _estimates(table, "spearman"),
            "n": table["n"],
            "failed": table["failed"],
            "seconds": table["seconds"].map(seconds),
            "note": table["note"].fillna(""),
        }
    )
    return Sheet("ranked", table, text if text["note"].any() else text.drop(columns="note"), left=2)


def _budgets(tables: Tables) -> Sheet:
    """τ of every predictor at every budget, in the order of the ranking."""
    table = tables.metrics.pivot(index="predictor", columns="step", values="tau")
    table = table.reindex(tables.final["predictor"])
    text = table.map(number).rename(columns=lambda step: f"step {step}").reset_index()
    kept = ["predictor", "step", "epoch", "tau", "tau_low", "tau_high", "n", "failed", "seconds"]
    return Sheet("budgets", tables.metrics[kept], text)


def _differences(tables: Tables) -> Sheet:
    ends = tables.differences.rename(columns={"low": "difference_low", "high": "difference_high"})
    text = pd.DataFrame(
        {
            "predictor": ends["predictor"],
            "best baseline": ends["baseline"],
            "step": ends["step"],
            "Δτ": _estimates(ends, "difference", sign=True),
            "n": ends["n"],
        }
    )
    return Sheet("differences", tables.differences, text, left=2)


def _ablations(tables: Tables) -> Sheet:
    """What groups of inputs add to the predictors that were also run without them."""
    ends = tables.ablations.rename(columns={"low": "difference_low", "high": "difference_high"})
    text = pd.DataFrame(
        {
            "predictor": ends["predictor"],
            "group": ends["group"],
            "step": ends["step"],
            "τ with": ends["tau"].map(number),
            "τ without": ends["tau_without"].map(number),
            "Δτ": _estimates(ends, "difference", sign=True),
            "n": ends["n"],
        }
    )
    return Sheet("ablations", tables.ablations, text, left=2)


def _ceiling(tables: Tables) -> Sheet:
    ends = tables.ceiling.rename(columns={"low": "tau_low", "high": "tau_high"})
    text = pd.DataFrame(
        {
            "architectures": ends["subset"],
            "ceiling": ends["kind"],
            "τ": _estimates(ends, "tau"),
            "seeds": ends["seeds"],
            "n": ends["n"],
        }
    )
    return Sheet("ceiling", tables.ceiling, text, left=2)


def _failures(tables: Tables) -> Sheet:
    counted = failures(tables)
    text = counted[["stage", "predictor", "reason", "count", "architectures", "budgets"]].replace(
        {"predictor": {"": NONE}}
    )
    return Sheet("failures", counted, text, left=3)
