"""Curves of full trainings as a table of ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import __version__
from harness.evaluate.ceiling import reliability
from harness.runs.campaign import Campaign
from harness.schema import Individual, Trace

if TYPE_CHECKING:
    import pandas as pd

CURVES = ("train_loss", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy")


def curves(traces: Sequence[Trace], steps_per_epoch: int, columns: Sequence[str] = ()) -> pd.DataFrame:
    """One row per architecture, seed and finished epoch, the columns of CURVES in float32.

    The training loss of an epoch is the mean over its batches. A diverged training has no rows from there on. With
    further `columns`, which may hold vectors, there is a row for epoch 0, before the training, too.
    """
    import pandas as pd

    frames = []
    for trace in traces:
        first = 0 if columns else 1
        ends = trace.table[(trace.table["step"] >= first) & (trace.table["step"] % steps_per_epoch == 0)]
        frame = ends[list(CURVES)].astype("float32")
        for column in columns:
            frame[column] = _cells(ends[column])
        frame.insert(0, "epoch", (ends["step"] // steps_per_epoch).astype("int16"))
        frame.insert(0, "seed", trace.seed)
        frame.insert(0, "architecture", trace.architecture.name)
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    return table.sort_values(["architecture", "seed", "epoch"], ignore_index=True)


def _cells(column: pd.Series) -> pd.Series:
    """A column in float32; in one of vectors, None where there is none, as between two readings of a measure."""
    if column.dtype != object:
        return column.astype("float32")
    cells = [None if np.ndim(cell) == 0 else np.asarray(cell, dtype=np.float32) for cell in column]
    return column.__class__(cells, index=column.index, dtype=object)


def about(campaign: Campaign, seed: int, traces: Sequence[Trace]) -> dict[str, Any]:
    """How the table was made, enough to make it again, and which trainings diverged at which step."""
    names = sorted({trace.architecture.name for trace in traces})
    bench = campaign.bench
    content = {name: bench.content_of(name) for name in names} if isinstance(bench, Individual) else {}
    images = campaign.images
    diverged = [[t.architecture.name, t.seed, t.diverged] for t in traces if t.diverged is not None]
    return {
        "made_by": f"harness.tabulate {__version__}",
        "dataset": images.name,
        "dataset_fingerprint": campaign.fingerprint,
        "images": {
            "size": images.size,
            "colours": images.colours,
            "classes": images.classes,
            "train": len(images.train[1]),
            "test": len(images.test[1]),
        },
        "network": campaign.bench.network(),
        **({"content": content} if content else {}),
        "recipe": vars(campaign.recipe),
        "sample_seed": seed,
        "diverged": diverged,
    }


def summary(table: pd.DataFrame, diverged: int) -> str:
    """Size of the table and how well its seeds agree, in words."""
    last = table[table["epoch"] == table["epoch"].max()]
    final = last.pivot(index="architecture", columns="seed", values="test_accuracy")
    lines = [f"{len(final)} architectures x {final.shape[1]} seeds, {table['epoch'].max()} epochs"]
    if final.shape[1] > 1:
        found = reliability(final.to_numpy(dtype=float))
        lines.append(
            f"Kendall tau-b between two seeds {found.single:.3f}, of their mean {found.mean:.3f} (Spearman-Brown)"
        )
    return "; ".join([*lines, f"{diverged} diverged"] if diverged else lines)
