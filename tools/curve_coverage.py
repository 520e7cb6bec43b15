"""`python -m tools.curve_coverage FOLDER`: prints how often LCE's 95 % credible interval holds a real final accuracy.

FOLDER has the file of 200 recorded curves of NAS-Bench-201 (docs/data.md). The table stands in
docs/findings/nasbench201.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from harness.benches.nasbench201.curves import CURVES_PROTOCOL, stored_curves
from harness.predictors.column_value import ColumnValue
from harness.predictors.learning_curve_extrapolation import LCE
from harness.predictors.points import Column
from harness.schema import Predictor, StoredCurves, Trace

TAILS = np.array([0.025, 0.975])
EPOCHS = (5, 25, 50, 100)
SIMPLE: Mapping[str, Predictor] = {
    "last": ColumnValue("valid_accuracy", 1.0, "learning_curve"),
    "best": ColumnValue("valid_accuracy", 1.0, "learning_curve", "best"),
}


@dataclass(frozen=True)
class Coverage:
    """Of curves seen until one epoch: the share of final values inside the interval and above it, the interval's median
    width (points of accuracy), and Kendall's tau-b of LCE and of simple values with the final value."""

    inside: float
    above: float
    width: float
    tau: Mapping[str, float]


def coverage(lce: LCE, traces: Sequence[Trace], final: Column, step: int) -> Coverage:
    """The coverage over `traces`, seen until `step`, of their `final` values (n,) in percent."""
    seen = [trace.until(step) for trace in traces]
    limits = np.array([credible(lce, trace) for trace in seen])
    scores = {"lce": [lce.score(trace) for trace in seen]}
    scores |= {name: [predictor.score(trace) for trace in seen] for name, predictor in SIMPLE.items()}
    inside = (limits[:, 0] <= final) & (final <= limits[:, 1])
    tau = {name: float(kendalltau(values, final).statistic) for name, values in scores.items()}
    width = float(np.median(limits[:, 1] - limits[:, 0]))
    return Coverage(float(inside.mean()), float((final > limits[:, 1]).mean()), width, tau)


def credible(lce: LCE, trace: Trace) -> Column:
    """Limits (2,) in percent of the central 95 % of the posterior."""
    values, weights = lce.posterior(trace)
    limits: Column = values[np.searchsorted(np.cumsum(weights), TAILS).clip(max=len(values) - 1)]
    return limits


def table(folder: str) -> str:
    """The table of docs/findings/nasbench201.md, in Markdown."""
    train_set, split, epochs = CURVES_PROTOCOL
    traces = list(stored_curves(train_set, StoredCurves("curves", split, epochs), folder).traces.values())
    final = np.array([trace.table["valid_accuracy"].iloc[-1] for trace in traces])
    updates = int(traces[0].table["step"].iloc[1])
    lines = [
        "| seen until epoch | final value inside | above | median width | τ of `lce` | of the last | of the best |",
        "|---|---|---|---|---|---|---|",
    ]
    for epoch in EPOCHS:
        found = coverage(LCE(horizon_epochs=epochs), traces, final, epoch * updates)
        tau = " | ".join(f"{value:.2f}" for value in found.tau.values())
        lines.append(f"| {epoch} | {found.inside:.2f} | {found.above:.2f} | {found.width:.1f} | {tau} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(sys.argv[1]))
