"""Protocols of search spaces and of data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harness.schema.base import COUNTED

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from harness.schema.architecture import Architecture
    from harness.schema.image_set import ImageSet
    from harness.schema.measure import Measure
    from harness.schema.stored_curves import Recorded, StoredCurves
    from harness.schema.truth import Truth


class Benchmark(Protocol):
    """A search space with known accuracies.

    A benchmark may have `pretrained: bool`, absent = False: True says that every network that `build` gives is a
    `SourceModel`, trained on other data before. Known without building a network, so that it is decided before any
    training whether measures of such networks (`needs_source_model`) take part.
    """

    @property
    def name(self) -> str: ...

    @property
    def lowerable(self) -> bool:
        """Whether compiled code can train every network: it is `Lowerable`, so that the compiled step does, or the
        benchmark trains groups of them (`GroupTrainer`) by code of its own.

        Known without building a network, so that the kernels of a run are decided before any training. A benchmark
        without this attribute counts as False.
        """
        ...

    def truth(self, dataset: str, fingerprint: str, data: str | None) -> Truth:
        """Accuracies on the data set of this name, whose images have this fingerprint."""
        ...

    def sample(self, n: int | None, seed: int, among: Sequence[str] | None = None) -> list[Architecture]:
        """`n` architectures (None: all), distinct up to isomorphism, out of the names `among` (None: all)."""
        ...

    def facts(self, architecture: Architecture, images: ImageSet) -> dict[str, float]:
        """Properties of one architecture that are known without training, out of FACT_COLUMNS: those of the attribute
        `fact_columns` (COUNTED without one). One that is left out is nan."""
        ...

    def build(self, architecture: Architecture, images: ImageSet) -> torch.nn.Module:
        """A fresh network; it has `features` (images to (B, n)) and `head` (features to logits)."""
        ...

    def recorded(self, dataset: str, wanted: StoredCurves, data: str | None) -> Recorded:
        """Stored learning curves of finished training runs on the data set of this name."""
        ...

    def network(self) -> dict[str, object]:
        """The settings that determine a network besides its architecture; part of a trace's identity."""
        ...


@runtime_checkable
class Individual(Protocol):
    """A benchmark whose architectures have content that their names do not determine, as weights in a file."""

    def content_of(self, architecture: str) -> Mapping[str, object]:
        """What determines the untrained network of this name besides `network()`; part of a trace's identity."""
        ...


@runtime_checkable
class Notated(Protocol):
    """A benchmark that reads other notations of its architectures than their names, wherever one is given."""

    def name_of(self, given: object) -> str:
        """The name of the architecture that `given` writes: a name, a text or a Python value.

        Raises BadInput, with an example of each notation, for what is none.
        """
        ...


@runtime_checkable
class Targeted(Protocol):
    """A benchmark that has several ground truths for one architecture."""

    def target(self, name: str, data: str | None) -> Truth:
        """The ground truth of this name: a data set of the benchmark, or the path of a table.

        Raises BadInput for a name that is neither.
        """
        ...


@runtime_checkable
class Drawable(Protocol):
    """A benchmark that provides an architecture's graph for drawing: nodes are feature maps, edges are operations."""

    def edges(self, architecture: Architecture) -> list[tuple[str, str, str]]:
        """(source, target, operation) of every edge of the cell, an acyclic graph; any strings are names.

        An edge with the operation "none" is a zero map; it is listed so that its nodes keep their positions.
        """
        ...


@runtime_checkable
class KnownElsewhere(Protocol):
    """A benchmark that knows accuracies of its architectures on further data sets."""

    def elsewhere(self, dataset: str) -> Mapping[str, pd.DataFrame]:
        """Accuracies (percent) on data sets other than `dataset`, by name: (architectures, seeds)."""
        ...


@runtime_checkable
class KnownOrigin(Protocol):
    """A benchmark whose architectures come from somewhere, with weights say."""

    def origin(self, architecture: str) -> str:
        """Where it comes from, in a few words."""
        ...


@runtime_checkable
class RecipeProvider(Protocol):
    """A benchmark whose architectures state a part of their training, a learning rate say."""

    def recipe(self, architecture: str) -> Mapping[str, object]:
        """Fields of the run's recipe, with the values that the architecture of this name is trained with instead."""
        ...


@runtime_checkable
class Recording(Protocol):
    """A benchmark whose tables of ground truth also hold columns of measures, so that no network is needed to read
    them."""

    @property
    def recorded_columns(self) -> tuple[str, ...]:
        """Columns, besides those of every table, that its tables and its recorded curves have."""
        ...

    def recorded_measures(self) -> Mapping[str, Measure]:
        """The measures that observe a training whose curve goes into a table."""
        ...


class DataSet(Protocol):
    """A named image set that can be loaded from `data`, the folder of downloaded files."""

    @property
    def name(self) -> str: ...

    def load(self, data: str | None) -> ImageSet: ...


def name_of(bench: Benchmark, given: object) -> str:
    """The name of the architecture that `given` writes, as text where the benchmark reads no other notation."""
    return bench.name_of(given) if isinstance(bench, Notated) else str(given)


def facts_of(bench: Benchmark) -> tuple[str, ...]:
    """The facts that a benchmark states of every architecture: its attribute `fact_columns`, else COUNTED."""
    found: tuple[str, ...] = getattr(bench, "fact_columns", COUNTED)
    return found
