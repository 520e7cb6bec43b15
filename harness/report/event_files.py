"""The stored tables as event files of TensorBoard, written by torch's SummaryWriter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from harness.report.run_tables import RunTables

SUFFIX = ".harness"
"""How the names of event files end that this module wrote, and may replace."""

CLOCKS = ("step", "epoch", "seconds")
"""How the columns of a trajectory begin that are no measured quantity."""

Point = tuple[int, float, float]
"""Step, value, seconds."""


def write_events(tables: RunTables, folder: Path) -> None:
    """Write what `tensorboard --logdir` shows into `folder`, instead of what an earlier call wrote.

    `run` has the τ of every predictor over the steps, a chart each, grouped by families (of a family together among the
    custom scalars), and texts on how it was run; the best, median and worst architecture by true accuracy have every
    measured number over the steps. Times are measured seconds. nan is left out.
    """
    for old in folder.rglob(f"events.out.tfevents.*{SUFFIX}"):
        old.unlink()
    taus = {
        f"{family}/{predictor}": _points(rows, "tau")
        for (family, predictor), rows in tables.metrics.groupby(["family", "predictor"])
    }
    status, environment = (json.dumps(each, indent=2) for each in (tables.status, tables.environment))
    texts = {"config": tables.config, "status": status, "environment": environment}
    _write(folder / "run", taus, texts, sorted(set(tables.metrics["family"])))
    for place, name in _chosen(tables.architectures).items():
        rows = tables.trajectories[tables.trajectories["architecture"] == name]
        numbers = [str(column) for column in rows.select_dtypes("number") if not str(column).startswith(CLOCKS)]
        trajectories = {f"trajectory/{column}": _points(rows, column) for column in numbers}
        _write(folder / place, trajectories, {"architecture": name})


def _points(rows: pd.DataFrame, column: str) -> list[Point]:
    """The finite values of a column in order of steps."""
    rows = rows[np.isfinite(rows[column].astype(float))].sort_values("step")
    return [
        (int(step), float(value), float(seconds) if np.isfinite(seconds) else 0.0)
        for step, value, seconds in rows[["step", column, "seconds"]].itertuples(index=False, name=None)
    ]


def _chosen(architectures: pd.DataFrame) -> dict[str, str]:
    """Names of the best, median and worst architecture by true accuracy; of an even number the better median."""
    known = architectures[architectures["truth"].notna()]
    order = known.sort_values(["truth", "architecture"], ascending=[False, True])["architecture"]
    places = {"best": 0, "median": (len(order) - 1) // 2, "worst": len(order) - 1}
    return {key: str(order.iloc[place]) for key, place in places.items()} if len(order) else {}


def _write(
    folder: Path, scalars: Mapping[str, Sequence[Point]], texts: Mapping[str, str], families: Sequence[str] = ()
) -> None:
    """One event file of scalars and texts by tag; those of a family, whose tags begin with it, also in one chart."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder), filename_suffix=SUFFIX) as writer:
        for tag, points in scalars.items():
            for step, value, seconds in points:
                writer.add_scalar(tag, value, step, walltime=seconds, new_style=True)
        for tag, text in texts.items():
            verbatim = "\n".join(f"    {line}" for line in text.splitlines())  # TensorBoard reads Markdown
            writer.add_text(tag, verbatim, 0, walltime=0.0)
        if families:
            charts = {family: ["Multiline", [f"^{re.escape(family)}/"]] for family in families}  # tags are patterns
            writer.add_custom_scalars({"Kendall τ": charts})
