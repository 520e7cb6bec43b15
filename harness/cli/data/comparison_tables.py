"""A comparison of published tables as Markdown, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.numbers import interval, number

if TYPE_CHECKING:
    import pandas as pd

    from harness.benches.pretrained.comparison import Comparison

SHOWN = 20  # names that are listed


def markdown(found: Comparison) -> str:
    """One table of each pair's agreement, and one of the scores with two columns for each truth."""
    head = [_listed("models", found.models), _listed("data sets", found.datasets)]
    parts = ["\n".join([*found.notes, *head])]
    for (first, second), table in found.agreement.items():
        rows = [
            [str(name), f"{row['models']:.0f}", *(_short(row[kind]) for kind in ("weighted_tau", "tau", "spearman"))]
            for name, row in table.iterrows()
        ]
        title = f"Agreement of {first} and {second}"
        parts.append(f"{title}\n\n{_table(['data set', 'models', 'weighted τ', 'τ', 'ρ'], rows)}")
    columns = [f"{kind}, {name}" for name in found.judged for kind in ("weighted τ", f"Δ to {found.baseline}")]
    every = [*found.judged.values()]
    rows = [
        [f"`{score}`", *(cell for table in every for cell in _judged(table.loc[score]))] for score in every[0].index
    ]
    title = "Mean over the data sets; 95 % intervals from resampled models"
    parts.append(f"{title}\n\n{_table(['score', *columns], rows)}")
    return "\n\n".join(parts)


def as_json(found: Comparison) -> str:
    """Everything, for programs; a number that is undefined is null."""
    return json.dumps(
        {
            "models": found.models, "datasets": found.datasets, "baseline": found.baseline, "notes": found.notes,
            "agreement": [{"tables": pair, **_records(table)} for pair, table in found.agreement.items()],
            "judged": [{"truth": name, **_records(table)} for name, table in found.judged.items()],
        },
        indent=1,
    )  # fmt: skip


def _records(table: pd.DataFrame) -> dict[str, object]:
    return {"rows": json.loads(table.reset_index().to_json(orient="records"))}


def _listed(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}"


def _judged(row: pd.Series) -> list[str]:
    return [_with_interval(row, "weighted_tau", ""), _with_interval(row, "difference", "difference_")]


def _with_interval(row: pd.Series, name: str, ends: str) -> str:
    low, high = row[f"{ends}low"], row[f"{ends}high"]
    return f"{_short(row[name])} {interval(low, high, zero=False) if low != high else ''}".strip()


def _short(value: float) -> str:
    return number(value, zero=False)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
