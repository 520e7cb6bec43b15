"""What all stages of one run share."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.runs.campaign import Campaign
from harness.runs.files_of_scores import AnyPredictor
from harness.runs.given_sample import architectures_of
from harness.runs.spec import RunSpec
from harness.schema import Architecture, BadInput, Recorded, Trace, Truth
from harness.storage.traces import TraceStore

if TYPE_CHECKING:
    import pandas as pd

    from harness.evaluate.judge import Judgement
    from harness.runs.failures import Failure


@dataclass(frozen=True)
class RunContext:
    """A run with its images loaded and its kernels resolved; nothing in it changes from here on.

    `campaign` trains the networks that are scored, `fit_campaigns` those that learned predictors are fitted on instead.
    `recorded` holds curves that a benchmark recorded: then nothing is trained. `started` is the time of day in seconds.
    """

    spec: RunSpec
    campaign: Campaign
    fit_campaigns: Sequence[Campaign]
    store: TraceStore
    recorded: Recorded | None
    started: float = field(default_factory=time.time)

    @property
    def kernels(self) -> str:
        """What computes the updates, a value of `engine.kernels`; "none" where recorded curves are read."""
        return "none" if self.recorded else self.campaign.kernels

    @property
    def train_images(self) -> int:
        """Number of training images."""
        return len(self.campaign.images.train[1])

    @property
    def campaigns(self) -> Sequence[Campaign]:
        """Everything that is trained."""
        return () if self.recorded else (self.campaign, *self.fit_campaigns)


@dataclass(frozen=True)
class Sample:
    """The architectures of a run, in the order of the draw, and their ground truth.

    `predictors` are those of the run, files of scores read and matched with the architectures.
    """

    architectures: Sequence[Architecture]
    truth: Truth
    predictors: Mapping[str, AnyPredictor]
    targets: Mapping[str, Truth] = field(default_factory=dict)
    """Further ground truths of these architectures, by name; nan where one has no accuracy."""


@dataclass(frozen=True)
class Traces:
    """The traces of a run, in the order of the sample, without those of failed trainings.

    `fitting` holds, for each campaign of its own that learned predictors are fitted on, traces by architecture name.
    """

    scored: Sequence[Trace]
    fitting: Sequence[Mapping[str, Trace]] = ()

    @property
    def fitted_on(self) -> Sequence[Trace]:
        """What learned predictors are fitted on: the traces of other networks, or else those that are scored."""
        return [trace for each in self.fitting for trace in each.values()] or self.scored


@dataclass(frozen=True)
class Training:
    """How training ended: those that failed, and whether every trace was in the store before."""

    failures: Sequence[Failure]
    cached: bool


@dataclass(frozen=True)
class Scores:
    """Scores and their timings, as `score_all` gives them, and how the scores rank, by further ground truths too."""

    scores: pd.DataFrame
    timings: pd.DataFrame
    judgement: Judgement
    targets: pd.DataFrame | None = None


def prepare(spec: RunSpec) -> RunContext:
    """The context of a run: images are read, kernels resolved, budgets checked. Raises BadInput."""
    recorded = spec.bench.recorded(spec.dataset.name, spec.signal, spec.data) if spec.signal else None
    images = recorded.images if recorded else spec.recipe.limited(spec.dataset.load(spec.data))
    spec.budgets(len(images.train[1]))
    benches = (spec.bench, *spec.fit_benches)
    engine = spec.engine
    kernels = "none" if recorded else engine.resolve_kernels(spec.recipe, benches, list(spec.measures.values()))
    campaign = Campaign(
        spec.bench,
        images,
        recorded.fingerprint if recorded else images.fingerprint(),
        spec.recipe,
        spec.measures,
        stream="run",
        device=engine.device,
        kernels=kernels,
        threads=1 if recorded else engine.threads,
        gpu="" if recorded else engine.gpu_type(),
    )
    others = [replace(campaign, bench=bench) for bench in spec.fit_benches]
    return RunContext(spec, campaign, others, TraceStore(spec.results / "traces"), recorded)


def draw(spec: RunSpec, known: Sequence[str], index: Mapping[str, int]) -> list[Architecture]:
    """The architectures of the run out of the names `known`: those given, or the part of the draw behind the first
    `skip`. `index` holds official indexes by name, where the ground truth has them.

    Samples are nested: this part has none of a run that draws `skip` architectures or fewer. Raises BadInput where
    there are not that many.
    """
    if spec.sample:
        return architectures_of(spec.bench, spec.sample, known, index)
    wanted = None if spec.architectures is None else spec.skip + spec.architectures
    try:
        return spec.bench.sample(wanted, spec.seed, known)[spec.skip :]
    except BadInput as error:
        if not spec.skip:
            raise
        raise BadInput(
            f"skip: must leave {spec.architectures or 2} architectures (got {spec.skip}); {error}"
        ) from error
