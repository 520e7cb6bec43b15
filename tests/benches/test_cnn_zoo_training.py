"""Networks trained side by side are those that plain torch trains one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from harness.benches.cnn_zoo import initialization, passes, training
from harness.benches.cnn_zoo.form import MODELS, SMALLEST, Form
from harness.benches.cnn_zoo.network import Network
from harness.benches.cnn_zoo.space import OPTIMIZERS, SPACE, checkpoints
from harness.benches.cnn_zoo.training import Schedule
from harness.datasets.digits import Digits
from harness.schema import seed_of
from harness.train.native.library import compiler

SCHEDULE = Schedule(epochs=2, batch=8, seed=3, stream="truth")
FORM = Form("cnn", 16, 10)

KERNELS = ["torch", pytest.param("native", marks=pytest.mark.skipif(compiler() is None, reason="no C compiler"))]


def values(**changed):
    start = {"activation": "relu", "initialization": "he", "l2": 0.003, "rate": 0.01, "dropout": 0.3}
    return start | {"optimizer": "sgd", "train_fraction": 0.5} | changed


@pytest.fixture(scope="module")
def images():
    return Digits(train_images=48, valid_images=16, test_images=24, size=16).load()


def last(networks, images, **changed):
    return list(training.train(networks, images, replace(SCHEDULE, **changed)))[-1]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_stack_trains_each_network_as_torch_trains_it_alone(images, optimizer, activation, kernels):
    alike = {"optimizer": optimizer, "activation": activation}
    networks = [values(**alike), values(**alike, rate=0.002, dropout=0.6, l2=1e-8, initialization="glorot")]
    found = last(networks, images, kernels=kernels)
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
    shapes = [(16, layer.after, layer.after, len(maps)) for layer in FORM.layers]
    count = sum(int(np.prod(shape)) for shape in shapes)
    numbers = source.random_raw(-(-count // 4)).view(np.int16)[:count].astype(int) + 32768
    for layer, shape in zip(model.layers()[:3], shapes, strict=True):
        mask = torch.from_numpy((numbers[: int(np.prod(shape))] < level).reshape(shape)).permute(3, 0, 1, 2)
        numbers = numbers[int(np.prod(shape)) :]
        maps = layer(maps)
        maps = maps.relu() if isinstance(model.features[2], nn.ReLU) else maps.tanh()
        maps = maps * mask / (level / 65536)
    return model.head(maps.mean((2, 3)))


@pytest.mark.parametrize("kernels", KERNELS)
def test_what_a_network_becomes_does_not_depend_on_those_beside_it(images, kernels):
    networks = [values(rate=rate) for rate in (0.001, 0.01, 0.05)]
    among, alone = last(networks, images, kernels=kernels), last(networks[1:2], images, kernels=kernels)
    np.testing.assert_allclose(among.weights[1], alone.weights[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kernels", KERNELS)
def test_a_network_that_diverges_leaves_those_beside_it_alone(images, kernels):
    wild = values(initialization="normal", deviation=0.5, rate=0.05, optimizer="sgd", l2=1e-2)
    found = last([values(), wild | {"rate": 1e30}], images, kernels=kernels)
    assert not np.isfinite(found.weights[1]).all()
    alone = last([values()], images, kernels=kernels)
    np.testing.assert_allclose(found.weights[0], alone.weights[0], rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("model", MODELS)
def test_compiled_and_torch_train_the_same_networks_of_every_form_on_batches_that_fill_no_block(model, activation):
    images = Digits(train_images=52, valid_images=20, test_images=37, size=28).load()
    networks = [values(activation=activation, rate=rate, train_fraction=1.0) for rate in (0.01, 0.05)]
    plain, native = (last(networks, images, model=model, batch=20, kernels=kernels) for kernels in ("torch", "native"))
    np.testing.assert_allclose(native.weights, plain.weights, rtol=1e-3, atol=1e-5)
    for split in ("train", "valid", "test"):
        np.testing.assert_allclose(native.watched[split][0], plain.watched[split][0], rtol=1e-4)
        np.testing.assert_allclose(native.watched[split][1], plain.watched[split][1], atol=100 / 37)


@pytest.mark.parametrize("model", MODELS)
def test_a_form_counts_the_parameters_and_multiplications_of_its_network(model):
    form = Form(model, 28, 7)
    network, counted = Network(form, "relu", 0.1), []
    for layer in network.layers():
        layer.register_forward_hook(
            lambda layer, _, made: counted.append(made[0].numel() * layer.weight[0].numel())
        )  # fmt: skip
    network(torch.zeros(1, 3, 28, 28))
    assert form.params == sum(p.numel() for p in network.parameters())
    assert form.flops == sum(counted) + 7  # the head's biases
    Network(Form(model, SMALLEST[model], 7), "relu", 0.1)(torch.zeros(1, 1, SMALLEST[model], SMALLEST[model]))


def test_the_network_has_the_paper_s_number_of_parameters():
    assert Form("cnn", 28, 10).params == 4970


def test_parameters_in_published_order_are_those_of_the_network():
    stacked = [torch.randn(2, *shape) for shape in FORM.shapes] + [torch.randn(2, shape[0]) for shape in FORM.shapes]
    model, images = Network(FORM, "tanh", 0.0), torch.rand(5, 1, 16, 16)
    model.load_flat(passes.flat(stacked)[1])
    expected = passes.forward(images[:, 0].permute(1, 2, 0).contiguous(), stacked, FORM, "tanh")[1]
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
