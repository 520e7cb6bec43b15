"""Learning curves that NAS-Bench-201 recorded, as traces: nothing is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from nats_bench.api_utils import PICKLE_EXT
from numpy.typing import NDArray

from harness import files
from harness.schema import BASE_COLUMNS, Architecture, BadInput, Trace, demand

from . import archive, space, table

CURVES = "nb201_curves_c10valid_200archs.npz"
CURVES_PROTOCOL = ("cifar10-valid", "valid", 200)
UPDATES = {"cifar10-valid": 98, "cifar10": 196, "cifar100": 196, "imagenet16-120": 593}
"""Updates an epoch: 25,000, 50,000, 50,000 and 151,700 training images in batches of 256."""

_OFFICIAL = {  # split: the archive's name of it
    "cifar10-valid": {"valid": "x-valid", "test": "ori-test"},
    "cifar10": {"test": "ori-test"},
    "cifar100": {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
    "imagenet16-120": {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
}
_EVERY_EPOCH = {  # splits that are recorded after each epoch; the others after the last alone
    ("cifar10-valid", 12): ("x-valid", "ori-test"),
    ("cifar10-valid", 200): ("x-valid",),
    ("cifar10", 12): ("ori-test",),
    ("cifar10", 200): ("ori-test",),
    ("cifar100", 12): ("x-valid", "x-test", "ori-test"),
    ("cifar100", 200): ("ori-test",),
    ("imagenet16-120", 12): ("x-valid", "x-test", "ori-test"),
    ("imagenet16-120", 200): ("ori-test",),
}
Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Stored:
    """Recorded curves: `traces` by architecture name; `label` says which training, split, seeds and file, for reports.

    `leak`: the validation columns were measured on test images. `fingerprint` (SHA-256) is that of the numbers.
    """

    traces: Mapping[str, Trace]
    label: str
    leak: bool
    fingerprint: str


def stored_curves(
    source: str,
    train_set: str,
    split: str,
    epochs: int,
    seed: int | None,
    names: Collection[str] | None,
    data: str | None,
    allow_test_leak: bool = False,
) -> Stored:
    """The curves of the architectures `names` (None: all) that `source` has, in its official order.

    `source`: "nats", the official archive; "curves", the file `nb201_curves_c10valid_200archs.npz` (cifar10-valid,
    accuracies alone, mean over seeds); "auto", that of the two which holds more architectures. Files are looked for in
    the data folder `data` (see harness/files). `epochs` names the schedule, 200 or 12: two different trainings.
    `seed` is one recorded seed; None takes the mean over the seeds that an architecture has. An architecture without
    the seed, or without a whole curve, is left out: nothing is filled in.

    A trace has a row for step 0, of which nothing is recorded but the time, and one an epoch: `step` in updates,
    `seconds` of training as recorded (nan where they are not), the four base columns with nan where unknown. Its seed
    is 0 where it is a mean.

    Of cifar100 and imagenet16-120 at 200 epochs, and of cifar10, only accuracies on `ori-test` are recorded after
    each epoch, which holds the test images. They are refused, as every curve on test images is, unless
    `allow_test_leak`. Raises BadInput for that, for a protocol or seed that is not recorded, and for missing or
    damaged files.
    """
    demand(source in ("auto", "nats", "curves"), "signal.source", "'auto', 'nats' or 'curves'", source)
    official = _recorded_split(train_set, split, epochs, allow_test_leak)
    file, folder = files.find(data, CURVES), archive.folder(data)
    if source == "auto":
        fits = file is not None and (train_set, split, epochs) == CURVES_PROTOCOL and seed is None
        more = fits and (folder is None or len(_pickles(folder)) < len(_arrays(file)["arch_index"]))
        source = "curves" if more else "nats"
    if source == "curves":
        demand(
            (train_set, split, epochs) == CURVES_PROTOCOL,
            "signal",
            f"{CURVES_PROTOCOL} of {CURVES}",
            (train_set, split, epochs),
        )
        demand(seed is None, "signal.seed", f"null ({CURVES} holds means over seeds)", seed)
        demand(file is not None, "signal.source", f"the file {CURVES} in {files.folder(data)}", "none")
        traces, seeds = _from_file(file, names, data), "mean over seeds"
        where = CURVES
    else:
        wanted = f"{archive.FOLDER} in {files.folder(data)}, its nats_records or $TORCH_HOME"
        demand(folder is not None, "signal.source", f"{wanted}, or {CURVES} in the first,", "none of them")
        traces = _from_archive(folder, train_set, official, epochs, seed, names)
        where, seeds = archive.FOLDER, "mean over recorded seeds" if seed is None else f"seed {seed}"
    which = "" if names is None else f" of the {len(names)} architectures that are asked for"
    what = f"{train_set} {official} {epochs} epochs, {seeds}"
    demand(bool(traces), "signal", f"a whole recorded curve ({what}) in {where}{which}", "none")
    leak = official != "x-valid"
    label = f"{what}, {where}" + (" (curves measured on test images)" if leak else "")
    return Stored(traces, label, leak, _fingerprint(traces))


def _recorded_split(train_set: str, split: str, epochs: int, allow_test_leak: bool) -> str:
    """The archive's name of the split whose curve stands for `split`."""
    there = "; ".join(f"{name} {number}" for name, number in _EVERY_EPOCH)
    demand((train_set, epochs) in _EVERY_EPOCH, "signal", f"a recorded training ({there})", f"{train_set} {epochs}")
    splits = {"valid", *_OFFICIAL[train_set]}
    demand(split in splits, "signal.split", f"a split of {train_set} ({', '.join(sorted(splits))})", split)
    official = _OFFICIAL[train_set].get(split, "ori-test")
    recorded = _EVERY_EPOCH[train_set, epochs]
    if official not in recorded and split == "valid":
        official = "ori-test"
    demand(official in recorded, "signal.split", f"a split recorded each epoch ({', '.join(recorded)})", official)
    if official != "x-valid" and not allow_test_leak:
        raise BadInput(
            f"signal.split: a curve without test images is needed, got {official} (all that is recorded each epoch for"
            f" {train_set} {split} {epochs}); signal.allow_test_leak=true takes it, and every report says so"
        )
    return official


def _from_file(path: Path | None, names: Collection[str] | None, data: str | None) -> dict[str, Trace]:
    assert path is not None
    arrays, by_place = _arrays(path), {place: name for name, place in _places(data).items()}
    traces = {}
    for row, place in enumerate(arrays["arch_index"].tolist()):
        demand(place in by_place, "signal.source", f"indices of architectures in {path}", place)
        if names is None or by_place[place] in names:
            curves = {"train_accuracy": arrays["train_acc"][row], "valid_accuracy": arrays["valid_acc"][row]}
            traces[by_place[place]] = _trace(by_place[place], place, 0, UPDATES["cifar10-valid"], curves)
    return traces


def _arrays(path: Path | None) -> dict[str, Curve]:
    """The arrays of the file, found sound."""
    assert path is not None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            arrays = {key: content[key] for key in ("arch_index", "train_acc", "valid_acc")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise BadInput(f"signal.source: the file {CURVES} is needed, got {path} ({error})") from error
    shape = (len(arrays["arch_index"]), CURVES_PROTOCOL[2])
    for key in ("train_acc", "valid_acc"):
        values = arrays[key]
        sound = values.shape == shape and np.isfinite(values).all() and values.min() >= 0 and values.max() <= 100
        demand(sound, "signal.source", f"{shape} percentages {key} in {path}", f"{values.shape}")
    return arrays


def _places(data: str | None) -> dict[str, int]:
    """Official place of every architecture string."""
    if path := files.find(data, table.PARQUET):
        return table.indices(path)
    (path,) = files.fetch([table.CSVS["cifar10-valid"]], data, "nasbench201-table", [table.PARQUET])
    return table.indices(path)


def _pickles(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"[0-9]*.{PICKLE_EXT}"))


def _from_archive(
    folder: Path | None, train_set: str, official: str, epochs: int, seed: int | None, names: Collection[str] | None
) -> dict[str, Trace]:
    assert folder is not None
    traces = {}
    with archive._api(folder) as api:
        for path in _pickles(folder):
            place = int(path.name.partition(".")[0])
            name = api.meta_archs[place]
            if names is not None and name not in names:
                continue
            try:
                api.reload(api.archive_dir, place)
            except BadInput as error:
                raise BadInput(f"signal.source: {folder}, architecture {place}: {error}") from error
            results = api.arch2infos_dict.pop(place).get(str(epochs))  # all of them would fill 28 GB
            dataset = archive._OFFICIAL[train_set]
            recorded = results.query(dataset) if results and dataset in results.get_dataset_names() else {}
            chosen = [r for number, r in recorded.items() if seed is None or int(number) == seed]
            curves = [c for result in chosen if (c := _curves(result, official, epochs)) is not None]
            if curves:
                mean = {key: np.mean([one[key] for one in curves], axis=0) for key in curves[0]}
                traces[name] = _trace(name, place, seed or 0, UPDATES[train_set], mean)
    return traces


def _curves(result: Any, official: str, epochs: int) -> dict[str, Curve] | None:
    """What one recorded training has of each epoch; None where its accuracies are not whole."""
    keys = [f"{official}@{epoch}" for epoch in range(epochs)]
    times = result.train_times or {}
    curves = {
        "seconds": np.cumsum([times.get(epoch, np.nan) for epoch in range(epochs)]),
        "train_loss": _values(result.train_losses, range(epochs)),
        "train_accuracy": _values(result.train_acc1es, range(epochs)),
        "valid_loss": _values(result.eval_losses, keys),
        "valid_accuracy": _values(result.eval_acc1es, keys),
    }
    return curves if np.isfinite(curves["valid_accuracy"]).all() else None


def _values(recorded: Mapping[Any, float], keys: Collection[Any]) -> Curve:
    return np.array([recorded.get(key, np.nan) for key in keys], dtype=float)


def _trace(name: str, place: int, seed: int, updates: int, curves: Mapping[str, Curve]) -> Trace:
    epochs = len(curves["valid_accuracy"])
    epoch = np.arange(epochs + 1)
    columns = {"step": updates * epoch, "epoch": epoch.astype(float), "seconds": np.full(epochs + 1, np.nan)}
    columns["seconds"][1:] = curves.get("seconds", np.nan)
    columns["seconds"][0] = 0.0
    for column in BASE_COLUMNS:
        columns[column] = np.append(np.nan, curves.get(column, np.full(epochs, np.nan)))
    cell = space.parse(name)
    architecture = Architecture(name, space.function(cell), space.is_dead(cell), place)
    return Trace(architecture, seed, pd.DataFrame(columns))


def _fingerprint(traces: Mapping[str, Trace]) -> str:
    sha = hashlib.sha256()
    for name, trace in traces.items():
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(trace.table.to_numpy(dtype=float)).data)
    return sha.hexdigest()
