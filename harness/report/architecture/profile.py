"""One architecture of a run: which one is meant, what is stored of it, and where each predictor ranks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.report.text import Name, Text, joined
from harness.schema import FACT_COLUMNS, BadInput, digest

if TYPE_CHECKING:
    from harness.report.run_tables import RunTables

RIGHT = 1 / 10
"""A rank is right within a tenth of the architectures; it is far off beyond `chance`, which the true rank decides."""

Isomorphic = Callable[[str, list[tuple[str, str]]], str | None]
"""Of the (name, group) pairs the name of the architecture that does what another string says, None where none does."""


@dataclass(frozen=True)
class ArchitectureProfile:
    """What the tables hold of one architecture.

    `ranks` has one row a predictor at the last budget, those farthest off first and those without a score last:
    `predictor`, `family`, `score`, `sd`, `reason`, `rank` and `true_rank` (1 = best, ties share the mean) among the `m`
    architectures that have both a score and a truth, and `off`, true less predicted rank as a share of m, positive
    where the predictor ranks it higher than it belongs. `chance` is what a rank drawn at random would be off on
    average: half of all at either end, a quarter in the middle.
    """

    name: str
    group: str
    dead: bool
    index: int | None
    truth: float
    rank: float
    n: int
    twins: tuple[str, ...]
    accuracies: dict[str, float]
    facts: dict[str, float]
    ranks: pd.DataFrame

    @property
    def stem(self) -> str:
        """What its files are called: the official index, or else the beginning of a digest of its name."""
        return str(self.index) if self.index is not None else digest(self.name)[:8]


def find(tables: RunTables, wanted: str, isomorphic: Isomorphic | None = None) -> str:
    """The name of the architecture that `wanted` means: its string, official index, "best" or "worst" by truth.

    A string that is not in the run is offered to `isomorphic`. Raises BadInput, one line, where nothing fits.
    """
    table = tables.architectures
    names = [str(name) for name in table["architecture"]]
    if wanted in names:
        return wanted
    if wanted in ("best", "worst"):
        known = table[table["truth"].notna()].sort_values(["truth", "architecture"], ascending=[False, True])
        if known.empty:
            raise BadInput(f"arch: must be an architecture with a true accuracy (got none for {wanted!r})")
        return str(known["architecture"].iloc[0 if wanted == "best" else -1])
    same = isomorphic(wanted, list(zip(names, map(str, table["group"]), strict=True))) if isomorphic else None
    if same is None and wanted.isdecimal():  # after the strings: those of a benchmark may be digits
        return _by_index(table, int(wanted))
    if same is None:
        near = get_close_matches(wanted, names, n=1, cutoff=0)
        raise BadInput(
            f"arch: must be one of the {len(names)} architectures of this run (the nearest: {near[0]!r}), an official "
            f"index, 'best' or 'worst' (got {wanted!r})"
        )
    return same


def _by_index(table: pd.DataFrame, index: int) -> str:
    """The architecture of an official index."""
    known = table[table["index"].notna()]
    if known.empty:
        raise BadInput(f"arch: must be a string, as this run's ground truth gives no official index (got {index})")
    found = known[known["index"] == index]
    if found.empty:
        some = ", ".join(map(str, sorted(known["index"], key=lambda each: abs(int(each) - index))[:3]))
        raise BadInput(
            f"arch: must be the index of one of this run's architectures (the nearest: {some}) (got {index})"
        )
    return str(found["architecture"].iloc[0])


def profile_of(tables: RunTables, name: str) -> ArchitectureProfile:
    """Everything stored of the architecture of this name."""
    table = tables.architectures.set_index("architecture")
    row, place = table.loc[name], table.index.tolist().index(name)
    group = table[(table["group"] == row["group"]) & (table.index != name)]
    seeds = tables.truth[tables.truth["architecture"] == name]
    trajectory = tables.trajectories[tables.trajectories["architecture"] == name]
    facts = {key: float(trajectory[key].iloc[0]) for key in FACT_COLUMNS if key in trajectory and len(trajectory)}
    return ArchitectureProfile(
        name=name,
        group=str(row["group"]),
        dead=bool(row["dead"]),
        index=None if pd.isna(row["index"]) else int(row["index"]),
        truth=float(table["truth"].to_numpy(dtype=float)[place]),
        rank=float(table["truth"].rank(ascending=False).to_numpy(dtype=float)[place]),
        n=int(table["truth"].notna().sum()),
        twins=tuple(map(str, group.index)),
        accuracies={str(seed): float(value) for seed, value in zip(seeds["seed"], seeds["accuracy"], strict=True)},
        facts=facts,
        ranks=_ranks(tables, name),
    )


def _ranks(tables: RunTables, name: str) -> pd.DataFrame:
    """Where each predictor ranks the architecture at the last budget; see ArchitectureProfile."""
    truth = tables.architectures.set_index("architecture")["truth"]
    scores = tables.scores[tables.scores["step"] == tables.last_step]
    both = scores.assign(truth=scores["architecture"].map(truth)).dropna(subset=["score", "truth"])
    groups = both.groupby("predictor")
    both = both.assign(
        rank=groups["score"].rank(ascending=False),
        true_rank=groups["truth"].rank(ascending=False),
        m=groups["score"].transform("size"),
    )
    kept = ["predictor", "rank", "true_rank", "m"]
    here = scores.loc[scores["architecture"] == name, ["predictor", "score", "sd", "reason"]]
    rows = tables.final[["predictor", "family"]].merge(here, on="predictor", how="left")
    rows = rows.merge(both.loc[both["architecture"] == name, kept], on="predictor", how="left")
    rows["reason"] = rows["reason"].fillna("it was not trained" if here.empty else "")
    rows["off"] = (rows["true_rank"] - rows["rank"]) / rows["m"]
    rows["chance"] = chance(rows["true_rank"].to_numpy(dtype=float), rows["m"].to_numpy(dtype=float))
    return rows.sort_values("off", key=np.abs, ascending=False, kind="stable", na_position="last", ignore_index=True)


def chance(rank: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far off, as a share of m, a rank drawn evenly from 1 to m is on average for one that belongs at `rank`.

    The mean of |rank − u| over u = 1, …, m: with b = ⌊rank⌋ of them at or below `rank`, two arithmetic series.
    """
    below = np.floor(rank)
    low = below * rank - below * (below + 1) / 2
    high = (m * (m + 1) - below * (below + 1)) / 2 - (m - below) * rank
    off: NDArray[np.float64] = (low + high) / m**2
    return off


def verdict(profile: ArchitectureProfile) -> Text:
    """Which predictors rank it right and which are far off, in one sentence."""
    ranks = profile.ranks
    scored = ranks[ranks["off"].notna()]
    missing = int(ranks["score"].isna().sum())
    if scored.empty:
        return Text(
            "No predictor ranks it" + (": none has a score of it." if missing else ": it has no true accuracy.")
        )
    off = scored["off"].abs()
    right, far = scored[off <= RIGHT][::-1], scored[off > scored["chance"]]
    parts = [
        _named(right, ("ranks it right", "rank it right"), "within a tenth of the architectures", "closest"),
        _named(far, ("is far off", "are far off"), "farther than a random rank is on average", "farthest"),
    ]
    parts += [Text(f"{missing} {'has' if missing == 1 else 'have'} no score")] if missing else []
    return Text(f"Of {len(ranks)} predictors ", joined(parts, "; "), ".")


def _named(rows: pd.DataFrame, verbs: tuple[str, str], how: str, end: str) -> Text:
    """Such as: 3 are far off, farther than a random rank is on average (`a`, `b`, `c`)."""
    if rows.empty:
        return Text(f"none {verbs[0]}, {how}")
    names = joined([Name(str(name)) for name in rows["predictor"].head(3)], ", ")
    return Text(f"{len(rows)} {verbs[len(rows) > 1]}, {how} ({f'{end}: ' if len(rows) > 3 else ''}", names, ")")
