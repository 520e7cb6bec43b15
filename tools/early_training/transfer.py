"""Learned on one task and used unchanged on another, against learned at home from as many accuracies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b

from .judge import LEVEL, RESAMPLINGS
from .process import Numbers, Process
from .signals import SIGNALS, Task, normal_scores, raw, varies

FOLDS = 5
PREDICTORS: Mapping[str, tuple[str, ...]] = {
    "description": ("description",),
    "proxies": ("proxies",),
    "description + proxies": ("description", "proxies"),
    **{name: (name,) for name in SIGNALS},
    "description + proxies + everything": ("description", "proxies", "everything"),
}
"""Families of signals that each predictor reads, a block of the process each."""


def rows(tasks: Sequence[Task]) -> Iterator[dict[str, object]]:
    """A row per ordered pair of tasks and predictor: τ of the fit on the first, judged on the second.

    Beside it the same of a fit on the second. Both are fitted out of fold, on as many architectures in the mean; no
    isomorphism class is in a fit and judged. Families whose vectors have other lengths on the two tasks have no row.
    """
    for source, target in permutations(tasks, 2):
        for predictor, families in PREDICTORS.items():
            pairs = [joined(raw(source, f, source.steps[-1]), raw(target, f, target.steps[-1])) for f in families]
            if all(pair is not None and pair.shape[1] for pair in pairs):
                yield {
                    "fitted_on": source.name,
                    "task": target.name,
                    "predictor": predictor,
                    **_judged(source, target, [pair for pair in pairs if pair is not None]),
                }


def joined(first: Numbers, second: Numbers) -> Numbers | None:
    """Normal scores of both within their own task, one above the other; columns that vary in both.

    None where the two have not the same columns.
    """
    if first.shape[1] != second.shape[1]:
        return None
    kept = varies(first) & varies(second)
    return np.concatenate([normal_scores(first[:, kept]), normal_scores(second[:, kept])])


def folds(source: Task, target: Task) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The fold of each architecture of both tasks; one isomorphism class is in one fold."""
    groups = sorted({*source.groups.tolist(), *target.groups.tolist()})
    places = np.random.default_rng(0).permutation(len(groups)) % FOLDS
    fold = dict(zip(groups, places.tolist(), strict=True))
    first, second = (np.array([fold[g] for g in task.groups.tolist()]) for task in (source, target))
    return first, second


def _judged(source: Task, target: Task, blocks: Sequence[Numbers]) -> dict[str, object]:
    process, split = Process(blocks), len(source.architectures)
    truths, truth = (source.truth(), target.truth()), target.truth()
    m = min(map(len, truths))
    places = folds(source, target)
    scores, labels = np.zeros((2, len(truth))), []
    for k in range(FOLDS):
        out = np.flatnonzero(places[1] == k)
        for i, offset in enumerate((0, split)):
            fitted = np.flatnonzero(places[i][:m] != k)
            y = normal_scores(truths[i][fitted][:, None])[:, 0]
            scores[i, out] = process.predict(fitted + offset, y)[split + out]
            labels.append(len(fitted))
    taus = tau_b(scores, truth, observed_and_draws(len(truth), RESAMPLINGS, 0))
    found: dict[str, object] = {"n": len(truth), "labels": round(float(np.mean(labels)))}
    for name, row in (("tau", taus[0]), ("tau_at_home", taus[1]), ("delta", taus[0] - taus[1])):
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), (row[0], *interval(row[1:], LEVEL)), strict=True))
    return found
