"""What is read of a training by the end of epoch k."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .runs import Numbers, Runs

MOMENTS = 7

Input = Callable[[Runs, int], Numbers]
"""Of n trainings, what is read by the end of an epoch: features (n, d)."""


def _graphs(column: str, part: slice = slice(None), first: int = 1) -> Input:
    """One graph per epoch from epoch `first` on; 1 leaves out that of the untrained network, as the authors do."""
    return lambda runs, k: runs.graphs[column][:, first : k + 1, part].reshape(len(runs.accuracy), -1)


def _curves(*columns: str) -> Input:
    return lambda runs, k: np.concatenate([runs.curves[column][:, 1 : k + 1] for column in columns], axis=1)


INPUTS: Mapping[str, Input] = {
    "graph: degree": _graphs("literal_graph", slice(None, MOMENTS)),
    "graph: centrality": _graphs("literal_graph", slice(MOMENTS, None)),
    "graph: degree and centrality": _graphs("literal_graph"),
    "graph: degree, untrained too": _graphs("literal_graph", slice(None, MOMENTS), first=0),
    "graph: normalised": _graphs("temporal_graph"),
    "weight norm": _curves("weight_norm"),
    "weight displacement": _curves("movement"),
    "training loss": _curves("train_loss"),
    "validation accuracy": _curves("valid_accuracy"),
    "learning curve": _curves("train_loss", "valid_loss", "valid_accuracy"),
    "hyper-parameters": lambda runs, k: runs.hyperparameters,
}
"""The first three are the paper's, without scaling; "normalised" is this project's; the others are to be beaten."""

STOPPING = "median stopping rule"


def stopping(learned: Sequence[Runs], tested: Runs, k: int) -> Numbers:
    """Median stopping rule (Golovin et al. 2017, section 3.2.2) at epoch k: above 0 a training (n,) goes on.

    Its best validation accuracy so far less the median of the others' means so far; nothing is fitted.
    """
    means = np.concatenate([runs.curves["valid_accuracy"][:, 1 : k + 1].mean(axis=1) for runs in learned])
    best = tested.curves["valid_accuracy"][:, 1 : k + 1].max(axis=1)
    difference: Numbers = best - np.median(means)
    return difference
