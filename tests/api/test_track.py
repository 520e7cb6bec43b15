"""`harness.track` and `harness.Tracker`: a trace of a brief training, and what predictors read from it."""

from __future__ import annotations

import copy
from math import cos, pi

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import harness
from harness.schema import BadInput
from tests.api.strangers import Residual, Transformer, batch, plain

MEASURES = ["capacitance", "movement"]


def loader(batches: int = 3) -> list[tuple[torch.Tensor, torch.Tensor]]:
    images, labels = batch(12 * batches)
    return [*zip(images.split(12), labels.split(12), strict=True)]


def network() -> nn.Module:
    torch.manual_seed(4)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))


def test_a_loop_of_ones_own_that_makes_the_same_updates_has_the_same_trace() -> None:
    """The loop is the oracle of `track`: SGD with Nesterov momentum, weight decay and a cosine, written out."""
    steps, rate = 7, 0.05
    trace = harness.track(network(), loader(), steps, MEASURES, learning_rate=rate, observe_every=3)
    mine = network()
    optimizer = torch.optim.SGD(mine.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    tracker = harness.Tracker(mine, MEASURES, every=3, steps_per_epoch=3)
    tracker.observe(loader()[0], 0)
    losses = []
    for step in range(steps):
        images, labels = loader()[step % 3]
        optimizer.param_groups[0]["lr"] = rate * (1 + cos(pi * step / steps)) / 2
        logits = mine(images)
        loss = functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        right = 100 * (logits.argmax(1) == labels).float().mean()
        tracker.observe((images, labels), step + 1, train_loss=loss, train_accuracy=right)
    own = tracker.trace()
    assert [*trace.table["step"]] == [*own.table["step"]] == [0, 3, 6, 7]
    for column in ("epoch", "train_loss", "train_accuracy", "beta_eff", "movement", "params", "flops"):
        np.testing.assert_allclose(trace.table[column], own.table[column], rtol=1e-5, err_msg=column)
    np.testing.assert_allclose(own.table["train_loss"][1:], [np.mean(losses[:3]), np.mean(losses[3:6]), losses[6]])
    assert trace.clocks == own.clocks == {
        **dict.fromkeys(["beta_eff", "beta_eff_sd"], "seconds_capacitance"),
        **dict.fromkeys(["movement", "weight_norm", "magnitude_increase"], "seconds_movement"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", [plain, Residual, Transformer])
def test_observing_does_not_change_the_training(kind) -> None:
    """Dropout draws and BatchNorm's statistics included: weights are equal with and without a tracker."""

    def trained(observed: bool) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = kind()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        tracker = harness.Tracker(model, ["capacitance", "grasp", "zen", "az_nas", "movement"], every=1)
        for step, (images, labels) in enumerate(loader()):
            if observed:
                tracker.observe((images, labels), step)
            found = model(images)
            loss = functional.cross_entropy(found[0] if isinstance(found, tuple) else found, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model.state_dict()

    with_tracker = trained(True)
    assert all(torch.equal(value, with_tracker[name]) for name, value in trained(False).items())


def test_the_network_that_is_tracked_stays_as_it_is_and_the_seed_decides_the_trace() -> None:
    images, labels = batch(36)
    shuffled = DataLoader(TensorDataset(images, labels), 12, shuffle=True)
    torch.manual_seed(0)
    model = plain()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    traces = [harness.track(model, shuffled, 4, MEASURES, seed=seed, observe_every=2) for seed in (1, 1, 2)]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    losses = [[*trace.table["train_loss"][1:]] for trace in traces]
    assert losses[0] == losses[1] != losses[2]


def test_one_line_reads_the_capacitance_of_a_network_after_some_steps() -> None:
    found = harness.predict(harness.track(network(), loader(), steps=6, measures=["capacitance"], observe_every=2))
    scores = found.set_index("predictor")
    trace = harness.track(network(), loader(), steps=6, measures=["capacitance"], observe_every=2)
    assert scores.loc["beta_eff", "score"] == -trace.table["beta_eff"].iloc[-1]
    assert scores.loc["train_loss", "score"] == -trace.table["train_loss"].iloc[-1]
    assert scores.loc["flops", "score"] == trace.table["flops"].iloc[0] > 0
    assert scores.loc["tse", "reason"] == "" and np.isfinite(scores.loc["tse", "score"])
    assert scores.loc["zico", "reason"] == "input column zico is not measured"
    assert scores.loc["valacc", "reason"] == "input column valid_accuracy is not measured"
    assert "stack" not in scores.index and "az_nas" not in scores.index  # need other architectures


def test_a_budget_hides_what_came_later_and_a_proxy_reads_step_0() -> None:
    trace = harness.track(network(), loader(), steps=6, measures=["capacitance", "zico"], observe_every=2)
    early, late = (harness.predict(trace, step).set_index("predictor")["score"] for step in (2, None))
    assert early["beta_eff"] == -trace.table["beta_eff"][1] != late["beta_eff"]
    assert early["zico"] == late["zico"] == trace.table["zico"][0]
    assert late["zico_trained"] == trace.table["zico"].iloc[-1]


def test_steps_0_reads_the_network_at_initialization() -> None:
    model, data = network(), loader()
    trace = harness.track(model, data, steps=0, measures=["naswot", "temporal_graph"])
    table = harness.score(model, *data[0], measures=["naswot"])
    assert [*trace.table["step"]] == [0] and trace.table["naswot"][0] == table["value"][0]
    assert trace.table["temporal_graph"][0].shape == (70,)


def test_a_training_that_diverges_ends_and_says_so() -> None:
    trace = harness.track(network(), loader(), steps=50, measures=["capacitance"], learning_rate=1e30)
    assert trace.diverged is not None and trace.diverged <= 4
    reasons = harness.predict(trace, trace.diverged).set_index("predictor")["reason"]
    assert reasons["beta_eff"] == f"diverged at step {trace.diverged}"


def test_what_a_loop_knows_of_validation_is_in_the_trace() -> None:
    tracker = harness.Tracker(network(), ["movement"], every=1)
    tracker.observe(batch(), 0)
    tracker.observe(batch(), 1, train_loss=1.0, valid_loss=1.2, valid_accuracy=torch.tensor(40.0))
    found = harness.predict(tracker.trace()).set_index("predictor")["score"]
    assert found["valacc"] == 40 and found["valid_loss"] == -1.2


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (lambda: harness.track(network(), loader(), steps=-1), "train.steps: must be at least 0 (or null) (got -1)"),
        (lambda: harness.track(network(), loader(), **{"learning_rat": 1}), "learning_rat: must be a known key (got "),
        (lambda: harness.track(network(), [], 1, MEASURES), "loader: must be an iterable of batches that can be read"),
        (lambda: harness.track(network(), iter(loader()), 9, MEASURES), "loader: must be an iterable of batches that"),
        (lambda: harness.track(network(), [batch()[0]], 1, MEASURES), "batch: must be a pair of images and labels"),
        (lambda: harness.Tracker(network(), every=0), "every: must be at least 1 (got 0)"),
        (lambda: harness.Tracker(network(), MEASURES).trace(), "trace: must be asked for after observe was called"),
        (lambda: twice(), "step: must be above that of the call before, 3 (got 3)"),
    ],
)
def test_what_cannot_be_tracked_is_refused_in_one_line(act, line: str) -> None:
    with pytest.raises(BadInput) as refused:
        act()
    assert str(refused.value).startswith(line) and "\n" not in str(refused.value)


def twice() -> None:
    tracker = harness.Tracker(network(), ["movement"])
    tracker.observe(batch(), 3)
    tracker.observe(batch(), 3)
