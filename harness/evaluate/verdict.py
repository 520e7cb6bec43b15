"""The tables of a judgement, one part after the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import observed_and_draws
from harness.evaluate.ceiling import ceilings
from harness.evaluate.correlations import tau_b
from harness.evaluate.differences import ablations, differences
from harness.evaluate.judge import Evaluation, Judgement
from harness.evaluate.metrics import metrics
from harness.evaluate.pairs import pairs
from harness.evaluate.selection import selection, too_few
from harness.schema import Truth, demand, seed_of

Numbers = NDArray[np.float64]


def verdict(
    scores: pd.DataFrame,
    truth: Truth,
    families: Mapping[str, str],
    evaluation: Evaluation,
    not_baselines: Collection[str],
    twins: Mapping[str, tuple[str, str]],
) -> Judgement:
    """What `judge.judge` gives, and says."""
    labels, table, names = _square(scores, truth, families)
    accuracy = truth.accuracy.loc[names].to_numpy(dtype=float)
    mean = truth.mean().loc[names].to_numpy(dtype=float)
    level, seed = evaluation.level, evaluation.seed
    weights = observed_and_draws(len(names), evaluation.bootstrap, seed)
    taus = tau_b(table, mean, weights)
    family = [families[predictor] for predictor, _ in labels]
    baseline = [f != "capacitance" and p not in not_baselines for f, (p, _) in zip(family, labels, strict=True)]
    numbers = metrics(labels, table, mean, weights, taus, level, seed, evaluation.pearson)
    numbers.insert(1, "family", family)
    numbers.insert(2, "baseline", baseline)
    short = [too_few(n, evaluation.top) for n in numbers["n"]]
    numbers["note"] = ["; ".join(filter(None, said)) for said in zip(numbers["note"], short, strict=True)]
    swaps = evaluation.permutations, seed_of(seed, "permutations")
    return Judgement(
        numbers,
        differences(labels, baseline, table, mean, weights, taus, level, *swaps),
        ceilings(accuracy, weights, level),
        ablations(labels, table, mean, weights, taus, level, twins),
        selection(labels, table, mean, evaluation.top, weights[1:], level),
        pairs(labels, table, mean, evaluation.gaps, weights[1:], level),
    )


def _square(
    scores: pd.DataFrame, truth: Truth, families: Mapping[str, str]
) -> tuple[list[tuple[str, int]], Numbers, list[str]]:
    """(predictor, step) in order of appearance, their scores (predictors, architectures), the architectures' names."""
    strangers = sorted(set(scores["predictor"].unique()) - set(families))
    demand(not strangers, "families", "a family for every predictor", strangers)
    missing = sorted(set(scores["architecture"].unique()) - set(truth.accuracy.index))
    demand(not missing, "truth", "a row for every scored architecture", missing[:3])
    names = sorted(truth.accuracy.index[truth.mean().notna()])
    wide = scores.pivot(index=["predictor", "step"], columns="architecture", values="score").reindex(columns=names)
    pairs = scores[["predictor", "step"]].drop_duplicates()
    labels = [(str(predictor), int(step)) for predictor, step in pairs.itertuples(index=False)]
    return labels, wide.loc[labels].to_numpy(dtype=float), names
