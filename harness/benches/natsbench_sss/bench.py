"""The benchmark `natsbench_sss`: sampling, networks and ground truth of the size space of NATS-Bench."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from harness.benches import own_truth, truth
from harness.benches.nats import converted
from harness.benches.nats.spaces import SSS
from harness.benches.natsbench_sss import description, space
from harness.benches.protocol import NATS_SPLITS, demand_protocol
from harness.benches.truth import Request
from harness.files import Source
from harness.schema import (
    ADDED_LATER,
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

DIVISORS = (1, 2, 4, 8)


@dataclass(frozen=True)
class NatsBenchSize:
    """The size space of NATS-Bench (Dong et al., arXiv 2009.00437): 32,768 networks of one cell, five widths each.

    `width_divisor` divides every width of the network that is trained here (1 in the benchmark), so that it trains in
    seconds; architectures and ground truth stay those of the benchmark. `source` of the ground truth: "converted"
    (tables made by `python -m harness.data convert`), "archive" (the official NATS-Bench folder), a path to a table
    made by `python -m harness.tabulate` or of your own (see `own_truth.read`, its accuracies in `unit`), or "auto":
    converted, else archive. `train_set`, `target_split` and `target_epochs` select the protocol; null takes the
    source's own, the final test accuracy.
    """

    kind: ClassVar[str] = "bench/natsbench_sss"
    descriptions: ClassVar[tuple[str, ...]] = description.KINDS

    name: str = "natsbench_sss"
    width_divisor: int = 4
    source: str = "auto"
    train_set: str | None = None
    target_split: str = "test"
    target_epochs: int | None = None
    unit: str | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        demand(self.width_divisor in DIVISORS, "bench.width_divisor", "1, 2, 4 or 8", self.width_divisor)
        own_truth.demand_unit(self.unit)
        demand_protocol(self.target_split, self.target_epochs, NATS_SPLITS)

    @property
    def lowerable(self) -> bool:
        """Whether the networks of `build` write down their forward pass, so that the compiled step can train them."""
        return True

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies of every architecture in the source, on the data set of this name."""
        found = truth.find(SSS, self.source, self._request(dataset, fingerprint), data, lambda _: None, None)
        places = {name: space.index(space.parse(name)) for name in found.accuracy.index}
        return Truth(found.accuracy, found.train_set, found.split, found.epochs, found.source, places)

    def target(self, name: str, data: str | None) -> Truth:
        """Accuracies on another data set, or those of the table at a path."""
        return truth.target(SSS, name, self._request(name, ""), data, lambda _: None, None)

    def _request(self, dataset: str, fingerprint: str) -> Request:
        protocol = (self.train_set, self.target_split, self.target_epochs)
        return Request(dataset, fingerprint, *protocol, self.unit, self.name_of)

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` different architectures (None: all), drawn uniformly from the strings `among` (default: all).

        The first architectures of a larger sample with the same seed and `among` are those of a smaller one. Raises
        BadInput where there are not that many.
        """
        pool = sorted(set(among)) if among is not None else sorted(space.every_name())
        n = len(pool) if n is None else n
        demand(
            1 <= n <= len(pool),
            "architectures",
            f"a count from 1 to {len(pool)} (architectures with a ground truth)",
            n,
        )
        order = np.random.default_rng(seed_of(seed, "sample", self.name)).permutation(len(pool))
        return [self.architecture(pool[place]) for place in order[:n]]

    def name_of(self, given: object) -> str:
        """The string of five widths, given as that or as a list. Raises BadInput for what is neither."""
        widths = re.findall(r"[^\s,:\[\]()]+", str(given))
        text = ":".join(widths)
        wanted = "five widths of the size space, e.g. 8:16:24:32:64 or [8, 16, 24, 32, 64]"
        demand(SSS.pattern.fullmatch(text) is not None, "architecture", wanted, str(given)[:100])
        return text

    def architecture(self, text: str) -> Architecture:
        """The architecture that the string `text` names; each is an isomorphism class of its own."""
        return Architecture(text, text, index=space.index(self._widths(text)))

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters, multiply-adds and trainable layers of the network that `build` gives; every edge is live."""
        shape = self._shape(architecture, images)
        return {
            "params": float(space.params(shape)),
            "flops": float(space.flops(shape)),
            "live_flops": float(space.flops(shape)),
            "layers": float(space.layers(shape)),
        }

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """Widths as the benchmark has them, undivided."""
        return description.description(self._widths(architecture.name), kind)

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A freshly initialised network for these images, from torch's global random state."""
        from .size_network import Network

        return Network(self._shape(architecture, images))

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """Curves of the benchmark's own training runs; every split is recorded after each epoch.

        Raises BadInput for networks of other widths, and for what is not recorded.
        """
        from harness.benches.nats import curves

        demand(
            self.width_divisor == 1, "bench.width_divisor", "1 (the width of the recorded networks)", self.width_divisor
        )
        demand(
            wanted.source != "curves",
            "signal.source",
            "'auto' or 'nats' (this space has no public file of curves)",
            wanted.source,
        )
        found = curves.best(SSS, data)
        if found is None:
            raise curves.missing(SSS, data)

        def stored(train_set: str) -> curves.Stored:
            return curves.stored(found, train_set, wanted, lambda name, _: self.architecture(name))

        return curves.recorded(SSS, dataset, self.train_set, (self.target_epochs, self.target_split), wanted, stored)

    def query(self, question: Question, data: str | None) -> Answer:
        """One recorded accuracy; see `nats.query.answer_question`. The settings of the benchmark change no answer."""
        from harness.benches.nats.query import SpaceSources, answer_question

        sources = SpaceSources(
            SSS, lambda _: None, lambda _: dict(enumerate(space.every_name())), None, "64:64:64:64:64"
        )
        return answer_question(sources, question, data)

    def sources(self) -> tuple[Source, ...]:
        """Files that hold the ground truth and the recorded curves."""
        return (converted.sources(SSS),)

    def network(self) -> dict[str, object]:
        """Settings that determine the network besides the architecture: part of a trace's identity."""
        return {"space": self.name, "width_divisor": self.width_divisor}

    def _widths(self, text: str) -> space.Widths:
        try:
            return space.parse(text)
        except ValueError as error:
            raise BadInput(str(error)) from error

    def _shape(self, architecture: Architecture, images: ImageSet) -> space.Shape:
        demand(images.size % 4 == 0, "dataset.size", "a multiple of 4 pixels (two reductions)", images.size)
        widths = tuple(width // self.width_divisor for width in self._widths(architecture.name))
        return space.Shape(cast(space.Widths, widths), images.size, images.colours, images.classes)
