"""Small things many tests need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from harness.benches.nasbench201.bench import NasBench201
from harness.schema import ImageSet

torch.set_num_threads(1)  # tests run side by side
threadpool_limits(1)


def tiny_images(colours: int = 1, size: int = 8, flip: bool = True, crop: int = 1) -> ImageSet:
    """Three classes that differ in brightness; 40 / 24 / 24 images."""
    random = np.random.default_rng(0)

    def split(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n) % 3
        noise = random.integers(0, 100, (n, size, size, colours))
        return (noise + 70 * labels[:, None, None, None]).astype(np.uint8), labels.astype(np.int64)

    mean, std = (0.4,) * colours, (0.25,) * colours
    return ImageSet("tiny", split(40), split(24), split(24), 3, mean, std, flip, crop)


@pytest.fixture(scope="session")
def images() -> ImageSet:
    return tiny_images()


@pytest.fixture(scope="session")
def bench() -> NasBench201:
    return NasBench201(channels=4, cells=1)


@pytest.fixture
def call(monkeypatch, capsys, tmp_path) -> Callable[..., tuple[int, str, str]]:
    """The command line in this process, offline and without data: `call(*arguments)` gives (code, stdout, stderr)."""
    from harness.cli import tabulate
    from harness.cli.main import main
    from harness.cli.run import check, run_and_report

    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "nothing"))

    def run(*arguments: str, task=run_and_report, config: str = "config") -> tuple[int, str, str]:
        code = main(config, task, tabulate.check if task is tabulate.tabulate else check, arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
