"""What the page carries for its script: ranks, scores, cells and curves of the architectures, packed."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.report.explore.glossary import glossary
from harness.report.run_tables import RunTables
from harness.report.style.dark import dark
from harness.schema import FACT_COLUMNS, digest
from harness.schema.families import family

CELLS = 700_000
"""Scores (predictors x budgets x architectures) that a page carries at most: 2 to 3 MB packed."""

OBSERVATIONS = 24
"""Points of a curve that a page carries at most, evenly spaced."""

SCORE_DIGITS = 3
"""Of a score as the page shows it; ranks are exact."""

LONGEST_NAME = 24
"""Letters of a name that tables have room for; the page of an architecture gives every name in full."""

METRICS = {"tau": "tau", "low": "tau_low", "high": "tau_high", "fifth": "tau_fifth", "n": "n", "seconds": "seconds",
           "fitted": "fitted_on"}  # fmt: skip
"""Columns of `metrics` that the script shows at every budget, by their names in the page."""


def pack(values: dict[str, Any]) -> str:
    """JSON, gzipped (no date: equal tables give equal bytes), as base64."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def unpack(text: str) -> dict[str, Any]:
    """What `pack` was given; the page's script does the same."""
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text)))
    return found


def embed(tables: RunTables) -> dict[str, Any]:
    """Everything that the script of the page knows of a run, as JSON values.

    Architectures are in order of their true accuracy, best first. `ranks[predictor][budget]` holds twice the rank (1 is
    best, ties share the mean) among all architectures of the run with a score and a truth, 0 where there is none;
    `scores` the scores to SCORE_DIGITS digits in the order of these ranks, which packs to a third of them by
    architecture. Where there are more than CELLS, architectures evenly spaced by accuracy are kept, and `of` says out
    of how many.
    """
    predictors, steps = (
        [str(name) for name in tables.final["predictor"]],
        sorted(map(int, tables.metrics["step"].unique())),
    )
    known = tables.architectures.sort_values(["truth", "architecture"], ascending=[False, True], ignore_index=True)
    scores = _scores(tables.scores, predictors, steps, [str(name) for name in known["architecture"]])
    truth = known["truth"].to_numpy(dtype=float)
    ranks = np.array([[_twice_ranks(row, truth) for row in rows] for rows in scores], dtype=int)
    most = max(CELLS // (len(predictors) * len(steps)), 2)
    kept = (
        np.arange(len(known))
        if len(known) <= most
        else np.unique(np.linspace(0, len(known) - 1, most).round().astype(int))
    )
    return {
        "of": len(known),
        "known": int(np.isfinite(truth).sum()),
        "given": tables.given,
        "percent": tables.percent,
        "budgets": [{"step": step, "moment": _moment(tables, step)} for step in steps],
        "families": _families(tables),
        "predictors": _predictors(tables, predictors, steps),
        "architectures": _architectures(tables, known.iloc[kept]),
        **_cells(tables, known["architecture"].iloc[kept]),
        "ranks": ranks[:, :, kept].tolist(),
        "scores": [
            [_by_rank(row[kept], places[kept]) for row, places in zip(rows, of, strict=True)]
            for rows, of in zip(scores, ranks, strict=True)
        ],
        "curves": _curves(tables, known["architecture"].iloc[kept]),
    }  # fmt: skip


def _moment(tables: RunTables, step: int) -> str:
    if tables.given:
        return "given scores"
    return f"after {step:,} step{'' if step == 1 else 's'}" if step else "before training"


def _scores(
    table: pd.DataFrame, predictors: Sequence[str], steps: Sequence[int], names: Sequence[str]
) -> NDArray[np.float64]:
    """Scores by predictor, budget and architecture; nan where there is none."""
    found = np.full((len(predictors), len(steps), len(names)), np.nan)
    places = [pd.Index(known).get_indexer(pd.Index(table[column])) for known, column in
              ((predictors, "predictor"), (steps, "step"), (names, "architecture"))]  # fmt: skip
    inside = np.all([place >= 0 for place in places], axis=0)
    found[tuple(place[inside] for place in places)] = table["score"].to_numpy(dtype=float)[inside]
    return found


def _twice_ranks(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.int64]:
    ranks = np.zeros(len(scores), dtype=int)
    both = np.isfinite(scores) & np.isfinite(truth)
    ranks[both] = np.round(2 * rankdata(-scores[both]))
    return ranks


def _by_rank(scores: NDArray[np.float64], ranks: NDArray[np.int64]) -> list[float | None]:
    """The scores of what has a rank, best first; equal ranks have equal scores."""
    order = np.argsort(ranks, kind="stable")
    return _short(scores[order[ranks[order] > 0]], SCORE_DIGITS)


def _short(values: Iterable[float], digits: int = 4) -> list[float | None]:
    """Numbers to so many digits; null for what is not finite."""
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values]


def _families(tables: RunTables) -> list[dict[str, str]]:
    names = dict.fromkeys(map(str, tables.final["family"]))
    known = [family(name) for name in names]
    return [
        {"name": each.name, "label": each.label, "colour": each.colour, "dark": dark(each.colour.lower())}
        for each in known
    ]


def _predictors(tables: RunTables, names: Sequence[str], steps: Sequence[int]) -> list[dict[str, Any]]:
    """Of each predictor its name, family, and metrics at every budget."""
    table = tables.metrics.set_index(["predictor", "step"])
    first = tables.selection[tables.selection["k"] == 1].set_index(["predictor", "step"])["regret"]
    table = table.assign(regret=first.reindex(table.index).to_numpy(dtype=float))
    index = pd.MultiIndex.from_product([names, steps])
    columns = {key: table[name].reindex(index).to_numpy(dtype=float).reshape(len(names), len(steps))
               for key, name in (METRICS | {"regret": "regret"}).items()}  # fmt: skip
    families, studied = list(tables.final["family"]), tables.is_studied(tables.final).tolist()
    order, entries = list(dict.fromkeys(families)), glossary(tables)
    return [
        {"name": name, "about": entries[name].place, "family": order.index(families[at]), "studied": bool(studied[at])}
        | {key: _short(values[at]) for key, values in columns.items()}
        for at, name in enumerate(names)
    ]  # fmt: skip


def _architectures(tables: RunTables, known: pd.DataFrame) -> dict[str, Any]:
    """The columns of the architectures that are kept: names, indices, truth, true rank, seeds, facts."""
    ranks = tables.architectures.set_index("architecture")["truth"].rank(ascending=False)
    names = known["architecture"]
    seeds = tables.truth.pivot(index="architecture", columns="seed", values="accuracy").reindex(names)
    first = tables.trajectories.drop_duplicates("architecture").set_index("architecture").reindex(names)
    facts = {
        column: _short(first[column]) for column in FACT_COLUMNS if column in first and first[column].notna().any()
    }
    twins = known["group"].map(tables.architectures["group"].value_counts()).fillna(1).astype(int)
    return {
        "names": names.astype(str).tolist(),
        "keys": [_key(str(name), index) for name, index in zip(names, known["index"], strict=True)],
        "truth": _rounded(known["truth"]),
        "rank": [None if pd.isna(rank) else float(rank) for rank in ranks.reindex(names)],
        "dead": [int(dead) for dead in known["dead"]],
        "twins": (twins - 1).tolist(),
        "seeds": {str(name): _rounded(seeds[name]) for name in seeds},
        "facts": facts,
        "note": known["note"].fillna("").astype(str).tolist() if "note" in known else [],
    }  # fmt: skip


def _key(name: str, index: object) -> str:
    """What an architecture is called in a table and an address: index, short name, or the digest of a long name."""
    if not pd.isna(index):  # type: ignore[call-overload]
        return f"#{index}"
    return name if len(name) <= LONGEST_NAME else digest(name)[:8]


def _rounded(accuracies: pd.Series) -> list[float | None]:
    """Accuracies to three decimals, of which the page shows two."""
    return [round(float(value), 3) if np.isfinite(value) else None for value in accuracies.to_numpy(dtype=float)]


def _cells(tables: RunTables, names: pd.Series) -> dict[str, Any]:
    """The distinct edges of all cells, and of every architecture which of them it has."""
    from harness.report.architecture.cell import NOTHING, colour_of, label

    edges = tables.edges[["source", "target", "operation"]].astype(str)
    operations = sorted(set(edges["operation"]))
    codes, distinct = pd.factorize(pd.MultiIndex.from_frame(edges))
    by_name: dict[str, list[int]] = {}
    for name, code in zip(tables.edges["architecture"], codes, strict=True):
        by_name.setdefault(str(name), []).append(int(code))
    colours = [colour_of(name, operations) for name in operations]
    return {
        "operations": [
            {"label": label(name), "colour": colour, "dark": dark(colour.lower()), "nothing": name == NOTHING}
            for name, colour in zip(operations, colours, strict=True)
        ],
        "edges": [[source, target, operations.index(operation)] for source, target, operation in distinct],
        "cells": [by_name.get(str(name), []) for name in names],
    }


def _curves(tables: RunTables, names: pd.Series) -> dict[str, Any]:
    """Curves of the training by column: `values[column][architecture][observation]`, null where nothing was read."""
    from harness.report.architecture.curves import columns

    found = columns(tables)
    shown = [*found["learning"], *found["beta_eff"]]
    steps = np.sort(tables.trajectories["step"].unique())
    steps = steps[np.unique(np.linspace(0, len(steps) - 1, min(len(steps), OBSERVATIONS)).round().astype(int))]
    rows = tables.trajectories[tables.trajectories["step"].isin(steps)]
    if not shown or rows.empty:
        return {"steps": [], "values": {}}
    values = {}
    for column in shown:
        table = rows.pivot(index="architecture", columns="step", values=column).reindex(index=names, columns=steps)
        values[column] = [_short(row) for row in table.to_numpy(dtype=float)]
    return {"steps": [int(step) for step in steps], "values": values}
