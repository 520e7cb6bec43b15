"""What was found of one predictor on one set of traces, by fold and step, in one file with a checksum next to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.storage.files import put_aside, sidecar, sidecar_digest, write_atomically, write_sidecar

Place = tuple[int, int]
"""A fold and a step."""


@dataclass(frozen=True)
class FoundScores:
    """Predictions (score, standard deviation, reason) of the architectures of a fold, in their order; and the time they
    took: traces and seconds of each fit, how many were scored, in how many seconds."""

    predictions: list[tuple[float, float, str]]
    fits: list[tuple[int, float]]
    scored: int
    seconds: float


def read(path: Path) -> dict[Place, FoundScores]:
    """What the file holds; empty where there is none, or a damaged one, which is put aside."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not (path.exists() and sidecar(path).exists()):
        return {}
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sidecar_digest(path):
            raise ValueError("checksum mismatch")
        table = pq.read_table(pa.BufferReader(content))
        about = json.loads(table.schema.metadata[b"found"])
        rows = list(zip(*(table[name].to_pylist() for name in ("score", "sd", "reason")), strict=True))
        found, first = {}, 0
        for fold, step, count, fits, scored, seconds in about:
            clocked = [(int(on), float(spent)) for on, spent in fits]
            found[fold, step] = FoundScores(rows[first : first + count], clocked, scored, seconds)
            first += count
        return found
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        put_aside(path, " ".join(str(error).split())[:200])
        return {}


def write(path: Path, found: Mapping[Place, FoundScores]) -> None:
    """Store what was found, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [row for each in found.values() for row in each.predictions]
    score, sd, reason = zip(*rows, strict=True) if rows else ((), (), ())
    about = [[*place, len(each.predictions), each.fits, each.scored, each.seconds] for place, each in found.items()]
    table = pa.table({"score": pa.array(score, pa.float64()), "sd": pa.array(sd, pa.float64()),
                      "reason": pa.array(reason, pa.string())})  # fmt: skip
    table = table.replace_schema_metadata({b"found": json.dumps(about).encode()})
    sidecar(path).unlink(missing_ok=True)
    write_atomically(path, lambda file: pq.write_table(table, file))
    write_sidecar(path)
