"""Tables of recorded trainings of NAS-Bench-201, and of its halves A and B: what a longer training of a cell adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.benches.nasbench201 import table
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nasbench201.curves import stored_curves
from harness.schema import Architecture, StoredCurves, Trace
from tools.description_labels import images

from .collect import compact
from .signals import DESCRIPTION, PROXIES

EPOCHS = (1, 4, 12, 50)
"""Epochs of the recorded schedule of 200 that are read."""

FACTS = ("flops", "live_flops", "layers")
TARGETS = {"truth": "cifar10", "truth_cifar100": "cifar100", "truth_imagenet16_120": "imagenet16-120"}


def with_halves(frame: pd.DataFrame, proxies: pd.DataFrame) -> pd.DataFrame:
    """A table of signals with the half of each architecture, and with proxies where its run measured none.

    `proxies` is proxies_halves.parquet: half A first, then half B; the mean over its seeds.
    """
    order = proxies["architecture"].drop_duplicates().tolist()
    half = {name: "A" if place < len(order) // 2 else "B" for place, name in enumerate(order)}
    means = proxies.groupby("architecture").mean(numeric_only=True)
    missing = [name for name in PROXIES if name not in frame and name in means]
    known = {name: frame["architecture"].map(means[name]) for name in missing}
    return frame.assign(half=frame["architecture"].map(half), **known)


def of_curves(
    run: Path, taken: Sequence[str], curves: Mapping[str, Trace], truth_of: Callable[[str], pd.Series]
) -> pd.DataFrame:
    """Training and validation accuracy after `EPOCHS` of the recorded schedule of 200, `step` in epochs.

    `run` holds the proxies of these architectures. Classes of the architectures of `taken` are left out. `truth_of`
    gives the final accuracies of a training set by architecture.
    """
    bench = NasBench201(channels=16, cells=5)
    chosen_on = {bench.architecture(name).group for name in taken}
    first = pd.read_parquet(run / "trajectories.parquet")
    proxies = first[first["step"] == 0].set_index("architecture")
    rows = []
    for name, trace in curves.items():
        if trace.architecture.group not in chosen_on and name in proxies.index:
            read = trace.table.iloc[[0, *EPOCHS]][["train_accuracy", "valid_accuracy"]]
            rows.append(read.assign(architecture=name, step=[0, *EPOCHS]))
    return _described(pd.concat(rows, ignore_index=True), proxies, truth_of)


def of_twelve_epochs(proxies: pd.DataFrame, ends: pd.Series, truth_of: Callable[[str], pd.Series]) -> pd.DataFrame:
    """Validation accuracy `ends` of the benchmark's schedule of 12 epochs, for both halves; `step` in epochs."""
    means = proxies.groupby("architecture", sort=False).mean(numeric_only=True)
    rows = pd.DataFrame({"architecture": np.repeat(means.index.to_numpy(), 2), "step": [0, 12] * len(means)})
    rows["valid_accuracy"] = rows["architecture"].map(ends).where(rows["step"] > 0)
    return with_halves(_described(rows, means, truth_of), proxies)


def write(out: Path, folder: str, run: Path, proxies: pd.DataFrame) -> None:
    """Both tables into the folder `out`."""

    def truth_of(train_set: str) -> pd.Series:
        return table.find(train_set, "test", 200, folder).mean()

    ends = table.find("cifar10-valid", "valid", 12, folder).mean()
    chosen_on = proxies["architecture"].drop_duplicates().tolist()
    compact(of_twelve_epochs(proxies, ends, truth_of)).to_parquet(out / "recorded_12_epochs.parquet", index=False)
    curves = stored_curves("cifar10-valid", StoredCurves("curves"), folder).traces
    read = of_curves(run, chosen_on[: len(chosen_on) // 2], curves, truth_of)
    compact(read).to_parquet(out / "recorded_curves.parquet", index=False)


def _described(rows: pd.DataFrame, proxies: pd.DataFrame, truth_of: Callable[[str], pd.Series]) -> pd.DataFrame:
    """The rows with class, description, sizes, proxies and all truths of their architectures."""
    bench, nothing = NasBench201(channels=16, cells=5), images(10)
    cells = {name: bench.architecture(name) for name in rows["architecture"].unique()}
    known = _facts(bench, cells)
    first, names = rows["step"] == 0, rows["architecture"]
    vectors = {name: bench.description(cell, "features", nothing).values for name, cell in cells.items()}
    described = pd.Series([vectors[n] if f else None for n, f in zip(names, first, strict=True)], dtype=object)
    columns = {name: names.map(proxies[name]) for name in PROXIES if name.startswith("untrained_") and name in proxies}
    truths = {column: names.map(truth_of(train_set)) for column, train_set in TARGETS.items()}
    groups = names.map({name: cell.group for name, cell in cells.items()})
    return rows.assign(group=groups, **{DESCRIPTION: described}, **columns, **truths, **_mapped(names, known))


def _facts(bench: NasBench201, cells: Mapping[str, Architecture]) -> pd.DataFrame:
    rows = {name: bench.facts(cell, images(10)) for name, cell in cells.items()}
    return pd.DataFrame.from_dict(rows, orient="index")[[*FACTS]]


def _mapped(names: pd.Series, known: pd.DataFrame) -> dict[str, pd.Series]:
    return {str(column): names.map(known[column]) for column in known}
