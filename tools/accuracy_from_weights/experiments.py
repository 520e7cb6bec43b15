"""What is asked of a zoo; every answer is of a half that nothing looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from harness.benches.cnn_zoo.zoo import Numbers, Zoo

from .inputs import inputs, published
from .regressors import MODELS, boosting

RESAMPLES, LEVELS = 400, (2.5, 97.5)
SIZES = (50, 100, 200, 400, 800, 1600, 3200, 6400, 15_000)


@dataclass(frozen=True)
class Halves:
    """A zoo in two: `learned` and `tested`, by a permutation that depends on the number of networks alone."""

    learned: Zoo
    tested: Zoo


def halves(zoo: Zoo) -> Halves:
    """The two halves."""
    order = np.random.default_rng(0).permutation(len(zoo.accuracy))
    cut = len(order) // 2
    return Halves(zoo.part(order[:cut]), zoo.part(order[cut:]))


def table(zoo: Zoo) -> pd.DataFrame:
    """Every input with every model: R² and τ on the tested half, with 95 % intervals over its networks."""
    cut, rows = halves(zoo), []
    tested = dict(inputs(cut.tested))
    for name, features in inputs(cut.learned):
        for model, fit in MODELS.items():
            guess = fit(features, cut.learned.accuracy[:, -1])(tested[name])
            rows.append(
                {"dataset": zoo.dataset, "input": name, "model": model, "learned": len(features)}
                | agreement(guess, cut.tested.accuracy[:, -1])
                | {"published_r2": published(name, model, zoo.dataset)}
            )
    return pd.DataFrame(rows)


def curve(zoo: Zoo) -> pd.DataFrame:
    """Boosting on statistics per layer and on hyper-parameters, by the number of networks that it learned from."""
    cut, rows = halves(zoo), []
    tested = dict(inputs(cut.tested))
    for name, features in inputs(cut.learned):
        if name in ("statistics per layer", "hyper-parameters"):
            for n in sorted({size for size in SIZES if size < len(features)} | {len(features)}):
                guess = boosting(features[:n], cut.learned.accuracy[:n, -1])(tested[name])
                found = agreement(guess, cut.tested.accuracy[:, -1])
                rows.append({"dataset": zoo.dataset, "input": name, "learned": n} | found)
    return pd.DataFrame(rows)


def early(zoo: Zoo) -> pd.DataFrame:
    """Boosting on the statistics of each checkpoint, for the final accuracy; τ of the accuracy at the checkpoint."""
    cut, rows = halves(zoo), []
    for place, epoch in enumerate(zoo.epochs):
        features, tested = cut.learned.statistics[:, place], cut.tested.statistics[:, place]
        if np.isfinite(features).any():
            guess = boosting(features, cut.learned.accuracy[:, -1])(tested)
            found = agreement(guess, cut.tested.accuracy[:, -1])
            now = kendall(cut.tested.accuracy[:, place], cut.tested.accuracy[:, -1])
            rows.append({"dataset": zoo.dataset, "epoch": int(epoch)} | found | {"tau_of_accuracy_now": now})
    return pd.DataFrame(rows)


def transfer(zoos: Mapping[str, Zoo]) -> pd.DataFrame:
    """Boosting on statistics per layer, learned on one data set and applied unchanged to another."""
    return pd.DataFrame(_transfers({name: halves(zoo) for name, zoo in zoos.items()}))


def _transfers(cuts: Mapping[str, Halves]) -> Iterator[dict[str, object]]:
    for source, cut in cuts.items():
        guess = boosting(cut.learned.statistics[:, -1], cut.learned.accuracy[:, -1])
        for target, other in cuts.items():
            found = agreement(guess(other.tested.statistics[:, -1]), other.tested.accuracy[:, -1])
            yield {"learned_on": source, "applied_to": target, "learned": len(cut.learned.accuracy)} | found


def agreement(guess: Numbers, truth: Numbers) -> dict[str, float]:
    """R² = 1 - mean squared error / variance, Kendall's τ-b, and the interval of each over resampled networks."""
    random = np.random.default_rng(0)
    draws = [random.integers(len(truth), size=len(truth)) for _ in range(RESAMPLES)]
    found: dict[str, float] = {"tested": len(truth)}
    for name, measure in (("r2", _r2), ("tau", kendall)):
        low, high = np.nanpercentile([measure(guess[draw], truth[draw]) for draw in draws], LEVELS)
        found |= {name: measure(guess, truth), f"{name}_low": float(low), f"{name}_high": float(high)}
    return found


def _r2(guess: Numbers, truth: Numbers) -> float:
    return float(1 - ((guess - truth) ** 2).mean() / truth.var())


def kendall(first: Numbers, second: Numbers) -> float:
    """Kendall's τ-b."""
    return float(kendalltau(first, second).statistic)
