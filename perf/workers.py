"""Architectures in one worker process and in two, by the clock."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from harness.benches.nasbench201.bench import NasBench201
from harness.datasets.digits import Digits
from harness.processes.workers import OneMachine
from harness.runs.campaign import Campaign
from harness.runs.train_many import train_missing
from harness.storage.traces import TraceStore
from harness.train.process import prepare
from harness.train.recipe import Recipe
from perf.comparison import alternate, quartiles
from perf.observation import default_measures


def workers(repeats: int) -> None:
    """Forty-eight architectures in one worker process and in two, by the clock; processes are warm."""
    images, bench = Digits().load(), NasBench201()
    campaign = Campaign(
        bench,
        images,
        images.fingerprint(),
        Recipe(epochs=2, observe_every=8),
        default_measures(),
        "run",
        "cpu",
        "native",
    )
    wanted = [(architecture, 0) for architecture in bench.sample(48, 0)]

    def seconds(count: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            train_missing(campaign, wanted, TraceStore(Path(folder)), OneMachine(count), lambda done, total: None)
            return time.perf_counter() - begin

    prepare(1)
    times = alternate(lambda: seconds(1), lambda: seconds(2), repeats)
    one, two = np.median(times, axis=0)
    print("\n| trainings | one worker, s | two, s | ratio | quartiles |\n|---|---|---|---|---|")
    print(f"| {len(wanted)}, all measures | {one:.1f} | {two:.1f} | {quartiles(times[:, 0] / times[:, 1])} |")
