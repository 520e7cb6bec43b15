"""Where traces and results live: content keys, atomic writes, one schema version; no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.schema import SCHEMA_VERSION, Architecture, BadInput, Trace, digest
from harness.storage.files import write_atomically


@dataclass(frozen=True)
class TraceKey:
    """All that decides what a trace holds; two keys are the same training exactly when their names are equal.

    `network` and `recipe` are plain settings, `measures` the settings of every measure by name with a digest of its
    source, `stream` the source of randomness (runs and ground truth draw from different ones), `device` cpu or cuda,
    `kernels` native or torch, which round differently.
    """

    architecture: str
    dataset: str
    network: Mapping[str, Any]
    recipe: Mapping[str, Any]
    measures: Mapping[str, Any]
    seed: int
    stream: str
    device: str
    kernels: str

    def name(self) -> str:
        """SHA-256 (hex) of the key and the schema version."""
        return digest([SCHEMA_VERSION, dict(vars(self))])


@dataclass(frozen=True)
class TraceStore:
    """Traces in one folder, a Parquet file each; safe under kills, parallel writers and network file systems."""

    folder: Path

    def path(self, key: TraceKey) -> Path:
        name = key.name()
        return self.folder / name[:2] / f"{name}.parquet"

    def __contains__(self, key: TraceKey) -> bool:
        return self.path(key).exists()

    def get(self, key: TraceKey) -> Trace | None:
        """The trace stored under `key`; None where there is none."""
        return self.read(key) if key in self else None

    def write(self, key: TraceKey, trace: Trace) -> None:
        """Store `trace`; a file is there whole or not at all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(trace.table, preserve_index=False)
        about = {
            "schema_version": SCHEMA_VERSION,
            "key": dict(vars(key)),
            "architecture": vars(trace.architecture),
            "seed": trace.seed,
            "diverged": trace.diverged,
            "clocks": dict(trace.clocks),
        }
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"trace": json.dumps(about).encode()})
        write_atomically(self.path(key), lambda path: pq.write_table(table, path))

    def read(self, key: TraceKey) -> Trace:
        """The trace stored under `key`. Raises FileNotFoundError where there is none, BadInput for a damaged file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(key)
        try:
            table = pq.read_table(path)
            about = json.loads((table.schema.metadata or {})[b"trace"])
        except (pa.ArrowInvalid, KeyError, json.JSONDecodeError) as error:
            raise BadInput(f"{path}: a whole trace file is needed ({error}); delete it to train again") from error
        frame = table.to_pandas()
        return Trace(Architecture(**about["architecture"]), about["seed"], frame, about["diverged"], about["clocks"])
