"""How well predictors rank networks on several data sets: each set, the mean over the sets, paired differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import spearman, tau_b
from harness.evaluate.groups import FEWEST_FOR_INTERVAL, taus_between_groups
from harness.evaluate.weighted import weighted_tau

from .experiments import DRAWS, LEVEL, SEED, STATIC, by_seed

Numbers = NDArray[np.float64]
Draws = NDArray[np.int64]

AGAINST = (STATIC, "source_accuracy", "params")
"""What never looks at the target: every predictor is compared with each of them."""

FEWEST = 10
"""Networks with a score, on each data set, below which there is no mean over the sets and no difference."""

GAPS = ["against", "common", "difference", "low", "high", "family_low", "family_high"]
"""Columns of a difference."""


class Judged(NamedTuple):
    """`by_set`: a row for each data set and predictor; `over_sets`: the means; `differences`: to those of `AGAINST`."""

    by_set: pd.DataFrame
    over_sets: pd.DataFrame
    differences: pd.DataFrame


@dataclass(frozen=True)
class Sample:
    """Scores of one experiment on one data set, (predictors, networks), and the true accuracies, (networks,).

    `codes` number the family of each network; all samples of an experiment have the same networks in the same order.
    """

    scores: pd.DataFrame
    truth: Numbers
    codes: NDArray[np.int64]

    def scored(self, name: str) -> int:
        """Networks with a score of this predictor and a true accuracy."""
        if name not in self.scores.index:
            return 0
        return int((np.isfinite(self.scores.loc[name]) & np.isfinite(self.truth)).sum())

    def rows(self, names: Sequence[str]) -> Numbers:
        """Scores of these predictors, (predictors, networks)."""
        return self.scores.loc[list(names)].to_numpy(dtype=float)

    def taus(self, values: Numbers, weights: Draws) -> Numbers:
        """τ-b of `values` (predictors, networks) under each draw of networks, (predictors, draws)."""
        return np.asarray(tau_b(values, self.truth, weights))

    def taus_between_families(self, values: Numbers, weights: Draws) -> tuple[Numbers, NDArray[np.integer]]:
        """τ-b between families under each draw of families, and the number of families with a score."""
        known = np.isfinite(self.truth)
        return taus_between_groups(values[:, known], self.truth[known], self.codes[known], weights)


def judged(scores: pd.DataFrame, found: pd.DataFrame) -> Judged:
    """Every predictor of every experiment, on each data set and in the mean over them, with 95 % intervals.

    `by_set` and `over_sets` have τ-b (`tau`, `low`, `high`), `weighted_tau`, `spearman` and `tau_groups`: τ-b between
    families, by mean ranks. The intervals draw networks, those of `tau_groups` families; in means the same ones on
    every data set. `differences`: τ of a predictor less that of one of `AGAINST`, the mean over the data sets, on the
    networks that both score on each; `low` and `high` draw networks, `family_low` and `family_high` draw families with
    all their networks. No interval is corrected for the number of predictors.
    """
    parts = [_judged(str(experiment), part, found) for experiment, part in scores.groupby("experiment", sort=False)]
    one, over, gaps = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    facts = ["experiment", "predictor", "family", "looks"]
    return Judged(
        _ordered(one, ["dataset", *facts, "n"]), _ordered(over, [*facts, "sets"]), gaps.reindex(columns=facts + GAPS)
    )


def _judged(experiment: str, part: pd.DataFrame, found: pd.DataFrame) -> Judged:
    asked = samples(part, found)
    facts = part.drop_duplicates("predictor").set_index("predictor")[["family", "looks"]]
    one = []
    for dataset, each in asked.items():
        table = _correlations([each], list(each.scores.index)).assign(dataset=dataset)
        clock = part[part["dataset"] == dataset].drop_duplicates("predictor").set_index("predictor")["seconds"]
        one.append(table.assign(n=table["predictor"].map(each.scored), seconds=table["predictor"].map(clock)))
    everywhere = list(asked.values())
    names = [name for name in facts.index if all(each.scored(name) >= FEWEST for each in everywhere)]
    gaps = pd.DataFrame(_differences(everywhere, names), columns=["predictor", *GAPS])
    gaps = gaps.sort_values(["against", "difference"], ascending=[True, False])
    tables = (pd.concat(one), _correlations(everywhere, names).assign(sets=len(everywhere)), gaps)
    return Judged(*(each.join(facts, on="predictor").assign(experiment=experiment) for each in tables))


def samples(part: pd.DataFrame, found: pd.DataFrame) -> dict[str, Sample]:
    """The scores of one experiment and the accuracies `found`, by data set."""
    family = part.drop_duplicates("architecture").set_index("architecture")["group"]
    networks = sorted(set(found["network"]) & set(family.index))
    codes = np.unique(family[networks].to_numpy(dtype=str), return_inverse=True)[1]
    asked = {}
    for dataset, each in part.groupby("dataset", sort=False):
        truth = by_seed(found, str(dataset)).mean(axis=1).reindex(networks).to_numpy(dtype=float)
        table = each.pivot(index="predictor", columns="architecture", values="score").reindex(columns=networks)
        if np.isfinite(truth).any():
            asked[str(dataset)] = Sample(table, truth, codes)
    return asked


def _ordered(table: pd.DataFrame, first: Sequence[str]) -> pd.DataFrame:
    """The best first within an experiment (and data set), the columns `first` at the front."""
    keys = [name for name in ("experiment", "dataset") if name in table]
    places = table.groupby(keys, sort=False).ngroup()
    kept = table.assign(place=places).sort_values(["place", "tau"], ascending=[True, False], kind="stable")
    return kept[[*first, *(name for name in table if name not in first)]].reset_index(drop=True)


def _correlations(asked: Sequence[Sample], names: Sequence[str]) -> pd.DataFrame:
    """Means over the samples of every correlation of each predictor; a sample alone is its own mean."""
    networks, families = _draws(asked[0])
    values = [each.rows(names) for each in asked]
    taus = np.mean([each.taus(v, networks) for each, v in zip(asked, values, strict=True)], axis=0)
    pairs = [each.taus_between_families(v, families) for each, v in zip(asked, values, strict=True)]
    between, scored = np.mean([taus for taus, _ in pairs], axis=0), np.min([n for _, n in pairs], axis=0)
    ends, group_ends = _ends(taus), _ends(between)
    group_ends[scored < FEWEST_FOR_INTERVAL] = np.nan
    columns = {
        "predictor": names, "tau": taus[:, 0], "low": ends[:, 0], "high": ends[:, 1],
        "weighted_tau": _mean_of(weighted_tau, asked, values), "spearman": _mean_of(spearman, asked, values),
        "tau_groups": between[:, 0], "tau_groups_low": group_ends[:, 0], "tau_groups_high": group_ends[:, 1],
    }  # fmt: skip
    return pd.DataFrame(columns)


def _mean_of(
    correlation: Callable[[Numbers, Numbers], Numbers], asked: Sequence[Sample], values: Sequence[Numbers]
) -> Numbers:
    found = [correlation(v, each.truth)[:, 0] for each, v in zip(asked, values, strict=True)]
    return np.asarray(np.mean(found, axis=0))


def _draws(sample: Sample) -> tuple[Draws, Draws]:
    """Draws of networks and of families, the sample as it is in the first row of each."""
    count = len(sample.truth), int(sample.codes.max()) + 1
    return observed_and_draws(count[0], DRAWS, SEED), observed_and_draws(count[1], DRAWS, SEED)


def _ends(taus: Numbers) -> Numbers:
    return np.array([interval(row[1:], LEVEL) for row in taus]).reshape(-1, 2)


def _differences(asked: Sequence[Sample], names: Sequence[str]) -> Iterator[dict[str, object]]:
    networks, families = _draws(asked[0])
    of_families = families[:, asked[0].codes]  # all networks of a family are drawn together
    for other in (name for name in AGAINST if name in names):
        for name in names:
            if name != other:
                yield {"predictor": name, "against": other, **_difference(asked, name, other, networks, of_families)}


def _difference(asked: Sequence[Sample], name: str, other: str, networks: Draws, families: Draws) -> dict[str, object]:
    """τ of `name` less that of `other`, the mean over the data sets; on networks that both score on each."""
    found: dict[str, object] = {}
    for prefix, weights in (("", networks), ("family_", families)):
        gaps, fewest = [], len(weights[0])
        for each in asked:
            values = each.rows([name, other])
            common = np.isfinite(values).all(axis=0) & np.isfinite(each.truth)
            fewest = min(fewest, int(common.sum()))
            own, its = each.taus(np.where(common, values, np.nan), weights)
            gaps.append(own - its)
        gap = np.mean(gaps, axis=0)
        low, high = interval(gap[1:], LEVEL) if fewest >= FEWEST else (np.nan, np.nan)
        found |= {"common": fewest, "difference": gap[0], f"{prefix}low": low, f"{prefix}high": high}
    return found
