"""Which ground truth answers for a data set: this package's own table, the benchmark's final figures, its archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.schema import BadInput, Truth

from . import tabulated

DEFAULT_TRAIN_SET = {"cifar10": "cifar10-valid"}  # the benchmark's training that leaves validation images, as ours


@dataclass(frozen=True)
class Request:
    """The protocol that is asked for: `train_set` and `epochs` None mean the source's own."""

    dataset: str
    fingerprint: str
    train_set: str | None
    split: str
    epochs: int | None


def find(source: str, request: Request, data: str | None) -> Truth:
    """The truth that `source` (see `NasBench201`) gives; files are looked for in the folder `data`.

    Raises BadInput that says what there is where the source has no such accuracies.
    """
    if source == "auto":
        source = "embedded" if tabulated.embedded(request.dataset) else "table"
    if source == "embedded":
        path = tabulated.embedded(request.dataset)
        if path is None:
            raise BadInput(f"bench.source: a data set with an embedded table is needed, got {request.dataset!r}")
        return tabulated.read(path).truth(request.train_set, request.split, request.epochs, request.fingerprint)
    if source in ("table", "archive"):
        from . import archive, table

        train_set = request.train_set or DEFAULT_TRAIN_SET.get(request.dataset, request.dataset)
        finder = table.find if source == "table" else archive.find
        return finder(train_set, request.split, request.epochs or 200, data)
    return tabulated.read(Path(source)).truth(request.train_set, request.split, request.epochs, request.fingerprint)
