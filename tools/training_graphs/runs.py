"""The trainings of one network under many settings as arrays, from a table of `+bench=hyperparameters`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches.one_network.plans import AUTHORS
from harness.benches.one_network.space import SPACE
from harness.benches.tabulated import Tabulated

Numbers = NDArray[np.float64]

CURVES = ("valid_accuracy", "valid_loss", "train_loss", "movement", "weight_norm")
GRAPHS = ("literal_graph", "temporal_graph")


@dataclass(frozen=True)
class Runs:
    """n trainings of the network `name` on `dataset` over e epochs.

    `recipe` says how they were trained: initialisation and updates of an epoch. Only trainings of one recipe are
    learned from or compared with each other.
    `hyperparameters` (n, 2): logarithm of the learning rate, dropout rate. `accuracy` (n,): of the last epoch on test
    images, in percent. `curves` (n, 1 + e) by column, epoch 0 first; `graphs` (n, c, d) by column, of the first c
    checkpoints. `diverged` trainings are not among the n: they have no last epoch.
    """

    name: str
    dataset: str
    settings: tuple[str, ...]
    hyperparameters: Numbers
    accuracy: Numbers
    curves: Mapping[str, Numbers]
    graphs: Mapping[str, Numbers]
    diverged: int
    recipe: str = ""

    def part(self, chosen: NDArray[np.bool_], name: str) -> Runs:
        """Only these trainings, under another name."""
        settings = tuple(np.array(self.settings)[chosen].tolist())
        curves, graphs = ({key: value[chosen] for key, value in each.items()} for each in (self.curves, self.graphs))
        hyper, accuracy = self.hyperparameters[chosen], self.accuracy[chosen]
        return Runs(name, self.dataset, settings, hyper, accuracy, curves, graphs, 0, self.recipe)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether a training ended above the median of all of this network, (n,)."""
        return self.accuracy > np.median(self.accuracy)


def of_table(table: Tabulated) -> Runs:
    """The trainings of a table that reached its last epoch, in the order of their settings."""
    curves = table.curves.sort_values(["architecture", "epoch"], kind="stable")
    last = int(curves["epoch"].max())
    curves = curves[curves.groupby("architecture")["epoch"].transform("max") == last]
    settings = tuple(curves["architecture"].unique().tolist())
    shape = (len(settings), last + 1)
    columns = {name: curves[name].to_numpy(dtype=float).reshape(shape) for name in CURVES}
    accuracy = curves["test_accuracy"].to_numpy(dtype=float).reshape(shape)[:, -1]
    hyper = np.stack([SPACE.vector(SPACE.parse(name)) for name in settings])
    network = table.about["network"]
    name = f"{network['model']} × {network['width']:g}"
    graphs = {column: _graphs(curves[column], shape) for column in GRAPHS}
    dataset = str(table.about["dataset"])
    diverged = len(table.about["diverged"])
    return Runs(name, dataset, settings, hyper, accuracy, columns, graphs, diverged, _recipe(table))


def _recipe(table: Tabulated) -> str:
    updates = -(-table.about["images"]["train"] // table.about["recipe"]["batch"])
    return f"{table.about['network'].get('initialization', AUTHORS)}, {updates} updates an epoch"


def _graphs(cells: pd.Series, shape: tuple[int, int]) -> Numbers:
    read = cells.notna().to_numpy().reshape(shape)
    count = int(read.sum(axis=1).max())
    vectors = cells.to_numpy().reshape(shape)[:, :count]
    return np.array([[np.asarray(cell, dtype=float) for cell in row] for row in vectors])
