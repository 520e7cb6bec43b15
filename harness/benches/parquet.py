"""Parquet files from outside, read without trust."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harness.schema import BadInput, demand

MOST = 10**8
"""Rows that are read at a time: every epoch of ten seeds of the larger space on one split is fewer."""

_FAULTS = (
    *(pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(MemoryError, RecursionError, SystemError, NotImplementedError),
)
"""What pyarrow and json raise of damaged files."""


def read(path: Path, columns: Sequence[str], key: str, groups: Sequence[int] | None = None) -> pa.Table:
    """These columns of the file, of its row groups `groups` (None: all), the checksums of its pages compared.

    What is written in the file about pandas is passed over. Raises BadInput, naming `key`, for a file that is damaged,
    has not these columns, or declares more rows than any of ours.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _demand_columns(path, columns, file.schema_arrow.names, key)
            wanted = range(file.metadata.num_row_groups) if groups is None else groups
            rows = sum(file.metadata.row_group(group).num_rows for group in wanted)
            demand(0 <= rows <= MOST, key, f"a table of up to {MOST} rows, {path},", rows)
            table = file.read_row_groups(list(wanted), columns=list(columns)).replace_schema_metadata(None)
            table.validate(full=True)
            return table.select(list(columns))
    except _FAULTS as error:
        raise _damaged(path, error, key) from error


def about(path: Path, name: bytes, columns: Collection[str], key: str) -> tuple[Any, pq.FileMetaData]:
    """What the JSON under `name` in the file's metadata says (None: there is none), and that metadata; no row is read.

    Raises BadInput, naming `key`, for a file that is damaged or has not these columns.
    """
    try:
        metadata = pq.read_metadata(path)
        _demand_columns(path, columns, metadata.schema.to_arrow_schema().names, key)
        return json.loads((metadata.metadata or {}).get(name, b"null")), metadata
    except _FAULTS as error:
        raise _damaged(path, error, key) from error


def _demand_columns(path: Path, columns: Collection[str], there: Collection[str], key: str) -> None:
    missing = set(columns) - set(there)
    demand(not missing, key, f"{path} with the columns {', '.join(sorted(missing))}", "none of them")


def _damaged(path: Path, error: Exception, key: str) -> BadInput:
    if isinstance(error, BadInput):
        return error
    reason = " ".join(str(error).split())[:200]
    return BadInput(f"{key}: must be a Parquet file (got {path} ({type(error).__name__}: {reason}))")
