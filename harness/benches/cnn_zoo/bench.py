"""The benchmark `cnn_zoo`: one small network under many hyper-parameters (Unterthiner et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness.benches import own_truth, tabulated
from harness.benches.cnn_zoo.form import MODELS, Form
from harness.benches.cnn_zoo.space import SPACE, together
from harness.benches.protocol import demand_protocol
from harness.schema import (
    ADDED_LATER,
    Architecture,
    Description,
    ImageSet,
    Measure,
    Recorded,
    StoredCurves,
    Trace,
    Truth,
    demand,
    seed_of,
)

if TYPE_CHECKING:
    from torch import nn

    from harness.train.job import TrainingJob


@dataclass(frozen=True)
class CnnZoo:
    """The small CNN zoo (Unterthiner et al. 2020, arXiv 2002.11448, section 3), made here on any data set.

    An architecture is a set of hyper-parameters of one network of 4,970 parameters (with ten classes): activation,
    initialization and its deviation, L2, learning rate, dropout, optimizer, fraction of the training images. The ground
    truth comes from `source`: "embedded" (this package's own table of the data set) or the path of a table made by
    `python -m harness.tabulate`; such a table is also what `recorded` reads. `target_split` and `target_epochs` select
    the accuracy that is to be predicted; null takes the last checkpoint. A table of your own is read as
    `own_truth.read` says, its accuracies in `unit`.

    `model` is the network: "cnn" is the paper's, "deep_cnn" has five convolutions, "mlp" three dense layers before the
    head; all of 16 channels, under the same hyper-parameters. `group` networks at most are trained side by side.
    `every`: checkpoints from one reading of the statistics of the weights to the next, in a table that is made.
    """

    kind: ClassVar[str] = "bench/cnn_zoo"
    descriptions: ClassVar[tuple[str, ...]] = ("features",)

    name: str = "cnn_zoo"
    source: str = "embedded"
    target_split: str = "test"
    target_epochs: int | None = None
    model: str = field(default="cnn", metadata=ADDED_LATER)
    group: int = 32
    every: int = 2
    unit: str | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        demand_protocol(self.target_split, self.target_epochs)
        own_truth.demand_unit(self.unit)
        demand(self.model in MODELS, "bench.model", " or ".join(map(repr, MODELS)), self.model)
        demand(self.group >= 1, "bench.group", "at least 1", self.group)
        demand(self.every >= 1, "bench.every", "at least 1", self.every)

    @property
    def lowerable(self) -> bool:
        """Whether compiled code can train the networks: yes, side by side (`compiled.py`)."""
        return True

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies of every network of the table, in percent."""
        if own_truth.is_own(Path(self.source)):
            protocol = (dataset, self.target_split, self.target_epochs)
            return own_truth.truth(
                Path(self.source), self.unit, protocol, lambda given: self.architecture(str(given)).name
            )
        return self._table(dataset).truth(None, self.target_split, self.target_epochs, fingerprint, self.name)

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` sets of hyper-parameters, drawn by `seed`, or out of the names `among` (None: all of them) by a hash.

        The first of a larger sample are those of a smaller one. Raises BadInput where there are not that many.
        """
        if among is None:
            demand(n is not None, "architectures", "a count (the space is infinite)", n)
            assert n is not None
            draws = (np.random.default_rng(seed_of(seed, "sample", self.name, place)) for place in range(n))
            return [self.architecture(SPACE.write(SPACE.draw(draw))) for draw in draws]
        n = len(among) if n is None else n
        demand(1 <= n <= len(among), "architectures", f"a count from 1 to {len(among)} (networks of the table)", n)
        ordered = sorted(among, key=lambda text: seed_of(seed, "sample", self.name, text))
        return [self.architecture(text) for text in ordered[:n]]

    def architecture(self, text: str) -> Architecture:
        """The architecture that the string `text` names; each is a class of its own."""
        SPACE.parse(text)
        return Architecture(text, text)

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """The hyper-parameters as numbers; see `Space.vector`."""
        return Description(tuple(SPACE.feature_names()), SPACE.vector(SPACE.parse(architecture.name)))

    def recipe(self, architecture: str) -> Mapping[str, object]:
        """What a network states of its training in terms of the recipe; its name has the rest."""
        values = SPACE.parse(architecture)
        rate, decay = float(values["rate"]), 2 * float(values["l2"])
        return {"learning_rate": rate, "weight_decay": decay, "momentum": 0.0, "nesterov": False}

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters, multiply-adds and layers, the same for every network."""
        form = self._form(images)
        flops = float(form.flops)
        sizes = {"params": float(form.params), "flops": flops, "live_flops": flops}
        return sizes | {"layers": float(len(form.layers) + 1)}

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A network of these hyper-parameters, initialised by torch; `train_group` draws what they say."""
        from .network import Network

        values = SPACE.parse(architecture.name)
        return Network(self._form(images), str(values["activation"]), float(values["dropout"]))

    def groups(self, architectures: Sequence[Architecture]) -> list[list[Architecture]]:
        """Networks with the same activation, optimizer and train fraction, `group` at a time."""
        alike: dict[tuple[object, ...], list[Architecture]] = {}
        for architecture in architectures:
            alike.setdefault(together(SPACE.parse(architecture.name)), []).append(architecture)
        cuts = [(each, start) for each in alike.values() for start in range(0, len(each), self.group)]
        return [each[start : start + self.group] for each, start in cuts]

    def train_group(self, jobs: Sequence[TrainingJob]) -> list[Trace]:
        """The traces of networks that are trained side by side; see `observation.train_group`."""
        from .observation import train_group

        return train_group(jobs, self.model)

    @property
    def recorded_columns(self) -> tuple[str, ...]:
        """What a table has besides losses and accuracies: 14 statistics of each layer, 56 of "cnn"."""
        return "train_accuracy", "layer_statistics"

    def recorded_measures(self) -> Mapping[str, Measure]:
        """The statistics, and the weights of the first and last checkpoint, which stay in the traces."""
        from harness.measures.layer_statistics import LayerStatistics

        from .weights import FlatWeights

        return {"layer_statistics": LayerStatistics(self.every), "weights": FlatWeights()}

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """The checkpoints of the table's own networks: those whose last accuracy is the ground truth.

        Raises BadInput where the validation columns were not asked for, or other epochs than the table has.
        """
        from harness.benches.recorded import recorded

        return recorded(self._table(dataset), wanted)

    def network(self) -> dict[str, object]:
        """Settings that determine a network besides its hyper-parameters: part of a trace's identity."""
        return {"space": self.name, **({} if self.model == "cnn" else {"model": self.model})}

    def _form(self, images: ImageSet) -> Form:
        return Form(self.model, images.size, images.classes)

    def _table(self, dataset: str) -> tabulated.Tabulated:
        """The table of `source`. Raises BadInput where there is none, or its networks are of another model."""
        stem = f"{dataset}{'' if self.model == 'cnn' else f'_{self.model}'}"
        table = tabulated.find(self.source, Path(__file__).parent, stem, self.name)
        made_of = table.about["network"].get("model", "cnn") if "network" in table.about else "cnn"
        demand(made_of == self.model, "bench.model", f"{made_of!r} for {table.path.name}", self.model)
        return table
