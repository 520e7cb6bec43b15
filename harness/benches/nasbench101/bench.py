"""The benchmark `nasbench101`: sampling, networks and ground truth of the NAS-Bench-101 cell space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness.benches import own_truth, tabulated
from harness.benches.nasbench101 import description, size, space, table
from harness.benches.protocol import demand_protocol
from harness.files import Source
from harness.schema import (
    Architecture,
    BadInput,
    Description,
    ImageSet,
    Recorded,
    StoredCurves,
    Truth,
    demand,
    seed_of,
)

if TYPE_CHECKING:
    from torch import nn

    from harness.benches.question import Answer, Question

FEWEST = space.VERTICES - 2
"""Channels that the smallest cell needs: one for each inner vertex that the output may read."""


@dataclass(frozen=True)
class NasBench101:
    """NAS-Bench-101 (Ying et al., ICML 2019, arXiv 1902.09635): 423,624 cells up to isomorphism.

    A string has a part for each vertex behind the input, OPERATION~SOURCES: `conv3x3~0|maxpool3x3~1|output~0.2`.
    `channels` is the width of the stem of the network trained here, `cells` the number of cells in each of three stacks
    (128 and 3 in the benchmark). The ground truth comes from `source`: "table" (the official TFRecord file in the data
    folder, converted at the first use), the path of such a file, of what was made of it, of a table made by `python -m
    harness.tabulate` or of your own (see `own_truth.read`, its accuracies in `unit`), or "auto": the official file.
    `train_set`: null, or "cifar10" where the images are CIFAR-10's under another name. `target_split` and
    `target_epochs` (4, 12, 36, 108) select the accuracy; null takes the most epochs of the source.
    """

    kind: ClassVar[str] = "bench/nasbench101"
    lowerable: ClassVar[bool] = False
    descriptions: ClassVar[tuple[str, ...]] = description.KINDS

    name: str = "nasbench101"
    channels: int = 16
    cells: int = 1
    source: str = "auto"
    train_set: str | None = None
    target_split: str = "test"
    target_epochs: int | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        demand(self.channels >= FEWEST, "bench.channels", f"at least {FEWEST}", self.channels)
        demand(self.cells >= 1, "bench.cells", "at least 1", self.cells)
        demand_protocol(self.target_split, self.target_epochs)
        own_truth.demand_unit(self.unit)

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies of every architecture in the source, on the data set of this name."""
        path = None if self.source in ("auto", "table") else Path(self.source)
        if path is not None and not table.is_official(path):
            return self._other(path, dataset, fingerprint)
        wanted = (
            f"{table.TRAIN_SET}, which the official file has accuracies of, or bench.source= a table made by `python"
            f" -m harness.tabulate +bench={self.name}` with these dataset settings"
        )
        demand((self.train_set or dataset) == table.TRAIN_SET, "dataset", wanted, self.train_set or dataset)
        return table.truth(path or table.find(data, self.name), self.target_split, self.target_epochs)

    def _other(self, path: Path, dataset: str, fingerprint: str) -> Truth:
        """From a table of a user's own, or of `tabulate`."""
        if own_truth.is_own(path):
            protocol = (self.train_set or dataset, self.target_split, self.target_epochs)
            return own_truth.truth(path, self.unit, protocol, self.name_of)
        found = tabulated.read(path)
        truth = found.truth(self.train_set, self.target_split, self.target_epochs, fingerprint, self.name)
        strange = [name for name in truth.accuracy.index if not space.known(name)]
        demand(not strange, "bench.source", f"architectures of {self.name} in {path}", strange[:1])
        return truth

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` architectures (None: all) of different graph hashes, out of the strings `among` in the order of a hash.

        Without `among` cells are drawn as `space.random_cell` does. The first architectures of a larger sample with the
        same seed and `among` are those of a smaller one. Raises BadInput where there are not that many.
        """
        demand(n is not None or among is not None, "architectures", "a count (the space is not listed)", n)
        demand(n is None or n >= 1, "architectures", "at least 1", n)
        found: dict[str, Architecture] = {}
        for text in self._random(seed) if among is None else self._in_order(among, seed):
            if len(found) == n:
                break
            architecture = self.architecture(text)
            found.setdefault(architecture.group, architecture)
        wanted = f"a count from 1 to {len(found)} (graph hashes of the architectures with a ground truth)"
        demand(n is None or len(found) == n, "architectures", wanted, n)
        return list(found.values())

    def _in_order(self, among: Sequence[str], seed: int) -> list[str]:
        return sorted(among, key=lambda text: seed_of(seed, "sample", self.name, text))

    def _random(self, seed: int) -> Iterator[str]:
        place = 0
        while True:
            yield str(space.random_cell(np.random.default_rng(seed_of(seed, "sample", self.name, place))))
            place += 1

    def name_of(self, given: object) -> str:
        """The string of the pruned cell that `given` writes: text, or a pair (matrix, operations) in the benchmark's
        own terms (see `space.of_matrix`). Raises BadInput."""
        if isinstance(given, list | tuple) and len(given) == 2:
            matrix, operations = given
            lists = all(isinstance(each, list | tuple) for each in (matrix, operations))
            demand(lists and all(isinstance(row, list | tuple) for row in matrix), "architecture",
                   "a matrix as a list of rows, and a list of operations", given)  # fmt: skip
            return str(space.of_matrix(matrix, operations))
        return str(space.parse(str(given).strip()))

    def architecture(self, text: str) -> Architecture:
        """The architecture that the string `text` names; its group is the benchmark's graph hash."""
        return Architecture(text, space.module_hash(space.parse(text)))

    def edges(self, architecture: Architecture) -> list[tuple[str, str, str]]:
        """(source, target, operation) of the cell: an edge from the input is a projection, any other passes its map;
        vertices have the names of their operations."""
        cell = space.parse(architecture.name)
        inner = [f"{vertex} {cell.operation(vertex)}" for vertex in cell.inner()]
        names = ["input", *inner, "output"]
        return [(names[s], names[t], "identity" if s else "projection") for s, t in cell.edges()]

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters, multiply-adds and layers of the network that `build` gives; after pruning all is live."""
        cell, shape = space.parse(architecture.name), self._shape(images)
        flops = float(size.flops(cell, shape))
        counts = {"params": float(size.params(cell, shape)), "flops": flops, "live_flops": flops}
        return counts | {"layers": float(size.layers(cell, shape))}

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """Of the pruned cell; see `description`."""
        return description.description(space.parse(architecture.name), kind)

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A freshly initialised network for these images, from torch's global random state."""
        from .cell_network import Network

        return Network(space.parse(architecture.name), self._shape(images))

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """No curves are published, only the accuracies after half and all of a training. Raises BadInput."""
        raise BadInput(f"signal: must be null for +bench={self.name} (got recorded curves of {dataset}: none exist)")

    def query(self, question: Question, data: str | None) -> Answer:
        """One recorded accuracy; see `query.answer_question`. The settings of the benchmark change no answer."""
        from .query import answer_question

        return answer_question(question, data, self.name)

    def sources(self) -> tuple[Source, ...]:
        """The official files."""
        return (table.SOURCE,)

    def network(self) -> dict[str, object]:
        """Settings that determine the network besides the architecture: part of a trace's identity."""
        return {"space": self.name, "channels": self.channels, "cells": self.cells}

    def _shape(self, images: ImageSet) -> size.Shape:
        return size.Shape(self.channels, self.cells, images.size, images.colours, images.classes)
