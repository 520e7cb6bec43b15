"""A trace that version 2 stored of just this training is adopted, not trained again; version2/ was made by its code."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.measures.capacitance import Capacitance
from harness.measures.movement import Movement
from harness.measures.synflow import SynFlow
from harness.processes.workers import OneMachine
from harness.runs.campaign import Campaign
from harness.runs.train_many import missing_of, train_missing
from harness.schema import FACT_COLUMNS, digest
from harness.storage import legacy
from harness.storage.source_digest import source_digest
from harness.storage.traces import TraceStore
from harness.train.loop import train
from harness.train.recipe import Recipe
from tests.conftest import tiny_images

OLD = Path(__file__).parent / "version2"


@pytest.fixture
def store(tmp_path) -> TraceStore:
    shutil.copytree(OLD, tmp_path / "traces")
    return TraceStore(tmp_path / "traces")


@pytest.fixture
def campaign(bench) -> Campaign:
    bench = replace(bench, draw="by_size")  # the draw of version 2
    images = tiny_images()
    measures = {"synflow": SynFlow(), "movement": Movement(), "capacitance": Capacitance(widths=[6, 5], probes=3)}
    recipe = Recipe(steps=4, batch=20, observe_every=2)
    return Campaign(bench, images, images.fingerprint(), recipe, measures, "run", "cpu", "torch")


def test_an_old_trace_is_stored_anew_with_a_checksum_and_all_that_a_trace_has_today(store, campaign) -> None:
    architecture = campaign.bench.sample(1, 0)[0]
    key = campaign.key(architecture.name, 0)
    assert key not in store
    assert missing_of(campaign, [(architecture, 0)], store) == []
    assert key in store
    adopted, made = store.read(key), train(campaign.job(architecture, 0))
    assert set(adopted.table) - set(FACT_COLUMNS) == set(made.table)
    assert adopted.clocks == made.clocks
    for column in ("step", "train_loss", "valid_accuracy", "synflow", "movement", "beta_eff"):
        np.testing.assert_allclose(adopted.table[column], made.table[column], rtol=1e-4, err_msg=column)


def test_what_is_adopted_is_not_trained(store, campaign, monkeypatch) -> None:
    monkeypatch.setattr("harness.train.loop.train", lambda job: pytest.fail("it was trained"))
    wanted = [(campaign.bench.sample(1, 0)[0], 0)]
    assert train_missing(campaign, wanted, store, OneMachine(), lambda done, total: None) == []


@pytest.mark.parametrize(
    "change",
    [
        {"stream": "truth"},
        {"kernels": "native"},
        {"threads": 2},
        {"fingerprint": "other"},
        {"recipe": Recipe(steps=4, batch=10, observe_every=2)},
        {"measures": {"synflow": SynFlow()}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_training_adopts_nothing(store, campaign, change) -> None:
    wanted = [(campaign.bench.sample(1, 0)[0], 0)]
    assert missing_of(replace(campaign, **change), wanted, store) == wanted


def test_a_measure_that_computes_something_else_today_adopts_nothing(store, campaign) -> None:
    key = campaign.key(campaign.bench.sample(1, 0)[0].name, 0)
    assert legacy.read(store, key) is not None
    edited = {**key.measures, "synflow": {**key.measures["synflow"], "source": "another"}}
    assert legacy.read(store, replace(key, measures=edited)) is None


def test_the_key_within_an_old_file_is_compared(store, campaign) -> None:
    key = campaign.key(campaign.bench.sample(1, 0)[0].name, 0)
    other = replace(key, seed=1)
    path = next(store.folder.rglob("*.parquet"))
    old = legacy.key_of_version_2(other)
    place = store.at(digest([legacy.VERSION, old]))
    place.parent.mkdir(exist_ok=True)
    path.rename(place)
    assert legacy.read(store, other) is None


@pytest.mark.parametrize("measure", [SynFlow, Movement, Capacitance])
def test_measures_compute_what_they_did(measure) -> None:
    """Fails where a computation changed: then take the kind out of legacy.MEASURES, or, if it did not, see there."""
    assert legacy.MEASURES[measure.kind][2] == source_digest(measure)
