"""Selection of the ground truth of a data set: a local table, the benchmark's final accuracies, or its archive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.schema import BadInput, Truth, demand

from . import own_truth, tabulated
from .nats import archive, converted
from .nats.archive import Archive
from .nats.converted import Converted
from .nats.curves import count
from .nats.spaces import DEFAULT_TRAIN_SET, SPLITS, Space, official_name

Table = Callable[[str, str, int, str | None], Truth]
Protocol = tuple[str, str, int]  # training set, split, epochs

TABLES = (".csv", ".parquet")
"""Endings of files of accuracies."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """The requested protocol; None for `train_set` and `epochs` takes the source's own."""

    dataset: str
    fingerprint: str
    train_set: str | None
    split: str
    epochs: int | None
    unit: str | None = None
    """Of the accuracies in a table of a user's own; `name_of` reads the architectures there."""
    name_of: Callable[[object], str] = str


def find(
    space: Space,
    source: str,
    request: Request,
    data: str | None,
    embedded: Callable[[str], Path | None],
    table: Table | None,
) -> Truth:
    """The ground truth from `source`; files are looked up in the folder `data`.

    `source` is "embedded", "converted", "archive", "table", the path of a table made by
    `python -m harness.tabulate` or of a user's own (see `own_truth.read`), or "auto": the embedded table if there is
    one, else the converted tables if they hold the whole space, else the public `table` if it is present or
    downloadable and has the protocol, else the more complete of converted tables and archive. `embedded` gives the
    packaged table of a data set, and `table` the public table of final accuracies, if the space has one.

    Raises BadInput, with the recorded alternatives, where the source has no such accuracies.
    """
    packaged = embedded(request.dataset)
    if source == "auto" and packaged:
        source = "embedded"
    if source == "embedded":
        demand(packaged is not None, "bench.source", "a data set with an embedded table", request.dataset)
    path = packaged if source == "embedded" else Path(source)
    if path and source not in ("auto", "converted", "archive", "table"):
        if own_truth.is_own(path):
            protocol = (request.train_set or request.dataset, request.split, request.epochs)
            return own_truth.truth(path, request.unit, protocol, request.name_of)
        found = tabulated.read(path)
        truth = found.truth(request.train_set, request.split, request.epochs, request.fingerprint, space.bench)
        strange = [name for name in truth.accuracy.index if not space.pattern.fullmatch(name)]
        demand(not strange, "bench.source", f"architectures of {space.bench} in {path}", strange[:1])
        return truth
    train_set = request.train_set or DEFAULT_TRAIN_SET.get(request.dataset, request.dataset)
    wanted = (
        f"a data set with known accuracies ({', '.join(SPLITS)}), or bench.source= a table made by `python -m"
        f" harness.tabulate +bench={space.bench}` with these dataset settings"
    )
    demand(train_set in SPLITS, "dataset", wanted, train_set)
    protocol = (train_set, request.split, request.epochs or space.longest)
    if source == "auto":
        return _first(space, protocol, data, table)
    if source == "converted":
        return converted.needed(space, data).truth(*protocol)
    if source == "archive":
        return archive.truth(archive.needed(space, data), *protocol)
    demand(table is not None, "bench.source", "converted, archive or a path (this space has no public table)", source)
    assert table is not None
    return table(*protocol, data)


def target(
    space: Space,
    name: str,
    request: Request,
    data: str | None,
    embedded: Callable[[str], Path | None],
    table: Table | None,
) -> Truth:
    """A further ground truth of the architectures: `name` is a data set, or the path of a table as in `find`.

    Split, epochs and unit are those of the `request`, and its training set where that is of this data set. Raises
    BadInput for a name that is neither, and for what is not recorded.
    """
    path = Path(name) if Path(name).suffix in TABLES else embedded(name) if Path(name).name == name else None
    if path:
        demand(path.is_file(), "targets", "data sets, or paths of existing tables", name)
        if own_truth.is_own(path):
            return own_truth.truth(path, request.unit, (path.stem, request.split, request.epochs), request.name_of)
        found = tabulated.read(path, "targets")
        return found.truth(None, request.split, None, found.about["dataset_fingerprint"], space.bench)
    dataset = official_name(name)
    chosen = request.train_set or ""
    train_set = chosen if chosen.removesuffix("-valid") == dataset else DEFAULT_TRAIN_SET.get(dataset, dataset)
    wanted = f"data sets of {space.bench} ({', '.join(SPLITS)}), or paths of CSV or Parquet tables"
    demand(train_set in SPLITS, "targets", wanted, name)
    return find(space, "auto", replace(request, dataset=dataset, train_set=train_set), data, lambda _: None, table)


def _first(space: Space, protocol: Protocol, data: str | None, table: Table | None) -> Truth:
    """From the first available source in the order of "auto"; skipped sources are logged with the reason."""
    held, refused = _held(space, data)
    order: list[tuple[str, Archive | Converted | Table]] = [(_name(one), one) for one in held]
    if table:
        first = bool(held) and isinstance(held[0], Converted) and held[0].whole
        order.insert(int(first), ("table", table))
    for name, one in order:
        try:
            if isinstance(one, Converted):
                found = one.truth(*protocol)
            else:
                found = archive.truth(one, *protocol) if isinstance(one, Archive) else one(*protocol, data)
        except BadInput as error:
            refused.append((name, error))
        else:
            for skipped, why in refused:
                log.warning("bench.source=auto uses %s; skipping %s: %s", name, skipped, why)
            return found
    if not refused:
        archive.needed(space, data)  # raises, with the download instructions
    if len(refused) == 1:
        raise refused[0][1]
    reasons = "; ".join(f"{name}: {error}" for name, error in refused)
    raise BadInput(f"bench.source: no available source has this protocol; {reasons}")


def _held(space: Space, data: str | None) -> tuple[list[Archive | Converted], list[tuple[str, BadInput]]]:
    """The readable ones of converted tables and archive, the more complete first; and the errors of the others."""
    held: list[Archive | Converted] = []
    refused = []
    try:
        tables = converted.find(space, data)
        held += [tables] if tables else []
    except BadInput as error:
        refused.append(("converted", error))
    if held and count(held[0]) == space.total:
        return held, refused
    try:
        folder = archive.folder(space, data)
        held += [archive.opened(folder, space)] if folder else []
    except BadInput as error:
        refused.append(("archive", error))
    return sorted(held, key=count, reverse=True), refused


def _name(held: Archive | Converted) -> str:
    return "archive" if isinstance(held, Archive) else "converted"
