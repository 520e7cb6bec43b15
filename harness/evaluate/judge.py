"""The judgement of one run's scores: how well each predictor ranks, by how much it leads, what could be reached."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import pandas as pd

from harness.evaluate.bootstrap import observed_and_draws
from harness.evaluate.ceiling import ceilings
from harness.evaluate.correlations import tau_b
from harness.evaluate.differences import ablations, differences
from harness.evaluate.metrics import NOT_MEASURED, metrics, parts
from harness.evaluate.pairs import pairs
from harness.evaluate.predictions import NOT_YET, OTHER_BUDGETS
from harness.evaluate.scored_run import ScoredRun
from harness.evaluate.selection import selection, too_few
from harness.evaluate.settings import Evaluation
from harness.schema import Truth, demand, seed_of
from harness.schema.progress import Count, uncounted


@dataclass(frozen=True)
class Judgement:
    """Six tables in long form; their columns are declared in harness/schema/columns.py, by the names of these fields.

    `metrics` has a row for each predictor and step, `differences` compares each with the best baseline, `ceiling` holds
    the noise ceilings, `ablations` compares a predictor with its twin without a group of inputs, `selection` and
    `pairs` say what a search gets that trusts the scores.
    """

    metrics: pd.DataFrame
    differences: pd.DataFrame
    ceiling: pd.DataFrame
    ablations: pd.DataFrame
    selection: pd.DataFrame
    pairs: pd.DataFrame


def judge(
    scores: pd.DataFrame,
    truth: Truth,
    families: Mapping[str, str],
    evaluation: Evaluation,
    not_baselines: Collection[str] = (),
    twins: Mapping[str, tuple[str, str]] | None = None,
    progress: Count = uncounted,
) -> Judgement:
    """How well each predictor ranks at each step, against the mean of the truth's seeds.

    `scores` has the columns predictor, step, architecture, score (higher is better, nan for none), and may have reason
    (see `scoring.score_all`); `truth` holds the evaluated architectures; `families` names each predictor's family.
    Baselines are the predictors that are neither under study (`evaluation.studied`) nor among `not_baselines`, which
    read a studied input, nor left out by `evaluation.baselines`. `twins`: see `differences.ablations`. Architectures
    without any recorded accuracy are left out; of the others, `n` have a score and `failed` have none although the
    budget holds what the predictor reads: those are counted, never ranked. Intervals resample architectures with
    replacement (for the subsets, within the subset); all predictors see the same draws, which depend on the seed and
    the number of architectures alone. A correlation that does not exist is nan and `note` says why. `progress` counts
    the (predictor, step) that each of the metrics and tables has been made for.

    Raises BadInput for a predictor without family, for a scored architecture without a row in the truth, and for a
    studied name that is neither a family nor a predictor of the run.
    """
    tell = _counter(len(scores[["predictor", "step"]].drop_duplicates()), 4 + parts(evaluation.pearson), progress)
    run = scored_run(scores, truth, families, evaluation)
    tell()
    predictors = [predictor for predictor, _ in run.labels]
    studied = evaluation.studied_of(families)
    evaluation.demand_baselines(families)
    barred = {*studied, *not_baselines}
    baseline = [name not in barred and evaluation.may_be_baseline(name, families[name]) for name in predictors]
    numbers = metrics(run, evaluation.seed, evaluation.pearson, tell)
    numbers.insert(1, "family", [families[name] for name in predictors])
    numbers.insert(2, "baseline", baseline)
    numbers.insert(3, "studied", [name in studied for name in predictors])
    numbers["note"] = _notes(scores, numbers, run.labels, evaluation.top)
    rows = run.labels, run.scores, run.truth
    accuracy = truth.accuracy.loc[_names(truth)].to_numpy(dtype=float)
    compared = differences(run, baseline, evaluation.permutations, seed_of(evaluation.seed, "permutations"))
    tell()
    chosen = selection(*rows, evaluation.top, run.draws, run.level)
    tell()
    apart = pairs(*rows, evaluation.gaps, run.draws, run.level)
    tell()
    ceiling = ceilings(accuracy, run.weights, run.level)
    return Judgement(numbers, compared, ceiling, ablations(run, twins or {}), chosen, apart)


def _notes(
    scores: pd.DataFrame, numbers: pd.DataFrame, labels: Sequence[tuple[str, int]], top: Sequence[int]
) -> list[str]:
    """Why numbers of a (predictor, step) are missing or say little; empty where nothing is to be said."""
    left_out = _left_out(scores)
    return [
        OTHER_BUDGETS if label in left_out else NOT_MEASURED if note == NOT_MEASURED
        else "; ".join(filter(None, [note, too_few(n, top)]))
        for label, note, n in zip(labels, numbers["note"], numbers["n"], strict=True)
    ]  # fmt: skip


def _counter(rows: int, parts: int, progress: Count) -> Callable[[], None]:
    """Tells `progress`, whenever it is called, that `rows` more of `parts` times as many are done; of none at once."""
    done = count(0)
    total = rows * parts

    def tell() -> None:
        progress(next(done) * rows, total)

    tell()
    return tell


def scored_run(scores: pd.DataFrame, truth: Truth, families: Mapping[str, str], evaluation: Evaluation) -> ScoredRun:
    """The arrays behind a judgement: rows in the order in which (predictor, step) appear, architectures by name."""
    strangers = sorted(set(scores["predictor"].unique()) - set(families))
    demand(not strangers, "families", "given for every predictor", strangers)
    missing = sorted(set(scores["architecture"].unique()) - set(truth.accuracy.index))
    demand(not missing, "truth", "given for every scored architecture", missing[:3])
    names = _names(truth)
    rows = scores[["predictor", "step"]].drop_duplicates()
    labels = [(str(predictor), int(step)) for predictor, step in rows.itertuples(index=False)]
    reasons = scores["reason"] if "reason" in scores else pd.Series("", index=scores.index)
    pending = reasons.str.startswith(NOT_YET).to_numpy(dtype=bool)
    columns = scores.assign(pending=np.where(pending, 1.0, 0.0))
    table, early = (
        columns.pivot(index=["predictor", "step"], columns="architecture", values=value)
        .reindex(columns=names).loc[labels].to_numpy(dtype=float)
        for value in ("score", "pending")
    )  # fmt: skip
    mean = truth.mean().loc[names].to_numpy(dtype=float)
    weights = observed_and_draws(len(names), evaluation.bootstrap, evaluation.seed)
    return ScoredRun(labels, table, early == 1, mean, weights, tau_b(table, mean, weights), evaluation.level)


def _left_out(scores: pd.DataFrame) -> set[tuple[str, int]]:
    """The predictors and steps that `evaluate.learned_every` leaves out."""
    if "reason" not in scores:
        return set()
    rows = scores.loc[scores["reason"] == f"{NOT_YET}: {OTHER_BUDGETS}", ["predictor", "step"]].drop_duplicates()
    return {(str(predictor), int(step)) for predictor, step in rows.itertuples(index=False)}


def _names(truth: Truth) -> list[str]:
    """The architectures with a recorded accuracy, sorted."""
    return sorted(truth.accuracy.index[truth.mean().notna()])
