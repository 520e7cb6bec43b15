"""Which ground truth answers for a data set: a table of one's own, the benchmark's final figures, its archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.schema import Truth, demand

from . import tabulated
from .nats import archive, converted
from .nats.spaces import DEFAULT_TRAIN_SET, SPLITS, Space

Table = Callable[[str, str, int, str | None], Truth]


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
    public `table`, else whatever is converted, else the archive. `embedded` gives the table of a data set that the
    package carries, and `table` the public table of final figures, if the space has one.

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
        tables = converted.find(space, data)
        if tables and (tables.whole or not table):
            return tables.truth(*asked)
        source = "table" if table else "archive"
    if source == "converted":
        return converted.needed(space, data).truth(*asked)
    if source == "archive":
        return archive.truth(archive.needed(space, data), *asked)
    demand(table is not None, "bench.source", "converted, archive or a path (no table of this space is public)", source)
    assert table is not None
    return table(*asked, data)
