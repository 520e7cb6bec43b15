"""Names of pre-trained networks to networks: files of a folder, or a hub that is named before a colon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.files import folder
from harness.files.cache import expanded
from harness.schema import BadInput, demand, suggestion

from . import catalogue
from .catalogue import IMAGENET, Entry

if TYPE_CHECKING:
    from .backbone import Backbone

HUBS = ("torchvision", "timm", "huggingface")


@dataclass(frozen=True)
class Models:
    """The networks that a folder holds, and those that hubs name: `entries` by name."""

    place: Path
    entries: Mapping[str, Entry]

    def has(self, name: str) -> bool:
        """Whether the network is in the folder or of a hub."""
        return name in self.entries or name.partition(":")[0] in HUBS

    def entry(self, name: str) -> Entry:
        """What is known of the network; one of a hub is known by its name alone. Raises BadInput."""
        hub, _, rest = name.partition(":")
        if rest and hub in HUBS:
            return Entry(name, file="hub", family=_family(rest), source=hub, trained_on=_trained_on(hub))
        if name not in self.entries:
            near = suggestion(name, list(self.entries))
            held = f"{len(self.entries)} networks with a known file"
            wanted = f"networks of {self.place} ({held}), or HUB:NAME with HUB one of {', '.join(HUBS)}"
            raise BadInput(f"bench.models: must be {wanted} (got {name}){near}")
        return self.entries[name]

    def identity(self, name: str) -> str:
        """The SHA-256 (hex) of the file, or of the weights that the hub gives. Raises BadInput where it gives none."""
        entry = self.entry(name)
        if entry.file == "hub":
            from . import hubs

            hub, _, rest = name.partition(":")
            return hubs.checksum(hub, rest)
        return catalogue.sha256_of(self.place / entry.file)

    def backbone(self, name: str) -> Backbone:
        """The network. Raises BadInput for a damaged file or another than is described."""
        entry = self.entry(name)
        if entry.file == "hub":
            from . import hubs

            hub, _, rest = name.partition(":")
            return hubs.load(hub, rest)
        from . import graph, graph_network, weights

        path = self.place / entry.file
        catalogue.demand_sum(entry, path)
        described, tensors = weights.read(entry, path)
        return graph_network.GraphNetwork(graph.parse(described, entry.name), tensors, entry.name)


def models(place: str, data: str | None) -> Models:
    """The networks in `place`, a folder in the data folder or an absolute one; none where it does not exist."""
    where = folder(data) / expanded(place)
    return Models(where, catalogue.catalogue(where))


def demand_names(names: Sequence[str] | None) -> None:
    """Raise BadInput for a list that is empty or names one network twice."""
    if names is not None:
        demand(len(set(names)) == len(names) > 0, "bench.models", "a list of distinct networks (or null)", list(names))


def _family(name: str) -> str:
    """A hub's network without its width, depth and resolution: letters up to the first digit or underscore."""
    plain = name.rpartition("/")[2].partition(".")[0]
    letters = "".join(letter if letter.isalpha() else " " for letter in plain).split()
    return letters[0].lower() if letters else plain


def _trained_on(hub: str) -> str:
    return IMAGENET if hub == "torchvision" else "not stated"
