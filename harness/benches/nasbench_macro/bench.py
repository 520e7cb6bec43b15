"""The benchmark `nasbench_macro`: sampling, networks and ground truth of NAS-Bench-Macro."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness import files
from harness.benches import own_truth, tabulated
from harness.benches.draw import drawn
from harness.benches.nasbench_macro import description, space, table
from harness.benches.protocol import demand_protocol
from harness.files import Source
from harness.schema import Architecture, BadInput, Description, ImageSet, Recorded, StoredCurves, Truth, demand

if TYPE_CHECKING:
    from torch import nn

    from harness.benches.question import Answer, Question


@dataclass(frozen=True)
class NasBenchMacro:
    """NAS-Bench-Macro (Su et al., CVPR 2021, arXiv 2103.11922): 6,561 strings of eight layers, 3,969 networks.

    A string has one digit a layer: 0 identity, 1 and 2 inverted residuals of kernel 3 and expansion 3, kernel 5 and
    expansion 6. `channels` is the width of the stem of the network trained here (32 in the benchmark). The ground truth
    comes from `source`: "table" (the published JSON file, in the data folder), the path of such a file, of a table made
    by `python -m harness.tabulate` or of your own (see `own_truth.read`, its accuracies in `unit`), or "auto": the
    published file. `train_set`: null, or "cifar10" where the
    images are CIFAR-10's under another name. `target_split` and `target_epochs` select the accuracy; null takes the
    last epoch of the source. `isomorphs`: "one" string of each network, or "all"; folds keep those of one together.
    """

    kind: ClassVar[str] = "bench/nasbench_macro"
    lowerable: ClassVar[bool] = False
    descriptions: ClassVar[tuple[str, ...]] = description.KINDS

    name: str = "nasbench_macro"
    channels: int = 8
    source: str = "auto"
    train_set: str | None = None
    target_split: str = "test"
    target_epochs: int | None = None
    unit: str | None = None
    isomorphs: str = "one"

    def __post_init__(self) -> None:
        demand(self.channels >= 1, "bench.channels", "at least 1", self.channels)
        demand_protocol(self.target_split, self.target_epochs)
        own_truth.demand_unit(self.unit)
        demand(self.isomorphs in ("one", "all"), "bench.isomorphs", "'one' or 'all'", self.isomorphs)

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies of every architecture in the source, on the data set of this name."""
        path = None if self.source in ("auto", "table") else Path(self.source)
        if path is not None and own_truth.is_own(path):
            given = (self.train_set or dataset, self.target_split, self.target_epochs)
            return own_truth.truth(path, self.unit, given, self.name_of)
        if path is not None and path.suffix != ".json":
            return self._tabulated(path, fingerprint)
        wanted = (
            f"{table.TRAIN_SET}, which the published file has accuracies of, or bench.source= a table made by `python"
            f" -m harness.tabulate +bench={self.name}` with these dataset settings"
        )
        demand((self.train_set or dataset) == table.TRAIN_SET, "dataset", wanted, self.train_set or dataset)
        protocol = (self.target_split, self.target_epochs or table.EPOCHS)
        known = f"'{table.SPLIT}' and {table.EPOCHS} (or null), the protocol of the published file"
        demand(
            protocol == (table.SPLIT, table.EPOCHS), "bench.target_split, bench.target_epochs", known,
            " ".join(map(str, protocol)),
        )  # fmt: skip
        if path is None:
            (path,) = files.obtain(table.SOURCE, data, f"{self.name}-{table.SOURCE.what}")
        return table.read(path)

    def _tabulated(self, path: Path, fingerprint: str) -> Truth:
        found = tabulated.read(path)
        truth = found.truth(self.train_set, self.target_split, self.target_epochs, fingerprint, self.name)
        known = set(space.every_name())
        strange = [name for name in truth.accuracy.index if name not in known]
        demand(not strange, "bench.source", f"architectures of {self.name} in {path}", strange[:1])
        return truth

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` architectures (None: all) out of the strings `among` (default: all): one of each isomorphism class, or,
        with `isomorphs`, all strings.

        Classes, or strings, are equally likely; the string that the benchmark trained stands for its class where it is
        `among` them. Raises BadInput where there are not that many.
        """
        classes: dict[str, str] = {}
        for text in sorted(among if among is not None else space.every_name()):
            group = text if self.isomorphs == "all" else space.canonical(text)
            classes[group] = group if text == group else classes.get(group, text)
        return [self.architecture(text) for text in drawn(classes, n, seed, self.name)]

    def name_of(self, given: object) -> str:
        """The string that `given` writes: text, or a list of eight choices. Raises BadInput."""
        text = "".join(map(str, given)) if isinstance(given, list | tuple) else str(given).strip()
        space.canonical(text)
        return text

    def architecture(self, text: str) -> Architecture:
        """The architecture that the string `text` names; strings of one group are one network."""
        return Architecture(text, space.canonical(text))

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """Choices of the layers; see `description`."""
        return description.description(architecture.name, kind)

    def edges(self, architecture: Architecture) -> list[tuple[str, str, str]]:
        """(source, target, operation) of the eight layers, a chain; an identity of another shape is a convolution."""
        firsts = np.cumsum((0, *space.STAGES[:-1]))
        names = ["stem", *map(str, range(1, space.LAYERS)), "last"]
        found = []
        for place, choice in enumerate(architecture.name):
            plain = choice == "0" and place in firsts
            found.append((names[place], names[place + 1], "conv_1x1" if plain else space.OPERATIONS[choice]))
        return found

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Parameters, multiply-adds and layers of the network that `build` gives; every layer is live."""
        shape, text = self._shape(images), architecture.name
        flops = float(space.flops(text, shape))
        counts = {"params": float(space.params(text, shape)), "flops": flops, "live_flops": flops}
        return counts | {"layers": float(space.layers(text, shape))}

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """A freshly initialised network for these images, from torch's global random state."""
        from .macro_network import Network

        return Network(architecture.name, self._shape(images))

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """No curves are published. Raises BadInput."""
        raise BadInput(f"signal: must be null for +bench={self.name} (got recorded curves of {dataset}: none exist)")

    def query(self, question: Question, data: str | None) -> Answer:
        """One recorded accuracy; see `query.answer_question`. The settings of the benchmark change no answer."""
        from .query import answer_question

        return answer_question(question, data, self.name)

    def sources(self) -> tuple[Source, ...]:
        """The published file."""
        return (table.SOURCE,)

    def network(self) -> dict[str, object]:
        """Settings that determine the network besides the architecture: part of a trace's identity."""
        return {"space": self.name, "channels": self.channels}

    def _shape(self, images: ImageSet) -> space.Shape:
        return space.Shape(self.channels, images.size, images.colours, images.classes)
