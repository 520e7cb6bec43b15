"""Updates that a device makes by itself are the updates of the CPU, with a stand-in for the device's graphs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from harness.benches.nasbench201.bench import NasBench201
from harness.measures.movement import Movement
from harness.schema import Trace
from harness.train import device_updates
from harness.train.device_updates import Table
from harness.train.job import TrainingJob
from harness.train.loop import Training, train
from harness.train.recipe import Recipe
from tests.conftest import tiny_images
from tests.train.stand_ins import StandIn

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
RECIPE = Recipe(epochs=6, batch=16, observe_every=4, measure_images=8)  # 40 images: 2 batches of 16 and one of 8 a pass


@pytest.fixture
def job(bench: NasBench201) -> TrainingJob:
    architecture, images = bench.architecture(CELL), tiny_images()
    return TrainingJob(architecture, lambda: bench.build(architecture, images), images, RECIPE, {"m": Movement()}, 0)


def on_lane(job: TrainingJob, lane: StandIn) -> Trace:
    training = Training(job, lane)
    while (trace := training.advance()) is None:
        pass
    return trace


def assert_same(one: Trace, other: Trace) -> None:
    clock = [name for name in one.table if "seconds" in name]
    pd.testing.assert_frame_equal(one.table.drop(columns=clock), other.table.drop(columns=clock), rtol=1e-5)


def test_a_trace_of_recorded_updates_is_that_of_updates_one_by_one(job) -> None:
    lane = StandIn.of(job.images)
    found = on_lane(job, lane)
    assert_same(train(job), found)
    assert [recording.replays for recording in lane.recorded] == [11, 5]  # all but the first of each size
    assert found.notes == {} and not np.isnan(found.table["train_loss"][1:]).any()


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, observe_every=None, momentum=0.0, nesterov=False),
        replace(RECIPE, schedule="constant", clip_norm=0.5),
        replace(RECIPE, epochs=None, steps=5, schedule_steps=9, batch=40),
        replace(RECIPE, epochs=None, steps=0),
    ],
)
def test_other_recipes_too(job, recipe) -> None:
    changed = replace(job, recipe=recipe)
    assert_same(train(changed), on_lane(changed, StandIn.of(job.images)))


def test_more_updates_than_are_sent_at_a_time_are_sent_in_parts(job, monkeypatch) -> None:
    monkeypatch.setattr(device_updates, "LONGEST", 3)
    sent = []
    send = Table.send
    monkeypatch.setattr(Table, "send", lambda self, drawn, rates: (sent.append(len(drawn)), send(self, drawn, rates)))
    assert_same(train(job), on_lane(job, StandIn.of(job.images)))
    assert sent == [3, 1, 3, 1, 3, 1, 3, 1, 2]


def test_nothing_is_sent_for_a_single_update(job, monkeypatch) -> None:
    """One copy of draws and one of rates go to the device between two observations, however many updates there are."""
    sent = []
    send = Table.send
    monkeypatch.setattr(Table, "send", lambda self, drawn, rates: (sent.append(len(drawn)), send(self, drawn, rates)))
    on_lane(job, StandIn.of(job.images))
    assert sent == [4, 4, 4, 4, 2]


def test_where_recording_fails_updates_are_made_one_by_one_and_the_trace_says_so(job, capsys) -> None:
    lane = StandIn.of(job.images, fails="operation not permitted when stream is capturing\nCUDA kernel errors ...")
    found = on_lane(job, lane)
    assert_same(train(job), found)
    assert capsys.readouterr().err == (
        "engine.device: a network on cpu trains without CUDA graphs: operation not permitted when stream is capturing\n"
    )
    assert found.notes == {"updates": "without CUDA graphs: operation not permitted when stream is capturing"}
    lane.fails = ""
    assert on_lane(replace(job, seed=1), lane).notes == {}  # another network may well be recorded


def test_on_a_lane_that_records_no_more_nothing_is_tried(job, capsys) -> None:
    lane = StandIn.of(job.images)
    lane.eager = "no graphs here"
    found = on_lane(job, lane)
    assert found.notes == {"updates": "without CUDA graphs: no graphs here"} and not lane.recorded
    assert capsys.readouterr().err == ""
    assert_same(train(job), found)


def test_a_loss_that_is_not_finite_ends_the_training_at_the_same_step(job) -> None:
    wild = replace(job, recipe=replace(RECIPE, learning_rate=1e20, observe_every=5))
    one, other = train(wild), on_lane(wild, StandIn.of(job.images))
    assert one.diverged == other.diverged is not None
    assert_same(one, other)


def test_a_contiguous_layout_computes_the_same(job, monkeypatch) -> None:
    seen = []

    def layout_of(model, device):
        seen.append(device)
        return torch.contiguous_format

    monkeypatch.setattr(device_updates, "layout_of", layout_of)
    monkeypatch.setattr("harness.train.loop.layout_of", layout_of)
    assert_same(train(job), on_lane(job, StandIn.of(job.images)))
    assert len(seen) == 3  # of the network alone, of it on the lane, of the lane's batches


def test_seconds_are_those_between_the_marks_of_the_lane(job, monkeypatch) -> None:
    monkeypatch.setattr("tests.train.stand_ins.Moment.elapsed_time", lambda self, later: 250.0)
    table = on_lane(job, StandIn.of(job.images)).table
    assert list(table["seconds"]) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_lane_of_a_gpu_follows_the_cpu(job) -> None:
    from harness.train.device_images import DeviceImages
    from harness.train.lane import Lane

    device = torch.device("cuda:0")
    lane = Lane(device, DeviceImages(job.images, device))
    found = on_lane(replace(job, device="cuda:0"), lane)
    np.testing.assert_allclose(found.table["train_loss"], train(job).table["train_loss"], rtol=1e-2)
