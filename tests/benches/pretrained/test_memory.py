"""What a pass without gradients keeps in memory: few images at a time, and no feature map after its last use."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.benches.pretrained import hubs
from harness.benches.pretrained.models import models
from harness.benches.pretrained.network import PART, FineTuned, fine_tuned
from tests.benches.pretrained import networks
from tests.conftest import tiny_images

MANY = 2 * PART + 5


def network(folder: Path, frozen: bool = True) -> FineTuned:
    backbone = models(str(networks.save(folder, {"one": 1})), None).backbone("one")
    return fine_tuned(backbone, tiny_images(3), 32, frozen)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Callable[[nn.Module], list[int]]:
    """The numbers of images that the backbone is given, pass by pass."""

    def watch(model: nn.Module) -> list[int]:
        seen: list[int] = []
        backbone: Any = model.backbone
        plain = backbone.features
        monkeypatch.setattr(backbone, "features", lambda images: (seen.append(len(images)), plain(images))[1])
        return seen

    return watch


def test_many_images_pass_in_parts_with_the_same_features(tmp_path: Path, sizes: Any) -> None:
    model = network(tmp_path).train()
    images = torch.randn(MANY, 3, 8, 8)
    whole = model.features(images).detach()
    seen = sizes(model)
    with torch.no_grad():
        found = model.features(images)
    assert seen == [PART, PART, 5]
    torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-5)  # another kernel may take the last few images


def test_a_batch_that_a_gradient_or_its_own_statistics_need_stays_whole(tmp_path: Path, sizes: Any) -> None:
    images = torch.randn(MANY, 3, 8, 8)
    frozen, moving = network(tmp_path / "a"), network(tmp_path / "b", frozen=False)
    seen, seen_moving = sizes(frozen.train()), sizes(moving.train())
    frozen.features(images)
    with torch.no_grad():
        moving.features(images)
        moving.eval().features(images)
    assert seen == [MANY] and seen_moving == [MANY, PART, PART, 5]


class Looking(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def test_whoever_looks_at_a_pass_sees_all_images(tmp_path: Path, sizes: Any) -> None:
    model, images = network(tmp_path), torch.randn(MANY, 3, 8, 8)
    seen = sizes(model)
    with torch.no_grad():
        with Looking():
            model.features(images)
        hook = model.backbone.layers()[0].register_forward_pre_hook(lambda *_: None)
        model.features(images)
        hook.remove()
        model.features(images)
    assert seen == [MANY, MANY, PART, PART, 5]


def test_dropout_of_a_hubs_network_draws_for_the_whole_batch(sizes: Any, torchvision: Any) -> None:
    backbone = hubs.load("torchvision", "squeezenet1_1", pretrained=False)
    model = fine_tuned(backbone, tiny_images(3), 32, frozen=True)
    seen = sizes(model.train())
    with torch.no_grad():
        model.features(torch.randn(PART + 1, 3, 8, 8))
        model.eval().features(torch.randn(PART + 1, 3, 8, 8))
    assert seen == [PART + 1, PART, 1]


def test_a_map_is_dropped_after_its_last_use(tmp_path: Path) -> None:
    net: Any = models(str(networks.save(tmp_path, {"one": 1})), None).backbone("one").eval()
    maps: list[weakref.ref[Tensor]] = []
    alive: list[list[int]] = []

    def note(module: nn.Module, given: Any, made: Tensor) -> None:
        alive.append([place for place, each in enumerate(maps) if each() is not None])
        maps.append(weakref.ref(made))

    for layer in (*net.lower, *net.classifier[0]):
        layer.register_forward_hook(note)
    with torch.no_grad():
        features, logits = net.outputs(torch.randn(2, 3, 32, 32))
    # a is read by b and d, e by f and g; the operations are a .. j
    assert alive == [[], [0], [0, 1], [0, 2], [3], [4], [4, 5], [6], [7], [8]]
    assert features is not None and logits is not None
