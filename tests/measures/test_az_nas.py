from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.az_nas import AzNas, by_autograd, entropy, read, trainability
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=7, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
SKIPS = "|skip_connect~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
BATCH = (torch.zeros(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))


def network(text):
    torch.manual_seed(0)
    return Network(parse(text), SHAPE).train()


def observe(model, **keys):
    return AzNas(**keys).observer(SCENE)(model, BATCH, 0)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def slow_entropy(features):
    rows = features.detach().permute(0, 2, 3, 1).reshape(-1, features.shape[1]).numpy().astype(float)
    return stats.entropy(np.linalg.eigvalsh(np.cov(rows.T)).clip(0))


def slow_trainability(inner, outer):
    """One matrix for each image and position of the output, averaged."""
    b, c, h, w = outer.shape
    stride = inner.shape[2] // h
    total = np.zeros((inner.shape[1] * stride * stride, c))
    for image in range(b):
        for y in range(h):
            for x in range(w):
                patch = inner[image, :, y * stride : (y + 1) * stride, x * stride : (x + 1) * stride]
                total += np.outer(patch.reshape(-1).numpy(), outer[image, :, y, x].numpy())
    s = np.linalg.svd(total / (b * h * w))[1].max()
    return 2 - s - 1 / (s + 1e-6)


def test_the_three_scores_agree_with_one_backward_pass_through_the_whole_network():
    model = network(CELL)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn((8, 1, 8, 8), generator=generator)
    maps = [model.stem(x)]
    fits = []
    for block in model.body:
        maps.append(block(maps[-1]))
        signs = torch.randint(2, maps[-1].shape, generator=generator).float() * 2 - 1
        fits.append(slow_trainability(torch.autograd.grad(maps[-1], maps[-2], signs, retain_graph=True)[0], signs))
    entropies = [slow_entropy(m) for m in maps]
    assert observe(model, images=8) == pytest.approx(
        {
            "az_expressivity": sum(entropies),
            "az_progressivity": min(np.diff(entropies)),
            "az_trainability": np.mean(fits),
        },
        rel=1e-3,
    )


def test_independent_channels_are_most_expressive_and_one_direction_least():
    apart = noise(8, 5, 16, 16)
    alike = apart[:, :1] * torch.arange(1.0, 6).reshape(1, 5, 1, 1)
    assert entropy(apart) == pytest.approx(np.log(5), abs=0.01)
    assert entropy(alike) == pytest.approx(0, abs=1e-4)
    assert entropy(apart) == pytest.approx(slow_entropy(apart), rel=1e-4)


def test_scale_shift_and_a_rotation_of_the_channels_leave_the_expressivity():
    features = noise(6, 4, 5, 5) * torch.tensor([1.0, 2, 3, 4]).reshape(1, 4, 1, 1)
    rotation = torch.linalg.qr(noise(4, 4, seed=1))[0]
    turned = torch.einsum("dc,bchw->bdhw", rotation, features)
    assert entropy(7 * features + 3) == pytest.approx(entropy(features), rel=1e-4)
    assert entropy(turned) == pytest.approx(entropy(features), rel=1e-4)


def test_a_block_that_keeps_the_size_of_gradients_is_most_trainable():
    signs = (noise(64, 3, 8, 8) > 0).float() * 2 - 1
    rotation = torch.linalg.qr(noise(3, 3, seed=1))[0]
    fits = [trainability(size * torch.einsum("dc,bchw->bdhw", rotation, signs), signs) for size in (0.2, 0.5, 1, 2, 5)]
    assert fits[2] == pytest.approx(0, abs=0.01)
    assert fits[0] < fits[1] < fits[2] > fits[3] > fits[4]
    assert fits[3] == pytest.approx(2 - 2 - 1 / 2, abs=0.1)


def test_progressivity_is_the_smallest_gain_between_blocks():
    class Squeeze(nn.Module):
        def forward(self, x):
            return x.mean(dim=1, keepdim=True) * torch.arange(1.0, 5).reshape(1, 4, 1, 1) + 0.5 * x

    body = nn.Sequential(nn.Conv2d(4, 4, 1), Squeeze(), nn.Conv2d(4, 4, 1))
    stem = nn.Conv2d(1, 4, 3, padding=1)
    images = noise(8, 1, 8, 8)
    _, progressivity, _ = read(by_autograd(stem, body, images, torch.Generator().manual_seed(0)))
    maps = [stem(images)]
    for block in body:
        maps.append(block(maps[-1]))
    assert progressivity == pytest.approx(min(np.diff([slow_entropy(m) for m in maps])), rel=1e-3)


def test_a_dead_network_has_no_score():
    assert all(np.isnan(value) for value in observe(network(DEAD)).values())


def test_a_network_of_identities_has_no_trainability_but_the_others():
    seen = observe(network(SKIPS))
    assert np.isnan(seen["az_trainability"])
    assert np.isfinite([seen["az_expressivity"], seen["az_progressivity"]]).all()
    assert seen["az_progressivity"] <= 1e-9


def test_a_network_without_blocks_is_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"must be divided into blocks, `stem` and `body` \(got Sequential\)"):
        observe(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))


def test_random_numbers_are_the_same_every_time():
    assert observe(network(CELL)) == observe(network(CELL))
    other = AzNas().observer(Scene(probe_seed=8, classes=3, features=16))(network(CELL), BATCH, 0)
    assert other != observe(network(CELL))


def test_new_weights_hide_the_training():
    trained = network(CELL)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter += 0.3
    assert observe(trained, weights="kaiming") == pytest.approx(observe(network(CELL), weights="kaiming"))
    assert observe(network(CELL), weights="kaiming") != observe(network(CELL))


@pytest.mark.parametrize("wrong", [{"images": 1}, {"weights": "old"}, {"every": 0}])
def test_wrong_settings_are_refused_by_name(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        AzNas(**wrong)
