"""Many trainings side by side: what is missing is trained, each result stored as soon as it is there."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.runs.engine import Engine
from harness.schema import (
    Architecture,
    BadInput,
    Benchmark,
    ImageSet,
    Measure,
    digest,
    settings,
)
from harness.storage.traces import TraceKey, TraceStore
from harness.train.recipe import Recipe

Progress = Callable[[int, int], None]
"""Called with (done, total) whenever one more training is finished."""


@dataclass(frozen=True)
class Campaign:
    """Everything that trainings of one kind share; `stream` names their source of randomness."""

    bench: Benchmark
    images: ImageSet
    fingerprint: str
    recipe: Recipe
    measures: Mapping[str, Measure]
    stream: str
    device: str
    kernels: str

    def key(self, architecture: Architecture, seed: int) -> TraceKey:
        """The identity of one training."""
        return TraceKey(
            architecture=architecture.name,
            dataset=self.fingerprint,
            network=self.bench.network(),
            recipe=settings(self.recipe),
            measures={
                name: settings(measure) | {"source": _source(measure)}
                for name, measure in sorted(self.measures.items())
            },
            seed=seed,
            stream=self.stream,
            device=self.device.partition(":")[0],
            kernels=self.kernels,
        )


def _source(measure: Measure) -> str:
    """Digest of the file that defines the measure and of those beside it that it imports: edited, it measures
    something else."""
    file = getattr(sys.modules[type(measure).__module__], "__file__", None)
    return _digest_of(file) if file else ""


@cache
def _digest_of(file: str) -> str:
    """As it was when this process first asked: an edit in the middle of a run does not tear it apart."""
    texts: dict[str, str] = {}
    waiting = [Path(file)]
    while waiting:
        path = waiting.pop()
        if path.name not in texts and path.is_file():
            texts[path.name] = path.read_text(encoding="utf-8")
            waiting += [path.with_name(f"{name}.py") for name in _siblings(texts[path.name])]
    return digest(texts)


def _siblings(text: str) -> Iterator[str]:
    """Modules of the same folder that a source imports by relative names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module.partition(".")[0]] if node.module else [alias.name for alias in node.names]


@dataclass(frozen=True)
class Failure:
    """A training that gave no trace, and why."""

    architecture: str
    seed: int
    reason: str


def train_missing(
    campaign: Campaign,
    wanted: Iterable[tuple[Architecture, int]],
    store: TraceStore,
    engine: Engine,
    progress: Progress,
) -> list[Failure]:
    """Train each (architecture, seed) that the store does not hold; returns those that failed.

    Which process trains what, and in which order, changes no number.
    """
    pairs = list(wanted)
    missing = [(a, seed) for a, seed in pairs if campaign.key(a, seed) not in store]
    done = len(pairs) - len(missing)
    progress(done, len(pairs))
    if missing and campaign.device != "cpu":
        from harness.train.process import demand_device

        demand_device(campaign.device)
    failures = []
    for failure in _outcomes(campaign, missing, store, engine):
        done += 1
        progress(done, len(pairs))
        if failure is not None:
            failures.append(failure)
    return failures


def _outcomes(
    campaign: Campaign, missing: Sequence[tuple[Architecture, int]], store: TraceStore, engine: Engine
) -> Iterable[Failure | None]:
    from joblib import Parallel, delayed

    processes = engine.processes(len(missing))
    if processes == 1:
        return (_train(campaign, a, seed, campaign.key(a, seed), store, engine) for a, seed in missing)
    parallel = Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)
    outcomes: Iterable[Failure | None] = parallel(
        delayed(_train)(campaign, a, seed, campaign.key(a, seed), store, engine) for a, seed in missing
    )
    return outcomes


def _train(
    campaign: Campaign, architecture: Architecture, seed: int, key: TraceKey, store: TraceStore, engine: Engine
) -> Failure | None:
    from harness.train.loop import train
    from harness.train.process import prepare

    prepare(engine.threads)
    try:
        trace = train(
            architecture,
            lambda: campaign.bench.build(architecture, campaign.images),
            campaign.images,
            campaign.recipe,
            campaign.measures,
            seed,
            campaign.stream,
            campaign.device,
            campaign.kernels,
        )
    except BadInput:
        raise
    except (RuntimeError, ValueError, ArithmeticError, KeyError) as error:
        return Failure(architecture.name, seed, f"{type(error).__name__}: {error}".splitlines()[0])
    store.write(key, trace)
    return None
