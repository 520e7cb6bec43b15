"""Files written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    import pandas as pd


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a temporary file beside `path`, then rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        write(Path(temporary))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Store a table as Parquet, whole or not at all, with the schema version in its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    about = {**(arrow.schema.metadata or {}), b"schema_version": str(SCHEMA_VERSION).encode()}
    write_atomically(path, lambda file: pq.write_table(arrow.replace_schema_metadata(about), file))


def write_text(path: Path, text: str) -> None:
    """Store a text file, whole or not at all."""
    write_atomically(path, lambda file: file.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Store a value as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, default=_plain) + "\n")


def _plain(value: object) -> object:
    import numpy as np

    if isinstance(value, np.generic):
        return value.item()
    return str(value)
