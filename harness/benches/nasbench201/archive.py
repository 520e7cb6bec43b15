"""Ground truth from the official NATS-Bench topology archive (a folder with one pickle an architecture)."""

from __future__ import annotations

from pathlib import Path

from harness.benches.nats import archive
from harness.benches.nats.spaces import TSS
from harness.schema import Truth

FOLDER = TSS.folder


def find(train_set: str, split: str, epochs: int, data: str | None) -> Truth:
    """From the archive that `folder` finds. Raises BadInput where there is none, saying where it was looked for."""
    return archive.truth(archive.needed(TSS, data), train_set, split, epochs)


def folder(data: str | None) -> Path | None:
    """The archive's folder: in the data folder `data` (see harness/files), its `nats_records`, or $TORCH_HOME."""
    return archive.folder(TSS, data)


def from_archive(path: Path, train_set: str, split: str, epochs: int) -> Truth:
    """Accuracy after the last epoch of every architecture whose pickle lies in `path`; see `nats.archive.truth`."""
    return archive.truth(archive.opened(path, TSS), train_set, split, epochs)
