"""How a store of traces grows: look-up, gathering, memory and inodes, of copies of a few real traces.

    python -m perf.store [traces ...]

The default is 15,625 × 1 and × 3 seeds, 10⁵ and 10⁶ traces, with all columns of the default measures on digits. Above
10⁵ the files of observations are hard links to those of the first segments, under other keys: a disk of 17 GB is not
needed, and what is timed reads as much. Seconds are CPU time of a process of its own for each row.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from harness.benches.nasbench201.bench import NasBench201
from harness.datasets.digits import Digits
from harness.runs.campaign import Campaign
from harness.schema import Architecture, Trace
from harness.storage.compaction import FULL, compact
from harness.storage.segment import Segment
from harness.storage.segments import segments_of
from harness.storage.traces import TraceStore
from harness.train.machine import machine_facts
from harness.train.recipe import Recipe
from perf.copies import fill_segment, names, templates
from perf.observation import measures

LINKED, KINDS = 100_000, 16
"""Traces above which most segments share the observations of so many."""

HEADS = ("traces", "keys, s", "look-up, s", "gathering, s", "all columns, s", "MiB before", "and after", "MB", "files")
"""Of the table of growth: reading all columns takes the memory from "before" to "after"."""

LOOSE = 1000
"""Loose traces whose reading and merging is timed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of the growth, and the times of loose traces."""
    parser = argparse.ArgumentParser(prog="python -m perf.store", description="Growth of a store of traces.")
    parser.add_argument("traces", nargs="*", type=int, default=[15_625, 46_875, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where the stores are made and left (default: a temporary folder)")
    asked = parser.parse_args(arguments)
    campaign = campaign_on_digits()
    made = templates(campaign)
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        times_of_loose(campaign, made, TraceStore(Path(place) / "loose"))
        print(f"\n| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|")
        for count in asked.traces:
            store = TraceStore(Path(place) / str(count))
            wanted = wanted_of(count)
            make(store, campaign, made, wanted)
            reader = multiprocessing.get_context("spawn").Process(target=read, args=(store, count))
            reader.start()
            reader.join()


def campaign_on_digits() -> Campaign:
    """Of the default run on digits."""
    images = Digits().load()
    recipe = Recipe(epochs=2, observe_every=8)
    return Campaign(NasBench201(), images, images.fingerprint(), recipe, measures(), "run", "cpu", "native")


def wanted_of(count: int) -> list[tuple[Architecture, int]]:
    """So many architectures of NAS-Bench-201 and seeds."""
    every = [Architecture(name, name) for name in names(15_625)]
    return [(every[place % len(every)], place // len(every)) for place in range(count)]


def make(store: TraceStore, campaign: Campaign, made: list[Trace], wanted: list[tuple[Architecture, int]]) -> None:
    """The store; above `LINKED` traces the observations of most segments are those of an earlier one."""
    whole: list[Segment] = []
    for first in range(0, len(wanted), FULL):
        part = wanted[first : first + FULL]
        enough = len(wanted) > LINKED and len(whole) == KINDS and len(part) == FULL
        segment = fill_segment(store, campaign, made, part, whole[(first // FULL) % KINDS] if enough else None)
        whole += [] if enough else [segment]


def read(store: TraceStore, count: int) -> None:
    """Look the traces up and gather them; a row of the table."""
    campaign, wanted = campaign_on_digits(), wanted_of(count)
    times = [time.process_time()]
    keys = [campaign.key(architecture.name, seed) for architecture, seed in wanted]
    times.append(time.process_time())
    assert not store.missing(keys)
    times.append(time.process_time())
    traces = store.gather(keys)
    times.append(time.process_time())
    memory = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10]
    if count <= LINKED:
        for segment in segments_of(store.folder).all:
            assert all(segment.columns[name] is not None for name in segment.columns)
    times.append(time.process_time())
    memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)
    assert all(trace is not None for trace in traces)
    spent = " | ".join(f"{end - begin:.1f}" for begin, end in pairwise(times))
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    size = sum({path.stat().st_ino: path.stat().st_size for path in files}.values()) / 1e6
    print(
        f"| {count:,} | {spent} | {' | '.join(f'{each:.0f}' for each in memory)} | {size:.0f} | {len(files):,} |",
        flush=True,
    )


def times_of_loose(campaign: Campaign, made: Sequence[Trace], store: TraceStore) -> None:
    """Seconds a thousand loose traces: writing, looking up, reading, merging."""
    wanted = wanted_of(LOOSE)
    keys = [campaign.key(architecture.name, seed) for architecture, seed in wanted]
    times = [time.process_time()]
    for place, (key, (architecture, seed)) in enumerate(zip(keys, wanted, strict=True)):
        of = made[place % len(made)]
        store.write(key, Trace(architecture, seed, of.table, of.diverged, of.clocks), machine_facts("cpu"))
    times.append(time.process_time())
    assert not store.missing(keys)
    times.append(time.process_time())
    assert all(trace is not None for trace in store.gather(keys))
    times.append(time.process_time())
    assert compact(store).merged == LOOSE
    times.append(time.process_time())
    spent = " | ".join(f"{end - begin:.1f}" for begin, end in pairwise(times))
    heads = "writing, s | look-up, s | reading, s | merging, s"
    print(f"\n| loose traces | {heads} |\n|---|---|---|---|---|\n| {LOOSE:,} | {spent} |")


if __name__ == "__main__":
    main()
