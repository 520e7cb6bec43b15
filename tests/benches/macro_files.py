"""Writers of small files in the format of nas-bench-macro_cifar10.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from harness.benches.nasbench_macro import space


def row(text: str, seed: int = 0) -> dict[str, Any]:
    """Three fabricated accuracies that grow with the choices, and what the file says of the network."""
    made = [60 + sum(map(int, space.canonical(text))) + (seed + place) / 7 for place in range(3)]
    shape = space.Shape(32, 32, 3, 10)
    counts = {"params": space.params(text, shape), "flops": space.flops(text, shape)}
    return {"test_acc": made, "mean_acc": fmean(made), "std": pstdev(made), **counts}


def write(path: Path, names: Iterable[str], **changes: Any) -> Path:
    """A file with a row for each of `names`, each row changed by `changes`."""
    path.write_text(json.dumps({name: row(name) | changes for name in names}))
    return path
