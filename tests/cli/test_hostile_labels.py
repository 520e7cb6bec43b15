"""Labels of a stranger's .npz file in messages of the command line: one line of text, no command to the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.__main__ import main
from harness.cli.endings import carry_out
from harness.datasets.npz import Npz
from tests.report.hostile import HOSTILE


def _set(folder: Path, text: str) -> Path:
    """A file whose test images have a label that no training image has."""
    images = np.random.default_rng(0).integers(0, 255, (40, 12, 12, 3), dtype=np.uint8)
    labels, strange = np.array(["a", "b"] * 20), np.array(["a", text] * 20)
    np.savez(folder / "x.npz", x_train=images, y_train=labels, x_test=images, y_test=strange)
    return folder / "x.npz"


def _refused(code: int, said: str) -> None:
    assert code == 2 and said.startswith("error: data: must be test labels among the training labels")
    assert said.count("\n") == 1 and said.rstrip("\n").isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_label_is_text_in_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = carry_out(lambda: len(Npz(path=str(_set(tmp_path, text))).load(None).name))
    _refused(code, capsys.readouterr().err)


def test_so_it_is_where_a_run_meets_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    worst = next(text for text in HOSTILE if "\x1b" in text) + next(text for text in HOSTILE if "\n" in text)
    code = main([
        "+bench=nasbench201", "dataset=npz", f"dataset.path={_set(tmp_path, worst)}", "architectures=2", "measure=[]",
        "predictor=[flops]", f"results={tmp_path}/results", f"reports={tmp_path}/reports",
        "bench.source=nowhere.parquet",
    ])  # fmt: skip
    _refused(code, capsys.readouterr().err)
