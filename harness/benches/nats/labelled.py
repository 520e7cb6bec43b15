"""Parquet tables whose metadata records how they were made and what each row group holds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .converted import ABOUT

Group = tuple[str, int, str]
"""Training set, schedule, split."""


def write(
    path: Path,
    schema: pa.Schema,
    groups: Iterable[tuple[Group | None, pa.Table]],
    about: dict[str, Any],
    level: int = 9,
) -> None:
    """Write tables atomically to `path`, one row group each, with `about` and their groups as metadata."""
    numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
    held = []
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with pq.ParquetWriter(
        temporary,
        schema,
        compression="zstd",
        compression_level=level,
        use_dictionary=[column for column in schema.names if column not in numbers],
        column_encoding=dict.fromkeys(numbers, "BYTE_STREAM_SPLIT"),
        write_page_checksum=True,
    ) as writer:
        for group, table in groups:
            ends = [table["index"][0].as_py(), table["index"][-1].as_py()] if len(table) else [-1, -1]
            writer.write_table(table, row_group_size=max(1, len(table)))
            held.append([*group, *ends] if group else [])
        writer.add_key_value_metadata({ABOUT: json.dumps(about | {"groups": held})})
    os.replace(temporary, path)


def stored(path: Path) -> dict[str, Any]:
    """The metadata of the table; empty if the file is missing or damaged."""
    try:
        found = json.loads((pq.read_metadata(path).metadata or {})[ABOUT])
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
