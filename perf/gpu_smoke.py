"""A first look at a card: whether recording, streams and recovery work, and what an update takes."""

from __future__ import annotations

import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from harness.benches.nasbench201.space import Shape, parse
from harness.datasets.digits import Digits
from harness.measures.capacitance import Capacitance
from harness.schema import Architecture, ImageSet
from harness.train.device_updates import DeviceUpdates
from harness.train.gpu import lost_reason, prepare_gpu
from harness.train.job import TrainingJob
from harness.train.lane import Lane
from harness.train.loop import train
from harness.train.machine import machine_facts
from harness.train.recipe import Recipe
from perf.comparison import HEAVIEST, TYPICAL, noise_images
from perf.gpu_site import Cells, Note, Site, differing, gaps, trained
from perf.peer_network import TextbookNetwork, steps


@contextmanager
def attempt(note: Note, what: str) -> Iterator[None]:
    """What fails in the block is noted, and the part goes on."""
    begin = time.perf_counter()
    try:
        yield
    except (RuntimeError, AssertionError) as error:  # torch's among them; the other figures are wanted all the same
        traceback.print_exc()
        note(f"{what} failed", f"{type(error).__name__}: {error}".splitlines()[0])
    note(f"{what} took", round(time.perf_counter() - begin, 2))


def smoke(site: Site, note: Note) -> None:
    """Whether recording, streams and recovery work at all, and which arithmetic and layout an update is fastest in."""
    note("machine", machine_facts(str(site.device)))
    bench, digits = Cells(), Digits().load()
    recipe = Recipe(steps=24, batch=64, observe_every=8, schedule_steps=64)
    drawn = bench.sample(4, 0)
    jobs = [bench.job(a, digits, recipe, site.device, measures={"beta_eff": Capacitance()}) for a in drawn]
    alone: dict[str, Any] = {}
    with attempt(note, "one lane"):
        lanes = site.lanes(digits, 1)
        alone = trained(lanes, jobs)
        note("recording", lanes[0].eager or "works")
        note("observations", [len(t.table) for t in alone.values()])
        cpu = [train(replace(each, device="cpu")) for each in jobs]
        for column in ("train_loss", "valid_loss", "beta_eff"):
            note(f"{column} against the CPU", [gaps(alone[t.architecture.name], t, column) for t in cpu])
    with attempt(note, "four lanes"):
        for count in (1, 4):
            again = trained(site.lanes(digits, count), jobs)
            note(f"columns that differ with {count} lanes", [differing(alone[n], again[n]) for n in alone])
    with attempt(note, "failed recording"):
        failed_recording(site, note, jobs[0], digits)
    if not site.dry:
        with attempt(note, "lost"):
            code = "import torch,perf.gpu_smoke as p; p.lose(torch.device('cuda:0'))"
            said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
            note("lost", [line for line in said.stdout.splitlines() if line.startswith("lost")] or said.stderr[-300:])
    with attempt(note, "peer"):
        peer(site, note)
    with attempt(note, "layouts"):
        layouts(site, note)
    if not site.dry:
        with attempt(note, "kernels"):
            kernels(site, note)


def peer(site: Site, note: Note) -> None:
    """Milliseconds of a step of the plain peer, batches included."""
    images = noise_images(512 if site.dry else 2048)
    for cell_name, cell in (("typical", TYPICAL), ("heaviest", HEAVIEST)):
        torch.manual_seed(0)
        shape = Shape(4, 1, 32, 3, 10) if site.dry else Shape(16, 5, 32, 3, 10)
        made = steps(TextbookNetwork(parse(cell), shape).to(site.device), images, 256, str(site.device))
        next(made), next(made)
        begin = time.perf_counter()
        for _ in range(2 if site.dry else 10):
            next(made)
        note(f"peer {cell_name} ms", round(1000 * (time.perf_counter() - begin) / (2 if site.dry else 10), 1))


def kernels(site: Site, note: Note) -> None:
    """Which kernels one replayed update of the typical cell launches, and what they take."""
    from torch.profiler import ProfilerActivity, profile

    images = noise_images(2048)
    lane = site.lanes(images, 1)[0]
    with lane.active():
        made = updates_on(Cells(16, 5), TYPICAL, images, lane, "float32", torch.channels_last)
        for step in range(4):
            made.advance(range(step, step + 1))
            made.outcome(step + 1)
        with profile(activities=[ProfilerActivity.CUDA]) as seen:
            made.advance(range(4, 6))
            made.outcome(6)
    rows = sorted(seen.key_averages(), key=lambda row: -row.device_time_total)
    note("kernels of 2 updates", sum(row.count for row in rows))
    note("slowest kernels", [(r.key[:90], r.count, round(r.device_time_total / 1000, 2)) for r in rows[:16]])


def step(site: Site, note: Note) -> None:
    """What one update takes, recorded and replayed alone on the card, in each arithmetic, and what the peer's takes."""
    bench, updates = (Cells(2, 1), 1) if site.dry else (Cells(16, 5), 16)
    images = noise_images(512 if site.dry else 2048)
    cases = [("float32", True, "channels last"), ("float32", False, "channels last"), ("float32", True, "contiguous")]
    cases = cases[:1] if site.dry else [*cases, ("tf32", True, "channels last"), ("bfloat16", True, "channels last")]
    for cell_name, cell in (("typical", TYPICAL), ("heaviest", HEAVIEST)):
        for precision, deterministic, layout in cases:
            if not site.dry:
                prepare_gpu(site.device, deterministic)
            name = f"{cell_name}, {precision}, {'' if deterministic else 'not '}deterministic, {layout}"
            with attempt(note, name):
                lane = site.lanes(images, 1)[0]
                note(name, update_ms(bench, cell, images, lane, precision, layout, updates))
    with attempt(note, "peer"):
        peer(site, note)
    if not site.dry:
        prepare_gpu(site.device)
        with attempt(note, "kernels"):
            kernels(site, note)


def failed_recording(site: Site, note: Note, one: TrainingJob, images: ImageSet) -> None:
    """A network that asks the device for a number, which cannot be recorded."""

    class Asking(torch.nn.Module):
        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self.inner, self.head = inner, inner.head

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x.sum().item()
            return self.inner(x)  # type: ignore[no-any-return]

    lanes = site.lanes(images, 1)
    asking = replace(one, build=lambda: Asking(one.build()), measures={})
    found = trained(lanes, [asking])
    note("a network that cannot be recorded", [t.notes for t in found.values()])
    again = trained(site.lanes(images, 1), [replace(one, measures={})])
    plain = trained(site.lanes(images, 1), [replace(one, measures={})])
    note(
        "a recording after the failed one",
        [differing(a, b) for a, b in zip(again.values(), plain.values(), strict=True)],
    )


def layouts(site: Site, note: Note) -> None:
    """Milliseconds of one replayed update at C = 16, N = 5, batch 256, by layout and arithmetic."""
    bench = Cells(2, 1) if site.dry else Cells(16, 5)
    images = noise_images(512 if site.dry else 2048)
    for cell_name, cell in (("typical", TYPICAL), ("heaviest", HEAVIEST)):
        for layout in ("channels last", "contiguous"):
            for precision in ("float32",) if site.dry else ("float32", "tf32", "bfloat16"):
                with attempt(note, f"{cell_name} {layout} {precision}"):
                    lane = site.lanes(images, 1)[0]
                    note(
                        f"{cell_name} {layout} {precision} ms", update_ms(bench, cell, images, lane, precision, layout)
                    )


def update_ms(
    bench: Cells, cell: str, images: ImageSet, lane: Lane, precision: str, layout: str, updates: int = 16
) -> dict[str, object]:
    """Milliseconds of an update on this lane: eager, recorded, and what recording takes."""
    updates = 2 if lane.device.type == "cpu" else updates
    with lane.active():
        form = torch.channels_last if layout == "channels last" else torch.contiguous_format
        made = updates_on(bench, cell, images, lane, precision, form)
        begin = time.perf_counter()
        made.advance(range(1))
        made.outcome(1)
        eager = time.perf_counter() - begin
        begin = time.perf_counter()
        made.advance(range(1, 2))
        made.outcome(2)
        recorded = time.perf_counter() - begin
        times = []
        for turn in range(3):
            made.advance(range(2 + turn * updates, 2 + (turn + 1) * updates))
            _, values, seconds = made.outcome(2 + (turn + 1) * updates)
            times.append(1000 * seconds / updates)
    return {
        "replayed": round(float(np.median(times)), 3), "first": round(1000 * eager, 1),
        "recording": round(1000 * recorded, 1), "eager": made.eager, "loss": values["train_loss"],
    }  # fmt: skip


def updates_on(
    bench: Cells, cell: str, images: ImageSet, lane: Lane, precision: str, form: torch.memory_format
) -> DeviceUpdates:
    """Updates of a network in a layout."""
    recipe = Recipe(steps=1000, batch=256, precision=precision)
    torch.manual_seed(0)
    model = bench.build(Architecture(cell, cell), images).to(lane.device)
    model.to(memory_format=form)  # type: ignore[call-overload]
    made = DeviceUpdates(model, recipe, torch.Generator().manual_seed(0), lane)
    made.data = _Taking(made.data, form, made.data.take)  # type: ignore[assignment]
    return made


class _Taking:
    """Training images whose batches come in another layout."""

    def __init__(self, data: Any, form: torch.memory_format, take: Any) -> None:
        self.data, self.form, self._take = data, form, take

    def take(self, drawn: Any) -> Any:
        x, y = self._take(drawn)
        return x.contiguous(memory_format=self.form), y


def lose(device: torch.device) -> None:
    """Fail an assertion on the device, and say what is found of it."""
    prepare_gpu(device)
    print("lost before:", lost_reason(device))
    try:
        torch.zeros(3, device=device)[torch.tensor([7], device=device)].cpu()
    except RuntimeError as error:
        print("lost error:", type(error).__name__, str(error).splitlines()[0])
    print("lost after:", lost_reason(device))
