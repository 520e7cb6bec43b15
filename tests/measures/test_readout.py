from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.readout import STRENGTHS, Readout, leave_one_out
from harness.schema import BadInput, Measure, Scene
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.recipe import Recipe

SCENE = Scene(probe_seed=7, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
BATCH = (torch.randn(30, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3)


def network(text=CELL, seed=0):
    torch.manual_seed(seed)
    return Network(parse(text), SHAPE).train()


def by_hand(features, labels, classes):
    """The ridge fitted anew without each image in turn."""
    f = (features - features.mean(0)) / features.std(0, ddof=1)
    f = np.hstack([f, np.ones((len(f), 1))])
    y = np.eye(classes)[labels]
    found = []
    for strength in STRENGTHS:
        p = np.zeros_like(y)
        for i in range(len(f)):
            kept = np.arange(len(f)) != i
            inner = f[kept].T @ f[kept] + strength * len(f) * np.eye(f.shape[1])
            p[i] = f[i] @ np.linalg.solve(inner, f[kept].T @ y[kept])
        found.append((((p - y) ** 2).mean(), 100 * (p.argmax(1) == labels).mean()))
    return min(found)


def test_the_closed_form_is_that_of_fits_without_each_image():
    random = np.random.default_rng(0)
    labels = np.arange(30) % 3
    features = random.normal(size=(30, 4)) + labels[:, None]
    assert leave_one_out(torch.tensor(features), torch.tensor(labels), 3) == pytest.approx(by_hand(features, labels, 3))


def test_it_reads_the_features_with_the_statistics_of_the_batch():
    model = network()
    found = Readout(images=24).observer(SCENE)(model, BATCH, 0)
    features = network().features(BATCH[0][:24]).detach().numpy().astype(float)
    expected = by_hand(features, BATCH[1][:24].numpy(), 3)
    assert (found["readout_error"], found["readout_accuracy"]) == pytest.approx(expected, rel=1e-4)


def test_features_that_tell_the_classes_apart_have_less_error_than_noise():
    noise = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    good = noise + 3 * nn.functional.one_hot(BATCH[1], 4)
    (error, accuracy), (worse, less) = (leave_one_out(f, BATCH[1], 3) for f in (good, noise))
    assert error < worse / 2 and accuracy > less + 20


def test_scale_shift_and_constant_features_do_not_matter():
    f = torch.randn(30, 4, generator=torch.Generator().manual_seed(1)) + BATCH[1][:, None]
    changed = torch.cat([f * torch.tensor([1e3, 1e-3, -1, 1]) + 7, torch.full((30, 1), 5.0)], dim=1)
    assert leave_one_out(changed, BATCH[1], 3) == pytest.approx(leave_one_out(f, BATCH[1], 3), rel=1e-4)


def test_a_feature_that_is_constant_but_for_rounding_tells_nothing():
    f = torch.randn(30, 4, generator=torch.Generator().manual_seed(1)).double()
    whisper = 5 + 1e-6 * nn.functional.one_hot(BATCH[1], 3).double()  # the labels, at a deviation below a millionth
    assert leave_one_out(torch.cat([f, whisper], dim=1), BATCH[1], 3) == leave_one_out(f, BATCH[1], 3)


def test_the_mean_leaves_the_untrained_network_out_unless_it_is_all_there_is():
    observe = Readout(images=24).observer(SCENE)
    first, second, third = (observe(network(seed=seed), BATCH, seed) for seed in range(3))
    assert first["readout_error_mean"] == first["readout_error"]
    assert second["readout_error_mean"] == second["readout_error"] != first["readout_error"]
    assert third["readout_error_mean"] == pytest.approx((second["readout_error"] + third["readout_error"]) / 2)


def test_a_dead_network_guesses_and_one_that_is_not_finite_is_nan():
    model = network(DEAD)
    found = Readout().observer(SCENE)(model, BATCH, 0)
    assert found["readout_error"] == pytest.approx(
        by_hand(np.random.default_rng(0).normal(size=(30, 0)), BATCH[1].numpy(), 3)[0]
    )
    assert found["readout_accuracy"] <= 100 / 3
    assert all(map(math.isnan, leave_one_out(torch.full((30, 2), torch.inf), BATCH[1], 3)))


def test_a_training_is_the_same_with_and_without_it(bench, images):
    cell, recipe = bench.architecture(CELL), Recipe(steps=4, batch=20, observe_every=2, measure_images=30)
    tables = [
        train(TrainingJob(cell, lambda: bench.build(cell, images), images, recipe, measures, 0)).table
        for measures in ({}, {"readout": Readout()})
    ]
    assert isinstance(Readout(), Measure) and tables[0]["valid_loss"].equals(tables[1]["valid_loss"])
    assert not [name for name in tables[1] if str(name).startswith("failed_")]
    errors = tables[1]["readout_error"].tolist()
    assert tables[1]["readout_error_mean"].tolist() == pytest.approx([errors[0], errors[1], np.mean(errors[1:])])


def test_what_cannot_be_read_is_refused_in_one_line():
    with pytest.raises(BadInput, match=r"measure\.readout\.images: must be at least 2 \(got 1"):
        Readout(images=1)
    with pytest.raises(BadInput, match=r"measure\.readout\.every: must be at least 1 \(got 0"):
        Readout(every=0)
    with pytest.raises(ValueError, match=r"must have features\(images\) \(got Sequential"):
        Readout().observer(SCENE)(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), BATCH, 0)
