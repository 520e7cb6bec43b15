"""The cost of observing a training: with measures and without."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import OmegaConf

from harness.benches.nasbench201.bench import NasBench201
from harness.datasets.digits import Digits
from harness.schema import ImageSet, Measure
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.process import prepare
from harness.train.recipe import Recipe
from perf.comparison import TYPICAL, alternate, noise_images, quartiles

CONF = Path(__file__).parents[1] / "conf" / "measure"


def measures(*names: str) -> dict[str, Measure]:
    """Every measure, or those that are named, as conf/measure has them."""
    paths = sorted(CONF.glob("*.yaml"))
    made = {path.stem: instantiate(OmegaConf.load(path), _convert_="all") for path in paths}
    return {name: made[name] for name in names or made}


def default_measures() -> dict[str, Measure]:
    """Those of the default run on networks that are not pre-trained."""
    return {name: measure for name, measure in measures().items() if not getattr(measure, "needs_source_model", False)}


def tracking(repeats: int) -> None:
    """A whole training with its validation, watched and not, in CPU seconds."""
    prepare(1)
    brief = Recipe(steps=200, observe_every=25, watch_images=1000)
    long = Recipe(steps=2000, batch=64, observe_every=250, watch_images=5000)
    short, few = Recipe(epochs=2, observe_every=8), max(2, repeats // 3)
    cases = (
        ("digits, 12 pixels, 64 updates", Digits().load(), short, "native", repeats),
        ("digits, 12 pixels, 64 updates", Digits().load(), short, "native_watch", repeats),
        ("digits, 12 pixels, 64 updates", Digits().load(), short, "torch", repeats),
        ("CIFAR-10's shape, 32 pixels, 200 updates", noise_images(), brief, "native", few),
        ("CIFAR-10's shape, 32 pixels, 200 updates", noise_images(), brief, "torch", few),
        ("CIFAR-10's default: 16 pixels, 2,000 updates of 64", noise_images(6000, 16), long, "native", few),
    )
    times_told = "without, s | with, s | ratio | quartiles"
    print(f"\n| recipe (C = 8, N = 1, default observations) | kernels | measures | {times_told} |")
    print("|---|---|---|---|---|---|---|")
    for name, images, recipe, kernels, count in cases:
        for label, chosen in (
            ("`capacitance` (β_eff) alone", measures("capacitance")),
            (f"all {len(default_measures())}", default_measures()),
        ):
            some = partial(whole, images, recipe, kernels)
            times = alternate(partial(some, {}), partial(some, chosen), count)
            plain, watched = np.median(times, axis=0)
            ratio = quartiles(times[:, 1] / times[:, 0])
            print(f"| {name} | {kernels} | {label} | {plain:.2f} | {watched:.2f} | {ratio} |", flush=True)


def whole(images: ImageSet, recipe: Recipe, kernels: str, chosen: Mapping[str, Measure]) -> float:
    """CPU seconds of one training."""
    bench = NasBench201()
    architecture = bench.architecture(TYPICAL)
    begin = time.process_time()
    train(
        TrainingJob(architecture, lambda: bench.build(architecture, images), images, recipe, chosen, 0, kernels=kernels)
    )
    return time.process_time() - begin
