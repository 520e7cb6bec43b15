"""Small things many tests need."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
# Tests run side by side. Said before NumPy, SciPy and scikit-learn load a library of threads each, and to the processes
# that tests start: threads that wait for each other would take most of the time.

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, settings

from harness.benches.nasbench201.bench import NasBench201
from harness.schema import ImageSet

torch.set_num_threads(1)

settings.register_profile("tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")  # the same examples whoever runs them, and no limit that a busy machine could exceed


def pytest_collection_finish() -> None:
    """What is imported by now stays: looked at by every collection of garbage, it would take a tenth of the time."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def texts_of_the_configuration_are_parsed_once() -> Iterator[None]:
    """Hydra parses the same files for every command, in Python, which would take a quarter of each composition."""
    load: Callable[..., Any] = yaml.load
    parsed: dict[str, Any] = {}

    def kept(stream: Any, Loader: Any) -> Any:
        if Loader.__name__ != "OmegaConfLoader":
            return load(stream, Loader)
        text = stream if isinstance(stream, str) else stream.read()
        if text not in parsed:
            try:
                parsed[text] = load(text, Loader)
            except yaml.YAMLError:
                if text is not stream:
                    stream.seek(0)
                return load(stream, Loader)  # whose error names the file
        return copy.deepcopy(parsed[text])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "load", kept)
        yield


def tiny_images(colours: int = 1, size: int = 8, flip: bool = True, crop: int = 1) -> ImageSet:
    """Three classes that differ in brightness; 40 / 24 / 24 images."""
    random = np.random.default_rng(0)

    def split(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(n) % 3
        noise = random.integers(0, 100, (n, size, size, colours))
        return (noise + 70 * labels[:, None, None, None]).astype(np.uint8), labels.astype(np.int64)

    mean, std = (0.4,) * colours, (0.25,) * colours
    return ImageSet("tiny", split(40), split(24), split(24), 3, mean, std, flip, crop)


class StoppedClock:
    """Stands for the module `time` where costs are counted: no time passes but what is slept, whatever else runs."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


CLOCK = StoppedClock()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    """Fits and scores take what they sleep by this clock."""
    monkeypatch.setattr("harness.evaluate.predictions.time", CLOCK)
    return CLOCK


@pytest.fixture(autouse=True)
def no_log_handler_is_left() -> Iterator[None]:
    """Hydra sets up logging for its process; a handler of a test's captured stream must not outlive the test."""
    yield
    for handler in logging.root.handlers[:]:
        if type(handler) is logging.StreamHandler:
            logging.root.removeHandler(handler)


@pytest.fixture(scope="session")
def torchvision() -> Iterator[Any]:
    """torchvision, whose compiled operators a build of torch for CPUs may not load; classifiers need none of them."""
    try:
        yield import_module("torchvision")
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")  # its operators end with it
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        yield import_module("torchvision")


@pytest.fixture(scope="session")
def images() -> ImageSet:
    return tiny_images()


@pytest.fixture(scope="session")
def bench() -> NasBench201:
    return NasBench201(channels=4, cells=1)


SMALL = [
    "dataset.train_images=64", "dataset.valid_images=40", "dataset.test_images=40", "bench.channels=2",
    "train.batch=32", "engine.workers=1",
]  # fmt: skip
"""Settings of a run that takes a second."""


@dataclass(frozen=True)
class Tabulated:
    """A folder with a table of ground truth, truth.parquet, of 6 architectures by 2 seeds, and what was printed."""

    folder: Path
    code: int
    out: str


@pytest.fixture(scope="session")
def tabulated(tmp_path_factory: pytest.TempPathFactory) -> Tabulated:
    from harness.tabulate import main

    folder, out = tmp_path_factory.mktemp("tabulated"), io.StringIO()
    few = ["architectures=6", "seeds=[0,1]", "train.epochs=2", f"out={folder}/truth.parquet", f"results={folder}"]
    with contextlib.redirect_stdout(out):
        code = main(["+bench=nasbench201", *SMALL, *few])
    return Tabulated(folder, code, out.getvalue())


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
