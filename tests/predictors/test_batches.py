"""A predictor that scores many traces in one call gives each the score that it has alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from harness.config.components import build, conf_folder
from harness.schema import Architecture, Batched, Learned, Trace

VECTORS = ("weight_statistics", "gradient_statistics", "temporal_graph", "layer_statistics")
STEPS = np.array([0.0, 8.0, 16.0, 24.0])
FLOAT32 = {"recurrent": 1e-5}


def learned() -> list[Path]:
    found = sorted((conf_folder() / "predictor").glob("*.yaml"))
    return [path for path in found if isinstance(plugin(path), Learned)]


def plugin(path: Path):
    return build(OmegaConf.load(path), f"predictor.{path.stem}")


def trace(name: str, columns: tuple[str, ...], random: np.random.Generator) -> Trace:
    table = {"step": STEPS, "epoch": STEPS / 32, "seconds": STEPS}
    for column in columns:
        vector = column in VECTORS or column.startswith("description_")
        values = random.normal(size=(len(STEPS), 20)) if vector else random.normal(size=len(STEPS)) ** 2
        table[column] = list(values) if vector else values
    return Trace(Architecture(name, name), 0, pd.DataFrame(table))


@pytest.mark.parametrize("path", learned(), ids=lambda path: path.stem)
def test_each_trace_of_a_batch_has_the_score_that_it_has_alone(path: Path) -> None:
    predictor, random = plugin(path), np.random.default_rng(0)
    traces = [trace(f"a{place}", predictor.columns, random) for place in range(30)]
    fitted = predictor.fit(traces[:20], random.uniform(60, 90, 20))
    assert isinstance(fitted, Batched) or path.stem == "cl"  # a mixture over all curves of the fit for each trace
    if isinstance(fitted, Batched):
        many = fitted.scores([fitted.row(each) for each in traces])
        alone = [fitted.score(each) for each in traces]
        assert many == pytest.approx(alone, rel=FLOAT32.get(path.stem, 1e-12), abs=1e-12)
        assert len(set(alone)) > 5
