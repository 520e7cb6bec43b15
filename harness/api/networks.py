"""Score and track any network; the part of the public API that needs torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import pandas as pd

from harness.config.components import fill, shipped, shipped_settings
from harness.schema import Measure, Trace, demand
from harness.train.loader_training import train_on
from harness.train.recipe import Recipe
from harness.train.tracker import NetworkTracker

if TYPE_CHECKING:
    from torch import Tensor, nn

Measures = Sequence[str] | Mapping[str, Measure] | None
"""Names of measures that come with the package, or measures by name; None: all that come with it."""

SCORE_COLUMNS = ["measure", "quantity", "value", "direction", "seconds", "reason"]

SIZE = "size"
"""What the table of scores calls the measure of `params`, `flops` and `layers`."""


def score(
    network: nn.Module,
    images: Tensor | np.ndarray,
    labels: Tensor | np.ndarray,
    measures: Measures = None,
    head: str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Every measure of a network as it is, one row for each quantity that a measure gives.

    `images` (B, colours, height, width) and `labels` (B,), at least two, as the network is trained on them: normalised,
    all classes below its number of logits. Columns: measure, quantity, value, direction ("higher" or "lower" is
    better, "" where no predictor reads it), seconds (of the whole measure), reason (why value is nan). Features are
    read before the last dense layer that yields the logits (in a network without one, before the last convolution that
    gives a map for each class), or before the layer named `head`, a name out of `network.named_modules()`. The network
    is copied and left as it is: weights, buffers, mode, gradients, random states. The copy is in training mode without
    dropout. `seed` decides what measures draw. Raises BadInput.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 8), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3))
        >>> images, labels = torch.randn(6, 3, 8, 8), torch.arange(6) % 3
        >>> table = score(network, images, labels, measures=["naswot", "capacitance"])
        >>> [*table["quantity"]]
        ['naswot', 'beta_eff', 'beta_eff_sd']
        >>> table.loc[1, "direction"], table.loc[1, "reason"]
        ('lower', '')
    """
    chosen = _built(measures)
    tracker = NetworkTracker(network, chosen, head, seed)
    tracker.observe((_tensor(images), _tensor(labels)), 0)
    row, directions = tracker.rows[0], _directions()
    columns: dict[str, tuple[str, ...]] = {SIZE: ("params", "flops", "layers")} if measures is None else {}
    columns |= {name: measure.columns for name, measure in chosen.items()}
    rows = [
        (name, column, *_value(row, name, column, directions), float(str(row.get(f"seconds_{name}", 0.0))))
        for name, found in columns.items()
        for column in found
    ]
    made = pd.DataFrame(rows, columns=["measure", "quantity", "value", "reason", "direction", "seconds"])
    return made[SCORE_COLUMNS]


class Tracker(NetworkTracker):
    """Observes a network in a training loop of your own; `trace` gives what `predict` reads.

    Call `observe` once before the first update and once after each. `measures`: see `score`; all of them are read at
    the first call, from then on after every `every` updates, and by `trace`. `head`, `seed`: see `score`;
    `steps_per_epoch`: updates in a pass over the training images, None where that is not known. The network is copied
    at the first call, and never touched. Raises BadInput.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> images, labels = torch.randn(10, 3, 2, 2), torch.arange(10) % 2
        >>> optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        >>> tracker = Tracker(network, measures=["capacitance"], every=2)
        >>> tracker.observe((images, labels), 0)
        >>> for step in range(1, 4):
        ...     loss = nn.functional.cross_entropy(network(images), labels)
        ...     optimizer.zero_grad()
        ...     loss.backward()
        ...     optimizer.step()
        ...     tracker.observe((images, labels), step, train_loss=loss)
        >>> [*tracker.trace().table["step"]]
        [0, 2, 3]
    """

    def __init__(
        self,
        network: nn.Module,
        measures: Measures = None,
        head: str | None = None,
        seed: int = 0,
        every: int = 10,
        steps_per_epoch: int | None = None,
    ) -> None:
        super().__init__(network, _built(measures), head, seed, every, steps_per_epoch)


class RecipeFields(TypedDict, total=False):
    """What may be changed of the training of `track`: fields of `harness.train.recipe.Recipe`."""

    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float
    clip_norm: float | None
    schedule: str
    schedule_steps: int | None
    observe_every: int
    precision: str


def track(
    network: nn.Module,
    loader: Iterable[Any],
    steps: int = 100,
    measures: Measures = None,
    head: str | None = None,
    seed: int = 0,
    **recipe: Unpack[RecipeFields],
) -> Trace:
    """The trace of a brief training of a copy of the network, which `predict` reads; the network stays as it is.

    `loader` gives batches of images (B, colours, height, width) and labels (B,), as a DataLoader does, and is read
    again where it ends; its first batch is the one that is measured. SGD with Nesterov momentum, weight decay and a
    learning rate annealed to 0 by a cosine, 0.1 at first as in NAS-Bench-201; `recipe` changes that. `steps` updates
    are made; 0 reads the network at initialization. `measures`, `head`, `seed`: see `score`. Raises BadInput.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> _ = torch.manual_seed(0)
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> loader = [(torch.randn(10, 3, 2, 2), torch.arange(10) % 2)]
        >>> trace = track(network, loader, steps=4, measures=["capacitance"], observe_every=2)
        >>> [*trace.table["step"]]
        [0, 2, 4]
    """
    settings = fill(Recipe, {"steps": steps, "observe_every": 10, **recipe}, "")
    known = len(loader) if isinstance(loader, Sized) else None
    every = settings.observe_every or 10
    return train_on(loader, settings, NetworkTracker(network, _built(measures), head, seed, every, known or None))


def _built(measures: Measures) -> dict[str, Measure]:
    """The measures by name. Raises BadInput."""
    demand(not isinstance(measures, str), "measures", "a list of names", measures)
    if not isinstance(measures, Mapping):
        return shipped("measure", measures)
    wrong = [name for name, measure in measures.items() if not isinstance(measure, Measure)]
    demand(not wrong, "measures", "measures by name (columns, observer)", wrong)
    return dict(measures)


def _directions() -> dict[str, str]:
    """Which direction of a column is better, as the predictors that come with the package read it."""
    nodes = [node for node in shipped_settings("predictor").values() if "column" in node and "sign" in node]
    return {str(node.column): "higher" if node.sign > 0 else "lower" for node in nodes}


def _value(
    row: Mapping[str, object], measure: str, column: str, directions: Mapping[str, str]
) -> tuple[float, str, str]:
    """Value, reason and direction of one column."""
    direction = directions.get(column, "")
    found = row.get(column)
    if isinstance(found, np.ndarray):
        return math.nan, f"a vector of {found.size} numbers, which track(steps=0) has in its trace", direction
    value = math.nan if found is None else float(str(found))
    if math.isfinite(value):
        return value, "", direction
    failed, missing = str(row.get(f"failed_{measure}", "")), str(row.get(f"missing_{measure}", ""))
    failed = re.sub("^(BadInput|ValueError): ", "", failed)
    return math.nan, failed or _of_column(column, missing) or "the value is not finite", direction


def _of_column(column: str, missing: str) -> str:
    """The reason for one column in the text for all of a measure, "a, b: reason; c: another"."""
    parts = re.split(r"; (?=[\w, ]+: )", missing)
    reasons = {name: part.partition(": ")[2] for part in parts for name in part.partition(": ")[0].split(", ")}
    return reasons.get(column, "")


def _tensor(values: Tensor | np.ndarray) -> Tensor:
    import torch

    return torch.as_tensor(values)
