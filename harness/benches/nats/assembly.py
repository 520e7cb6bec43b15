"""Assembly of the chunks of a conversion into the two final tables."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .converted import CURVES, FINALS
from .labelled import Group, stored, write
from .spaces import TRAIN_SETS

BLOCK = 4
"""Chunks merged into one row group of the final curves: a thousand architectures."""


def assemble(work: Path, target: Path, finals: Sequence[Path], curves: Sequence[Path], about: dict[str, Any]) -> None:
    """Write the two tables to `target`, replacing older ones by a rename."""
    whole = work / "whole"
    whole.mkdir(exist_ok=True)
    ends = pa.concat_tables([pq.read_table(part) for part in finals]).unify_dictionaries()
    write(whole / "finals.parquet", FINALS, _by_group(ends), about)
    write(whole / "curves.parquet", CURVES, _by_block(curves), about)
    shutil.rmtree(work / "older", ignore_errors=True)  # left by a conversion killed after the next two lines
    if target.exists():
        os.replace(target, work / "older")
    os.replace(whole, target)
    shutil.rmtree(work)


def _by_group(finals: pa.Table) -> Iterator[tuple[Group, pa.Table]]:
    frame = finals.to_pandas()
    for group in _sorted({*zip(frame["train_set"], frame["schedule"], frame["split"], strict=True)}):
        train_set, schedule, split = group
        own = (frame["train_set"] == train_set) & (frame["schedule"] == schedule) & (frame["split"] == split)
        rows = frame[own].sort_values(["index", "seed"])
        yield group, pa.Table.from_pandas(rows, FINALS, preserve_index=False)


def _by_block(parts: Sequence[Path]) -> Iterator[tuple[Group, pa.Table]]:
    """The rows of `BLOCK` chunks at a time, group by group."""
    for start in range(0, len(parts), BLOCK):
        found: dict[Group, list[pa.Table]] = {}
        for part in parts[start : start + BLOCK]:
            with pq.ParquetFile(part) as file:
                for place, (train_set, schedule, split, _, _) in enumerate(stored(part)["groups"]):
                    found.setdefault((train_set, schedule, split), []).append(file.read_row_group(place))
        for group in _sorted(found):
            yield group, pa.concat_tables(found.pop(group)).unify_dictionaries()


def _sorted(groups: Iterable[Group]) -> list[Group]:
    order = list(TRAIN_SETS)
    return sorted(groups, key=lambda group: (order.index(group[0]), -group[1], group[2]))
