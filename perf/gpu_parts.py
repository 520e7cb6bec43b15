"""The parts of perf.gpu whose figures are published (docs/performance.md), each run in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from scipy.stats import kendalltau

from harness.benches.nasbench201.space import Shape, parse
from harness.datasets.digits import Digits
from harness.measures.capacitance import Capacitance
from harness.schema import Architecture, ImageSet, Trace
from harness.train.gpu import prepare_gpu
from harness.train.loop import train
from harness.train.machine import machine_facts
from harness.train.native.library import CannotCompile, library
from harness.train.recipe import Recipe
from perf.comparison import noise_images
from perf.gpu_site import Cells, Note, Site, differing, trained
from perf.peer_network import TextbookNetwork, steps

STREAMS = (1, 2, 4, 8)
DIGITS = Recipe(epochs=2, observe_every=8, schedule_epochs=6)
"""As conf/train/digits.yaml, with the schedule of the embedded ground truth."""
TABLE = Path(__file__).parents[1] / "harness/benches/nasbench201/digits.parquet"


def throughput(site: Site, note: Note) -> None:
    """Images a second of 64 architectures at C = 16, N = 5, 32 x 32, batch 256, by the number of streams.

    By the clock, from the first network that is built to the last trace: with building, recording, and the held-out
    loss of 256 images at each observation. `marginal` leaves out what a training takes however long it is.
    """
    note("machine", machine_facts(str(site.device)))
    bench, count, batch = (Cells(2, 1), 3, 32) if site.dry else (Cells(16, 5), 64, 256)
    images = noise_images(96 if site.dry else 10_240)
    brief = Recipe(steps=24, batch=batch, observe_every=12, watch_images=batch, schedule_steps=1000, measure_images=8)
    brief = replace(brief, steps=4, observe_every=2) if site.dry else brief
    drawn = bench.sample(count)
    seconds = {}
    cases = [(4, brief), (1, brief), (2, brief), (8, brief), (4, replace(brief, steps=3 * (brief.steps or 0)))]
    for streams, recipe in [*cases, (4, brief if site.dry else replace(brief, precision="tf32"))]:
        lanes = site.lanes(images, streams)
        trained(lanes, [bench.job(drawn[0], images, replace(brief, steps=3), site.device)])  # libraries, images
        before = site.memory(reset=True)["used_GiB"]
        begin = time.perf_counter()
        trained(lanes, [bench.job(a, images, recipe, site.device) for a in drawn])
        site.wait()
        spent = time.perf_counter() - begin
        made = count * (recipe.steps or 0) * batch
        name = f"{streams} streams, {recipe.steps} updates" + ("" if recipe.precision == "float32" else ", tf32")
        seconds[name] = spent
        note(name, {"images_per_s": round(made / spent), "s": round(spent, 2), **site.memory(), "before_GiB": before})
        note("recording", lanes[0].eager or "works")
        del lanes
    short, longer = f"4 streams, {brief.steps} updates", f"4 streams, {3 * (brief.steps or 0)} updates"
    more = 2 * count * (brief.steps or 0) * batch
    note("marginal images_per_s, 4 streams", round(more / max(seconds[longer] - seconds[short], 1e-9)))


def peer(site: Site, note: Note) -> None:
    """Images a second of the plain peer on the same architectures: eager steps, a DataLoader, torch's defaults.

    Two steps of each network are not timed. `loader workers`: the same with batches made by 8 processes.
    """
    if not site.dry:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic = False  # torch's own default, as is TensorFloat-32 in convolutions
    count, timed, batch = (2, 1, 32) if site.dry else (64, 4, 256)
    images = noise_images(96 if site.dry else 10_240)
    for what, workers, number, limit in (
        ("plain", 0, count, 35.0),
        ("8 loader workers", 0 if site.dry else 8, 3, 12.0),
    ):
        begin, spent, done = time.perf_counter(), 0.0, 0
        for a in Cells().sample(count)[:number]:
            spent += _peer_seconds(a, images, batch, site, (timed if workers == 0 else 3 * timed, workers))
            done += 1
            if time.perf_counter() - begin > limit:
                break
        made = done * batch * (timed if workers == 0 else 3 * timed)
        note(what, {"images_per_s": round(made / spent), "architectures": done, "s": round(spent, 2)})


def _peer_seconds(a: Architecture, images: ImageSet, batch: int, site: Site, how: tuple[int, int]) -> float:
    timed, workers = how
    torch.manual_seed(0)
    shape = Shape(4, 1, 32, 3, 10) if site.dry else Shape(16, 5, 32, 3, 10)
    running = steps(TextbookNetwork(parse(a.name), shape).to(site.device), images, batch, str(site.device), workers)
    for _ in range(2):
        next(running)
    begin = time.perf_counter()
    for _ in range(timed):
        next(running)  # gives the loss as a number, so that the device has been waited for
    return time.perf_counter() - begin


def agreement(site: Site, note: Note) -> None:
    """Traces of 16 architectures on digits on the GPU against those of the CPU, and how the ranks agree.

    Float32 updates drift apart wherever sums are taken in another order. So the distance of GPU and CPU is held against
    that of two ways of the CPU to compute the same: one thread and two, or the compiled step.
    """
    bench, images = Cells(), Digits().load()
    drawn = bench.sample(2 if site.dry else 16, seed=1)
    measures = {"beta_eff": Capacitance()}
    jobs = [bench.job(a, images, DIGITS, site.device, measures) for a in drawn]
    here = trained(site.lanes(images, 4), jobs)
    cpu = _on_cpu(bench, drawn, images, "torch", 1)
    note("deviation of the GPU from the CPU", _deviations(here, cpu))
    other = _on_cpu(bench, drawn, images, *other_way())
    note("other way of the CPU", other_way()[0])
    note("deviation of the CPU's two ways", _deviations(other, cpu))
    truth = _truth([a.name for a in drawn])
    for name, score in SCORES.items():
        scores = {
            where: [score(ts[a.name]) for a in drawn] for where, ts in (("gpu", here), ("cpu", cpu), ("other", other))
        }
        found = {where: round(_tau(values, truth), 3) for where, values in scores.items()}
        between = {
            "gpu_cpu": round(_tau(scores["gpu"], scores["cpu"]), 3),
            "cpu_other": round(_tau(scores["other"], scores["cpu"]), 3),
        }
        note(f"tau of {name}", found | between)


SCORES = {
    "valid_accuracy": lambda trace: trace.last("valid_accuracy"),
    "tse": lambda trace: -float(np.sum(trace.column("train_loss"))),
    "beta_eff": lambda trace: trace.last("beta_eff"),
}  # fmt: skip


def other_way() -> tuple[str, int]:
    """Kernels and threads of another computation of the same on a CPU."""
    try:
        library()
    except (CannotCompile, ImportError):  # no compiler, or none of what finds the user's folder
        return "torch", 2
    return "native", 1


def _on_cpu(
    bench: Cells, drawn: Sequence[Architecture], images: ImageSet, kernels: str, threads: int
) -> dict[str, Trace]:
    made = Parallel(n_jobs=max(1, min(len(drawn), torch.multiprocessing.cpu_count() // threads)))(
        delayed(_cpu_trace)(bench, a, images, kernels, threads) for a in drawn
    )
    return {trace.architecture.name: trace for trace in made}


def _cpu_trace(bench: Cells, a: Architecture, images: ImageSet, kernels: str, threads: int) -> Trace:
    torch.set_num_threads(threads)
    job = bench.job(a, images, DIGITS, torch.device("cpu"), {"beta_eff": Capacitance()})
    return train(replace(job, kernels=kernels))


def _deviations(some: Mapping[str, Trace], others: Mapping[str, Trace]) -> dict[str, dict[str, list[float]]]:
    """Median and maximum over architectures of a column's relative difference, by observation."""
    found = {}
    for column in ("train_loss", "valid_loss", "beta_eff"):
        rows = [np.abs(t.numbers(column) / others[name].numbers(column) - 1) for name, t in some.items()]
        shortest = min(map(len, rows))
        table = np.array([row[:shortest] for row in rows])
        found[column] = {"median": _short(np.median(table, axis=0)), "max": _short(table.max(axis=0))}
    return found


def _short(values: Any) -> list[float]:
    return [float(f"{value:.1e}") for value in values]


def _truth(names: Sequence[str]) -> list[float]:
    table = pd.read_parquet(TABLE)
    table = table[table["epoch"] == table["epoch"].max()]
    mean = table.groupby("architecture")["test_accuracy"].mean()
    return [float(mean.get(name, np.nan)) for name in names]


def _tau(some: Sequence[float], others: Sequence[float]) -> float:
    known = np.isfinite(some) & np.isfinite(others)
    return float(kendalltau(np.array(some)[known], np.array(others)[known]).statistic)


def bits(site: Site, note: Note) -> None:
    """Whether equal trainings give equal bits, whatever is trained beside them, and what that costs."""
    small, digits, wide, noise = Cells(), Digits().load(), Cells(4, 1) if site.dry else Cells(16, 5), noise_images(512)
    cases = [
        ("digits, C = 8, N = 1", small, digits, replace(DIGITS, epochs=1), 1 if site.dry else 8),
        (
            "32 x 32, C = 16, N = 5",
            wide,
            noise,
            Recipe(steps=2 if site.dry else 24, batch=64, watch_images=64),
            1 if site.dry else 6,
        ),
    ]
    for deterministic in (True, False):
        if not site.dry:
            prepare_gpu(site.device, deterministic)
        for name, bench, images, recipe, count in cases:
            drawn = bench.sample(count, seed=2)
            runs, seconds = [], []
            for streams in (1, 4, 4, 1):
                jobs = [bench.job(a, images, recipe, site.device, {"beta_eff": Capacitance()}) for a in drawn]
                begin = time.perf_counter()
                runs.append(trained(site.lanes(images, streams), jobs))
                seconds.append(round(time.perf_counter() - begin, 2))
            equal = [sum(not differing(run[a.name], runs[0][a.name]) for a in drawn) for run in runs[1:]]
            how = "deterministic" if deterministic else "not deterministic"
            columns = sorted(
                {column for run in runs[1:] for a in drawn for column in differing(run[a.name], runs[0][a.name])}
            )
            note(f"{how}, {name}", {"equal_traces": equal, "of": count, "differing": columns, "s": seconds})


def small(site: Site, note: Note) -> None:
    """Updates a second of small networks (digits, C = 8, N = 1, batch 128) on the GPU and on all cores of the CPU."""
    bench, images = Cells(), Digits().load()
    recipe = Recipe(steps=4, batch=16) if site.dry else Recipe(steps=128, batch=128, observe_every=64)
    drawn = bench.sample(2 if site.dry else 32, seed=3)
    total = len(drawn) * (recipe.steps or 0)
    for streams in STREAMS:
        lanes = site.lanes(images, streams)
        trained(lanes, [bench.job(drawn[0], images, replace(recipe, steps=3), site.device)])
        begin = time.perf_counter()
        trained(lanes, [bench.job(a, images, recipe, site.device) for a in drawn])
        site.wait()
        note(f"{streams} streams", {"updates_per_s": round(total / (time.perf_counter() - begin))})
    kernels = other_way()[0]
    cores = torch.multiprocessing.cpu_count()
    with Parallel(n_jobs=min(cores, len(drawn))) as pool:
        pool(delayed(_cpu_updates)(bench, a, images, replace(recipe, steps=2), kernels) for a in drawn)
        begin = time.perf_counter()
        pool(delayed(_cpu_updates)(bench, a, images, recipe, kernels) for a in drawn)
        per_s = round(total / (time.perf_counter() - begin))
    note("CPU", {"updates_per_s": per_s, "cores": cores, "kernels": kernels})


def _cpu_updates(bench: Cells, a: Architecture, images: ImageSet, recipe: Recipe, kernels: str) -> None:
    torch.set_num_threads(1)
    train(replace(bench.job(a, images, recipe, torch.device("cpu")), kernels=kernels))
