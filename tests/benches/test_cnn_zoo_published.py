"""The published zoo: a matrix of weights and a table of metrics, in the true layout."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.benches.cnn_zoo.zoo import published, statistics_of
from harness.schema import BadInput

CHECKPOINTS = (0, 1, 2, 3, 20, 40, 60, 80, 86)
CONFIG = {
    "config.activation": "relu", "config.b_init": "zeros", "config.dataset": "mnist", "config.dnn_architecture": "cnn",
    "config.dropout": 0.1, "config.epochs": 86, "config.epochs_between_checkpoints": 20, "config.init_std": 0.01,
    "config.l2reg": 1e-5, "config.learning_rate": 0.002, "config.num_layers": 3, "config.num_units": 16,
    "config.optimizer": "adam", "config.random_seed": 42, "config.train_fraction": 0.5, "config.w_init": "he_normal",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Four networks; the third lacks a checkpoint, the fourth has a weight that is not finite; rows are shuffled."""
    random = np.random.default_rng(0)
    rows, weights = [], []
    for network in range(4):
        for step in CHECKPOINTS[: 8 if network == 2 else 9]:
            kind = {"config.activation": "tanh"} if network else {}
            metrics = {"modeldir": f"/dir/{network}", "step": step, "test_accuracy": (network * 10 + step) / 200}
            rest = {"test_loss": 1.0, "train_accuracy": 0.5, "train_loss": 1.0}
            rows.append(CONFIG | kind | metrics | rest)
            weights.append(random.normal(size=4970).astype(np.float32))
    weights[-1][7] = np.nan
    order = random.permutation(len(rows))
    np.save(tmp_path / "weights.npy", np.stack(weights)[order])
    pd.DataFrame([rows[place] for place in order]).to_csv(tmp_path / "metrics.csv.gz", index=True)
    return tmp_path, np.stack(weights)


def test_networks_come_with_every_checkpoint_in_order_and_damaged_ones_are_left_out(folder) -> None:
    path, weights = folder
    zoo = published(path, "cifar10", statistics_of)
    assert tuple(zoo.epochs) == CHECKPOINTS and zoo.accuracy.shape == (2, 9) and zoo.statistics.shape == (2, 9, 56)
    np.testing.assert_allclose(zoo.accuracy[1], [(10 + step) / 2 for step in CHECKPOINTS])
    assert zoo.weights is not None
    np.testing.assert_array_equal(zoo.weights, weights[[8, 17]])
    described = dict(zip(zoo.names, zoo.hyperparameters[0], strict=True))
    assert described["activation=relu"] == 1 and described["activation=tanh"] == 0
    assert described["log rate"] == pytest.approx(np.log(0.002)) and described["train_fraction"] == 0.5


def test_statistics_are_of_kernel_and_bias_of_each_layer_as_the_notebook_cuts_them(folder) -> None:
    path, weights = folder
    found = published(path, "cifar10", statistics_of).statistics[0, -1].reshape(8, 7)
    cuts = [(16, 160), (0, 16), (176, 2480), (160, 176), (2496, 4800), (2480, 2496), (4810, 4970), (4800, 4810)]
    for row, (start, end) in zip(found, cuts, strict=True):
        part = weights[8, start:end].astype(float)
        expected = [*np.percentile(part, [0, 25, 50, 75, 100]), part.std(), part.mean()]
        np.testing.assert_allclose(row, expected, rtol=1e-12)


def test_files_that_do_not_fit_together_are_refused(folder) -> None:
    path, weights = folder
    np.save(path / "weights.npy", weights[:5])
    with pytest.raises(BadInput, match=r"published: must be as many rows of weights as of metrics \(35\) \(got 5\)"):
        published(path, "cifar10", statistics_of)
    np.save(path / "weights.npy", weights[:, :100])
    with pytest.raises(BadInput, match=r"published: must be floats \(rows, 4970\)"):
        published(path, "cifar10", statistics_of)
    (path / "weights.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(BadInput, match="published: must be a NumPy file"):
        published(path, "cifar10", statistics_of)
    (path / "weights.npy").unlink()
    with pytest.raises(BadInput, match=r"a folder with weights\.npy and metrics"):
        published(path, "cifar10", statistics_of)
