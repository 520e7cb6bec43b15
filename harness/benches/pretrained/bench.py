"""The benchmark `pretrained`: networks trained on one data set, fine-tuned on another."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness.benches import own_truth, tabulated
from harness.benches.protocol import demand_protocol
from harness.files import Source
from harness.schema import (
    ADDED_LATER,
    COUNTED,
    NO_IDENTITY,
    Architecture,
    BadInput,
    Description,
    ImageSet,
    Recorded,
    StoredCurves,
    Truth,
    demand,
    seed_of,
    suggestion,
)

from . import tables
from .catalogue import IMAGENET
from .description import description
from .models import Models, demand_names, models
from .static_rank import static_rank_of_tables

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

STATISTICS = ("frozen", "moving")
SIDES = range(32, 513)


@dataclass(frozen=True)
class Pretrained:
    """Choice among pre-trained networks (Jiang et al. 2022, arXiv 2201.04194: 17 ImageNet models, five data sets).

    An architecture is a pre-trained network. It is fine-tuned with a new head on standardised features; its accuracy on
    the data set after that is the ground truth. Its `group` is its family, so that folds of learned predictors leave
    out whole families. `models` names networks of `folder` (in the data folder `data`, or absolute), or of a hub as
    HUB:NAME (torchvision, timm, huggingface); null: every network of the folder, and in a run those with a ground
    truth. `side`: pixels a side that the networks read. `statistics`: those of BatchNorm, "frozen" or "moving".
    `trained_layers`: the last so many weight layers are trained, the head among them; null: all.

    `source` of the ground truth: "embedded", the path of a table made by `python -m harness.tabulate` or of your own
    (see `own_truth.read`, its accuracies in `unit`), or "auto": embedded. `target_split` and `target_epochs` select
    the accuracy.
    """

    kind: ClassVar[str] = "bench/pretrained"
    lowerable: ClassVar[bool] = False
    pretrained: ClassVar[bool] = True
    descriptions: ClassVar[tuple[str, ...]] = ("features",)
    fact_columns: ClassVar[tuple[str, ...]] = (*COUNTED, "source_accuracy", "static_rank")

    name: str = "pretrained"
    data: str | None = field(default=None, metadata=NO_IDENTITY)
    folder: str = field(default="models", metadata=NO_IDENTITY)
    models: list[str] | None = None
    side: int = 96
    statistics: str = "frozen"
    trained_layers: int | None = None
    source: str = "auto"
    target_split: str = "test"
    target_epochs: int | None = None
    unit: str | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        demand_names(self.models)
        demand(self.side in SIDES, "bench.side", f"{SIDES[0]} to {SIDES[-1]} pixels", self.side)
        demand(self.statistics in STATISTICS, "bench.statistics", " or ".join(map(repr, STATISTICS)), self.statistics)
        layers = self.trained_layers
        demand(layers is None or layers >= 1, "bench.trained_layers", "at least 1 (or null)", layers)
        demand_protocol(self.target_split, self.target_epochs)
        own_truth.demand_unit(self.unit)

    def sources(self) -> tuple[Source, ...]:
        """The folder of networks; none is downloaded."""
        note = "pre-trained networks; docs/data.md lists those that are described"
        return (Source("models", ((self.folder,),), note),)

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracy after fine-tuning of every network in the table, on the data set of this name."""
        if own_truth.is_own(Path(self.source)):
            protocol = (dataset, self.target_split, self.target_epochs)
            return own_truth.truth(Path(self.source), self.unit, protocol, str)
        packaged = tables.embedded(dataset)
        if self.source in ("auto", "embedded"):
            wanted = (
                f"a data set with a table ({', '.join(tables.carried()) or 'none yet'}), or bench.source= a table made"
                " by `python -m harness.tabulate +bench=pretrained` with these dataset settings"
            )
            demand(packaged is not None, "dataset", wanted, dataset)
        path = packaged if self.source in ("auto", "embedded") else Path(self.source)
        assert path is not None
        found = tabulated.read(path)
        truth = found.truth(None, self.target_split, self.target_epochs, fingerprint, self.name)
        known = list(truth.accuracy.index)
        kept = known if self.models is None else self.models
        strangers = [name for name in kept if name not in known]
        if strangers:
            near = suggestion(strangers[0], known)
            wanted = f"networks with a ground truth in {path.name} ({len(known)})"
            raise BadInput(f"bench.models: must be {wanted} (got {', '.join(strangers)}){near}")
        self._demand_same_weights(kept, found.about.get("content", {}), path)
        return replace(truth, accuracy=truth.accuracy.loc[kept])

    def _demand_same_weights(self, names: Sequence[str], content: Mapping[str, object], path: Path) -> None:
        """Raise BadInput for a network at hand whose weights are not those that the table was made with."""
        held = self._held()
        for name in names:
            known = content.get(name)
            if known is not None and held.has(name):
                here = self.content_of(name)
                wanted = f"the networks that {path.name} was made with"
                demand(here == known, "bench.models", wanted, f"other weights of {name}")

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` networks (None: all) in random order, out of the names `among` (default: `models`, or all of the folder).

        Raises BadInput where there are not that many.
        """
        pool = sorted(set(among if among is not None else self.models or self._held().entries))
        n = len(pool) if n is None else n
        wanted = f"a count from 1 to {len(pool)} (pre-trained networks with a ground truth)"
        demand(1 <= n <= len(pool), "architectures", wanted, n)
        order = np.random.default_rng(seed_of(seed, "sample", self.name)).permutation(len(pool))
        return [self.architecture(pool[place]) for place in order[:n]]

    def architecture(self, name: str) -> Architecture:
        """The network of this name; its group is its family, its note what it was trained on, if not ImageNet."""
        known = self._held().entry(name)
        note = "" if known.trained_on == IMAGENET else f"trained on {known.trained_on}"
        return Architecture(name, known.family, note=note)

    def origin(self, architecture: str) -> str:
        """Where its weights come from, and under which licence."""
        known = self._held().entry(architecture)
        return known.source if known.licence == "not stated" else f"{known.source} ({known.licence})"

    def content_of(self, architecture: str) -> dict[str, object]:
        """What determines the weights: the checksum of the file, or of the weights that the hub gives."""
        return {"weights": self._held().identity(architecture)}

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters and multiply-adds without the source classifier, trainable layers, published source accuracy, and
        the rank on other data sets."""
        held = self._held()
        known = held.entry(architecture.name).source_accuracy
        counted = self._counts(architecture.name)
        width, below = counted["width"], counted["params"]
        return {
            "params": below + (width + 1) * images.classes,
            "flops": counted["flops"] + width * images.classes,
            "live_flops": counted["flops"] + width * images.classes,
            "layers": counted["layers"] + 1,
            **({} if known is None else {"source_accuracy": known}),
            **self._elsewhere(architecture.name, images.name),
        }

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """Its counts, source accuracy, input side and family, out of those in the folder; see `description`."""
        held = self._held()
        families = [held.entry(name).family for name in self.models or held.entries]
        family, side = held.entry(architecture.name).family, self._counts(architecture.name)["side"]
        return description(self.facts(architecture, images), side, family, families)

    def _elsewhere(self, name: str, dataset: str) -> dict[str, float]:
        """The `static_rank` of a network over the data sets other than this, where the package has their tables."""
        ranks = static_rank_of_tables(tables.carried(), dataset, self.target_split)
        return {"static_rank": float(ranks[name])} if name in ranks.index else {}

    def elsewhere(self, dataset: str) -> Mapping[str, pd.DataFrame]:
        """Accuracies after fine-tuning on the other data sets whose tables the package has: (networks, seeds)."""
        return {
            name: tables.final(path, self.target_split) for name, path in tables.carried().items() if name != dataset
        }

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """The pre-trained network with a new head, from torch's global random state, features standardised."""
        from .network import fine_tuned, train_last

        demand(images.colours in (1, 3), "dataset.colours", "1 or 3", images.colours)
        model = fine_tuned(self._held().backbone(architecture.name), images, self.side, self.statistics == "frozen")
        train_last(model, self.trained_layers)
        return model

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """No curves are recorded besides the tables. Raises BadInput."""
        raise BadInput(f"signal: must be null for +bench={self.name} (got recorded curves of {dataset}: none exist)")

    def network(self) -> dict[str, object]:
        """Settings that determine the network besides its weights: part of a trace's identity."""
        return {
            "space": self.name,
            "side": self.side,
            "statistics": self.statistics,
            "trained_layers": self.trained_layers,
        }

    def _counts(self, name: str) -> Mapping[str, float]:
        return _counts(self.folder, self.data, name, self._held().identity(name), self.side)

    def _held(self) -> Models:
        return models(self.folder, self.data)


@functools.lru_cache(maxsize=512)
def _counts(folder: str, data: str | None, name: str, weights: object, side: int) -> Mapping[str, float]:
    """Counts of the network below its source classifier; `weights` is what identifies its file as it is now."""
    from .facts import counts

    return counts(models(folder, data).backbone(name), side)
