"""Which ground truth answers for a data set: a table of one's own, the benchmark's final figures, its archive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.schema import BadInput, Truth, demand

from . import tabulated
from .nats import archive, converted
from .nats.archive import Archive
from .nats.converted import Converted
from .nats.curves import count
from .nats.spaces import DEFAULT_TRAIN_SET, SPLITS, Space

Table = Callable[[str, str, int, str | None], Truth]
Asked = tuple[str, str, int]  # training set, split, epochs

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """The protocol that is asked for: `train_set` and `epochs` None mean the source's own."""

    dataset: str
    fingerprint: str
    train_set: str | None
    split: str
    epochs: int | None


def find(
    space: Space,
    source: str,
    request: Request,
    data: str | None,
    embedded: Callable[[str], Path | None],
    table: Table | None,
) -> Truth:
    """The truth that `source` gives; files are looked for in the folder `data`.

    `source` is "embedded", "converted", "archive", "table", the path of a table by `python -m harness.tabulate`, or
    "auto": the embedded table if there is one, else the converted tables where they hold the whole space, else the
    public `table` where it is there or can be had and has the protocol, else the fuller of converted tables and
    archive. `embedded` gives the table of a data set that the package carries, and `table` the public table of final
    figures, if the space has one.

    Raises BadInput that says what there is where the source has no such accuracies.
    """
    carried = embedded(request.dataset)
    if source == "auto" and carried:
        source = "embedded"
    if source == "embedded":
        demand(carried is not None, "bench.source", "a data set with an embedded table", request.dataset)
    path = carried if source == "embedded" else Path(source)
    if path and source not in ("auto", "converted", "archive", "table"):
        found = tabulated.read(path)
        truth = found.truth(request.train_set, request.split, request.epochs, request.fingerprint, space.bench)
        strange = [name for name in truth.accuracy.index if not space.pattern.fullmatch(name)]
        demand(not strange, "bench.source", f"architectures of {space.bench} in {path}", strange[:1])
        return truth
    train_set = request.train_set or DEFAULT_TRAIN_SET.get(request.dataset, request.dataset)
    own = f"a table made by `python -m harness.tabulate +bench={space.bench}` with these dataset settings"
    known = f"one that has a truth ({', '.join(SPLITS)}), or bench.source={own}"
    demand(train_set in SPLITS, "dataset", known, train_set)
    asked = (train_set, request.split, request.epochs or space.longest)
    if source == "auto":
        return _first(space, asked, data, table)
    if source == "converted":
        return converted.needed(space, data).truth(*asked)
    if source == "archive":
        return archive.truth(archive.needed(space, data), *asked)
    demand(table is not None, "bench.source", "converted, archive or a path (no table of this space is public)", source)
    assert table is not None
    return table(*asked, data)


def _first(space: Space, asked: Asked, data: str | None, table: Table | None) -> Truth:
    """From the first source of the order of "auto" that is there and has it; those passed over are logged with why."""
    held, refused = _held(space, data)
    order: list[tuple[str, Archive | Converted | Table]] = [(_name(one), one) for one in held]
    if table:
        first = bool(held) and isinstance(held[0], Converted) and held[0].whole
        order.insert(int(first), ("table", table))
    for name, one in order:
        try:
            if isinstance(one, Converted):
                found = one.truth(*asked)
            else:
                found = archive.truth(one, *asked) if isinstance(one, Archive) else one(*asked, data)
        except BadInput as error:
            refused.append((name, error))
        else:
            for passed, why in refused:
                log.warning("bench.source=auto takes the truth from %s, not from %s: %s", name, passed, why)
            return found
    if not refused:
        archive.needed(space, data)  # says what to put where
    if len(refused) == 1:
        raise refused[0][1]
    reasons = "; ".join(f"{name}: {error}" for name, error in refused)
    raise BadInput(f"bench.source: none that is there has this; {reasons}")


def _held(space: Space, data: str | None) -> tuple[list[Archive | Converted], list[tuple[str, BadInput]]]:
    """The converted tables and the archive, the fuller first, as far as they can be read; and why one cannot."""
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
