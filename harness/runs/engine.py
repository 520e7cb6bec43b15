"""Where and with what trainings run."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import cycle, islice
from typing import Any, ClassVar

from harness.processes.cores import usable_cores
from harness.processes.workers import OneMachine, Workers
from harness.runs.train_on_cards import Cards
from harness.schema import Benchmark, HeadMaker, Measure, demand
from harness.train.recipe import Recipe

KERNELS = ("auto", "native", "native_watch", "torch")

SMALL = (
    "engine.device: small networks (8 channels, 12 pixels) make more updates a second on the cores of a CPU"
    " in compiled C (engine.device=cpu; docs/performance.md, On a GPU)"
)
"""A word where a GPU is asked for networks that the compiled step could train."""

STREAMS = 4
"""Trainings that one process of a GPU has under way, if the user does not say (docs/performance.md)."""


@dataclass(frozen=True)
class Engine:
    """Where trainings run: `workers` processes (null: one per core) of `threads` threads each, on `device`.

    `kernels` computes updates and held-out losses: "native" is compiled C (docs/performance.md), "native_watch" is the
    same with the passes that measures read, which round differently than torch's, "torch" is autograd,
    "auto" is native wherever that is possible and faster. `gpu` is the type of GPU and the version of torch whose
    stored traces are used with device cuda, as status.json names them (such as "NVIDIA H100 80GB HBM3, torch 2.11.0";
    null: those of this machine). On GPUs `workers` null is one process per card. Each has `streams` trainings under way
    (null: 4, or 1 where several processes share a card); `deterministic` algorithms give equal trainings equal bits.
    `strict` refuses a run whose traces were made with several versions or machines.

    `cluster` spreads trainings and scoring over a dask cluster (docs/cluster.md): the address of a scheduler, "local"
    for processes of this machine, or "slurm" for `workers` Slurm jobs; `cluster_settings` are those of dask's
    LocalCluster or of dask-jobqueue's SLURMCluster. No key and no number depends on it.
    """

    kind: ClassVar[str] = "engine/engine"

    workers: int | None = None
    threads: int = 1
    device: str = "cpu"
    kernels: str = "auto"
    gpu: str | None = None
    strict: bool = False
    cluster: str | None = None
    cluster_settings: dict[str, Any] | None = None
    streams: int | None = None
    deterministic: bool = True

    def __post_init__(self) -> None:
        demand(self.workers is None or self.workers >= 1, "engine.workers", "at least 1 (or null)", self.workers)
        demand(self.threads >= 1, "engine.threads", "at least 1", self.threads)
        demand(self.streams is None or self.streams >= 1, "engine.streams", "at least 1 (or null)", self.streams)
        known = re.fullmatch(r"cpu|cuda(:\d+)?", self.device) is not None
        demand(known, "engine.device", "cpu, cuda or cuda:NUMBER", self.device)
        demand(self.kernels in KERNELS, "engine.kernels", " or ".join(map(repr, KERNELS)), self.kernels)
        self._demand_cluster()

    def gpu_type(self) -> str:
        """The type of GPU and the version of torch that keys of traces name; empty on a CPU.

        Raises BadInput where this machine has no such device and `gpu` does not say what other machines have.
        """
        if self.device == "cpu":
            return ""
        if self.gpu is not None:
            return self.gpu
        from harness.train.machine import gpu_type
        from harness.train.process import demand_device

        demand_device(self.device)
        return gpu_type(self.device, self.deterministic)

    def cards(self) -> Cards | None:
        """The processes that train on GPUs, of this machine; None on a CPU. Raises BadInput for a GPU that is not."""
        if self.device == "cpu":
            return None
        from harness.train.machine import cards_of
        from harness.train.process import demand_device

        demand_device(self.device)
        found = cards_of(self.device)
        count = self.workers or len(found)
        streams = self.streams or (STREAMS if count <= len(found) else 1)
        return Cards(tuple(islice(cycle(found), count)), streams)

    def _demand_cluster(self) -> None:
        """Raise BadInput for a cluster that cannot be, and for settings that do not go with it."""
        cluster = self.cluster
        if cluster is None:
            demand(
                not self.cluster_settings, "engine.cluster_settings", "null without a cluster", self.cluster_settings
            )
            return
        address = re.fullmatch(r"(tcp|tls)://[^/\s]+:\d+", cluster) is not None
        words = "local, slurm, or the address of a scheduler such as tcp://HOST:8786 (or null)"
        demand(address or cluster in ("local", "slurm"), "engine.cluster", words, cluster)
        package = "dask_jobqueue" if cluster == "slurm" else "distributed"
        wanted = f"null where {package} is not installed (pip install 'early-training-harness[cluster]')"
        demand(find_spec(package) is not None, "engine.cluster", wanted, cluster)
        demand(self.device == "cpu", "engine.device", "cpu where engine.cluster is set", self.device)
        if address:
            demand(self.workers is None, "engine.workers", "null where a scheduler has its workers", self.workers)
            demand(not self.cluster_settings, "engine.cluster_settings", "null for an address", self.cluster_settings)
        if cluster == "slurm":
            demand(self.workers is not None, "engine.workers", "a number of jobs for Slurm", self.workers)

    @contextmanager
    def opened(self) -> Iterator[Workers]:
        """What carries out the trainings and the scoring of a run; what it starts ends with the block."""
        if self.cluster is None:
            yield OneMachine(self.workers or usable_cores())
            return
        from harness.processes.cluster import opened_cluster

        with opened_cluster(self.cluster, self.workers, self.threads, self.cluster_settings or {}) as workers:
            yield workers

    def resolve_kernels(self, recipe: Recipe, benches: Sequence[Benchmark], measures: Collection[Measure]) -> str:
        """What `kernels` comes to for every training of a run alike; the native step is compiled by the end of this.

        It follows from the recipe, the kinds of networks, the device and the machine alone, never from the number of
        trainings or from what is cached: the two round differently, so a larger sample must not change it. Raises
        BadInput where native kernels are asked for and impossible, and where the user has no folder to keep them in.
        """
        if self.kernels == "torch":
            return "torch"
        obstacle = self._obstacle(recipe, benches, measures)
        if not obstacle:
            from harness.train.native.library import CannotCompile, UnsafeCache, library

            try:
                asked = "native" if self.kernels == "auto" else self.kernels
                return asked if library().pays() or self.kernels != "auto" else "torch"
            except CannotCompile as error:
                obstacle = f"since {error}"
                if self.kernels == "auto" and isinstance(error, UnsafeCache):
                    print(f"engine.kernels: torch, {obstacle}", file=sys.stderr)
        demand(self.kernels == "auto", "engine.kernels", f"'torch' or 'auto' {obstacle}", self.kernels)
        return "torch"

    def _obstacle(self, recipe: Recipe, benches: Sequence[Benchmark], measures: Collection[Measure]) -> str:
        """Why native kernels cannot compute such trainings; empty where they can."""
        if self.device != "cpu":
            if not replace(self, device="cpu")._obstacle(recipe, benches, measures):
                print(SMALL, file=sys.stderr)
            return f"on {self.device}"
        if recipe.precision != "float32":
            return f"with train.precision={recipe.precision}"
        if recipe.clip_norm is not None:
            return f"with train.clip_norm={recipe.clip_norm:g}"
        if not recipe.trains:
            return "where no update is made"
        if not all(getattr(bench, "lowerable", False) for bench in benches):
            return "for networks of a benchmark that is not lowerable"
        if any(isinstance(measure, HeadMaker) and measure.replaces_head for measure in measures):
            return "where a measure replaces the network's head"
        return ""
