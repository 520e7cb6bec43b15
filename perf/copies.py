"""A store of copies: a few real traces, with perturbed numbers, under the keys of many architectures and seeds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from harness.benches.nasbench201 import space
from harness.runs.campaign import Campaign
from harness.schema import Architecture, Trace
from harness.storage import segment
from harness.storage.compaction import FULL
from harness.storage.files import sidecar
from harness.storage.segment import Stored
from harness.storage.segments import FOLDER
from harness.storage.trace_key import names_of
from harness.storage.traces import TraceStore
from harness.train.loop import train
from harness.train.machine import machine_facts
from harness.train.process import prepare

TEMPLATES = 8
NOISE = 0.05
"""Standard deviation of the relative perturbation of every number."""


def names(count: int) -> list[str]:
    """So many strings of NAS-Bench-201, isomorphic ones too."""
    return [str(cell) for cell in space.every_cell()[:count]]


def templates(campaign: Campaign) -> list[Trace]:
    """Real traces, of architectures drawn at random."""
    prepare(1)
    return [train(campaign.job(each, 0)) for each in campaign.bench.sample(TEMPLATES, 0)]


def fill(
    store: TraceStore, campaign: Campaign, made: Sequence[Trace], wanted: Sequence[tuple[Architecture, int]]
) -> None:
    """Store a copy for each architecture and seed, in segments."""
    for first in range(0, len(wanted), FULL):
        fill_segment(store, campaign, made, wanted[first : first + FULL])


def fill_segment(
    store: TraceStore,
    campaign: Campaign,
    made: Sequence[Trace],
    wanted: Sequence[tuple[Architecture, int]],
    linked: segment.Segment | None = None,
) -> segment.Segment:
    """Store a copy for each architecture and seed, as one segment; `linked`: its observations are those of this one."""
    known_as = names_of([campaign.key(architecture.name, seed) for architecture, seed in wanted])
    copies = perturbed(made, len(made) if linked else len(wanted), int(known_as[0][:8], 16))
    stored, row = [], 0
    for (architecture, seed), name, place in zip(wanted, known_as, range(len(wanted)), strict=True):
        of = made[place % len(made)]
        trace = Trace(architecture, seed, of.table, of.diverged, of.clocks)
        stored.append(Stored(name, trace, machine_facts("cpu"), copies.slice(row, of.observations)))
        row = (row + of.observations) % copies.num_rows
    folder = store.folder / FOLDER / segment.group_of(campaign.key(wanted[0][0].name, 0), copies)
    name = hashlib.sha256("".join(known_as).encode()).hexdigest()[:24]
    if linked is None:
        return segment.write(folder, name, stored)
    found = segment.Segment(folder / f"{name}{segment.INDEX}")
    os.link(linked.data, found.data)
    sidecar(found.data).write_text(sidecar(linked.data).read_text().replace(linked.data.name, found.data.name))
    segment.write_index(found, stored)
    return found


def perturbed(made: Sequence[Trace], count: int, seed: int) -> pa.Table:
    """The observations of `count` copies, of the templates in turn, every float number perturbed."""
    random = np.random.default_rng(seed)
    columns = [name for name in made[0].table if all(name in trace.table for trace in made)]
    table = pa.Table.from_pandas(pd.concat([trace.table[columns] for trace in made]), preserve_index=False)
    table = table.replace_schema_metadata(None).combine_chunks()
    own = np.split(np.arange(table.num_rows), np.cumsum([trace.observations for trace in made])[:-1])
    rows = np.concatenate([own[place % len(made)] for place in range(count)])
    table = table.take(pa.array(rows)).combine_chunks()
    for place, name in enumerate(table.column_names):
        if name not in ("epoch", "seconds") and not name.startswith("seconds_"):
            table = table.set_column(place, name, _perturbed(table.column(name).combine_chunks(), random))
    return table


def _perturbed(array: pa.Array, random: np.random.Generator) -> pa.Array:
    if pa.types.is_floating(array.type):
        values = array.to_numpy(zero_copy_only=False)
        return pa.array(values * (1 + NOISE * random.normal(size=len(values))), from_pandas=False)
    if pa.types.is_list(array.type) and pa.types.is_floating(array.type.value_type):
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0)
        return pa.ListArray.from_arrays(array.offsets, _perturbed(array.values, random), mask=array.is_null())
    return array


def write_truth(path: Path, architectures: Sequence[str]) -> None:
    """Accuracies of three seeds, drawn at random, in percent."""
    random = np.random.default_rng(0)
    good = 90 - 4 * random.gamma(1.5, 1, len(architectures))
    rows = [
        (name, seed, value)
        for seed in range(3)
        for name, value in zip(architectures, good + 0.3 * random.normal(size=len(good)), strict=True)
    ]
    pd.DataFrame(rows, columns=["architecture", "seed", "accuracy"]).to_csv(path, index=False)
