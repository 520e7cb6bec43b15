"""Event files of TensorBoard, read back with TensorBoard's own reader."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.report.config import ReportConfig
from harness.report.event_files import write_events
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.report.write import write
from harness.schema import BadInput


@pytest.fixture(scope="module")
def tables(make: Callable[..., Path]) -> RunTables:
    return read(make(n=20, k=5))


@pytest.fixture
def board():
    """Reads a folder of event files; the test is skipped where TensorBoard is not installed."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_multiplexer")

    def load(folder: Path):
        return events.EventMultiplexer(size_guidance={"tensors": 0}).AddRunsFromDirectory(str(folder)).Reload()

    return load


def curve(loaded, run: str, tag: str) -> list[tuple[int, float, float]]:
    return [(e.step, e.wall_time, e.tensor_proto.float_val[0]) for e in loaded.Tensors(run, tag)]


def text(loaded, run: str, tag: str) -> str:
    (event,) = loaded.Tensors(run, f"{tag}/text_summary")
    return event.tensor_proto.string_val[0].decode()


def test_the_tau_of_every_predictor_is_there_under_its_family(board, tables: RunTables, tmp_path: Path) -> None:
    write_events(tables, tmp_path)
    loaded = board(tmp_path)
    for (family, predictor), rows in tables.metrics.groupby(["family", "predictor"]):
        kept = rows[np.isfinite(rows["tau"])].sort_values("step")
        seen = np.array(curve(loaded, "run", f"{family}/{predictor}"))
        np.testing.assert_allclose(seen, kept[["step", "seconds", "tau"]].to_numpy(), rtol=1e-6)


def test_the_best_median_and_worst_architecture_bring_their_trajectories(
    board, tables: RunTables, tmp_path: Path
) -> None:
    write_events(tables, tmp_path)
    loaded = board(tmp_path)
    assert set(loaded.Runs()) == {"run", "best", "median", "worst"}
    order = tables.architectures.sort_values("truth", ascending=False)["architecture"].tolist()
    for run, name in (("best", order[0]), ("median", order[9]), ("worst", order[-1])):
        assert text(loaded, run, "architecture").strip() == name
        rows = tables.trajectories[tables.trajectories["architecture"] == name]
        seen = np.array(curve(loaded, run, "trajectory/train_loss"))
        np.testing.assert_allclose(seen, rows[["step", "seconds", "train_loss"]].to_numpy(), rtol=1e-6)
        assert not [tag for tag in loaded.Runs()[run]["tensors"] if "seconds" in tag]


def test_the_configuration_is_there_as_it_stands(board, tables: RunTables, tmp_path: Path) -> None:
    write_events(tables, tmp_path)
    assert "      name: nasbench201 # <space>\n" in text(board(tmp_path), "run", "config")


def test_writing_again_replaces_what_was_there(board, tables: RunTables, tmp_path: Path) -> None:
    write_events(tables, tmp_path)
    (tmp_path / "best" / "events.out.tfevents.1.mine").write_bytes(b"kept")
    write_events(tables, tmp_path)
    assert sum(1 for path in tmp_path.rglob("events.*.harness")) == 4
    assert (tmp_path / "best" / "events.out.tfevents.1.mine").read_bytes() == b"kept"
    (tmp_path / "best" / "events.out.tfevents.1.mine").unlink()
    steps = [step for step, _, _ in curve(board(tmp_path), "run", "size/params")]
    assert len(steps) == len(set(steps)) > 1


def test_what_is_no_longer_in_the_tables_leaves_nothing_behind(board, tables: RunTables, tmp_path: Path) -> None:
    write_events(tables, tmp_path)
    write_events(replace(tables, architectures=tables.architectures.assign(truth=np.nan)), tmp_path)
    assert set(board(tmp_path).Runs()) == {"run"}


def test_the_report_writes_them_only_where_asked(board, make: Callable[..., Path], tmp_path: Path) -> None:
    write(make(n=20, k=5), tmp_path / "with", ReportConfig(figures=[], dpi=50, tensorboard=True))
    write(make(n=20, k=5), tmp_path / "without", ReportConfig(figures=[], dpi=50))
    assert board(tmp_path / "with" / "tensorboard").Runs()
    assert not (tmp_path / "without" / "tensorboard").exists()


def test_predictors_of_a_family_share_a_chart(board, tables: RunTables, tmp_path: Path) -> None:
    layout_pb2 = pytest.importorskip("tensorboard.plugins.custom_scalar.layout_pb2")
    write_events(tables, tmp_path)
    (event,) = board(tmp_path).Tensors("run", "custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    charts = {chart.title: list(chart.multiline.tag) for chart in layout.category[0].chart}
    assert charts == {family: [f"^{family}/"] for family in set(tables.metrics["family"])}


def test_a_missing_package_is_told_with_its_key_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "tensorboard" else found(name, *a)
    )
    with pytest.raises(
        BadInput, match=r"^report\.tensorboard: must be .*pip install -e '\.\[tensorboard\]'.* \(got True\)$"
    ):
        ReportConfig(tensorboard=True)
    assert ReportConfig().tensorboard is False
