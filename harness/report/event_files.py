"""The stored tables as event files of TensorBoard; the only place that knows its format."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from harness.report.run_tables import RunTables

FILE = "events.out.tfevents.0.harness"
"""The one event file of each run of the board; TensorBoard finds files by the middle of this name."""

CLOCKS = ("step", "epoch", "seconds")
"""How the columns of a trajectory begin that are no measured quantity."""

Point = tuple[int, float, float]
"""Step, value, seconds."""


def write_board(tables: RunTables, folder: Path) -> None:
    """Write what `tensorboard --logdir` shows into `folder`, in the place of what an earlier call wrote.

    `run` has the τ of every predictor over the steps, a chart each, grouped by families (of a family together among the
    custom scalars), and texts on how it was run; the best, median and worst architecture by true accuracy have every
    measured number over the steps. Times are measured seconds. nan is left out. Equal tables give equal bytes.
    """
    for old in folder.rglob(FILE):
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
        courses = {f"trajectory/{column}": _points(rows, column) for column in numbers}
        _write(folder / place, courses, {"architecture": name})


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
    folder: Path, scalars: Mapping[str, Sequence[Point]], texts: Mapping[str, str], groups: Sequence[str] = ()
) -> None:
    """One event file of scalars and texts by tag; those of a group, whose tags begin with it, also in one chart."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("wb") as file:
        writer = RecordWriter(file)
        writer.write(_event(0, 0.0, file_version="brain.Event:2"))
        for tag, points in scalars.items():
            for step, value, seconds in points:
                writer.write(_scalar(tag, step, value, seconds))
        for tag, text in texts.items():
            writer.write(_text(tag, text))
        if groups:
            writer.write(_together(groups))
        writer.close()


def _scalar(tag: str, step: int, value: float, seconds: float) -> bytes:
    from tensorboard.plugins.scalar.metadata import create_summary_metadata

    about = create_summary_metadata(display_name=None, description=None)
    return _event(step, seconds, summary=_summary(tag, np.float32(value), about))


def _text(tag: str, text: str) -> bytes:
    """A text as it stands, which to TensorBoard is Markdown."""
    from tensorboard.plugins.text.metadata import create_summary_metadata

    about = create_summary_metadata(display_name=None, description=None)
    words = "\n".join(f"    {line}" for line in text.splitlines())
    return _event(0, 0.0, summary=_summary(tag, np.array([words.encode()], dtype=object), about))


def _together(groups: Sequence[str]) -> bytes:
    """The layout of the board's custom scalars: one chart a group."""
    from tensorboard.plugins.custom_scalar import metadata
    from tensorboard.plugins.custom_scalar.layout_pb2 import Category, Chart, Layout, MultilineChartContent

    charts = [
        Chart(title=group, multiline=MultilineChartContent(tag=[f"^{re.escape(group)}/"]))  # the tags are patterns
        for group in groups
    ]
    layout = Layout(category=[Category(title="Kendall τ", chart=charts)]).SerializeToString()
    value = np.array(layout, dtype=object)
    return _event(0, 0.0, summary=_summary(metadata.CONFIG_SUMMARY_TAG, value, metadata.create_summary_metadata()))


def _summary(tag: str, value: Any, about: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.util.tensor_util import make_tensor_proto

    return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=make_tensor_proto(value))])


def _event(step: int, seconds: float, **what: Any) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event

    return bytes(Event(step=step, wall_time=seconds, **what).SerializeToString())
