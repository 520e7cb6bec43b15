from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, logit
from scipy.stats import kendalltau

from harness.predictors import dense_net
from harness.predictors.dense_net import DenseNet

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(150, 4))
BOWL = 50 + 15 * np.abs(X[:, 0])


def test_a_bowl_is_learned_which_no_linear_model_can():
    net = DenseNet(X[:110], BOWL[:110], seed=0)
    assert kendalltau(net.predict(X[110:]), BOWL[110:]).statistic > 0.8


def test_it_agrees_with_its_members_written_out():
    net = DenseNet(X[:60], BOWL[:60], seed=0)
    target = logit(BOWL[:60] / 100)
    scaled = (X[60:] - X[:60].mean(0)) / X[:60].std(0)
    heights = [
        np.tanh(scaled @ first + shift) @ last + constant
        for first, shift, last, constant in zip(*net.weights, strict=True)
    ]
    expected = 100 * expit(target.mean() + target.std() * np.mean(heights, axis=0))
    assert net.predict(X[60:]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("place", range(4))
def test_the_gradient_agrees_with_finite_differences(place):
    random = np.random.default_rng(1)
    shapes = [(2, 4, 3), (2, 3), (2, 3), (2,)]
    weights = [random.normal(size=shape) for shape in shapes]
    x, target = X[:10], random.normal(size=(2, 10))

    def cost(values):
        trial = [values.reshape(shapes[i]) if i == place else w for i, w in enumerate(weights)]
        first, shift, last, constant = trial
        heights = [np.tanh(x @ first[m] + shift[m]) @ last[m] + constant[m] for m in range(2)]
        return np.square(np.array(heights) - target).sum() + dense_net.DECAY * np.square(first).sum()

    hidden, heights = dense_net._forward(x, *weights)
    found = dense_net._backward(x, hidden, 2 * (heights - target), weights)[place]
    assert found.shape == shapes[place]
    assert found.ravel() == pytest.approx(approx_fprime(weights[place].ravel(), cost), rel=1e-4, abs=1e-4)


def test_it_stops_before_it_has_learned_noise_by_heart():
    random = np.random.default_rng(2)
    x, noise = random.normal(size=(64, 60)), 50 + 15 * random.normal(size=64)
    assert DenseNet(x, noise, seed=0).predict(random.normal(size=(200, 60))).std() < 5


def test_without_anything_to_learn_it_says_the_mean():
    net = DenseNet(np.ones((10, 3)), np.full(10, 60.0), seed=0)
    assert net.predict(np.ones((2, 3))) == pytest.approx(60.0)


def test_a_feature_far_outside_the_fit_counts_as_five_deviations():
    net = DenseNet(X[:60], BOWL[:60], seed=0)
    far, edge = X[:1].copy(), X[:1].copy()
    far[0, 1], edge[0, 1] = 1e9, X[:60, 1].mean() + 5 * X[:60, 1].std()
    assert net.predict(far) == pytest.approx(net.predict(edge))


def test_a_missing_value_counts_as_the_mean_of_the_fit():
    net = DenseNet(X[:60], BOWL[:60], seed=0)
    holed, filled = X[:1].copy(), X[:1].copy()
    holed[0, 2], filled[0, 2] = np.nan, X[:60, 2].mean()
    assert net.predict(holed) == pytest.approx(net.predict(filled))


def test_numbers_follow_from_the_seed_alone():
    first, second, other = (DenseNet(X[:60], BOWL[:60], seed).predict(X[60:]) for seed in (0, 0, 1))
    assert first.tolist() == second.tolist() != other.tolist()


def test_each_member_keeps_the_weights_that_were_best_on_its_own_quarter(monkeypatch):
    """More updates than were good for a member change nothing."""
    monkeypatch.setattr(dense_net, "PATIENCE", 10_000)
    random = np.random.default_rng(3)
    x, y = random.normal(size=(40, 10)), 50 + 10 * random.normal(size=40)
    losses = []
    for updates in (60, 600):
        monkeypatch.setattr(dense_net, "UPDATES", updates)
        net = DenseNet(x, y, seed=0)
        held = np.random.default_rng(0)
        held.normal(size=net.weights[0].shape)
        held = held.permuted(np.tile(np.arange(40) < 10, (len(net.weights[0]), 1)), axis=1)
        scaled, target = (x - x.mean(0)) / x.std(0), (logit(y / 100) - logit(y / 100).mean()) / logit(y / 100).std()
        miss = np.array([np.tanh(scaled @ a + b) @ c + d for a, b, c, d in zip(*net.weights, strict=True)]) - target
        losses.append((miss**2).mean(axis=1, where=held))
    assert (losses[1] <= losses[0]).all()
