from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.jacobian_covariance import JacobianCovariance, jacobian, score
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
IMAGES = torch.randn(12, 1, 8, 8, generator=torch.Generator().manual_seed(0))
BATCH = (IMAGES, torch.arange(12) % 3)


def network(text=CELL):
    torch.manual_seed(0)
    return Network(parse(text), SHAPE).train()


def read(model, batch=BATCH, **keys):
    return JacobianCovariance(**keys).observer(SCENE)(model, batch, 0)["jacov"]


def slow(rows):
    v = np.linalg.eigvals(np.corrcoef(rows)).real
    return -sum(np.log(x + 1e-5) + 1 / (x + 1e-5) for x in v)


def test_the_score_is_that_of_numpys_correlation_and_one_gradient_for_each_image():
    model = network()
    rows = []
    for i in range(12):
        one = IMAGES[i : i + 1].clone().requires_grad_()
        others = torch.cat([IMAGES[:i], one, IMAGES[i + 1 :]])  # BatchNorm needs the whole batch
        model(others).sum().backward()
        rows.append(one.grad.numpy().astype(float).ravel())
    assert read(model) == pytest.approx(slow(np.array(rows)), rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 8))
def test_scale_shift_and_order_of_the_rows_do_not_matter(seed, n):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, 30))
    changed = (rows * random.uniform(0.1, 10, (n, 1)) + random.normal(size=(n, 1)))[random.permutation(n)]
    assert score(changed) == pytest.approx(score(rows), rel=1e-6)
    assert score(rows) == pytest.approx(slow(rows), rel=1e-9)


def test_uncorrelated_rows_score_highest_and_images_a_network_cannot_tell_apart_lowest():
    random = np.random.default_rng(0)
    apart = np.linalg.qr(np.c_[np.ones(40), random.normal(size=(40, 8))])[0].T[1:]
    alike = np.ones((8, 1)) @ apart[:1] + 1e-3 * random.normal(size=(8, 40))
    assert score(apart) == pytest.approx(-8, abs=1e-3)
    assert score(apart) > score(random.normal(size=(8, 40))) > score(alike)


def test_a_linear_network_has_one_gradient_for_all_images_and_scores_lowest():
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Linear(16, 3))
    bent = nn.Sequential(linear[0], linear[1], nn.ReLU(), linear[2])
    assert read(linear) < -1e5 < read(bent)


def test_a_network_that_its_input_does_not_reach_has_no_score():
    assert np.isnan(read(network(DEAD)))
    assert not jacobian(network(DEAD), IMAGES).any()
    assert np.isnan(score(np.full((3, 5), np.nan)))
    assert np.isnan(score(np.random.default_rng(0).normal(size=(1, 5))))


def test_only_the_first_images_count_and_the_batch_stays_as_it_is():
    model = network()
    assert read(model, images=5) == pytest.approx(read(model, (IMAGES[:5], BATCH[1][:5])))
    assert not IMAGES.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="images"):
        JacobianCovariance(images=1)
    with pytest.raises(BadInput, match="every"):
        JacobianCovariance(every=0)
