"""The verdict on the scores of one run: rank correlations, differences from the best baseline, ceiling."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.ceiling import ceilings
from harness.evaluate.differences import ablations, differences
from harness.evaluate.ranking import partial_tau, spearman, tau_b, why_undefined
from harness.evaluate.subsets import FEWEST, Subset, best_fifth, better_half
from harness.schema import Truth, demand, seed_of

Numbers = NDArray[np.float64]


CONTROLS = ("train_loss", "flops", "params")
"""Predictors whose scores are held fixed in the partial tau of the others."""


@dataclass(frozen=True)
class Evaluation:
    """How scores are made and judged.

    `bootstrap` draws give the percentile intervals at `level`; learned predictors are cross-fitted in `folds` folds;
    `seed` decides draws and folds; `budgets` are the steps (updates) at which predictors are scored, null for every
    observed step.
    """

    bootstrap: int = 1000
    level: float = 0.95
    folds: int = 5
    seed: int = 0
    budgets: list[int] | None = None

    def __post_init__(self) -> None:
        demand(self.bootstrap >= 1, "evaluate.bootstrap", "a count of at least 1", self.bootstrap)
        demand(0 < self.level < 1, "evaluate.level", "a number between 0 and 1", self.level)
        demand(self.folds >= 2, "evaluate.folds", "a count of at least 2", self.folds)
        demand(self.seed >= 0, "evaluate.seed", "an integer of at least 0", self.seed)
        steps = self.budgets
        demand(
            steps is None or (len(steps) > 0 and min(steps) >= 0 and len(set(steps)) == len(steps)),
            "evaluate.budgets",
            "a list of different steps of at least 0 (or null)",
            steps,
        )


@dataclass(frozen=True)
class Judgement:
    """Four tables, in long form.

    `metrics`: predictor, family, baseline, step, n, failed, tau, spearman, tau_half, tau_fifth (each with _low and
    _high), n_half, n_fifth, tau_given_<control>, note. `differences`: predictor, step, baseline, difference, low, high,
    n. `ablations`: predictor, group, step, tau, tau_without, difference, low, high, n. `ceiling`: subset, kind, tau,
    low, high, seeds, n, note.
    """

    metrics: pd.DataFrame
    differences: pd.DataFrame
    ceiling: pd.DataFrame
    ablations: pd.DataFrame


def judge(
    scores: pd.DataFrame,
    truth: Truth,
    families: Mapping[str, str],
    evaluation: Evaluation,
    not_baselines: Collection[str] = (),
    twins: Mapping[str, tuple[str, str]] | None = None,
) -> Judgement:
    """How well each predictor ranks at each step, against the mean of the truth's seeds.

    `scores` has the columns predictor, step, architecture, score (higher is better, nan for none); `truth` holds the
    evaluated architectures; `families` names each predictor's family, and all are baselines but those of "capacitance"
    and those of `not_baselines`, which read it among other things. `twins`: see `differences.ablations`.
    Architectures without any recorded accuracy are left out; of the others, `n` have a score and `failed` have none:
    those are counted, never ranked. Intervals resample architectures with replacement (for the subsets, within the
    subset); all predictors see the same draws, which depend on the seed and the number of architectures alone. A
    correlation that does not exist is nan and `note` says why.

    Raises BadInput for a predictor without family and for a scored architecture without a row in the truth.
    """
    labels, table, names = _square(scores, truth, families)
    accuracy = truth.accuracy.loc[names].to_numpy(dtype=float)
    mean = truth.mean().loc[names].to_numpy(dtype=float)
    weights = observed_and_draws(len(names), evaluation.bootstrap, evaluation.seed)
    taus = tau_b(table, mean, weights)
    family = [families[predictor] for predictor, _ in labels]
    baseline = [f != "capacitance" and p not in not_baselines for f, (p, _) in zip(family, labels, strict=True)]
    n = np.isfinite(table).sum(axis=1)
    metrics = pd.DataFrame(labels, columns=["predictor", "step"])
    metrics.insert(1, "family", family)
    metrics.insert(2, "baseline", baseline)
    metrics["n"], metrics["failed"] = n, len(names) - n
    _write(metrics, "tau", taus, evaluation.level)
    _write(metrics, "spearman", spearman(table, mean, weights), evaluation.level)
    notes = [[why_undefined(row, mean)] for row in table]
    for short, name, subset in (("half", "better half", better_half), ("fifth", "best fifth", best_fifth)):
        for said, why in zip(notes, _within(metrics, short, name, subset, table, mean, evaluation), strict=True):
            said.append(why)
    for control in CONTROLS:
        metrics[f"tau_given_{control}"] = _given(labels, table, mean, control)
    metrics["note"] = ["; ".join(why for why in said if why) for said in notes]
    return Judgement(
        metrics,
        differences(labels, baseline, table, mean, weights, taus, evaluation.level),
        ceilings(accuracy, weights, evaluation.level),
        ablations(labels, table, mean, weights, taus, evaluation.level, twins or {}),
    )


def _given(labels: list[tuple[str, int]], table: Numbers, mean: Numbers, control: str) -> list[float]:
    """Partial tau of every row given the control's scores at the same step; nan where there is no such control."""
    places = {label: place for place, label in enumerate(labels)}
    values = []
    for place, (predictor, step) in enumerate(labels):
        other = places.get((control, step))
        known = other is not None and predictor != control
        values.append(partial_tau(table[place], mean, table[other]) if known and other is not None else float("nan"))
    return values


def _square(
    scores: pd.DataFrame, truth: Truth, families: Mapping[str, str]
) -> tuple[list[tuple[str, int]], Numbers, list[str]]:
    """(predictor, step) in order of appearance, their scores (predictors, architectures), the architectures' names."""
    strangers = sorted(set(scores["predictor"]) - set(families))
    demand(not strangers, "families", "a family for every predictor", strangers)
    missing = sorted(set(scores["architecture"]) - set(truth.accuracy.index))
    demand(not missing, "truth", "a row for every scored architecture", missing[:3])
    names = sorted(truth.accuracy.index[truth.mean().notna()])
    wide = scores.pivot(index=["predictor", "step"], columns="architecture", values="score").reindex(columns=names)
    pairs = scores[["predictor", "step"]].drop_duplicates()
    labels = [(str(predictor), int(step)) for predictor, step in pairs.itertuples(index=False)]
    return labels, wide.loc[labels].to_numpy(dtype=float), names


def _within(
    metrics: pd.DataFrame,
    short: str,
    name: str,
    subset: Subset,
    table: Numbers,
    mean: Numbers,
    evaluation: Evaluation,
) -> list[str]:
    """Write τ-b within a subset into `metrics`; the reason for each row that has none, else ""."""
    chosen = subset(mean)
    table, mean = table[:, chosen], mean[chosen]
    n = np.isfinite(table).sum(axis=1)
    enough = np.where((n >= FEWEST)[:, None], table, np.nan)
    weights = observed_and_draws(len(mean), evaluation.bootstrap, seed_of(evaluation.seed, name))
    _write(metrics, f"tau_{short}", tau_b(enough, mean, weights), evaluation.level)
    metrics[f"n_{short}"] = n
    reasons = [
        why_undefined(row, mean) if n_ >= FEWEST else f"fewer than {FEWEST} scores"
        for row, n_ in zip(table, n, strict=True)
    ]
    return [f"{name}: {why}" if why else "" for why in reasons]


def _write(metrics: pd.DataFrame, column: str, values: Numbers, level: float) -> None:
    """Write the observed value (first draw) and its interval as `column`, `column`_low and `column`_high."""
    intervals = np.array([interval(row[1:], level) for row in values]).reshape(len(values), 2)
    metrics[column], metrics[f"{column}_low"], metrics[f"{column}_high"] = (
        values[:, 0],
        intervals[:, 0],
        intervals[:, 1],
    )
