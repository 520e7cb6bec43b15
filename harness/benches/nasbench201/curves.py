"""Recorded learning curves of NAS-Bench-201 as traces, without any training."""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness import files
from harness.benches.nasbench201 import space, table
from harness.benches.nats import curves as nats
from harness.benches.nats.curves import Curve, Stored
from harness.benches.nats.spaces import TSS, UPDATES
from harness.schema import Architecture, BadInput, StoredCurves, Trace, demand

CURVES = "nb201_curves_c10valid_200archs.npz"
CURVES_PROTOCOL = ("cifar10-valid", "valid", 200)
LIMIT = 2**26
"""Bytes of an array; those of the whole space are 12.5 million."""


def stored_curves(train_set: str, wanted: StoredCurves, data: str | None) -> Stored:
    """The curves of this training set that the wanted source has, in its official order.

    Sources: "nats", the converted tables or else the official archive; "curves", the file
    `nb201_curves_c10valid_200archs.npz` (cifar10-valid, accuracies alone, mean over seeds); "auto", whichever
    holds more architectures. Files are looked up in the data folder `data` (see harness/files). Schedules of 200 and of
    12 epochs are two different training runs. An architecture without the wanted seed, or without a complete curve, is
    skipped; nothing is imputed.

    A trace has a row for step 0, where only the time is known, and one row per epoch: `step` in updates, `seconds` of
    training as recorded (else nan), and the four base columns with nan where unknown. Its seed is 0 for a mean.

    For cifar100 and imagenet16-120 at 200 epochs, and for cifar10, only accuracies on `ori-test`, which contains the
    test images, are recorded after each epoch. Like every curve on test images they are refused unless
    `allow_test_leak`. Raises BadInput for that, for a protocol or seed that is not recorded, and for missing or
    damaged files.
    """
    protocol = (train_set, wanted.split, wanted.epochs)
    official = nats.recorded_split(TSS, *protocol, wanted.allow_test_leak)
    file = files.find(data, CURVES)
    source, recorded = wanted.source, nats.best(TSS, data) if wanted.source != "curves" else None
    if source == "auto":
        matching = file if protocol == CURVES_PROTOCOL and wanted.seed is None else None
        more = matching is not None and nats.count(recorded) < len(_arrays(matching)["arch_index"])
        source = "curves" if more else "nats"
    if source == "nats":
        if recorded is None:
            raise nats.missing(TSS, data, CURVES)
        return nats.stored(recorded, train_set, wanted, architecture)
    demand(protocol == CURVES_PROTOCOL, "signal", f"{CURVES_PROTOCOL} (the protocol of {CURVES})", protocol)
    demand(wanted.seed is None, "signal.seed", f"null ({CURVES} holds means over seeds)", wanted.seed)
    if file is None:
        raise BadInput(f"signal.source: missing file {CURVES} (expected in {files.folder(data)}); copy it there")
    traces = _from_file(file, data)
    what = f"{train_set} {official} {wanted.epochs} epochs, mean over seeds"
    return Stored(traces, nats.labelled(what, CURVES, official), False, _fingerprint(traces))


def architecture(name: str, place: int) -> Architecture:
    """The architecture of this string and official index."""
    cell = space.parse(name)
    return Architecture(name, space.function(cell), space.is_dead(cell), place)


def _from_file(path: Path, data: str | None) -> dict[str, Trace]:
    updates = UPDATES[CURVES_PROTOCOL[0]]
    arrays, by_place = _arrays(path), {place: name for name, place in _places(data).items()}
    traces = {}
    for row, place in enumerate(arrays["arch_index"].tolist()):
        demand(place in by_place, "signal.source", "a file of official indices", f"{path} with {place}")
        curves = {"train_accuracy": arrays["train_acc"][row], "valid_accuracy": arrays["valid_acc"][row]}
        traces[by_place[place]] = nats.trace(architecture(by_place[place], place), 0, updates, curves)
    return traces


def _arrays(path: Path) -> dict[str, Curve]:
    """The arrays of the file, validated."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {key: _array(archive, f"{key}.npy") for key in ("arch_index", "train_acc", "valid_acc")}
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"{type(error).__name__}: {error!s:.200}"
        raise BadInput(f"signal.source: must be the file {CURVES} (got {path} ({reason}))") from error
    index = arrays["arch_index"]
    plain = index.ndim == 1 and index.dtype.kind in "iu" and 0 < len(index) <= TSS.total
    demand(
        plain,
        "signal.source",
        "a file of official indices in arch_index",
        f"{path} with {index.shape} of {index.dtype}",
    )
    shape = (len(index), CURVES_PROTOCOL[2])
    for key in ("train_acc", "valid_acc"):
        values = arrays[key]
        sound = values.shape == shape and np.isfinite(values).all() and values.min() >= 0 and values.max() <= 100
        demand(bool(sound), "signal.source", f"a file of {shape} percentages in {key}", f"{path} with {values.shape}")
    return arrays


def _array(archive: zipfile.ZipFile, name: str) -> Curve:
    """One array of plain numbers; its declared size is compared with its bytes before anything is allocated."""
    with archive.open(name) as packed:
        content = packed.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise ValueError(f"{name} of more than {LIMIT} bytes")
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    values = stream.read()
    if dtype.kind not in "iuf" or fortran or len(values) != dtype.itemsize * math.prod(shape):
        raise ValueError(f"{name} of {shape} {dtype} in {len(values)} bytes")
    return np.frombuffer(values, dtype).reshape(shape)


def _places(data: str | None) -> dict[str, int]:
    """Official index of every architecture string."""
    if path := files.find(data, table.PARQUET):
        return table.indices(path)
    (path,) = files.fetch([table.CSVS["cifar10-valid"]], data, "nasbench201-table", [table.PARQUET])
    return table.indices(path)


def _fingerprint(traces: Mapping[str, Trace]) -> str:
    sha = hashlib.sha256()
    for name, trace in traces.items():
        sha.update(name.encode())
        sha.update(np.ascontiguousarray(trace.table.to_numpy(dtype=float)).data)
    return sha.hexdigest()
