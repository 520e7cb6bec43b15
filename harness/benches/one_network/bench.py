"""The benchmark `hyperparameters`: one network under many learning rates and dropout rates (Vahedian et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from harness.benches import tabulated
from harness.benches.one_network import plans
from harness.benches.one_network.space import RATES, SPACE, grid
from harness.benches.protocol import demand_protocol
from harness.schema import (
    ADDED_LATER,
    Architecture,
    Description,
    ImageSet,
    Measure,
    Recorded,
    StoredCurves,
    Truth,
    demand,
    seed_of,
)

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class OneNetwork:
    """One network under many learning rates and dropout rates (Vahedian et al. 2022, arXiv 2111.05410).

    An architecture is a setting of the two, out of the paper's grid; learning rates below `least_rate` are not drawn.
    `model` is the network ("lenet", "alexnet", "vgg" or "resnet32", as in the authors' code), `width` the factor of all
    its widths. The ground truth comes from `source`: "embedded" (this package's own table of the model, width and data
    set) or the path of a table made by `python -m harness.tabulate`; such a table is also what `recorded` reads.
    `target_split` and `target_epochs` select the accuracy that is to be predicted; null takes the last epoch.

    `initialization` of the weights: "authors" (that of their code), or "he" for every layer, with biases of 0 (He et
    al. 2015), at which deep networks leave chance within a short training.
    `graphs`: checkpoints, the untrained network first, whose graphs go into a table that is made.
    """

    kind: ClassVar[str] = "bench/one_network"
    descriptions: ClassVar[tuple[str, ...]] = ("features",)
    lowerable: ClassVar[bool] = True

    name: str = "hyperparameters"
    model: str = "lenet"
    width: float = 1.0
    source: str = "embedded"
    target_split: str = "test"
    target_epochs: int | None = None
    least_rate: float = RATES[0]
    graphs: int = 6
    initialization: str = field(default="authors", metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        demand(self.model in plans.MODELS, "bench.model", " or ".join(plans.MODELS), self.model)
        demand(0 < self.width <= 4, "bench.width", "a factor above 0, at most 4", self.width)
        demand_protocol(self.target_split, self.target_epochs)
        rates = f"a number above 0, at most {RATES[-1]}"
        demand(0 < self.least_rate <= RATES[-1], "bench.least_rate", rates, self.least_rate)
        demand(self.graphs >= 1, "bench.graphs", "at least 1", self.graphs)
        known = self.initialization in plans.INITIALIZATIONS
        demand(known, "bench.initialization", " or ".join(plans.INITIALIZATIONS), self.initialization)

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies of every setting of the table, in percent; a training that diverged has none."""
        return self._table(dataset).truth(None, self.target_split, self.target_epochs, fingerprint, self.name)

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` settings (None: all) of the grid, or of the names `among`, by a hash of `seed` and their text.

        The first of a larger sample are those of a smaller one, and every model and width has the same.
        """
        names = grid(self.least_rate) if among is None else among
        n = len(names) if n is None else n
        demand(1 <= n <= len(names), "architectures", f"a count from 1 to {len(names)} (settings)", n)
        ordered = sorted(names, key=lambda text: seed_of(seed, "sample", self.name, text))
        return [self.architecture(text) for text in ordered[:n]]

    def architecture(self, text: str) -> Architecture:
        """The architecture that the string `text` names; each is a class of its own."""
        SPACE.parse(text)
        return Architecture(text, text)

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """Natural logarithm of the learning rate, and the dropout rate."""
        return Description(tuple(SPACE.feature_names()), SPACE.vector(SPACE.parse(architecture.name)))

    def recipe(self, architecture: str) -> Mapping[str, object]:
        """What a setting states of the training in terms of the recipe; the dropout is the network's."""
        return {"learning_rate": float(SPACE.parse(architecture)["rate"])}

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters, multiply-adds and layers, the same for every setting."""
        return plans.counts(plans.layers(self.model, self.width, images.size, images.colours, images.classes))

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A fresh network with this dropout."""
        from .network import build

        dropout = float(SPACE.parse(architecture.name)["dropout"])
        return build(self.model, self.width, dropout, images, self.initialization)

    @property
    def recorded_columns(self) -> tuple[str, ...]:
        """What a table has besides losses and accuracies: the graphs, and the displacement of the weights."""
        return "train_accuracy", "temporal_graph", "literal_graph", "movement", "weight_norm"

    def recorded_measures(self) -> Mapping[str, Measure]:
        """The measures of these columns."""
        from harness.measures.movement import Movement

        from .early_graphs import EarlyGraphs

        return {"graphs": EarlyGraphs(self.graphs), "movement": Movement()}

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """The curves of the table's own trainings: those whose last accuracy is the ground truth.

        Raises BadInput where the validation columns were not asked for, or other epochs than the table has.
        """
        from harness.benches.recorded import recorded

        return recorded(self._table(dataset), wanted)

    def network(self) -> dict[str, object]:
        """Settings that determine a network besides its dropout: part of a trace's identity."""
        other = {} if self.initialization == plans.AUTHORS else {"initialization": self.initialization}
        return {"space": self.name, "model": self.model, "width": self.width, **other}

    def _table(self, dataset: str) -> tabulated.Tabulated:
        start = "" if self.initialization == plans.AUTHORS else f"-{self.initialization}"
        stem = f"{self.model}-{self.width:g}{start}-{dataset}"
        table = tabulated.find(self.source, Path(__file__).parent, stem, self.name)
        table.demand_bench(self.name, "bench.source")
        made_of = {"initialization": plans.AUTHORS} | table.about.get("network", {})
        for key in ("model", "width", "initialization"):
            theirs, value = made_of.get(key), getattr(self, key)
            demand(theirs == value, f"bench.{key}", f"{theirs}, that of {table.path}", value)
        return table
