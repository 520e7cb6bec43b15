"""What is asked of networks that were fine-tuned on several data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches.pretrained.static_rank import static_rank
from harness.benches.tabulated import Tabulated
from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.ceiling import ceilings, reliability
from harness.evaluate.correlations import tau_b

Numbers = NDArray[np.float64]

DRAWS, LEVEL, SEED = 1000, 0.95, 0
STATIC = "static_rank"
FEWEST = 10
"""Networks with both scores below which a difference is not told."""


def accuracies(tables: Sequence[Tabulated], scores: pd.DataFrame) -> pd.DataFrame:
    """Final test accuracy (percent) of every network, data set and seed.

    Columns: network, family, note, dataset, seed, accuracy. `note` is what a network was trained on, where that is not
    ImageNet.
    """
    known = scores.drop_duplicates("architecture").set_index("architecture")
    frames = []
    for table in tables:
        curves = table.curves
        last = curves[curves["epoch"] == curves["epoch"].max()]
        frame = last[["architecture", "seed", "test_accuracy"]].set_axis(["network", "seed", "accuracy"], axis=1)
        frame.insert(0, "dataset", table.about["dataset"])
        frames.append(frame)
    found = pd.concat(frames, ignore_index=True)
    for column in ("group", "note"):
        found[{"group": "family"}.get(column, column)] = found["network"].map(known[column]).fillna("")
    order = ["network", "family", "note", "dataset", "seed", "accuracy"]
    rows: pd.DataFrame = found[order].sort_values(order[:1] + order[3:5], ignore_index=True)
    return rows


def by_seed(found: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Accuracies on one data set, (networks, seeds)."""
    seeds: pd.DataFrame = found[found["dataset"] == dataset].pivot(index="network", columns="seed", values="accuracy")
    return seeds


def ceilings_of(found: pd.DataFrame) -> pd.DataFrame:
    """One row a data set: its spread of accuracies, τ between two seeds, and the test-retest and oracle ceilings.

    Columns: dataset, networks, seeds, worst, median, best (percent), sd_seeds (deviation between seeds, points),
    tau_seeds, tau, low, high (test-retest), oracle. See `harness.evaluate.ceiling`.
    """
    rows = []
    for dataset in found["dataset"].drop_duplicates():
        table = by_seed(found, dataset)
        values, means = table.to_numpy(dtype=float), table.mean(axis=1)
        weights = observed_and_draws(len(values), DRAWS, SEED)
        whole = ceilings(values, weights, LEVEL).query("subset == 'all'").set_index("kind")
        again = whole.loc["retraining"]
        rows.append({
            "dataset": dataset, "networks": len(table), "seeds": table.shape[1],
            "worst": means.min(), "median": means.median(), "best": means.max(),
            "sd_seeds": float(np.sqrt(table.var(axis=1, ddof=1).mean())),
            "tau_seeds": reliability(values).single,
            "tau": again["tau"], "low": again["low"], "high": again["high"], "oracle": whole.loc["oracle", "tau"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def with_static_rank(scores: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The scores with `static_rank` of the accuracies `found`, for every experiment and data set.

    A run that was judged when there were fewer tables has another or none.
    """
    means = found.groupby(["network", "dataset"])["accuracy"].mean().unstack()
    frames = [scores[scores["predictor"] != STATIC]]
    if means.shape[1] > 1:
        for (_, dataset), part in scores.groupby(["experiment", "dataset"], sort=False):
            one = part.drop_duplicates("architecture")
            score = one["architecture"].map(static_rank(means, str(dataset)))
            own = one.assign(predictor=STATIC, family="description", looks=False, seconds=0.0, score=score)
            frames.append(own)
    return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True)
class _Asked:
    """Scores of one experiment on one data set: (predictors, networks), and the true accuracies (networks,)."""

    scores: pd.DataFrame
    truth: Numbers


def judged(scores: pd.DataFrame, found: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every predictor on every data set, and its mean over the data sets, with 95 % intervals over networks.

    The first: dataset, experiment, predictor, family, looks, n, tau, low, high, seconds. The second: experiment,
    predictor, family, looks, sets, tau, tau_low, tau_high, and for those that look at the target its `difference` to
    the best of those that do not (`against`), each mean over the data sets on the networks that both score, with a
    paired interval `low`, `high` that draws networks, the same ones on every data set, and `family_low`, `family_high`
    that draw families. The best is chosen on the same networks, which favours it.
    """
    one, several = [], []
    for experiment, part in scores.groupby("experiment", sort=False):
        facts = part.drop_duplicates("predictor").set_index("predictor")
        asked = _asked(part, found)
        for dataset, each in asked.items():
            one += [{"dataset": dataset, "experiment": experiment, **row} for row in _rows(each, part, dataset, facts)]
        several += [{"experiment": experiment, **row} for row in _over_sets(asked, facts, part)]
    return pd.DataFrame(one), pd.DataFrame(several).sort_values(["experiment", "tau"], ascending=[False, False])


def _asked(scores: pd.DataFrame, found: pd.DataFrame) -> dict[str, _Asked]:
    networks = sorted(found["network"].unique())
    asked = {}
    for dataset, part in scores.groupby("dataset", sort=False):
        truth = by_seed(found, str(dataset)).mean(axis=1).reindex(networks).to_numpy(dtype=float)
        table = part.pivot(index="predictor", columns="architecture", values="score").reindex(columns=networks)
        if np.isfinite(truth).any():
            asked[str(dataset)] = _Asked(table, truth)
    return asked


def _rows(each: _Asked, part: pd.DataFrame, dataset: str, facts: pd.DataFrame) -> list[dict[str, object]]:
    weights = observed_and_draws(len(each.truth), DRAWS, SEED)
    taus = tau_b(each.scores.to_numpy(dtype=float), each.truth, weights)
    seconds = part[part["dataset"] == dataset].drop_duplicates("predictor").set_index("predictor")["seconds"]
    rows = []
    for name, row in zip(each.scores.index, taus, strict=True):
        low, high = interval(row[1:], LEVEL)
        n = int((np.isfinite(each.scores.loc[name]) & np.isfinite(each.truth)).sum())
        known = {key: facts.loc[name, key] for key in ("family", "looks")}
        ends = {"tau": row[0], "low": low, "high": high, "seconds": seconds.get(name, np.nan)}
        rows.append({"predictor": name, **known, "n": n, **ends})
    return sorted(rows, key=lambda row: -np.nan_to_num(row["tau"], nan=-2))


def _over_sets(asked: Mapping[str, _Asked], facts: pd.DataFrame, part: pd.DataFrame) -> list[dict[str, object]]:
    first = next(iter(asked.values()))
    networks = list(first.scores.columns)
    families = part.drop_duplicates("architecture").set_index("architecture")["group"].reindex(networks).fillna("")
    draws = observed_and_draws(len(networks), DRAWS, SEED), family_draws(families.tolist(), DRAWS, SEED)
    names = [name for name in facts.index if all(name in each.scores.index for each in asked.values())]
    free = [name for name in names if not facts.loc[name, "looks"]]
    alone = {name: _mean_tau(asked, [name], draws[0])[0][0] for name in names}
    free = [name for name in free if np.isfinite(alone[name][0])]
    best = max(free, key=lambda name: alone[name][0], default="")
    rows = []
    for name in names:
        low, high = interval(alone[name][1:], LEVEL)
        row = {"predictor": name, "family": facts.loc[name, "family"], "looks": facts.loc[name, "looks"],
               "sets": len(asked), "tau": alone[name][0], "tau_low": low, "tau_high": high}  # fmt: skip
        if best and name != best:
            row |= _difference(asked, name, best, draws)
        rows.append(row)
    return rows


def _difference(
    asked: Mapping[str, _Asked], name: str, best: str, draws: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> dict[str, object]:
    """τ of `name` less that of `best`, the mean over the data sets; on networks that both score on each."""
    found: dict[str, object] = {"against": best}
    for prefix, weights in zip(("", "family_"), draws, strict=True):
        (own, other), n = _mean_tau(asked, [name, best], weights)
        gap = own - other
        low, high = interval(gap[1:], LEVEL) if n >= FEWEST else (np.nan, np.nan)
        found |= {"common": n, "difference": gap[0], f"{prefix}low": low, f"{prefix}high": high}
    return found


def _mean_tau(asked: Mapping[str, _Asked], names: Sequence[str], weights: NDArray[np.int64]) -> tuple[Numbers, int]:
    """Mean τ-b over the data sets under each draw, (predictors, draws), on networks with all these scores; the fewest
    networks of a data set."""
    taus, fewest = [], len(weights[0])
    for each in asked.values():
        scores = each.scores.loc[list(names)].to_numpy(dtype=float)
        common = np.isfinite(scores).all(axis=0) & np.isfinite(each.truth)
        fewest = min(fewest, int(common.sum()))
        taus.append(tau_b(np.where(common, scores, np.nan), each.truth, weights))
    return np.mean(taus, axis=0), fewest


def family_draws(families: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Multiplicities (1 + count, networks) of draws of families with replacement, all networks of one together; the
    sample as it is in the first row."""
    labels, codes = np.unique(np.asarray(families), return_inverse=True)
    return observed_and_draws(len(labels), count, seed)[:, codes]
