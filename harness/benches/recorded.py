"""Recorded curves out of a table made by `python -m harness.tabulate`."""

from __future__ import annotations

import numpy as np

from harness.benches.tabulated import Tabulated
from harness.schema import Architecture, ImageSet, Recorded, StoredCurves, Trace, demand


def recorded(table: Tabulated, wanted: StoredCurves) -> Recorded:
    """A trace per network and a row per checkpoint; the table has one seed, and times were not recorded in it.

    `step` is the epoch times the updates of an epoch on all training images. Raises BadInput where
    another source or other columns than the validation ones were asked for, or other epochs than the table has.
    """
    demand(wanted.source == "auto", "signal.source", "'auto' (the table of bench.source)", wanted.source)
    demand(wanted.split == "valid", "signal.split", "'valid'", wanted.split)
    last = int(table.curves["epoch"].max())
    demand(wanted.epochs == last, "signal.epochs", f"{last}, the epochs of {table.path.name}", wanted.epochs)
    images = images_of(table)
    updates = -(-len(images.train[1]) // int(table.about["recipe"]["batch"]))
    pixels = f"{images.size} x {images.size} pixels"
    label = f"{table.path.name} ({pixels}), {last} epochs, the same training runs as the ground truth"
    return Recorded(_traces(table, updates), images, str(table.about["dataset_fingerprint"]), label, leak=False)


def _traces(table: Tabulated, updates: int) -> dict[str, Trace]:
    curves = table.curves.sort_values(["architecture", "epoch"], kind="stable")
    columns = [name for name in curves if name not in ("architecture", "seed", "test_loss", "test_accuracy")]
    traces = {}
    for name, rows in curves.groupby("architecture", sort=False):
        shown = rows[columns].reset_index(drop=True)
        shown = shown.assign(step=shown["epoch"] * updates, epoch=shown["epoch"].astype(float), seconds=np.nan)
        traces[str(name)] = Trace(Architecture(str(name), str(name)), int(rows["seed"].iloc[0]), shown)
    return traces


def images_of(table: Tabulated) -> ImageSet:
    """A data set like the table's, which holds no image."""
    about = table.about["images"]
    size, colours, classes, count = (int(about[key]) for key in ("size", "colours", "classes", "train"))
    none = (np.zeros((0, size, size, colours), np.uint8), np.zeros(0, np.int64))
    train = (np.broadcast_to(np.uint8(0), (count, size, size, colours)), np.broadcast_to(np.int64(0), count))
    mean, std = (0.0,) * colours, (1.0,) * colours
    return ImageSet(table.about["dataset"], train, none, none, classes, mean, std, flip=False, crop=0)
