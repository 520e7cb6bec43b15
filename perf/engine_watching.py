"""What watching a training costs, what the closed form of beta_eff saves, and what workers side by side bring."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy.sparse import coo_array, csr_array
from torch import Tensor

from harness.benches.nasbench201.bench import NasBench201
from harness.datasets.digits import Digits
from harness.measures.capacitance import Probe, beta_eff
from harness.runs.train_many import Campaign, Engine, train_missing
from harness.schema import ImageSet, Measure
from harness.storage.traces import TraceStore
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.process import prepare
from harness.train.recipe import Recipe
from perf.engine import TYPICAL, colours, quartiles, turns

CONF = Path(__file__).parents[1] / "conf" / "measure"


def measures(*names: str) -> dict[str, Measure]:
    """The measures of the default run, or those that are named, as conf/measure has them."""
    paths = sorted(CONF.glob("*.yaml"))
    made = {path.stem: instantiate(OmegaConf.load(path), _convert_="all") for path in paths}
    return {name: made[name] for name in names or made}


def tracking(repeats: int) -> None:
    """A whole training with its validation, watched and not, in CPU seconds."""
    prepare(1)
    brief = Recipe(steps=200, observe_every=25, watch_images=1000)
    long = Recipe(steps=2000, batch=64, observe_every=250, watch_images=5000)
    short, few = Recipe(epochs=2, observe_every=8), max(2, repeats // 3)
    cases = (
        ("digits, 12 pixels, 64 updates", Digits().load(), short, "native", repeats),
        ("digits, 12 pixels, 64 updates", Digits().load(), short, "torch", repeats),
        ("CIFAR-10's shape, 32 pixels, 200 updates", colours(), brief, "native", few),
        ("CIFAR-10's shape, 32 pixels, 200 updates", colours(), brief, "torch", few),
        ("CIFAR-10's default: 16 pixels, 2,000 updates of 64", colours(6000, 16), long, "native", few),
    )
    times_told = "without, s | with, s | ratio | quartiles"
    print(f"\n| recipe (C = 8, N = 1, default observations) | kernels | measures | {times_told} |")
    print("|---|---|---|---|---|---|---|")
    for name, images, recipe, kernels, count in cases:
        for label, chosen in (("`capacitance` (β_eff) alone", measures("capacitance")), ("all 16", measures())):
            some = partial(whole, images, recipe, kernels)
            times = turns(partial(some, {}), partial(some, chosen), count)
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


def closed(repeats: int) -> None:
    """beta_eff of one probe 64-256-128-10 on 128 images: the closed form against its line graph."""
    prepare(1)
    sizes, images = (64, 256, 128, 10), 128
    probe = Probe(sizes, 1, "relu", True, 0)
    torch.manual_seed(0)
    states = probe.states(torch.randn(images, sizes[0]).relu(), torch.float32)
    deltas = probe.deltas(states, torch.arange(images) % sizes[-1], "softmax")
    known = (states.activations, states.slopes, deltas)

    def timed(many: int, form: object) -> float:
        begin = time.process_time()
        for _ in range(many):
            found.append(float(form(*known)))  # type: ignore[operator]
        return (time.process_time() - begin) / many

    found: list[float] = []
    entries = sum(a * b * c for (a, b), c in zip(pairwise(sizes), sizes[2:], strict=False))
    weights = sum(a * b for a, b in pairwise(sizes))
    small = 4 * 2 * max(a * b for a, b in pairwise(sizes))
    print(f"\n{weights} weights, {entries} couplings; numbers kept at a time, float32:")
    print("\n| line graph | seconds | closed form, s | time ratio | quartiles | memory | closed form | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    ways = (
        ("a sparse matrix, image by image", sparse, 8 * entries),
        ("couplings alone, image by image", image_by_image, 4 * entries),
        ("couplings alone, one product of matrices", unit_by_unit, 4 * entries),
        ("P as a matrix (memory alone)", None, 4 * weights**2),
    )
    for name, form, memory in ways:
        sizes_told = f"{memory / 1e6:.3g} MB | {small / 1e6:.3g} MB | **{memory / small:.0f}**"
        if form is None:
            print(f"| {name} | | | | | {sizes_told} |")
            continue
        slowly, fast_form = partial(timed, 1, form), partial(timed, 50, lambda *k: beta_eff(*k, "absolute"))
        times = turns(slowly, fast_form, repeats)
        if not np.allclose(found, found[0], rtol=1e-4):
            raise AssertionError("the two forms differ")
        slow, fast = np.median(times, axis=0)
        ratio = quartiles(times[:, 0] / times[:, 1])
        print(f"| {name} | {slow:.3f} | {fast:.6f} | {ratio} | {sizes_told} |", flush=True)


def sparse(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor]) -> float:
    """beta_eff from |P| as the adjacency of the line graph, whose nodes are weights; one image after the other."""
    sizes = [a.shape[-1] for a in (*activations, deltas[-1])]
    starts = np.cumsum([0, *(a * b for a, b in pairwise(sizes))])
    total = csr_array((starts[-1], starts[-1]), dtype=np.float32)
    for image in range(activations[0].shape[1]):
        rows, columns, values = [], [], []
        for layer, (a, s, d) in enumerate(zip(activations, slopes, deltas[1:], strict=False)):
            one = s[0, image].abs()[:, None, None] * a[0, image].abs()[None, :, None] * d[0, image].abs()[None, None]
            i, j, k = np.indices(one.shape, dtype=np.int32)
            rows.append((starts[layer] + i * sizes[layer] + j).ravel())
            columns.append((starts[layer + 1] + k * sizes[layer + 1] + i).ravel())
            values.append(one.numpy().ravel() / activations[0].shape[1])
        places = (np.concatenate(rows), np.concatenate(columns))
        total = total + coo_array((np.concatenate(values), places), shape=total.shape).tocsr()
    inward, outward = total.sum(axis=1), total.sum(axis=0)
    return float(outward @ inward / inward.sum())


def image_by_image(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor]) -> float:
    """beta_eff from |P|, entry by entry, as the definition has it: the mean over images of |a_j s_i d_k|."""
    couplings = []
    for a, s, d in zip(activations, slopes, deltas[1:], strict=False):
        total = torch.zeros(s.shape[-1], a.shape[-1], d.shape[-1])
        for image in range(a.shape[1]):
            one = a[0, image].abs()[None, :, None] * s[0, image].abs()[:, None, None] * d[0, image].abs()[None, None]
            total += one
        couplings.append(total / a.shape[1])
    return of_couplings(couplings)


def unit_by_unit(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor]) -> float:
    """The same, all images of a unit in one product of matrices."""
    found = [
        torch.einsum("bj,bi,bk->ijk", a[0].abs(), s[0].abs(), d[0].abs()) / a.shape[1]
        for a, s, d in zip(activations, slopes, deltas[1:], strict=False)
    ]
    return of_couplings(found)


def of_couplings(couplings: list[Tensor]) -> float:
    """<1'P, P1> / sum P1, couplings (n_l, n_(l-1), n_(l+1)) of each pair of layers."""
    inward = [coupling.sum(2) for coupling in couplings]
    outward = [coupling.sum(1).T for coupling in couplings]
    numerator = sum(float((i * o).sum()) for i, o in zip(inward[1:], outward, strict=False))
    return numerator / sum(float(i.sum()) for i in inward)


def workers(repeats: int) -> None:
    """Forty-eight architectures in one worker process and in two, by the clock; processes are warm."""
    images, bench = Digits().load(), NasBench201()
    campaign = Campaign(
        bench, images, images.fingerprint(), Recipe(epochs=2, observe_every=8), measures(), "run", "cpu", "native"
    )
    wanted = [(architecture, 0) for architecture in bench.sample(48, 0)]

    def seconds(count: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            train_missing(campaign, wanted, TraceStore(Path(folder)), Engine(workers=count), lambda done, total: None)
            return time.perf_counter() - begin

    prepare(1)
    times = turns(lambda: seconds(1), lambda: seconds(2), repeats)
    one, two = np.median(times, axis=0)
    print("\n| trainings | one worker, s | two, s | ratio | quartiles |\n|---|---|---|---|---|")
    print(f"| {len(wanted)}, all measures | {one:.1f} | {two:.1f} | {quartiles(times[:, 0] / times[:, 1])} |")
