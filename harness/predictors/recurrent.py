"""Accuracy predicted by a recurrent network that reads the observations in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from harness.predictors.logit_linear import standardiser
from harness.predictors.points import Column
from harness.predictors.weight_statistics import cell_vector
from harness.schema import NoScore, Trace, demand

if TYPE_CHECKING:
    import torch

FEWEST = 8
FARTHEST = 5.0
"""Standard deviations within which every input is kept."""

LEARNING_RATE = 0.03
DECAY = 0.01
DROPOUT = 0.3


@dataclass(frozen=True)
class Recurrent:
    """Final accuracy by a GRU over statistics of weights and gradients in training (NAP2; the network is [derived]).

    NAP2 predicts from the statistics of weights and gradients at every hundredth mini-batch. What follows is
    [derived, docs/methods.md]: an observation counts where every one of the columns `vectors` is there; its vectors are
    standardised together over all observations of the fit, reduced to `components` principal components in units of
    the first one's deviation, and the columns `numbers`, standardised, are appended. Inputs are kept within 5
    deviations, and a missing one is the mean. A GRU with `hidden` units reads the observations in order, a dense layer
    turns its last state into the standardised accuracy. Both are trained by `updates` full-batch steps of AdamW on the
    squared error, with dropout on the inputs and the last state and without early stopping. Start and dropout follow
    from `seed`; torch is imported at the first fit.
    """

    kind: ClassVar[str] = "predictor/recurrent"

    vectors: list[str] = field(default_factory=lambda: ["weight_statistics", "gradient_statistics"])
    numbers: list[str] = field(default_factory=lambda: ["train_loss"])
    components: int = 16
    hidden: int = 16
    updates: int = 80
    seed: int = 0
    family: str = "combination"

    def __post_init__(self) -> None:
        demand(bool(self.vectors), "predictor.recurrent.vectors", "one trace column or more", self.vectors)
        for key in ("components", "hidden", "updates"):
            demand(getattr(self, key) >= 1, f"predictor.recurrent.{key}", "at least 1", getattr(self, key))
        demand(self.seed >= 0, "predictor.recurrent.seed", "a whole number of at least 0", self.seed)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (*self.vectors, *self.numbers)

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> FittedRecurrent:
        """The network fitted to `traces` and their final `accuracies` (n,), in percent.

        A trace without a complete observation, or an accuracy that is not finite, is skipped. Raises NoScore where
        fewer than 8 architectures remain, or where their vectors differ in length.
        """
        pairs = [(self.read(trace), accuracy) for trace, accuracy in zip(traces, accuracies, strict=True)]
        seen = [(rows, accuracy) for rows, accuracy in pairs if len(rows) and np.isfinite(accuracy)]
        if len(seen) < FEWEST:
            raise NoScore(f"the fit needs {FEWEST} architectures with {', '.join(self.vectors)}, has {len(seen)}")
        if len({rows.shape[1] for rows, _ in seen}) > 1:
            raise NoScore("the fit needs vectors of one length, there are several")
        y = np.array([accuracy for _, accuracy in seen])
        rows = np.concatenate([rows for rows, _ in seen])
        scale = Scale(rows, len(self.numbers), self.components)
        sequences = np.split(scale(rows), np.cumsum([len(rows) for rows, _ in seen])[:-1])
        centre, spread = float(y.mean()), float(y.std()) or 1.0
        network = trained(sequences, (y - centre) / spread, self)
        return FittedRecurrent(self, scale, network, centre, spread)

    def read(self, trace: Trace) -> Column:
        """The complete observations (k, d) in order of steps: the numbers, nan where missing, then the vectors."""
        return trace.kept(("recurrent", *self.vectors, None, *self.numbers), lambda: self._read(trace))

    def _read(self, trace: Trace) -> Column:
        numbers = np.array([trace.numbers(name) for name in self.numbers]).reshape(len(self.numbers), -1).T
        rows = []
        for place, cells in enumerate(zip(*(trace.cells(name) for name in self.vectors), strict=True)):
            vectors = [vector for cell in cells if (vector := cell_vector(cell)) is not None]
            if len(vectors) == len(self.vectors):
                rows.append(np.concatenate([np.where(np.isfinite(numbers[place]), numbers[place], np.nan), *vectors]))
        if len({row.size for row in rows}) > 1:
            raise NoScore("vectors of one length are needed, there are several")
        return np.array(rows) if rows else np.zeros((0, 0))


@dataclass(frozen=True)
class FittedRecurrent:
    """Recurrent after its fit."""

    method: Recurrent
    scale: Scale = field(repr=False)
    network: torch.nn.ModuleDict = field(repr=False)
    centre: float
    spread: float

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return self.method.columns

    @property
    def family(self) -> str:
        """That of the method."""
        return self.method.family

    def score(self, trace: Trace) -> float:
        """Predicted accuracy in percent, not clipped; higher is better. Raises NoScore as `row`."""
        return float(self.scores([self.row(trace)])[0])

    def row(self, trace: Trace) -> Column:
        """The complete observations of a trace (k, d).

        Raises NoScore where no observation has all vectors, or where they are not as long as those of the fit.
        """
        rows = self.method.read(trace)
        if not len(rows):
            raise NoScore(f"no observation with finite {', '.join(self.method.vectors)} within the budget")
        if rows.shape[1] != self.scale.width:
            raise NoScore(f"an observation has {rows.shape[1]} entries, those of the fit {self.scale.width}")
        return rows

    def scores(self, rows: Sequence[Column]) -> Column:
        """Predicted accuracies (n,) of n sequences of observations; the network computes in float32."""
        inputs = self.scale(np.concatenate(rows))
        ends = np.cumsum([len(each) for each in rows])[:-1]
        return self.centre + self.spread * answers(self.network, np.split(inputs, ends))


class Scale:
    """Observations (k, d), `numbers` first, to inputs (k, numbers + components); fitted to all rows of the fit."""

    def __init__(self, rows: Column, numbers: int, components: int) -> None:
        self.numbers, self.width = numbers, rows.shape[1]
        self.all = standardiser()
        vectors = self._kept(self.all.fit_transform(rows))[:, numbers:]
        count = min(components, len(vectors) - 1, vectors.shape[1])
        self.reduce = PCA(count, svd_solver="covariance_eigh").fit(vectors)
        self.unit = float(np.sqrt(self.reduce.explained_variance_.max(initial=0.0))) or 1.0

    def __call__(self, rows: Column) -> Column:
        """The inputs of observations (k, d)."""
        scaled = self._kept(self.all.transform(rows))
        reduced = self.reduce.transform(scaled[:, self.numbers :]) / self.unit
        return self._kept(np.hstack([scaled[:, : self.numbers], reduced]))

    def _kept(self, values: Column) -> Column:
        return np.clip(values, -FARTHEST, FARTHEST)


def trained(sequences: Sequence[Column], y: Column, method: Recurrent) -> torch.nn.ModuleDict:
    """The GRU and its dense layer, trained on n sequences of inputs, each (k, inputs), with targets y (n,)."""
    import torch
    from torch.nn import functional

    with _one_thread(), torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(method.seed)
        gru = torch.nn.GRU(sequences[0].shape[1], method.hidden)
        network = torch.nn.ModuleDict({"gru": gru, "last": torch.nn.Linear(method.hidden, 1)})
        weights = list(network.parameters())
        descend = _adamw(weights)
        inputs, ends = _padded(sequences)
        target = torch.as_tensor(y, dtype=torch.float32)
        for _ in range(method.updates):
            loss = functional.mse_loss(_heights(network, functional.dropout(inputs, DROPOUT), ends, DROPOUT), target)
            descend(torch.autograd.grad(loss, weights))
    return network


def _adamw(weights: Sequence[torch.Tensor]) -> Callable[[Sequence[torch.Tensor]], None]:
    """A step of AdamW by these gradients, whenever it is called.

    It is the function that `torch.optim.AdamW` calls, with its defaults: the first optimizer object of a process
    imports what torch.compile needs, which takes longer than a fit.
    """
    import torch
    from torch.optim.adamw import adamw

    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    steps = [torch.tensor(0.0) for _ in weights]

    @torch.no_grad()
    def descend(slopes: Sequence[torch.Tensor]) -> None:
        adamw(
            list(weights), list(slopes), means, squares, [], steps, amsgrad=False, maximize=False,
            beta1=0.9, beta2=0.999, lr=LEARNING_RATE, weight_decay=DECAY, eps=1e-8,
        )  # fmt: skip

    return descend


def answers(network: torch.nn.ModuleDict, sequences: Sequence[Column]) -> Column:
    """Standardised accuracies (n,) of sequences of inputs."""
    import torch

    with _one_thread(), torch.no_grad():
        found: Column = _heights(network, *_padded(sequences), 0.0).double().numpy()
    return found


def _heights(network: torch.nn.ModuleDict, inputs: torch.Tensor, ends: torch.Tensor, dropout: float) -> torch.Tensor:
    """What the dense layer makes of the state after each sequence's last observation, (n,)."""
    import torch

    states, _ = network["gru"](inputs)
    last = states[ends, torch.arange(len(ends))]
    heights: torch.Tensor = network["last"](torch.nn.functional.dropout(last, dropout)).squeeze(1)
    return heights


def _padded(sequences: Sequence[Column]) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (k, n, inputs), 0 after a sequence's end, and the places (n,) of the last observations."""
    import torch

    parts = [torch.as_tensor(rows, dtype=torch.float32) for rows in sequences]
    return torch.nn.utils.rnn.pad_sequence(parts), torch.tensor([len(rows) - 1 for rows in sequences])


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread of torch: more are slower on sequences this small, and could round in another order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
