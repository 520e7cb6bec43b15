"""Labels of a stranger's .npz file in messages of the command line: one line of text, no command to the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.__main__ import main
from tests.report.hostile import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_label_is_text_in_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (40, 12, 12, 3), dtype=np.uint8)
    labels = np.array(["a", "b"] * 20)
    strange = np.array(["a", text] * 20)
    np.savez(tmp_path / "x.npz", x_train=images, y_train=labels, x_test=images, y_test=strange)
    code = main([
        "+bench=nasbench201", "dataset=npz", f"dataset.path={tmp_path}/x.npz", "architectures=2",
        f"results={tmp_path}/results", f"reports={tmp_path}/reports", "bench.source=nowhere.parquet",
    ])  # fmt: skip
    said = capsys.readouterr().err
    assert code == 2 and said.startswith("error: data: must be test labels among the training labels")
    assert said.count("\n") == 1 and said.rstrip("\n").isprintable()
