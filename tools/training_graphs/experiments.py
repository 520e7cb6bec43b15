"""What is asked of the trainings; a setting that is tested is never among those learned from, of whatever network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection import KFold

from tools.accuracy_from_weights.experiments import LEVELS, kendall

from .inputs import INPUTS, STOPPING, stopping
from .models import MODELS, Fit
from .runs import Numbers, Runs

FOLDS, RESAMPLES = 5, 200


def table(
    tested: Runs, sources: Sequence[Runs], epochs: Sequence[int], scope: str, models: Sequence[str] | None = None
) -> pd.DataFrame:
    """Every input with every model: accuracy, AUC, R² and τ over all tested trainings, cross-fitted over settings.

    Learned on `sources`, of which `tested` may be one. Good is above the median of the own network.
    """
    return pd.DataFrame(_rows(tested, sources, epochs, scope, [*MODELS] if models is None else models))


def _rows(
    tested: Runs, sources: Sequence[Runs], epochs: Sequence[int], scope: str, models: Sequence[str]
) -> Iterator[dict[str, object]]:
    known: dict[str, object] = {
        "scope": scope, "dataset": tested.dataset, "recipe": tested.recipe, "tested_on": tested.name,
        "learned_on": _names(tested, sources),
    }  # fmt: skip
    sizes = {"learned": sum(len(runs.accuracy) for runs in sources), "diverged": tested.diverged}
    for k in epochs:
        for name in INPUTS:
            for model in models:
                guess, probability = cross_fitted(tested, sources, name, k, MODELS[model])
                found = regression(guess, tested.accuracy) | classification(probability, 0.5, tested.good)
                yield known | {"epochs": k, "input": name, "model": model} | sizes | found
        score = _stopped(tested, sources, k)
        yield known | {"epochs": k, "input": STOPPING, "model": "none"} | sizes | classification(score, 0, tested.good)


def _names(tested: Runs, sources: Sequence[Runs]) -> str:
    """The sources, with their data set where it is another than that of the tested."""
    here = tested.dataset
    return ", ".join(runs.name if runs.dataset == here else f"{runs.name} on {runs.dataset}" for runs in sources)


def folds(settings: Sequence[str]) -> list[NDArray[np.bool_]]:
    """Which settings are tested together; a setting has its place in the folds by its text, whatever network it is
    of."""
    every = sorted({*settings})
    parts = KFold(FOLDS, shuffle=True, random_state=0).split(every)
    return [np.isin(settings, [every[place] for place in held]) for _, held in parts]


def _parts(tested: Runs, sources: Sequence[Runs]) -> Iterator[tuple[NDArray[np.bool_], list[Runs]]]:
    """Which trainings are tested, and the sources without any training of their settings."""
    for held in folds(tested.settings):
        gone = {setting for setting, taken in zip(tested.settings, held, strict=True) if taken}
        yield (
            held,
            [runs.part(np.array([setting not in gone for setting in runs.settings]), runs.name) for runs in sources],
        )


def cross_fitted(tested: Runs, sources: Sequence[Runs], name: str, k: int, fit: Fit) -> tuple[Numbers, Numbers]:
    """Predicted accuracy (n,) and probability of being good (n,) of each training."""
    read = INPUTS[name]
    shown = read(tested, k)
    guess, probability = np.full(len(shown), np.nan), np.full(len(shown), np.nan)
    good = {setting for runs in sources for setting in _good(runs)}
    for held, rest in _parts(tested, sources):
        x = np.concatenate([read(runs, k) for runs in rest])
        accuracy = np.concatenate([runs.accuracy for runs in rest])
        labels = np.array([(runs.dataset, runs.name, setting) in good for runs in rest for setting in runs.settings])
        for found, predict in zip((guess, probability), fit(x, accuracy, labels), strict=True):
            found[held] = predict(shown[held])
    return guess, probability


def _good(runs: Runs) -> list[tuple[str, str, str]]:
    return [(runs.dataset, runs.name, setting) for setting, good in zip(runs.settings, runs.good, strict=True) if good]


def _stopped(tested: Runs, sources: Sequence[Runs], k: int) -> Numbers:
    """The median stopping rule among trainings of the sources, tested settings left out."""
    score = np.full(len(tested.accuracy), np.nan)
    for held, rest in _parts(tested, sources):
        score[held] = stopping(rest, tested, k)[held]
    return score


def classification(score: Numbers, threshold: float, good: NDArray[np.bool_]) -> dict[str, float]:
    """Share that is told rightly as good (above the threshold) or bad, and area under the ROC curve."""
    measures: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "accuracy": lambda rows: float(((score[rows] > threshold) == good[rows]).mean()),
        "auc": lambda rows: auc(score[rows], good[rows]),
    }
    return {"tested": len(good)} | _with_intervals(measures, len(good))


def regression(guess: Numbers, truth: Numbers) -> dict[str, float]:
    """R² = 1 - mean squared error / variance, and Kendall's τ-b."""
    measures: dict[str, Callable[[NDArray[np.int64]], float]] = {
        "r2": lambda rows: float(1 - ((guess[rows] - truth[rows]) ** 2).mean() / truth[rows].var()),
        "tau": lambda rows: kendall(guess[rows], truth[rows]),
    }
    return _with_intervals(measures, len(truth))


def auc(score: Numbers, good: NDArray[np.bool_]) -> float:
    """Probability that a good one has the higher score, ties counting half; nan where all are good or all bad."""
    hits, misses = int(good.sum()), int((~good).sum())
    if not hits or not misses:
        return float("nan")
    return float((rankdata(score)[good].sum() - hits * (hits + 1) / 2) / (hits * misses))


def _with_intervals(measures: dict[str, Callable[[NDArray[np.int64]], float]], count: int) -> dict[str, float]:
    """Each with a 95 % interval over resampled trainings."""
    random = np.random.default_rng(0)
    draws = [random.integers(count, size=count) for _ in range(RESAMPLES)]
    found: dict[str, float] = {}
    for name, measure in measures.items():
        low, high = np.nanpercentile([measure(draw) for draw in draws], LEVELS)
        found |= {name: measure(np.arange(count)), f"{name}_low": float(low), f"{name}_high": float(high)}
    return found
