"""What is asked of a zoo; every answer is of a half that nothing looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from harness.benches.cnn_zoo.zoo import Numbers, Zoo

from .inputs import ENDS, HYPER, LAYERS, SEVEN, inputs, published
from .regressors import MODELS, boosting

RESAMPLES, LEVELS = 200, (2.5, 97.5)
TESTED = 2000
SIZES = (50, 100, 200, 400, 800, 1600, 3200, 6400, 15_000)

Row = dict[str, object]


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


def accuracies(zoo: Zoo) -> Row:
    """How the final accuracies spread, and the R² that their sampling error leaves.

    `sampling_r2` is 1 - mean(p (1 - p) / (m - 1)) / variance of the accuracies p on m test images: what a predictor of
    the expected accuracy could reach if the errors of networks were independent. They share their test images, so part
    of the error is common, can be learned, and the limit lies above.
    """
    final = zoo.accuracy[:, -1] / 100
    spread = dict(zip(("p10", "median", "p90", "best"), np.percentile(100 * final, [10, 50, 90, 100]), strict=True))
    share = float(np.nan if zoo.tested is None else (final * (1 - final)).mean() / (zoo.tested - 1) / final.var())
    row: Row = {"dataset": zoo.dataset, "model": zoo.form.model, "networks": len(final), "test_images": zoo.tested}
    return row | spread | {"sampling_r2": 1 - share}


def most_to_learn(zoo: Zoo) -> Halves:
    """The same order in two parts: `tested` the second half, or the last `TESTED` networks where that is fewer."""
    order = np.random.default_rng(0).permutation(len(zoo.accuracy))
    cut = max(len(order) // 2, len(order) - TESTED)
    return Halves(zoo.part(order[:cut]), zoo.part(order[cut:]))


def curve(zoo: Zoo) -> pd.DataFrame:
    """Boosting on statistics per layer and on hyper-parameters, by the number of networks that it learned from.

    Tested on half of a small zoo, and on `TESTED` networks of a large one: the others are there to learn from.
    """
    cut, rows = most_to_learn(zoo), []
    tested = dict(inputs(cut.tested))
    for name, features in inputs(cut.learned):
        if name in (LAYERS, HYPER):
            for n in sorted({size for size in SIZES if size < len(features)} | {len(features)}):
                guess = boosting(features[:n], cut.learned.accuracy[:n, -1])(tested[name])
                found = agreement(guess, cut.tested.accuracy[:, -1])
                rows.append({"dataset": zoo.dataset, "input": name, "learned": n} | found)
    return pd.DataFrame(rows)


def needed(curves: pd.DataFrame, goal: float) -> pd.DataFrame:
    """From how many networks boosting would reach R² = `goal`, where 1 - R² goes on falling as a power of n [derived].

    The line of log(1 - R²) against log n by least squares, from 100 networks and from a quarter of all on. There is no
    floor in it, so that n is a lower limit; the two fits show how far it can be trusted.
    """
    rows = []
    for (dataset, name), points in curves.groupby(["dataset", "input"], sort=False):
        for start in (100, int(points["learned"].max()) // 4):
            used = points[points["learned"] >= start]
            if len(used) > 1:
                slope, height = np.polyfit(np.log(used["learned"]), np.log(1 - used["r2"]), 1)
                n = float(np.exp((np.log(1 - goal) - height) / slope)) if slope < 0 else float("inf")
                row: Row = {"dataset": dataset, "input": name, "fitted_from": start, "fitted_to": used["learned"].max()}
                rows.append(row | {"exponent": float(slope), "goal": goal, "networks": n})
    return pd.DataFrame(rows)


def early(zoo: Zoo) -> pd.DataFrame:
    """Boosting on the statistics of each checkpoint, for the final accuracy; τ of the accuracy at the checkpoint.

    `learned_at`: "this checkpoint", or "the end": learned from finished networks and applied unchanged.
    """
    cut, rows = halves(zoo), []
    finished = boosting(cut.learned.statistics[:, -1], cut.learned.accuracy[:, -1])
    for place, epoch in _read(zoo):
        own = boosting(cut.learned.statistics[:, place], cut.learned.accuracy[:, -1])
        now = kendall(cut.tested.accuracy[:, place], cut.tested.accuracy[:, -1])
        for learned_at, guess in (("this checkpoint", own), ("the end", finished)):
            found = agreement(guess(cut.tested.statistics[:, place]), cut.tested.accuracy[:, -1])
            row: Row = {"dataset": zoo.dataset, "epoch": epoch, "learned_at": learned_at}
            rows.append(row | found | {"tau_of_accuracy_now": now})
    return pd.DataFrame(rows)


def transfer(zoos: Mapping[str, Zoo]) -> pd.DataFrame:
    """Boosting for the final accuracy, learned on one data set and applied unchanged to another.

    On statistics per layer, of finished networks and of the same early checkpoint of both, and on hyper-parameters.
    """
    cuts = {name: halves(zoo) for name, zoo in zoos.items()}
    return pd.DataFrame([row for source in cuts for row in _transfers(cuts, source)])


def _transfers(cuts: Mapping[str, Halves], source: str) -> Iterator[Row]:
    learned = cuts[source].learned
    for name, place, epoch in [(HYPER, -1, int(learned.epochs[-1])), *((LAYERS, *at) for at in _read(learned))]:
        guess = boosting(_features(learned, name, place), learned.accuracy[:, -1])
        for target, other in cuts.items():
            if epoch in other.tested.epochs:
                there = other.tested.epochs.tolist().index(epoch)
                found = agreement(guess(_features(other.tested, name, there)), other.tested.accuracy[:, -1])
                row: Row = {"learned_on": source, "applied_to": target, "input": name, "epoch": epoch}
                yield row | {"learned": len(learned.accuracy)} | found


def forms(source: Zoo, others: Mapping[str, Zoo]) -> pd.DataFrame:
    """Boosting learned on the networks of `source` and applied unchanged to those of other forms on the same data set.

    All of theirs are tested. Next to it what boosting learns from half of theirs (`learned_on` is their own form), on
    the other half. Inputs of other lengths cannot be applied, and are left out.
    """
    cut, rows = halves(source), []
    learned = dict(inputs(cut.learned))
    for name in (HYPER, SEVEN, ENDS, LAYERS):
        if name not in learned:
            continue
        guess = boosting(learned[name], cut.learned.accuracy[:, -1])
        for other in (cut.tested, *others.values()):
            row: Row = {"dataset": source.dataset, "input": name, "applied_to": other.form.model}
            features = dict(inputs(other)).get(name)
            if features is not None and features.shape[1] == learned[name].shape[1]:
                found = agreement(guess(features), other.accuracy[:, -1])
                rows.append(row | {"learned_on": source.form.model, "learned": len(learned[name])} | found)
            if other is not cut.tested:
                rows.append(row | _at_home(other, name))
    return pd.DataFrame([row for row in rows if "r2" in row])


def _at_home(zoo: Zoo, name: str) -> Row:
    cut = halves(zoo)
    learned, tested = dict(inputs(cut.learned)), dict(inputs(cut.tested))
    if name not in learned:
        return {}
    guess = boosting(learned[name], cut.learned.accuracy[:, -1])(tested[name])
    row: Row = {"learned_on": zoo.form.model, "learned": len(learned[name])}
    return row | agreement(guess, cut.tested.accuracy[:, -1])


def _read(zoo: Zoo) -> list[tuple[int, int]]:
    """(place, epoch) of the checkpoints at which statistics were read."""
    return [
        (place, int(epoch)) for place, epoch in enumerate(zoo.epochs) if np.isfinite(zoo.statistics[:, place]).any()
    ]


def _features(zoo: Zoo, name: str, place: int) -> Numbers:
    return zoo.hyperparameters if name == HYPER else zoo.statistics[:, place]


def agreement(guess: Numbers, truth: Numbers) -> dict[str, object]:
    """R² = 1 - mean squared error / variance, Kendall's τ-b, and the interval of each over resampled networks."""
    random = np.random.default_rng(0)
    draws = [random.integers(len(truth), size=len(truth)) for _ in range(RESAMPLES)]
    found: Row = {"tested": len(truth)}
    for name, measure in (("r2", _r2), ("tau", kendall)):
        low, high = np.nanpercentile([measure(guess[draw], truth[draw]) for draw in draws], LEVELS)
        found |= {name: measure(guess, truth), f"{name}_low": float(low), f"{name}_high": float(high)}
    return found


def _r2(guess: Numbers, truth: Numbers) -> float:
    return float(1 - ((guess - truth) ** 2).mean() / truth.var())


def kendall(first: Numbers, second: Numbers) -> float:
    """Kendall's τ-b."""
    return float(kendalltau(first, second).statistic)
