"""What trainings of one kind have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from harness.schema import (
    Architecture,
    Benchmark,
    ImageSet,
    Individual,
    Measure,
    RecipeProvider,
    Trace,
    descriptions_of,
    facts_of,
    settings,
)
from harness.storage.trace_key import TraceKey, describe
from harness.train.job import TrainingJob
from harness.train.machine import UNEQUAL
from harness.train.recipe import Recipe


@dataclass(frozen=True)
class Campaign:
    """Everything that trainings of one kind share; `stream` names their source of randomness.

    `fingerprint` is that of `images`; `kernels` is resolved, never "auto"; `threads` is those of one
    training, whose last bits depend on them on a CPU. `gpu` is the type of GPU and torch's version, empty on a CPU.
    """

    bench: Benchmark
    images: ImageSet
    fingerprint: str
    recipe: Recipe
    measures: Mapping[str, Measure]
    stream: str
    device: str
    kernels: str
    threads: int = 1
    gpu: str = ""

    @property
    def deterministic(self) -> bool:
        """Whether equal trainings on a GPU are to give equal bits, as keys of a CPU and of such a GPU promise."""
        return not self.gpu.endswith(UNEQUAL)

    def recipe_of(self, architecture: str) -> Recipe:
        """The recipe of the architecture of this name: the common one but for what the architecture states itself."""
        if not isinstance(self.bench, RecipeProvider):
            return self.recipe
        return replace(self.recipe, **self.bench.recipe(architecture))  # type: ignore[arg-type]  # checked as it is built

    def key(self, architecture: str, seed: int) -> TraceKey:
        """The identity of the training of the architecture of this name."""
        own = self.bench.content_of(architecture) if isinstance(self.bench, Individual) else {}
        return TraceKey(
            architecture=architecture,
            dataset=self.fingerprint,
            network={**self._network, **own} if own else self._network,
            recipe=settings(self.recipe_of(architecture)) if isinstance(self.bench, RecipeProvider) else self._recipe,
            measures=self._measures,
            seed=seed,
            stream=self.stream,
            device=self.device.partition(":")[0],
            kernels=self.kernels,
            threads=self.threads if self.device == "cpu" else 1,
            gpu=self.gpu,
        )

    @cached_property
    def _network(self) -> dict[str, object]:
        return dict(self.bench.network())

    @cached_property
    def _recipe(self) -> dict[str, Any]:
        return settings(self.recipe)

    @cached_property
    def _measures(self) -> dict[str, dict[str, Any]]:
        return describe(self.measures)

    def job(self, architecture: Architecture, seed: int) -> TrainingJob:
        """The training of an architecture."""
        return TrainingJob(
            architecture,
            lambda: self.bench.build(architecture, self.images),
            self.images,
            self.recipe_of(architecture.name),
            self.measures,
            seed,
            self.stream,
            self.device,
            self.kernels,
        )

    def with_facts(self, trace: Trace) -> Trace:
        """The trace with facts and descriptions of its architecture, constant along it; a fact that is lacking is nan.

        Stored traces hold none: an earlier version's, which do, are given them anew, so that all are alike.
        """
        known = self.bench.facts(trace.architecture, self.images)
        facts = {name: known.get(name, float("nan")) for name in facts_of(self.bench)}
        described = descriptions_of(self.bench, trace.architecture, self.images)
        return trace.with_constants(facts | {column: each.values for column, each in described.items()})
