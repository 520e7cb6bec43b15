"""The published accuracies: `nas-bench-macro_cifar10.json`, read without trust."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from math import isfinite, nan
from pathlib import Path
from typing import Any

from harness.benches.nasbench_macro import space
from harness.files import Download, Source
from harness.schema import BadInput, Truth, demand

KEY = "bench.source"
TRAIN_SET, SPLIT, EPOCHS = "cifar10", "test", 50
"""What the file has accuracies of: trainings on all 50,000 images, the official test set, 50 epochs."""

FILE = Download(
    "nas-bench-macro_cifar10.json", None,
    ("https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/master/data/nas-bench-macro_cifar10.json",),
)  # fmt: skip
SOURCE = Source("table", ((FILE,),), "the JSON file of xiusu/NAS-Bench-Macro; no checksum of it is published")

MOST = 2**26
"""Bytes of a file that is read; the published one has about 6,561 rows of 200."""
SEEDS, ROUNDING = 100, 1e-3
"""Most accuracies of one architecture, and how far their mean may be from the stated one, in percent."""

OWN = space.Shape(channels=32, size=32, colours=3, classes=10)
"""The network that the benchmark trained."""

log = logging.getLogger(__name__)


def read(path: Path) -> Truth:
    """Test accuracies (percent) of every architecture in the file, one column for each independent training.

    Each is the highest test accuracy of the 50 epochs, as the code of the benchmark records it: optimistic, chosen on
    the test images. A warning tells where parameters or FLOPs in the file are not those of the network that is built
    here. Raises BadInput for anything but such a file.
    """
    import pandas as pd

    rows = _rows(path)
    accuracies = {name: _accuracies(name, row, path) for name, row in rows.items()}
    most = max(map(len, accuracies.values()))
    table = pd.DataFrame.from_dict(
        {name: values + [nan] * (most - len(values)) for name, values in accuracies.items()},
        orient="index", columns=[str(seed) for seed in range(most)], dtype=float,
    )  # fmt: skip
    _compare_counts(rows, path)
    return Truth(table, TRAIN_SET, SPLIT, EPOCHS, f"{path.name}, test_acc, the best of {EPOCHS} epochs on test images")


def _rows(path: Path) -> dict[str, Mapping[str, Any]]:
    """The file's rows by architecture, every one a mapping and every name a string of the space."""
    try:
        size = path.stat().st_size
        demand(size <= MOST, KEY, f"a file of up to {MOST:,} bytes, {path},", size)
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # a JSON or UTF-8 error is a ValueError
        if isinstance(error, BadInput):
            raise
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{KEY}: must be a JSON file of NAS-Bench-Macro (got {path} ({reason}))") from error
    sound = isinstance(content, dict) and content and all(isinstance(row, dict) for row in content.values())
    demand(bool(sound), KEY, "a JSON mapping from architecture to test_acc, mean_acc, std, params, flops", str(path))
    for name in content:
        try:
            space.canonical(name)
        except BadInput as error:
            raise BadInput(f"{KEY}: {path}: {error}") from error
    return dict(content)


def _accuracies(name: str, row: Mapping[str, Any], path: Path) -> list[float]:
    values, place = row.get("test_acc"), f"{path}, architecture {name}"
    listed = isinstance(values, list) and 0 < len(values) <= SEEDS and all(map(_is_number, values))
    demand(listed, KEY, f"a list of 1 to {SEEDS} numbers as test_acc in {place}", values)
    assert isinstance(values, list)
    wrong = [value for value in values if not 0 < value <= 100]
    demand(not wrong, KEY, f"test_acc above 0 and up to 100 percent in {place}", wrong[:1])
    stated, mean = row.get("mean_acc"), sum(values) / len(values)
    agrees = stated is None or (_is_number(stated) and abs(stated - mean) <= ROUNDING)
    demand(agrees, KEY, f"mean_acc the mean of test_acc, {mean:.4f}, in {place}", stated)
    return [float(value) for value in values]


def _compare_counts(rows: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Warn where the parameters or FLOPs that the file states are not those of the network that is built here."""
    for fact, count in {"params": space.params, "flops": space.flops}.items():
        other = [name for name, row in rows.items() if row.get(fact, n := count(name, OWN)) != n]
        if other:
            here, there = count(other[0], OWN), rows[other[0]][fact]
            log.warning("%s: %s of %d architectures differ from those of the network built here, e.g. %s: %s here, "
                        "%s in the file", path, fact, len(other), other[0], here, there)  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
