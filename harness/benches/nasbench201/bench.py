"""The benchmark `nasbench201`: sampling, networks and ground truth of the NAS-Bench-201 cell space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness.benches import own_truth
from harness.benches.nasbench201 import description, notations, space, truth
from harness.benches.nats import converted
from harness.benches.nats.spaces import TSS
from harness.benches.protocol import NATS_SPLITS, demand_protocol
from harness.benches.truth import Request
from harness.files import Source
from harness.schema import (
    ADDED_LATER,
    Architecture,
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


RECORDED_SIZE = (16, 5)
"""C and N of the networks that the benchmark trained."""


@dataclass(frozen=True)
class NasBench201:
    """NAS-Bench-201 (Dong & Yang, ICLR 2020): 15,625 cells, 6,466 up to isomorphism.

    `channels` and `cells` (C and N; 16 and 5 in the benchmark) set the size of the network trained here. The ground
    truth comes from `source`: "embedded" (this package's own table), "table" (final accuracies of the benchmark),
    "archive" (the official NATS-Bench folder), "converted" (tables made of that by `python -m harness.data convert`), a
    path to a table made by `python -m harness.tabulate` or of your own (CSV or Parquet: architecture, accuracy, and a
    seed where there are several; `unit`: "percent", "fraction" or null, guessed), or "auto": embedded, else converted
    if it holds every architecture, else table if it has the protocol, else the more complete of converted and archive.
    `train_set`, `target_split` and `target_epochs` select the protocol of the ground truth; null takes the source's
    own, the final test accuracy.

    `draw`: "uniform" draws isomorphism classes with equal probability, in the order of a hash, so that every part of a
    draw is of one population, whatever `skip`; "by_size" draws strings and drops those isomorphic to an earlier one, so
    that large classes (dead cells, cells with few operations) come first, and what is left behind `skip` lacks them.
    `isomorphs`: "one" of each class, or "all" strings, as much of the literature samples; folds keep classes together.
    """

    kind: ClassVar[str] = "bench/nasbench201"
    descriptions: ClassVar[tuple[str, ...]] = description.KINDS

    name: str = "nasbench201"
    channels: int = 8
    cells: int = 1
    dead: str = "include"
    draw: str = "uniform"
    source: str = "auto"
    train_set: str | None = None
    target_split: str = "test"
    target_epochs: int | None = None
    unit: str | None = field(default=None, metadata=ADDED_LATER)
    isomorphs: str = field(default="one", metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        demand(self.channels >= 1, "bench.channels", "at least 1", self.channels)
        demand(self.cells >= 1, "bench.cells", "at least 1", self.cells)
        demand(self.dead in ("include", "exclude"), "bench.dead", "'include' or 'exclude'", self.dead)
        demand(self.draw in ("uniform", "by_size"), "bench.draw", "'uniform' or 'by_size'", self.draw)
        own_truth.demand_unit(self.unit)
        demand(self.isomorphs in ("one", "all"), "bench.isomorphs", "'one' or 'all'", self.isomorphs)
        demand_protocol(self.target_split, self.target_epochs, NATS_SPLITS)

    @property
    def lowerable(self) -> bool:
        """Whether the networks of `build` write down their forward pass, so that the compiled step can train them."""
        return True

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies of every architecture in the source, on the data set of this name."""
        return truth.find(self.source, self._request(dataset, fingerprint), data)

    def target(self, name: str, data: str | None) -> Truth:
        """Accuracies on another data set, or those of the table at a path."""
        return truth.target(name, self._request(name, ""), data)

    def _request(self, dataset: str, fingerprint: str) -> Request:
        protocol = (self.train_set, self.target_split, self.target_epochs)
        return Request(dataset, fingerprint, *protocol, self.unit, self.name_of)

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` architectures (None: all), with `isomorphs` one of each isomorphism class, out of the strings `among`.

        `draw` says in which order.
        The first architectures of a larger sample with the same seed and `among` are those of a smaller one. Raises
        BadInput where there are not that many.
        """
        pool = sorted(among if among is not None else map(str, space.every_cell()))
        if self.dead == "exclude":
            pool = [text for text in pool if not space.is_dead(space.parse(text))]
        chosen = self._in_order(pool, seed)
        n = len(chosen) if n is None else n
        what = "isomorphism classes" if self.isomorphs == "one" else "all"
        demand(
            1 <= n <= len(chosen),
            "architectures",
            f"a count from 1 to {len(chosen)} ({what} of the {len(pool):,} strings with a ground truth)",
            n,
        )
        return [self.architecture(text) for text in chosen[:n]]

    def _in_order(self, pool: Sequence[str], seed: int) -> list[str]:
        """One string of each isomorphism class in `pool`, or all, in the order in which they are drawn."""
        if self.draw == "by_size":
            order = np.random.default_rng(seed_of(seed, "sample", self.name)).permutation(len(pool))
            drawn = [pool[place] for place in order]
            return drawn if self.isomorphs == "all" else [each[0] for each in space.classes(drawn).values()]

        def place(text: str) -> int:
            return seed_of(seed, "sample", self.name, text)

        if self.isomorphs == "all":
            return sorted(pool, key=place)
        classes = space.classes(pool)
        return [min(classes[name], key=place) for name in sorted(classes, key=place)]

    def name_of(self, given: object) -> str:
        """The string of the cell in any notation; see `notations.name_of`."""
        return notations.name_of(given)

    def architecture(self, text: str) -> Architecture:
        """The architecture that the string `text` names."""
        cell = space.parse(text)
        return Architecture(text, space.function(cell), space.is_dead(cell))

    def edges(self, architecture: Architecture) -> list[tuple[str, str, str]]:
        """(source, target, operation) of the cell's six edges, `none` edges included, in the order of its string."""
        nodes = ("input", "1", "2", "output")
        operations = space.parse(architecture.name).operations
        return [(nodes[s], nodes[t], operation) for (t, s), operation in zip(space.EDGES, operations, strict=True)]

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters, multiply-adds (of live edges, too) and trainable layers of the network that `build` gives."""
        cell, shape = space.parse(architecture.name), self._shape(images)
        return {
            "params": float(space.params(cell, shape)),
            "flops": float(space.flops(cell, shape)),
            "live_flops": float(space.live_flops(cell, shape)),
            "layers": float(space.layers(cell, shape)),
        }

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """Operations as they are written; paths and features of the edges between input and output alone."""
        return description.description(space.parse(architecture.name), kind)

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A freshly initialised network for these images, from torch's global random state."""
        from .topology_network import Network

        return Network(space.parse(architecture.name), self._shape(images))

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """Curves of the benchmark's own training runs; see `curves.stored_curves`. Their networks have C = 16, N = 5.

        Raises BadInput for another network, and for what is not recorded.
        """
        from harness.benches.nats import curves

        from .curves import stored_curves

        demand((self.channels, self.cells) == RECORDED_SIZE, "bench.channels, bench.cells",
               f"{RECORDED_SIZE}, the size of the recorded networks",
               (self.channels, self.cells))  # fmt: skip
        target = (self.target_epochs, self.target_split)
        find = partial(stored_curves, wanted=wanted, data=data)
        return curves.recorded(TSS, dataset, self.train_set, target, wanted, find)

    def query(self, question: Question, data: str | None) -> Answer:
        """One recorded accuracy; see `nats.query.answer_question`. The settings of the benchmark change no answer."""
        from harness.benches.nats.query import answer_question

        from .query import SOURCES

        return answer_question(SOURCES, question, data)

    def sources(self) -> tuple[Source, ...]:
        """Files that hold the ground truth and the recorded curves."""
        from . import curves, table

        tables = Source("table", (tuple(table.CSVS.values()), (table.PARQUET,)), "not needed if an archive is present")
        note = "cifar10-valid only; every other curve is in the archive"
        return tables, Source("curves", ((curves.CURVES,),), note), converted.sources(TSS)

    def network(self) -> dict[str, object]:
        """Settings that determine the network besides the architecture: part of a trace's identity."""
        return {"space": "nasbench201", "channels": self.channels, "cells": self.cells}

    def _shape(self, images: ImageSet) -> space.Shape:
        demand(images.size % 4 == 0, "dataset.size", "a multiple of 4 pixels (two reductions)", images.size)
        return space.Shape(self.channels, self.cells, images.size, images.colours, images.classes)
