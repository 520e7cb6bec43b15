"""Networks of hubs, with random weights of real architectures: nothing is downloaded."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch import nn

from harness.benches.pretrained import hubs
from harness.benches.pretrained.models import models
from harness.benches.pretrained.network import fine_tuned, freeze_statistics, train_last
from harness.schema import BadInput
from tests.conftest import tiny_images

NAMES = ("resnet18", "squeezenet1_1", "mobilenet_v3_small")
WIDTHS = {"resnet18": 512, "squeezenet1_1": 512, "mobilenet_v3_small": 1024}


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_of_torchvision_gives_what_its_classifier_reads(name: str, torchvision: Any) -> None:
    torch.manual_seed(0)
    net = hubs.load("torchvision", name, pretrained=False).eval()
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None).eval()
    images = torch.randn(2, 3, 64, 64)
    features, logits = net.outputs(images)
    assert features.shape == (2, WIDTHS[name])
    torch.testing.assert_close(logits, theirs(images))
    torch.testing.assert_close(net.features(images), features)
    if isinstance(net.classifier[0], nn.Linear):
        torch.testing.assert_close(net.classifier[0](features), logits)
    own, all_of_it = (sum(weight.numel() for weight in each.parameters()) for each in (net, theirs))
    assert own == all_of_it - sum(weight.numel() for weight in net.classifier[0].parameters())
    assert net.mean == pytest.approx((123.675, 116.28, 103.53)) and net.std == pytest.approx((58.395, 57.12, 57.375))


def test_a_classifier_of_timm_has_the_pixels_of_its_own_configuration(torchvision: Any) -> None:
    net = hubs.load("timm", "efficientnet_lite0", pretrained=False).eval()
    form = net.model.pretrained_cfg
    assert net.mean == tuple(255 * value for value in form["mean"])
    features, logits = net.outputs(torch.randn(2, 3, 64, 64))
    assert features.shape == (2, 1280) and logits is not None and logits.shape == (2, 1000)


def test_a_network_of_a_hub_is_fine_tuned_like_one_of_a_folder(torchvision: Any) -> None:
    images = tiny_images(colours=3)
    model = fine_tuned(hubs.load("torchvision", "mobilenet_v3_small", pretrained=False), images, 32, frozen=True)
    train_last(model, None)
    logits = model(torch.randn(2, 3, 8, 8))
    logits.sum().backward()
    assert logits.shape == (2, 3)
    moved = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert "head.weight" in moved and "backbone.model.features.0.0.weight" in moved
    assert len(moved) == len(list(model.parameters()))  # the source classifier is none of them


def test_train_last_counts_weight_layers_from_the_head(torchvision: Any) -> None:
    model = fine_tuned(hubs.load("torchvision", "resnet18", pretrained=False), tiny_images(3), 32, frozen=True)
    train_last(model, 3)
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    last = "backbone.model.layer4.1"
    assert [name for name in trained if "conv" in name] == [f"{last}.conv1.weight", f"{last}.conv2.weight"]
    assert {"head.weight", "head.bias", f"{last}.bn1.weight", f"{last}.bn2.bias"} <= set(trained)


def test_frozen_statistics_are_those_of_evaluation_and_do_not_move() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.ReLU(), nn.BatchNorm2d(4)))
    for _ in range(3):
        model(torch.randn(8, 3, 9, 9))
    images, expected = torch.randn(2, 3, 9, 9), None
    expected = model.eval()(images).detach()
    names = list(model.state_dict())
    freeze_statistics(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.testing.assert_close(model.train()(images).detach(), expected)
    assert list(model.state_dict()) == names
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        BadInput, match=r'^bench\.models: must be of a source .*pip install "early-training-harness\[timm\]"'
    ):
        hubs.load("huggingface", "timm/resnet18.a1_in1k")


def test_a_package_made_for_another_torch_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("operator torchvision::nms\ndoes not exist")

    monkeypatch.setattr(hubs, "import_module", fail)
    with pytest.raises(
        BadInput, match=r"^bench\.models: .*\(got torchvision:\.\.\.: operator torchvision::nms does not"
    ):
        hubs.load("torchvision", "resnet18")


def test_nothing_is_downloaded_where_that_is_forbidden(monkeypatch: pytest.MonkeyPatch, torchvision: Any) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", "/nonexistent")
    for name in ("torchvision:resnet18", "timm:resnet18", "huggingface:timm/resnet18.a1_in1k"):
        with pytest.raises(BadInput, match="must be at hand where HARNESS_OFFLINE is set"):
            models("nowhere", None).backbone(name)


def test_an_unknown_name_of_a_hub_is_one_line(torchvision: Any) -> None:
    for source in ("torchvision", "timm"):
        with pytest.raises(BadInput, match=r"^bench\.models: must be .*nonesuch") as error:
            hubs.load(source, "nonesuch", pretrained=False)
        assert "\n" not in str(error.value)


def test_networks_of_hubs_have_families() -> None:
    held = models("nowhere", None)
    names = {"torchvision:resnet50": "resnet", "torchvision:resnet152": "resnet", "timm:mobilenetv2_100": "mobilenetv"}
    names["huggingface:timm/vit_base_patch16_224.augreg_in1k"] = "vit"
    assert {name: held.entry(name).family for name in names} == names


def test_a_network_of_a_hub_is_identified_by_its_weights(monkeypatch: pytest.MonkeyPatch, torchvision: Any) -> None:
    held = models("nowhere", None)
    loaded: list[str] = []
    load = hubs.load

    def random(source: str, name: str) -> hubs.HubNetwork:
        torch.manual_seed(len(loaded) // 2)  # the third has other weights than the first two
        loaded.append(name)
        return load(source, name, pretrained=False)

    monkeypatch.setattr(hubs, "load", random)
    found = []
    for _ in range(3):
        hubs.checksum.cache_clear()
        found += [held.identity("torchvision:squeezenet1_1"), held.identity("torchvision:squeezenet1_1")]
    hubs.checksum.cache_clear()
    assert len(loaded) == 3  # once a process
    assert found[0] == found[1] == found[2] == found[3] != found[4] and len(found[0]) == 64
    net = load("torchvision", "squeezenet1_1", pretrained=False)
    before = net.sha256()
    with torch.no_grad():
        net.classifier[0].get_parameter("bias")[0] += 1
    assert net.sha256() != before
