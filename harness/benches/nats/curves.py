"""Recorded learning curves of NATS-Bench as traces, without any training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness import files
from harness.schema import BASE_COLUMNS, Architecture, BadInput, ImageSet, Recorded, StoredCurves, Trace, demand

from . import archive, converted
from .archive import Archive
from .converted import Converted
from .spaces import DEFAULT_TRAIN_SET, IMAGES, SPLITS, TRAIN, UPDATES, Space

Curve = NDArray[np.float64]
_COLUMNS = ("seconds", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


@dataclass(frozen=True, eq=False)
class Curves(Mapping[str, Trace]):
    """Traces by architecture name, made on access: `columns` are (architectures, epochs) each.

    `places` are the official indices of `names`; `architecture` makes one from its string and index.
    """

    names: Sequence[str]
    places: Sequence[int]
    columns: Mapping[str, Curve]
    seed: int
    updates: int
    architecture: Callable[[str, int], Architecture]

    def __getitem__(self, name: str) -> Trace:
        row = self._rows[name]
        values = {column: curves[row] for column, curves in self.columns.items()}
        return trace(self.architecture(name, self.places[row]), self.seed, self.updates, values)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the names and the values."""
        sha = hashlib.sha256(repr((tuple(self.names), self.seed, self.updates)).encode())
        for column, values in self.columns.items():
            sha.update(column.encode())
            sha.update(np.ascontiguousarray(values).data)
        return sha.hexdigest()

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}


@dataclass(frozen=True)
class Stored:
    """Recorded curves: `traces` by architecture name; `label` names training set, split, seeds and file, for reports.

    `leak`: the validation columns were measured on test images. `fingerprint` (SHA-256) is that of the numbers.
    """

    traces: Mapping[str, Trace]
    label: str
    leak: bool
    fingerprint: str


def stored(
    found: Archive | Converted, train_set: str, wanted: StoredCurves, architecture: Callable[[str, int], Architecture]
) -> Stored:
    """The curves of this training set in `found`, in its official order; `architecture` as in `Curves`.

    An architecture without the wanted seed, or without a complete curve, is skipped; nothing is imputed. Raises
    BadInput for a curve that is not recorded, and for a curve on test images unless they are allowed.
    """
    official = recorded_split(found.space, train_set, wanted.split, wanted.epochs, wanted.allow_test_leak)
    reader = _of_archive if isinstance(found, Archive) else _of_tables
    rows = reader(found, train_set, official, wanted.epochs, wanted.seed)  # type: ignore[arg-type]  # each reader accepts its own type
    seeds = "mean over recorded seeds" if wanted.seed is None else f"seed {wanted.seed}"
    what = f"{train_set} {official} {wanted.epochs} epochs, {seeds}"
    demand(bool(rows), "signal", f"a complete recorded curve ({what}) in {found.path.name}", "none")
    values = {column: np.stack([row[column] for _, _, row in rows]) for column in _COLUMNS}
    names, places = [name for name, _, _ in rows], [place for _, place, _ in rows]
    curves = Curves(names, places, values, wanted.seed or 0, UPDATES[train_set], architecture)
    return Stored(curves, labelled(what, found.path.name, official), official != "x-valid", curves.fingerprint())


def labelled(what: str, where: str, official: str) -> str:
    """The label of recorded curves, with a warning for curves on test images."""
    return f"{what}, {where}" + ("" if official == "x-valid" else " (curves measured on test images)")


def best(space: Space, data: str | None) -> Archive | Converted | None:
    """The converted tables if they hold at least as many architectures as the official folder, else that, or None."""
    tables, folder = converted.find(space, data), archive.folder(space, data)
    found = archive.opened(folder, space) if folder else None
    if tables and (found is None or tables.about["architectures"] >= len(found.places)):
        return tables
    return found


def count(found: Archive | Converted | None) -> int:
    """Number of architectures it holds."""
    if found is None:
        return 0
    return len(found.places) if isinstance(found, Archive) else int(found.about["architectures"])


def missing(space: Space, data: str | None, alternative: str = "") -> BadInput:
    """The error where `best` finds nothing; `alternative` is another file that is accepted."""
    accepted = ", ".join(filter(None, (converted.name(space), alternative)))
    return BadInput(
        f"signal.source: missing folder {space.folder} (expected in {files.folder(data)}, its nats_records or"
        f" $TORCH_HOME). Download {space.folder}.tar (linked from {archive.SITE}) and unpack it there · accepted"
        f" alternatives in {files.folder(data)}: {accepted}"
    )


def recorded_split(space: Space, train_set: str, split: str, epochs: int, allow_test_leak: bool) -> str:
    """The archive's name of the split whose curve is read for `split`."""
    known = "; ".join(f"{name} {number}" for name, number in space.every_epoch)
    demand(
        (train_set, epochs) in space.every_epoch, "signal", f"a recorded training ({known})", f"{train_set} {epochs}"
    )
    splits = {"valid", *SPLITS[train_set]}
    demand(split in splits, "signal.split", f"a split of {train_set} ({', '.join(sorted(splits))})", split)
    official = SPLITS[train_set].get(split, "ori-test")
    recorded = space.every_epoch[train_set, epochs]
    if official not in recorded and split == "valid":
        official = "ori-test"
    demand(official in recorded, "signal.split", f"a split recorded each epoch ({', '.join(recorded)})", official)
    if official != "x-valid" and not allow_test_leak:
        only = "split valid has a curve without them" if "x-valid" in recorded else "the only one recorded each epoch"
        raise BadInput(
            f"signal.split: must be a curve without test images (got {official} of {train_set} {epochs},"
            f" {only}); set signal.allow_test_leak=true to use it; reports then carry a warning"
        )
    return official


def recorded(
    space: Space,
    dataset: str,
    train_set: str | None,
    target: tuple[int | None, str],
    wanted: StoredCurves,
    find: Callable[[str], Stored],
) -> Recorded:
    """The recorded curves of a data set; `find` reads those of a training set.

    `target` are the ground truth's epochs and split. Raises BadInput for a curve whose last value is the ground truth.
    """
    train_set = train_set or DEFAULT_TRAIN_SET.get(dataset, dataset)
    demand(train_set in IMAGES, "dataset", f"a data set of the benchmark ({', '.join(IMAGES)})", train_set)
    epochs, split = target[0] or space.longest, SPLITS[train_set].get(target[1], target[1])
    curve = recorded_split(space, train_set, wanted.split, wanted.epochs, allow_test_leak=True)
    if (wanted.epochs, curve) == (
        epochs,
        split,
    ):  # compared by official name: valid is ori-test where there is no other split
        raise BadInput(
            "signal.split: must be another split than bench.target_split, or the curve ends in the ground truth"
            f" (got {wanted.split!r}, recorded as {curve}, for {target[1]!r} of {train_set} {epochs})"
        )
    found = find(train_set)
    size, classes, images = IMAGES[train_set]
    none = (np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.int64))
    pictures = np.broadcast_to(np.zeros((1, size, size, 3), np.uint8), (images, size, size, 3))
    train = (pictures, np.broadcast_to(np.zeros(1, np.int64), images))
    shown = ImageSet(dataset, train, none, none, classes, (0.0,) * 3, (1.0,) * 3, True, 4)
    label = f"{found.label}, the same training runs as the ground truth" if wanted.epochs == epochs else found.label
    return Recorded(found.traces, shown, found.fingerprint, label, found.leak)


def trace(architecture: Architecture, seed: int, updates: int, curves: Mapping[str, Curve]) -> Trace:
    """The trace of one recorded training run: a row for step 0, where only the time is known, and one per epoch.

    `updates` per epoch; columns missing in `curves` are nan.
    """
    import pandas as pd

    epochs = len(curves["valid_accuracy"])
    epoch = np.arange(epochs + 1)
    columns = {"step": updates * epoch, "epoch": epoch.astype(float), "seconds": np.full(epochs + 1, np.nan)}
    columns["seconds"][1:] = curves.get("seconds", np.nan)
    columns["seconds"][0] = 0.0
    for column in BASE_COLUMNS:
        columns[column] = np.append(np.nan, curves.get(column, np.full(epochs, np.nan)))
    return Trace(architecture, seed, pd.DataFrame(columns))


Row = tuple[str, int, dict[str, Curve]]


def _of_archive(found: Archive, train_set: str, official: str, epochs: int, seed: int | None) -> list[Row]:
    rows = []
    for place in found.places:
        curves = []
        for training in found.read(place):
            if (training.train_set, training.epochs) == (train_set, epochs) and seed in (None, training.seed):
                train, evaluation = training.splits[TRAIN], training.splits.get(official)
                if evaluation is not None and np.isfinite(evaluation.accuracy).all():
                    curves.append({
                        "seconds": np.cumsum(train.seconds), "train_loss": train.loss, "train_accuracy": train.accuracy,
                        "valid_loss": evaluation.loss, "valid_accuracy": evaluation.accuracy,
                    })  # fmt: skip
        if curves:
            rows.append(
                (found.names[place], place, {key: np.mean([one[key] for one in curves], axis=0) for key in _COLUMNS})
            )
    return rows


def _of_tables(found: Converted, train_set: str, official: str, epochs: int, seed: int | None) -> list[Row]:
    """As `_of_archive`, from the tables: a matrix (architectures × seeds, epochs) per column, then means over seeds."""
    import pandas as pd

    by_place = {place: name for name, place in found.indices().items()}
    tables = {"train": found.curve(train_set, TRAIN, epochs), "valid": found.curve(train_set, official, epochs)}
    for split, table in tables.items():
        kept = table["index"].isin([*by_place])
        tables[split] = table[kept & (True if seed is None else table["seed"] == seed)]
    keys = tables["valid"][["index", "seed"]].drop_duplicates().sort_values(["index", "seed"])
    place_of = pd.MultiIndex.from_frame(keys)
    matrices = {}
    for split, table in tables.items():
        rows = place_of.get_indexer(pd.MultiIndex.from_frame(table[["index", "seed"]]))
        for column in ("loss", "accuracy", "seconds"):
            matrix = np.full((len(keys), epochs), np.nan)
            matrix[rows[rows >= 0], table["epoch"].to_numpy()[rows >= 0]] = table[column].to_numpy()[rows >= 0]
            matrices[f"{split}_{column}"] = matrix
    matrices["seconds"] = np.cumsum(matrices["train_seconds"], axis=1)
    whole = np.isfinite(matrices["valid_accuracy"]).all(axis=1)
    places = keys["index"].to_numpy()[whole]
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    sizes = np.diff(np.append(starts, len(places)))[:, None]
    means = {
        column: np.add.reduceat(matrices[column][whole], starts, axis=0) / sizes
        if len(places)
        else np.empty((0, epochs))
        for column in _COLUMNS
    }
    return [
        (by_place[place], int(place), {column: means[column][row] for column in _COLUMNS})
        for row, place in enumerate(places[starts].tolist())
    ]
