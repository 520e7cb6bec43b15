"""How long the evaluation takes on one core: each part of `judge`, the whole, and what SciPy alone would need.

    python -m perf.evaluate [architectures [predictors [budgets [draws [permutations]]]]]

The default is 30 predictors at 10 budgets on 1,000 architectures, 1,000 draws and 9,999 permutations. Seconds are CPU
time of this process. SciPy's are extrapolated from a few calls of kendalltau: one for each row and draw.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau
from threadpoolctl import threadpool_limits

from harness.evaluate import judge as judgement
from harness.evaluate import metrics
from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
from harness.schema import Truth

PARTS = {
    "τ-b": (judgement, "tau_b"),
    "Spearman": (metrics, "spearman"),
    "τ-b in the subsets": (metrics, "tau_b"),
    "weighted τ": (metrics, "weighted_tau"),
    "half accuracy": (metrics, "half_accuracy"),
    "partial τ": (metrics, "partial_tau"),
    "partial τ given two": (metrics, "partial_tau_of_two"),
    "differences, permutation test": (judgement, "differences"),
    "selection": (judgement, "selection"),
    "pairs by gap": (judgement, "pairs"),
    "ceilings": (judgement, "ceilings"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Time `judge` on random scores and print a table."""
    n, predictors, budgets, draws, permutations = parse(arguments)
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    for part, (module, function) in PARTS.items():
        setattr(module, function, timed(getattr(module, function), part, spent))
    scores, truth = example(n, predictors, budgets)
    families = dict.fromkeys(scores["predictor"].unique(), "control")
    evaluation = Evaluation(bootstrap=draws, permutations=permutations)
    begin = time.process_time()
    with threadpool_limits(1):  # scikit-learn brings it
        judge(scores, truth, families, evaluation)
    whole = time.process_time() - begin
    print(f"n = {n}, {predictors} predictors x {budgets} budgets, {draws} draws, {permutations} permutations")
    for part, seconds in [*spent.items(), ("everything else", whole - sum(spent.values())), ("the whole", whole)]:
        print(f"{part:<32}{seconds:>10.2f} s")
    rng = np.random.default_rng(0)
    begin, calls = time.process_time(), 50
    for _ in range(calls):
        drawn = rng.integers(0, n, n)
        kendalltau(scores["score"].to_numpy()[:n][drawn], truth.mean().to_numpy()[drawn])
    loop = (time.process_time() - begin) / calls * predictors * budgets * (1 + draws)
    print(f"{'τ-b by scipy, one by one':<32}{loop:>10.0f} s = {loop / spent['τ-b']:.0f} times ours")
    print(f"{'most memory':<32}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:>10.0f} MiB")


def parse(arguments: Sequence[str] | None) -> list[int]:
    """The five sizes, those of the command line or the default ones."""
    parser = argparse.ArgumentParser(prog="python -m perf.evaluate", description="Times of the evaluation's parts.")
    defaults = {"architectures": 1000, "predictors": 30, "budgets": 10, "draws": 1000, "permutations": 9999}
    for name, value in defaults.items():
        parser.add_argument(name, nargs="?", type=int, default=value, help=f"(default: {value})")
    return list(vars(parser.parse_args(arguments)).values())


def example(n: int, predictors: int, budgets: int) -> tuple[pd.DataFrame, Truth]:
    """Scores of all strengths, among them the three that others are held against, and accuracies of three seeds."""
    rng = np.random.default_rng(0)
    z = 90 - 4 * rng.gamma(1.5, 1, n)
    names = [f"architecture {i:05d}" for i in range(n)]
    truth = Truth(
        pd.DataFrame(z[:, None] + 0.3 * rng.normal(size=(n, 3)), index=names), "train", "test", 1, "simulated"
    )
    called = ["train_loss", "flops", "params", *(f"predictor {i}" for i in range(predictors))][:predictors]
    frames = [
        pd.DataFrame({"architecture": names, "score": z + rng.uniform(1, 9) * rng.normal(size=n)}).assign(
            predictor=predictor, step=10 * step
        )
        for predictor in called
        for step in range(budgets)
    ]
    return pd.concat(frames, ignore_index=True), truth


def timed(function: Callable[..., Any], part: str, spent: dict[str, float]) -> Callable[..., Any]:
    """`function`, whose CPU seconds are added up in `spent`."""

    @wraps(function)
    def clocked(*given: Any) -> Any:
        begin = time.process_time()
        answer = function(*given)
        spent[part] += time.process_time() - begin
        return answer

    return clocked


if __name__ == "__main__":
    main()
