"""What a brief training promises: its numbers follow from (seed, architecture) and nothing else."""

from __future__ import annotations

import copy
import gc
import random
import weakref
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from harness.benches.nasbench201.bench import NasBench201
from harness.measures.capacitance import Capacitance
from harness.measures.grasp import Grasp
from harness.measures.loss_gradient import LossGradient
from harness.schema import BadInput, ImageSet, Scene, Trace
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.native.library import compiler
from harness.train.recipe import Recipe

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
RECIPE = Recipe(epochs=2, batch=16, observe_every=2, measure_images=8)


@dataclass(frozen=True)
class Vandal:
    """A measure that spoils everything it can reach."""

    columns: tuple[str, ...] = ("spoils",)

    def observer(self, scene: Scene):
        torch.manual_seed(0)

        def observe(model, batch, step):
            with torch.no_grad():
                for weight in [*model.parameters(), *model.buffers()]:
                    weight.zero_()
            model.eval()
            model.register_forward_hook(lambda *a: torch.zeros(1))
            functional.cross_entropy(model.head(model.features(batch[0])), batch[1]).backward()
            batch[0].fill_(float("nan"))
            torch.manual_seed(1)
            torch.rand(7), np.random.rand(7), random.random()
            random.seed(0)
            torch.set_grad_enabled(False)
            return {"spoils": 1.0}

        return observe


def go(bench: NasBench201, images: ImageSet, recipe: Recipe = RECIPE, measures=None, seed: int = 0, **more) -> Trace:
    architecture = bench.architecture(CELL)
    return train(
        TrainingJob(
            architecture, lambda: bench.build(architecture, images), images, recipe, measures or {}, seed, **more
        )
    )


def numbers(trace: Trace) -> pd.DataFrame:
    return trace.table[[c for c in trace.table if not str(c).startswith("seconds")]]


def test_the_same_seed_gives_the_same_trace_and_another_does_not(bench, images) -> None:
    first = go(bench, images)
    torch.manual_seed(99)
    pd.testing.assert_frame_equal(numbers(first), numbers(go(bench, images)))
    assert not numbers(first).equals(numbers(go(bench, images, seed=1)))
    assert not numbers(first).equals(numbers(go(bench, images, stream="truth")))


def test_training_leaves_the_global_random_state_alone(bench, images) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    go(bench, images, measures={"capacitance": Capacitance(widths=[8, 8])})
    assert torch.equal(before, torch.get_rng_state())


def test_a_measure_that_spoils_everything_changes_nothing(bench, images) -> None:
    capacitance = Capacitance(widths=[8, 8], probes=2)
    clean = go(bench, images, measures={"capacitance": capacitance})
    spoilt = go(bench, images, measures={"a": Vandal(), "capacitance": capacitance, "z": Vandal()})
    pd.testing.assert_frame_equal(numbers(clean), numbers(spoilt)[list(numbers(clean))])
    assert torch.is_grad_enabled()


def test_a_column_that_was_not_declared_is_refused(bench, images) -> None:
    with pytest.raises(KeyError, match=r"measure\.liar: columns \('other',\) were declared"):
        go(bench, images, measures={"liar": Vandal(("other",))})


def test_observation_points_are_the_steps_asked_for(bench, images) -> None:
    table = go(bench, images, Recipe(steps=7, batch=16, observe_every=3)).table
    assert list(table["step"]) == [0, 3, 6, 7]
    assert list(table["epoch"]) == [0, 1, 2, 7 / 3]  # 40 images, 3 updates a pass
    assert np.isnan(table["train_loss"].iloc[0]) and table["train_loss"].iloc[1:].notna().all()
    assert table["seconds"].is_monotonic_increasing


@dataclass(frozen=True)
class Broken:
    """Cannot read the network after its first update."""

    columns: tuple[str, ...] = ("broken",)

    def observer(self, scene):
        def observe(model, batch, step):
            if step:
                raise RuntimeError(f"no luck at {step}\nmore of it")
            return {"broken": 1.0}

        return observe


def test_a_measure_that_fails_costs_its_own_columns_and_says_why(bench, images) -> None:
    table = go(bench, images, Recipe(steps=4, batch=20, observe_every=2), {"broken": Broken(), "dear": Dear()}).table
    assert table["broken"].tolist() == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    assert table["failed_broken"].tolist()[1:] == ["RuntimeError: no luck at 2", "RuntimeError: no luck at 4"]
    assert table["valid_loss"].notna().all() and table["calls"].tolist()[-1] == 2


@dataclass(frozen=True)
class Dear:
    """Counts how often it is called."""

    every: int = 3
    columns: tuple[str, ...] = ("calls",)

    def observer(self, scene):
        calls = [0]

        def observe(model, batch, step):
            calls[0] += 1
            return {"calls": float(calls[0])}

        return observe


def test_a_dear_measure_is_called_at_the_first_each_third_and_the_last_observation(bench, images) -> None:
    table = go(bench, images, Recipe(steps=8, batch=20, observe_every=2), {"dear": Dear()}).table
    assert table["calls"].tolist() == pytest.approx([1, np.nan, np.nan, 2, 3], nan_ok=True)
    assert (table["seconds_dear"] > 0).tolist() == [True, False, False, True, True]


def test_without_steps_the_network_is_observed_at_its_initialisation_alone(bench, images) -> None:
    table = go(bench, images, Recipe(steps=0, batch=20), {"dear": Dear()}).table
    assert table["step"].tolist() == [0] and table["calls"].tolist() == [1]
    assert table["train_loss"].isna().all() and np.isfinite(table["valid_loss"]).all()


def test_an_unfinished_longer_schedule_is_not_a_short_schedule(bench, images) -> None:
    short = go(bench, images, Recipe(epochs=2, batch=16, observe_every=2))
    cut = go(bench, images, Recipe(epochs=2, schedule_epochs=8, batch=16, observe_every=2))
    assert short.table["valid_loss"].iloc[0] == cut.table["valid_loss"].iloc[0]
    assert short.table["valid_loss"].iloc[-1] != cut.table["valid_loss"].iloc[-1]


def test_divergence_is_recorded_with_its_step_and_ends_the_trace(bench, images) -> None:
    trace = go(bench, images, Recipe(steps=30, batch=16, observe_every=1, learning_rate=1e30))
    assert trace.diverged is not None and trace.table["step"].max() < trace.diverged <= 30
    assert trace.until(trace.diverged - 1).diverged is None


def test_a_last_update_that_ruins_the_weights_is_a_divergence(bench, images) -> None:
    trace = go(bench, images, Recipe(steps=1, batch=16, observe_every=1, learning_rate=1e38, weight_decay=10.0))
    assert trace.diverged == 1
    assert list(trace.table["step"]) == [0]


def test_the_update_is_that_of_plain_sgd_with_nesterov_momentum_and_a_cosine(bench, images) -> None:
    """Against the formulas written out: v <- mu v + g, w <- w - lr (g + mu v), lr = lr0 (1 + cos(pi t/T)) / 2."""
    plain = ImageSet(**{**vars(images), "flip": False, "crop": 0})
    recipe = Recipe(steps=5, batch=40, observe_every=5, weight_decay=0.05)  # large enough to show
    torch.manual_seed(0)
    architecture = bench.architecture(CELL)
    model = bench.build(architecture, plain)
    theirs = copy.deepcopy(model)
    trace = train(TrainingJob(architecture, lambda: model, plain, recipe, {}, 0))
    x = (torch.tensor(plain.train[0]).float() / 255 - 0.4) / 0.25
    x, y = x.permute(0, 3, 1, 2), torch.tensor(plain.train[1])
    speed = [torch.zeros_like(w) for w in theirs.parameters()]
    losses = []
    for step in range(5):
        loss = functional.cross_entropy(theirs(x), y)
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, list(theirs.parameters()), allow_unused=True)
        rate = 0.1 * (1 + np.cos(np.pi * step / 5)) / 2
        with torch.no_grad():
            for weight, v, g in zip(theirs.parameters(), speed, gradients, strict=True):
                if g is not None:
                    g = g + 0.05 * weight
                    v.mul_(0.9).add_(g)
                    weight.sub_(rate * (g + 0.9 * v))
    assert trace.table["train_loss"].iloc[-1] == pytest.approx(np.mean(losses), rel=1e-4)


def test_a_probe_in_the_place_of_the_head_trains_the_network(bench, images) -> None:
    head = Capacitance(mode="head", widths=[16, 16], probes=2)
    trace = go(bench, images, Recipe(steps=40, batch=40, observe_every=20), {"capacitance": head})
    assert trace.table["train_loss"].iloc[-1] < trace.table["train_loss"].iloc[1]
    assert trace.table["beta_eff"].notna().all()


def test_two_heads_are_one_too_many(bench, images) -> None:
    head = Capacitance(mode="head")
    with pytest.raises(BadInput, match="measure: must be at most one measure that replaces the head"):
        go(bench, images, measures={"a": head, "b": head})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "train.epochs, train.steps: must be exactly one"),
        ({"epochs": 1, "steps": 1}, "train.epochs, train.steps: must be exactly one"),
        ({"epochs": -1}, "train.epochs: must be at least 1"),
        ({"epochs": 1, "batch": 0}, "train.batch: must be at least 1"),
        ({"epochs": 1, "learning_rate": 0.0}, "train.learning_rate: must be a number above 0"),
        ({"epochs": 1, "watch": ["train"]}, "train.watch: must be a list of 'valid' and 'test'"),
        ({"epochs": 1, "schedule_epochs": 2, "schedule_steps": 2}, "at most one of the two"),
    ],
)
def test_an_impossible_recipe_is_refused_by_key(settings: dict, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Recipe(**settings)


def test_a_schedule_shorter_than_the_budget_is_refused() -> None:
    with pytest.raises(BadInput, match=r"train\.schedule_steps: must be a schedule of at least the budget's 20 steps"):
        Recipe(steps=20, schedule_steps=10).annealing_steps(100)


def test_a_finished_training_leaves_its_network_and_images_behind_to_be_freed(bench, images) -> None:
    """No cycle holds them, so that a long run needs the memory of one training, not of all since the last clean-up."""
    built: list[weakref.ref] = []

    def build() -> torch.nn.Module:
        model = bench.build(architecture, images)
        built.append(weakref.ref(model))
        return model

    architecture = bench.sample(1, 0)[0]
    gc.collect()
    gc.disable()
    try:
        for kernels in ("torch", *(["native"] if compiler() else [])):
            measures = {"loss_gradient": LossGradient(images=8), "grasp": Grasp(images=8)}
            train(TrainingJob(architecture, build, images, Recipe(steps=2, batch=8), measures, 0, kernels=kernels))
            assert built and not any(model() is not None for model in built), kernels
    finally:
        gc.enable()
