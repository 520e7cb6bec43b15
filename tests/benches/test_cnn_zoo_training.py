"""Networks trained side by side are those that plain torch trains one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness.benches.cnn_zoo import initialization, stack, training
from harness.benches.cnn_zoo.network import Network
from harness.benches.cnn_zoo.space import OPTIMIZERS, SPACE, checkpoints, params, sides
from harness.benches.cnn_zoo.training import Schedule
from harness.datasets.digits import Digits
from harness.schema import seed_of

SCHEDULE = Schedule(epochs=2, batch=8, seed=3, stream="truth")


def values(**changed):
    start = {"activation": "relu", "initialization": "he", "l2": 0.003, "rate": 0.01, "dropout": 0.3}
    return start | {"optimizer": "sgd", "train_fraction": 0.5} | changed


@pytest.fixture(scope="module")
def images():
    return Digits(train_images=48, valid_images=16, test_images=24, size=16).load()


def last(networks, images):
    return list(training.train(networks, images, SCHEDULE))[-1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_stack_trains_each_network_as_torch_trains_it_alone(images, optimizer, activation):
    alike = {"optimizer": optimizer, "activation": activation}
    networks = [values(**alike), values(**alike, rate=0.002, dropout=0.6, l2=1e-8, initialization="glorot")]
    found = last(networks, images)
    for place, network in enumerate(networks):
        model, accuracy = one_by_one(network, images)
        again = Network(FORM, activation, 0.0)
        again.load_flat(torch.from_numpy(found.weights[place]))
        for mine, theirs in zip(again.state_dict().values(), model.state_dict().values(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=2e-5)
        assert found.watched["test"][1][place] == pytest.approx(accuracy, abs=1e-4)


def one_by_one(network, images):
    """Plain torch: one network, its own optimiser, the same images and random numbers."""
    model = Network(FORM, network["activation"], 0.0)
    seed = seed_of(SCHEDULE.seed, SCHEDULE.stream, SPACE.write(network))
    with torch.no_grad():
        drawn = initialization.kernels(network, FORM, np.random.default_rng(seed))
        for layer, kernel in zip(model.layers(), drawn, strict=True):
            layer.bias.zero_()
            layer.weight.copy_(
                kernel.view(16, 3, 3, -1).permute(0, 3, 1, 2) if isinstance(layer, nn.Conv2d) else kernel
            )
    groups = [
        {"params": [layer.weight for layer in model.layers()], "weight_decay": 2 * network["l2"]},
        {"params": [layer.bias for layer in model.layers()]},
    ]
    rate = network["rate"]
    optimizer = {
        "sgd": lambda: torch.optim.SGD(groups, lr=rate),
        "adam": lambda: torch.optim.Adam(groups, lr=rate, eps=1e-7),
        "rmsprop": lambda: torch.optim.RMSprop(groups, lr=rate, alpha=0.9, eps=1e-7),
    }[network["optimizer"]]()
    order = np.random.default_rng(seed_of(SCHEDULE.seed, SCHEDULE.stream, "order", network["train_fraction"]))
    used = order.permutation(48)[:24]
    dropout = np.random.SFC64(seed_of(seed, "dropout"))
    for _ in range(SCHEDULE.epochs):
        shuffled = order.permutation(used)
        for start in range(0, 24, 8):
            chosen = shuffled[start : start + 8]
            logits = dropped(model, pixels(images.train[0][chosen]), network["dropout"], dropout)
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits, torch.from_numpy(images.train[1][chosen])).backward()
            optimizer.step()
    right = model(pixels(images.test[0])).argmax(1).numpy() == images.test[1]
    return model, 100 * right.mean()


def pixels(images):
    return torch.from_numpy(images.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)


def dropped(model, maps, rate, source):
    """A forward pass with the masks of this source: the first of sixteen-bit numbers, a layer after the other."""
    level = round(65536 * (1 - rate))
    shapes = [(16, side, side, len(maps)) for side in sides(16)]
    count = sum(int(np.prod(shape)) for shape in shapes)
    numbers = source.random_raw(-(-count // 4)).view(np.int16)[:count].astype(int) + 32768
    for layer, shape in zip(model.layers()[:3], shapes, strict=True):
        mask = torch.from_numpy((numbers[: int(np.prod(shape))] < level).reshape(shape)).permute(3, 0, 1, 2)
        numbers = numbers[int(np.prod(shape)) :]
        maps = layer(maps)
        maps = maps.relu() if isinstance(model.features[2], nn.ReLU) else maps.tanh()
        maps = maps * mask / (level / 65536)
    return model.head(maps.mean((2, 3)))


def test_what_a_network_becomes_does_not_depend_on_those_beside_it(images):
    networks = [values(rate=rate) for rate in (0.001, 0.01, 0.05)]
    among, alone = last(networks, images), last(networks[1:2], images)
    np.testing.assert_allclose(among.weights[1], alone.weights[0], rtol=1e-4, atol=1e-6)


def test_a_network_that_diverges_leaves_those_beside_it_alone(images):
    wild = values(initialization="normal", deviation=0.5, rate=0.05, optimizer="sgd", l2=1e-2)
    found = last([values(), wild | {"rate": 1e30}], images)
    assert not np.isfinite(found.weights[1]).all()
    np.testing.assert_allclose(found.weights[0], last([values()], images).weights[0], rtol=1e-4, atol=1e-6)


def test_the_network_has_the_paper_s_number_of_parameters():
    assert params(10) == sum(p.numel() for p in Network("relu", 0.1, 10).parameters()) == 4970


def test_parameters_in_published_order_are_those_of_the_network():
    shapes = [*initialization.CONVOLUTIONS, (10, 16)]
    stacked = [torch.randn(2, *shape) for shape in shapes] + [torch.randn(2, shape[0]) for shape in shapes]
    model, images = Network("tanh", 0.0, 10), torch.rand(5, 1, 16, 16)
    model.load_flat(stack.flat(stacked)[1])
    expected = stack.forward(images[:, 0].permute(1, 2, 0).contiguous(), stacked, "tanh")[1]
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "deviation"), [("he", (2 / 144) ** 0.5), ("glorot", (2 / 288) ** 0.5)])
def test_scaled_initialisations_have_the_deviation_that_keras_gives_them(kind, deviation):
    drawn = [initialization.kernels(values(initialization=kind), FORM, np.random.default_rng(s))[1] for s in range(20)]
    assert torch.stack(drawn).std().item() == pytest.approx(deviation, rel=0.02)


def test_an_orthogonal_kernel_has_orthonormal_rows():
    kernel = initialization.kernels(values(initialization="orthogonal"), FORM, np.random.default_rng(0))[2]
    torch.testing.assert_close(kernel @ kernel.T, torch.eye(16), rtol=0, atol=1e-5)


def test_checkpoints_are_the_paper_s_for_its_epochs():
    assert checkpoints(86) == [0, 1, 2, 3, 20, 40, 60, 80, 86]
    assert checkpoints(20) == [0, 1, 2, 3, 5, 9, 14, 19, 20]
    assert checkpoints(1) == [0, 1]
