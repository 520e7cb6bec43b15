"""Trainings that take turns are those one by one, with stand-ins for lanes and for what a GPU fails with."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import torch

from harness.benches.nasbench201.bench import NasBench201
from harness.measures.capacitance import Capacitance
from harness.schema import BadInput, Trace
from harness.train import side_by_side as module
from harness.train.job import TrainingJob
from harness.train.loop import Training, train
from harness.train.recipe import Recipe
from harness.train.side_by_side import DeviceLost, side_by_side
from tests.conftest import tiny_images
from tests.train.stand_ins import StandIn

RECIPE = Recipe(steps=9, batch=16, observe_every=3, measure_images=8)


@pytest.fixture
def jobs(bench: NasBench201) -> list[TrainingJob]:
    images = tiny_images()
    return [
        TrainingJob(a, lambda a=a: bench.build(a, images), images, RECIPE, {"beta": Capacitance()}, 0)
        for a in bench.sample(5, 0)
    ]


def lanes(job: TrainingJob, count: int) -> list[StandIn]:
    return [StandIn.of(job.images) for _ in range(count)]


def taking(tasks):
    waiting = iter(tasks)
    return lambda wait: next(waiting, None)


class Failing(Training):
    """A training that fails with the errors it is given, the first at its first advance."""

    def __init__(self, job, lane, errors) -> None:
        super().__init__(job, lane)
        self.errors = errors

    def advance(self):
        if self.errors:
            raise self.errors.pop(0)
        return super().advance()


@pytest.mark.parametrize("count", [2, *(pytest.param(count, marks=pytest.mark.slow) for count in (1, 4))])
def test_a_trace_does_not_depend_on_the_trainings_beside_it(jobs, count: int) -> None:
    used = lanes(jobs[0], count)
    found = dict(side_by_side(taking(range(5)), lambda i, lane: Training(jobs[i], lane), used))
    assert sorted(found) == [0, 1, 2, 3, 4] and all(lane.entered for lane in used)
    for place, job in enumerate(jobs):
        expected, trace = train(job), found[place]
        assert isinstance(trace, Trace)
        clock = [name for name in expected.table if "seconds" in name]
        pd.testing.assert_frame_equal(trace.table.drop(columns=clock), expected.table.drop(columns=clock), rtol=1e-5)


def test_random_states_outside_are_left_as_they_were(jobs) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    dict(side_by_side(taking(range(3)), lambda i, lane: Training(jobs[i], lane), lanes(jobs[0], 2)))
    assert torch.equal(torch.get_rng_state(), before)


def test_each_training_goes_on_with_its_own_random_state(jobs) -> None:
    """A measure that draws without a seed of its own reads the same numbers whatever is trained beside it."""

    class Drawing:
        columns = ("drawn",)

        def observer(self, scene):
            return lambda model, batch, step: {"drawn": float(torch.rand(()))}

    def begin(i, lane):
        return Training(replace(jobs[i], measures={"d": Drawing()}), lane)

    alone = [dict(side_by_side(taking([i]), begin, lanes(jobs[0], 1)))[i] for i in range(3)]
    together = dict(side_by_side(taking(range(3)), begin, lanes(jobs[0], 3)))
    assert [list(t.table["drawn"]) for t in alone] == [list(together[i].table["drawn"]) for i in range(3)]
    assert len({float(t.table["drawn"].iloc[0]) for t in alone}) == 3


def test_one_that_fails_is_given_with_its_error_and_the_others_go_on(jobs) -> None:
    def begin(i, lane):
        return Failing(jobs[i], lane, [ValueError("odd")] if i == 1 else [])

    found = dict(side_by_side(taking(range(4)), begin, lanes(jobs[0], 2)))
    assert isinstance(found[1], ValueError) and found[1].__traceback__ is None
    assert all(isinstance(found[i], Trace) for i in (0, 2, 3))


def test_what_the_memory_does_not_hold_begins_again_with_a_lane_less(jobs, capsys) -> None:
    begun = []

    def begin(i, lane):
        begun.append(i)
        full = i == 1 and begun.count(1) == 1
        return Failing(jobs[i], lane, [torch.cuda.OutOfMemoryError("full")] if full else [])

    found = dict(side_by_side(taking(range(5)), begin, lanes(jobs[0], 3)))
    assert sorted(found) == [0, 1, 2, 3, 4] and all(isinstance(t, Trace) for t in found.values())
    assert begun == [0, 1, 2, 1, 3, 4]
    assert capsys.readouterr().err == "engine.streams: 2 on cpu from here on, as its memory is full\n"


def test_one_that_the_memory_does_not_hold_alone_has_failed(jobs) -> None:
    def begin(i, lane):
        return Failing(jobs[i], lane, [torch.cuda.OutOfMemoryError("full")])

    found = dict(side_by_side(taking(range(2)), begin, lanes(jobs[0], 2)))
    assert all(isinstance(error, torch.cuda.OutOfMemoryError) for error in found.values()) and len(found) == 2


def test_an_error_after_which_the_device_does_not_compute_ends_them_all(jobs, monkeypatch) -> None:
    monkeypatch.setattr(module, "lost_reason", lambda device: "CUDA error: device-side assert triggered")

    def begin(i, lane):
        return Failing(jobs[i], lane, [RuntimeError("CUDA error: unspecified")] if i == 1 else [])

    with pytest.raises(DeviceLost, match=r"^CUDA error: device-side assert triggered$"):
        dict(side_by_side(taking(range(4)), begin, lanes(jobs[0], 2)))


def test_bad_input_is_no_failure_of_one_training(jobs) -> None:
    def begin(i, lane):
        return Failing(jobs[i], lane, [BadInput("measure: must be one head (got 2)")])

    with pytest.raises(BadInput, match="one head"):
        dict(side_by_side(taking(range(2)), begin, lanes(jobs[0], 2)))


def test_with_nothing_under_way_the_next_task_is_waited_for_and_not_before(jobs) -> None:
    asked, waiting = [], iter([0, None, 1])

    def take(wait):
        asked.append(wait)
        return next(waiting, None)

    found = dict(side_by_side(take, lambda i, lane: Training(jobs[i], lane), lanes(jobs[0], 2)))
    assert sorted(found) == [0, 1]
    assert asked[:2] == [True, False] and asked[-1] is True
