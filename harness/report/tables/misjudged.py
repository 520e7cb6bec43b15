"""Which predictors rank an architecture furthest from, and closest to, its true rank."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.report.run_tables import RunTables

COLUMNS = ("places_off", "most_misjudged_by", "most_places", "least_misjudged_by", "least_places")


def misjudged(tables: RunTables) -> pd.DataFrame:
    """The columns COLUMNS by architecture, at the last budget: the median over predictors of the places by which they
    misrank it, and the predictors of most and fewest places, of several the one of highest τ.

    Places are the true rank (1 is the best) less the rank by score, positive where a predictor ranks an architecture
    too high; a rank among fewer architectures than have a truth is stretched to them. nan and "" without any score.
    """
    truth = tables.architectures.set_index("architecture")["truth"]
    off = _places_off(tables, truth)
    size = np.abs(off.to_numpy(dtype=float))
    scored = np.isfinite(size).any(axis=0)
    most = np.where(np.isfinite(size), size, -np.inf).argmax(axis=0)
    least = np.where(np.isfinite(size), size, np.inf).argmin(axis=0)
    names, columns = off.index.to_numpy(dtype=object), np.arange(off.shape[1])
    places = off.to_numpy(dtype=float)
    values = (
        off.abs().median(axis=0).to_numpy(dtype=float),
        np.where(scored, names[most], ""), places[most, columns],
        np.where(scored, names[least], ""), places[least, columns],
    )  # fmt: skip
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)), index=truth.index)


def _places_off(tables: RunTables, truth: pd.Series) -> pd.DataFrame:
    """True rank less stretched rank by score, (predictors, architectures), best τ first."""
    last = tables.at_end(tables.scores)
    scores = last.pivot(index="predictor", columns="architecture", values="score")
    scores = scores.reindex(index=[str(name) for name in tables.final["predictor"]], columns=truth.index)
    known = scores.where(np.isfinite(scores) & truth.notna())
    ranks = known.rank(axis=1, ascending=False)
    stretched = 0.5 + ((ranks - 0.5) * int(truth.notna().sum())).div(known.notna().sum(axis=1), axis=0)
    return truth.rank(ascending=False) - stretched
