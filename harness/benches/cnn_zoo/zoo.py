"""A zoo as arrays: the networks of one data set at their checkpoints, from a table of ours or the published files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches.tabulated import Tabulated
from harness.schema import BadInput, demand

from .form import Form
from .space import SPACE

Numbers = NDArray[np.float64]

PER_LAYER = 14
"""Statistics of one layer: seven of its kernel, seven of its bias."""

PUBLISHED_FORM = Form("cnn", 28, 10)
"""The published network; its parameters do not depend on the size of the images."""

TEXTS = {"config.activation": "activation", "config.w_init": "initialization", "config.optimizer": "optimizer"}
NUMBERS = {
    "config.init_std": "deviation",
    "config.l2reg": "l2",
    "config.learning_rate": "rate",
    "config.dropout": "dropout",
    "config.train_fraction": "train_fraction",
}
LOGARITHMS = ("deviation", "l2", "rate")
"""Numbers that are read as their natural logarithm."""

METRICS = ("modeldir", "step", "test_accuracy", *TEXTS, *NUMBERS)


@dataclass(frozen=True)
class Zoo:
    """n networks at k checkpoints.

    `form` is that of every network; `tested` is the number of test images, None where it is not known. `epochs` (k,) of
    the checkpoints; `accuracy` (n, k) on test images in percent; `statistics` (n, k, 14 per layer), nan where they were
    not read, in the order of `measures.layer_statistics`; `hyperparameters` (n, d) named by `names`; `weights` (n, p)
    of the finished networks in the published order, None where they are not at hand.
    """

    dataset: str
    form: Form
    tested: int | None
    names: tuple[str, ...]
    hyperparameters: Numbers
    epochs: NDArray[np.int64]
    accuracy: Numbers
    statistics: Numbers
    weights: NDArray[np.float32] | None

    def part(self, chosen: NDArray[np.int64]) -> Zoo:
        """Only the networks at these places."""
        weights = None if self.weights is None else self.weights[chosen]
        arrays = (self.hyperparameters[chosen], self.epochs, self.accuracy[chosen], self.statistics[chosen], weights)
        return Zoo(self.dataset, self.form, self.tested, self.names, *arrays)


def of_table(table: Tabulated, weights: Callable[[str, int], Numbers | None] = lambda name, seed: None) -> Zoo:
    """The networks of a table of ours that reached the last checkpoint, in the order of their names.

    `weights` gives the parameters of a finished network by name and seed, None where they are not at hand: then no
    network has any.
    """
    curves = table.curves.sort_values(["architecture", "epoch"], kind="stable")
    epochs = np.sort(curves["epoch"].unique()).astype(np.int64)
    whole = curves.groupby("architecture")["epoch"].transform("size") == len(epochs)
    curves = curves[whole]
    names = curves["architecture"].unique().tolist()
    shape = (len(names), len(epochs))
    images = table.about["images"]
    model = str(table.about["network"].get("model", "cnn"))
    form = Form(model, int(images["size"]), int(images["classes"]))
    empty = np.full(PER_LAYER * len(form.shapes), np.nan)
    vectors = np.stack([empty if vector is None else vector for vector in curves["layer_statistics"]])
    hyper = np.stack([SPACE.vector(SPACE.parse(name)) for name in names])
    accuracy = curves["test_accuracy"].to_numpy(dtype=float).reshape(shape)
    seed = int(curves["seed"].iloc[0])
    found = [weights(name, seed) for name in names]
    kept = None if any(each is None for each in found) else np.stack(found).astype(np.float32)  # type: ignore[arg-type]
    described = tuple(SPACE.feature_names())
    statistics = vectors.reshape(*shape, len(empty))
    return Zoo(table.about["dataset"], form, images.get("test"), described, hyper, epochs, accuracy, statistics, kept)


def published(folder: Path, dataset: str, statistics: Callable[[NDArray[np.float32]], Numbers]) -> Zoo:
    """The published zoo of a data set (google-research/dnn_predict_accuracy): weights.npy, metrics.csv.gz in `folder`.

    Row r of the weights (rows, 4970) and of the metrics is one checkpoint of the network `modeldir`. Networks that lack
    a checkpoint, or have a number that is not finite, are left out, as in the authors' notebook. `statistics` gives the
    56 numbers of one row. Raises BadInput for files that are missing or do not fit together.
    """
    paths = folder / "weights.npy", folder / "metrics.csv.gz"
    for path in paths:
        demand(path.is_file(), "published", "a folder with weights.npy and metrics.csv.gz", str(folder))
    rows = _weights(paths[0])
    metrics = pd.read_csv(paths[1], usecols=list(METRICS))
    demand(len(rows) == len(metrics), "published", f"as many rows of weights as of metrics ({len(metrics)})", len(rows))
    metrics = metrics.assign(row=np.arange(len(metrics))).sort_values(["modeldir", "step"], kind="stable")
    steps = np.sort(metrics["step"].unique())
    finite = np.array([np.isfinite(rows[row]).all() for row in metrics["row"]]) & np.isfinite(metrics["test_accuracy"])
    sound = finite.groupby(metrics["modeldir"]).transform("sum") == len(steps)
    metrics = metrics[sound]
    demand(len(metrics) > 0, "published", "networks with every checkpoint", str(folder))
    places = metrics["row"].to_numpy().reshape(-1, len(steps))
    vectors = np.stack([[statistics(rows[row]) for row in network] for network in places])
    names, hyper = _hyperparameters(metrics.iloc[:: len(steps)])
    accuracy = 100 * metrics["test_accuracy"].to_numpy(dtype=float).reshape(places.shape)
    weights = np.asarray(rows[places[:, -1]])
    return Zoo(dataset, PUBLISHED_FORM, None, names, hyper, steps.astype(np.int64), accuracy, vectors, weights)


def _weights(path: Path) -> NDArray[np.float32]:
    """The matrix, mapped and not read: it may have 270,000 rows."""
    try:
        rows: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"published: must be a NumPy file (got {path}: {error})") from error
    shaped = rows.ndim == 2 and rows.shape[1] == PUBLISHED_FORM.params and rows.dtype.kind == "f"
    demand(shaped, "published", f"floats (rows, {PUBLISHED_FORM.params}) in {path}", (rows.dtype.str, rows.shape))
    return rows


def _hyperparameters(rows: pd.DataFrame) -> tuple[tuple[str, ...], Numbers]:
    columns: dict[str, Numbers] = {}
    for column, name in TEXTS.items():
        for value in sorted(rows[column].unique()):
            columns[f"{name}={value}"] = (rows[column] == value).to_numpy(dtype=float)
    for column, name in NUMBERS.items():
        values = rows[column].to_numpy(dtype=float)
        columns |= {f"log {name}": np.log(values)} if name in LOGARITHMS else {name: values}
    return tuple(columns), np.column_stack(list(columns.values()))


def statistics_of(row: NDArray[np.float32]) -> Numbers:
    """The 56 statistics of one network's parameters in the published order: of each layer its kernel, then its bias."""
    import torch

    from harness.measures.weight_statistics import statistics

    cuts = [(a, b) for low, cut, high in PUBLISHED_FORM.slices for a, b in ((cut, high), (low, cut))]
    tensors = [torch.from_numpy(np.array(row[a:b])) for a, b in cuts]
    return np.concatenate([statistics(tensor) for tensor in tensors])
