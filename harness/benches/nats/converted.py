"""A converted NATS-Bench archive: two Parquet files, queried in well under a second."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from harness import files
from harness.benches import parquet
from harness.files import Source
from harness.schema import BadInput, Truth, demand

from . import archive
from .archive import SITE, protocol, sound
from .spaces import Space

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
"""Raised whenever converted tables of an older version could be misread."""

ABOUT = b"nats"
_KEYS = [("train_set", pa.dictionary(pa.int8(), pa.string())), ("schedule", pa.int16()),
         ("split", pa.dictionary(pa.int8(), pa.string())), ("seed", pa.int32())]  # fmt: skip
FINALS = pa.schema(
    [("architecture", pa.string()), ("index", pa.int32()), *_KEYS, ("accuracy", pa.float64()), ("loss", pa.float64()),
     ("seconds", pa.float64()), ("latency", pa.float64()), ("params", pa.int64()), ("flops", pa.int64())]
)  # fmt: skip
"""After the last epoch: percent, nats, seconds of the whole training, seconds per batch, counts as recorded."""

CURVES = pa.schema(
    [("index", pa.int32()), *_KEYS, ("epoch", pa.int16()), ("accuracy", pa.float32()), ("loss", pa.float32()),
     ("seconds", pa.float32())]
)  # fmt: skip
"""After each epoch, from 0: percent, nats, seconds of that epoch's training (split "train") or evaluation."""

Group = tuple[str, int, str]  # training set, schedule, split: common to the rows of one row group


@dataclass(frozen=True)
class Converted:
    """One pair of tables; `about` is how it was made, `places` the row groups of each group in the two files."""

    path: Path
    space: Space
    about: Mapping[str, Any]
    finals: Mapping[Group, Sequence[int]]
    curves: Mapping[Group, Sequence[tuple[int, int, int]]]
    """(row group, first index, last index)"""

    @property
    def whole(self) -> bool:
        """Whether the tables hold every architecture of the space."""
        return bool(self.about["architectures"] == self.space.total)

    @property
    def source(self) -> str:
        """Provenance of the figures, for reports."""
        return f"{self.path.name} (converted from {self.about['archive']} by {self.about['made_by']})"

    def final(self, train_set: str, split: str, epochs: int) -> pd.DataFrame:
        """The rows of FINALS of one training set, schedule and split (an official name), by architecture and seed."""
        groups = self.finals.get((train_set, epochs, split), ())
        table = _read(self.path / "finals.parquet", FINALS, groups)
        return _percentages(table.to_pandas(), self.path)

    def curve(self, train_set: str, split: str, epochs: int, index: int | None = None) -> pd.DataFrame:
        """The rows of CURVES of one training set, schedule and split (an official name), of one architecture or all."""
        groups = self.curves.get((train_set, epochs, split), ())
        wanted = [group for group, first, last in groups if index is None or first <= index <= last]
        columns = ["index", "seed", "epoch", "accuracy", "loss", "seconds"]
        table = _read(self.path / "curves.parquet", CURVES, wanted, columns)
        frame = table.to_pandas()
        return _percentages(frame if index is None else frame[frame["index"] == index], self.path)

    def truth(self, train_set: str, split: str, epochs: int) -> Truth:
        """The same table as `archive.truth`."""
        key = "bench.train_set, bench.target_split, bench.target_epochs"
        rows = self.final(train_set, protocol(self.space, train_set, split, epochs, key), epochs)
        accuracy = rows.pivot(index="architecture", columns="seed", values="accuracy")
        index = dict(zip(rows["architecture"], rows["index"].astype(int), strict=True))
        accuracy = accuracy.loc[sorted(accuracy.index, key=index.__getitem__)]
        accuracy = accuracy.set_axis([str(seed) for seed in accuracy.columns], axis=1)
        return Truth(sound(accuracy, str(self.path)), train_set, split, epochs, self.source, index)

    def indices(self) -> dict[str, int]:
        """Index in the official order of every architecture in the tables."""
        found: dict[str, int] = {}
        for groups in self.finals.values():
            rows = _read(self.path / "finals.parquet", FINALS, groups, ["architecture", "index"]).to_pandas()
            found |= dict(zip(rows["architecture"], rows["index"].astype(int), strict=True))
            if len(found) == self.about["architectures"]:
                break
        return found


def name(space: Space) -> str:
    """Name of the folder of a space's tables."""
    return f"nats-{space.name}"


def find(space: Space, data: str | None) -> Converted | None:
    """The tables in the data folder `data` (see harness/files), or None. Raises BadInput for damaged ones."""
    path = files.find(data, name(space))
    return None if path is None else opened(path, space)


def needed(space: Space, data: str | None, key: str = "bench.source") -> Converted:
    """As `find`, but raises BadInput if there are none, with the command that makes them."""
    found = find(space, data)
    if found is None:
        raise BadInput(
            f"{key}: missing folder {name(space)} (expected in {files.folder(data)}). Make it:"
            f" python -m harness.data convert {name(space)}"
        )
    return found


def sources(space: Space) -> Source:
    """The official folder, or the tables made from it, for `python -m harness.data check`."""
    home = os.environ.get("TORCH_HOME")
    elsewhere = ((str(Path(home) / space.folder),),) if home else ()
    note = (
        f"{space.folder}.tar is on Google Drive, linked from {SITE}, without a published checksum; unpack it, then run"
        f" `python -m harness.data convert {name(space)}` to make {name(space)}"
    )
    any_of = ((name(space),), (space.folder,), (f"nats_records/{space.folder}",), *elsewhere)
    return Source("archive", any_of, note, partial(_state, space))


def _state(space: Space, path: Path) -> str:
    """How much of the space the tables or the archive at `path` hold, "" for all of it. Raises BadInput if unusable."""
    tables = path.name == name(space)
    held = opened(path, space).about["architectures"] if tables else len(archive.opened(path, space).places)
    return "" if held == space.total else f"{held:,} of {space.total:,} records"


def opened(path: Path, space: Space) -> Converted:
    """The tables in the folder `path`. Raises BadInput where they are damaged or of another space or version."""
    finals, about = _about(path / "finals.parquet", FINALS, space)
    curves, other = _about(path / "curves.parquet", CURVES, space)
    same = about["digest"] == other["digest"]
    demand(same, "data", "two files of one conversion (convert again)", f"{path} with files of two")
    places: dict[Group, list[int]] = {}
    for group, (train_set, schedule, split, _, _) in enumerate(finals):
        places.setdefault((train_set, schedule, split), []).append(group)
    blocks: dict[Group, list[tuple[int, int, int]]] = {}
    for group, (train_set, schedule, split, first, last) in enumerate(curves):
        blocks.setdefault((train_set, schedule, split), []).append((group, first, last))
    return Converted(path, space, about, places, blocks)


def _about(path: Path, schema: pa.Schema, space: Space) -> tuple[list[Any], dict[str, Any]]:
    """What each row group holds, and how the file was made."""
    about, content = parquet.about(path, ABOUT, (), "data")
    parts = {"version", "space", "archive", "made_by", "digest", "groups", "architectures"}
    ours = isinstance(about, dict) and parts <= about.keys() and content.schema.to_arrow_schema().equals(schema)
    demand(ours, "data", "a table made by python -m harness.data convert", str(path))
    made = (about["version"], about["space"])
    demand(
        made == (VERSION, space.name), "data", f"version {VERSION} of {space.name} (convert again)", f"{path} of {made}"
    )
    groups = about["groups"]
    sound = isinstance(groups, list) and all(_is_group(group) for group in groups)
    demand(
        sound and isinstance(about["architectures"], int),
        "data",
        "a table with a list of its row groups (convert again)",
        str(path),
    )
    demand(
        len(groups) == content.num_row_groups,
        "data",
        f"a table with {content.num_row_groups} row groups (convert again)",
        f"{path} with {len(groups)}",
    )
    return groups, about


def _is_group(group: Any) -> bool:
    kinds = (str, int, str, int, int)
    return isinstance(group, list) and [type(part) for part in group] == list(kinds)


def _read(path: Path, schema: pa.Schema, groups: Sequence[int], columns: list[str] | None = None) -> pa.Table:
    if not groups:
        return schema.empty_table()
    return parquet.read(path, columns or schema.names, "data", groups)


def _percentages(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    accuracy = rows["accuracy"].to_numpy(dtype=float)
    sound = np.isnan(accuracy) | ((accuracy >= 0) & (accuracy <= 100))
    demand(bool(sound.all()), "data", "a table of accuracies from 0 to 100 (convert again)", str(path))
    return rows
