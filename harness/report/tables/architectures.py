"""Every architecture with the accuracies that predictors are judged by."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.numbers import number
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, quantities, strings
from harness.report.tables.misjudged import misjudged
from harness.report.text import Content

MOST_SEEDS = 5
"""With more seeds than this only their mean is shown."""

MOST, LEAST = "most misjudged by", "least misjudged by"


def architectures(tables: RunTables) -> DisplayTable:
    """Architectures by true accuracy (percent, higher is better), best first: the mean, and that of every seed.

    Then the predictors that misjudge it most and least, see `misjudged`. Groups are shown where one has several
    members, notes, sizes and origins where there are any.
    """
    known = tables.architectures
    seeds = tables.truth.pivot(index="architecture", columns="seed", values="accuracy")
    seeds.columns = [f"seed {seed}" for seed in seeds.columns]
    numbers = known.merge(seeds, left_on="architecture", right_index=True, how="left")
    numbers = numbers.merge(misjudged(tables), left_on="architecture", right_index=True, how="left")
    numbers = numbers.sort_values(["truth", "architecture"], ascending=[False, True], ignore_index=True)
    shown = list(seeds.columns) if 1 < seeds.shape[1] <= MOST_SEEDS else []
    columns = {
        "architecture": strings(numbers["architecture"]),
        **({"group": strings(numbers["group"])} if known["group"].duplicated().any() else {}),
        **({"million parameters": quantities(numbers["params"] / 1e6)} if "params" in known else {}),
        "accuracy": quantities(numbers["truth"]),
        **{name: quantities(numbers[name]) for name in shown},
        "places off": quantities(numbers["places_off"], _places),
        MOST: _by(numbers["most_misjudged_by"], numbers["most_places"]),
        LEAST: _by(numbers["least_misjudged_by"], numbers["least_places"]),
        **({"note": strings(numbers["note"])} if "note" in known and known["note"].fillna("").ne("").any() else {}),
        **({"origin": strings(numbers["origin"])} if "origin" in known else {}),
    }
    return DisplayTable(numbers, columns, left=1 + ("group" in columns), words=("note", "origin", MOST, LEAST))


def _by(names: Iterable[str], places: Iterable[float]) -> list[Content]:
    """Predictors with the places by which they misjudge, such as synflow (+12)."""
    return [
        f"{name} ({number(off, _digits(off), sign=True)})" if name else ""
        for name, off in zip(names, places, strict=True)
    ]


def _places(off: float) -> str:
    return number(off, _digits(off))


def _digits(off: float) -> int:
    return 1 if off % 1 else 0
