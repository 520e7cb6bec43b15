"""The second target: how good networks become when they are trained through the unit that is read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .experiments import by_seed
from .judge import judged
from .scores import WATCHED

ACCURACY = "valacc"
"""The predictor whose last score is the validation accuracy of the network at the end of the run."""

OTHER = "linear_head"
"""In the rows of `through_unit`: the ground truth, of networks that are trained with a linear head."""


def accuracies(scores: pd.DataFrame) -> pd.DataFrame:
    """Validation accuracy (percent) at the end of each run through a unit: network, dataset, experiment, accuracy."""
    rows = scores[(scores["experiment"] != WATCHED) & (scores["predictor"] == ACCURACY)]
    names = {"architecture": "network", "score": "accuracy"}
    columns = ["network", "dataset", "experiment", "accuracy"]
    kept: pd.DataFrame = rows.rename(columns=names)[columns].sort_values(columns[2:0:-1] + columns[:1])
    return kept.reset_index(drop=True)


def through_unit(scores: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """How every predictor of a run through a unit ranks the accuracies that this run reaches: the columns of `by_set`.

    `linear_head` among the predictors is the ground truth `found` of networks with a linear head: its τ tells how much
    the two targets agree. The accuracy itself and what is read of the same images is left out.
    """
    frames = []
    for (experiment, dataset), own in scores[scores["experiment"] != WATCHED].groupby(["experiment", "dataset"]):
        reached = accuracies(own).assign(seed=0)
        truth = by_seed(found, str(dataset)).mean(axis=1)
        networks = own.drop_duplicates("architecture")
        linear = networks.assign(
            predictor=OTHER, family="truth", looks=True, score=networks["architecture"].map(truth), seconds=np.nan
        )
        same = own["predictor"].isin([ACCURACY, f"best_{ACCURACY}", "valid_loss"])
        table = judged(pd.concat([linear, own[~same]], ignore_index=True), reached).by_set
        frames.append(table.assign(experiment=str(experiment)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
