"""`scattered`: another image set with its pixels permuted, a task without neighbourhoods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from harness.config.components import build
from harness.files import Source
from harness.schema import BadInput, DataSet, ImageSet, demand

from .described import demand_own_name
from .subset import Labelled, Places, shuffled


@dataclass(frozen=True)
class Scattered:
    """The images of the data set `original`, their pixels moved by one permutation, the same for all.

    Neighbours in such an image are none in the original: it asks what a network learns without them [derived]. The
    permutation is drawn by `seed`, and all colours of a pixel move together. Labels, parts, mean and deviation stay;
    mirroring and random crops, which would be other permutations, are off.

    `original` holds the settings of a data set, with its class in `_target_` (by default the embedded digits). `name`
    identifies the result, in results and tables. No benchmark has accuracies on it: make them with
    `python -m harness.tabulate`.
    """

    kind: ClassVar[str] = "dataset/scattered"

    name: str = "scattered"
    original: dict[str, Any] = field(default_factory=lambda: {"_target_": "harness.datasets.digits.Digits"})
    seed: int = 0

    def __post_init__(self) -> None:
        demand_own_name(self.name)
        demand(0 <= self.seed < 2**32, "dataset.seed", "an integer from 0 to 2**32 - 1", self.seed)
        self._original()  # validates its settings before any file is opened

    def sources(self) -> tuple[Source, ...]:
        """The files of the original; none where it needs none."""
        found = getattr(self._original(), "sources", None)
        return tuple(found()) if callable(found) else ()

    def load(self, data: str | None = None) -> ImageSet:
        """The data set. Raises BadInput where the original does."""
        original = self._original()
        with _own_keys():
            images = original.load(data)
        order = shuffled(images.size**2, self.seed, "scattered")
        parts = [_moved(part, order) for part in (images.train, images.valid, images.test)]
        train, valid, test = parts
        return replace(images, name=self.name, train=train, valid=valid, test=test, flip=False, crop=0)

    def _original(self) -> DataSet:
        with _own_keys():
            made: DataSet = build(self.original, "dataset.original")
        return made


@contextmanager
def _own_keys() -> Iterator[None]:
    """Put `original` into the keys of a BadInput: a data set takes its own to begin with `dataset.`."""
    try:
        yield
    except BadInput as error:
        raise BadInput(re.sub(r"^dataset\.(?!original\b)", "dataset.original.", str(error))) from error


def _moved(part: Labelled, order: Places) -> Labelled:
    """Images (n, size, size, colours) whose pixel number i, row by row, is pixel `order[i]` of the original."""
    images, labels = part
    n, _, _, colours = images.shape
    return np.ascontiguousarray(images.reshape(n, -1, colours)[:, order]).reshape(images.shape), labels
