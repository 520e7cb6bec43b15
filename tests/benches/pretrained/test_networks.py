"""Pre-trained networks from files: what they compute, what is refused."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.benches.pretrained import catalogue, facts, graph, graph_network, squeezenet, weights
from harness.benches.pretrained.catalogue import Entry
from harness.benches.pretrained.models import models
from harness.schema import BadInput
from tests.benches.pretrained import networks

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))


def loaded(folder: Path, name: str) -> graph_network.GraphNetwork:
    found = models(str(folder), None).backbone(name)
    assert isinstance(found, graph_network.GraphNetwork)
    return found.eval()


def normalised(net: graph_network.GraphNetwork, pixels: torch.Tensor) -> torch.Tensor:
    return (pixels - torch.tensor(net.mean).view(1, 3, 1, 1)) / torch.tensor(net.std).view(1, 3, 1, 1)


@pytest.mark.parametrize("side", [32, 48])
def test_a_network_computes_what_its_description_says(tmp_path: Path, side: int) -> None:
    net = loaded(networks.save(tmp_path, {"one": 1}), "one")
    pixels = 255 * torch.rand(3, 3, side, side)
    features, logits = networks.by_hand(networks.weights(1), pixels)
    torch.testing.assert_close(net.features(normalised(net, pixels)), features)
    torch.testing.assert_close(net.outputs(normalised(net, pixels)), (features, logits))


def test_rows_of_int8_weights_have_a_scale_each(tmp_path: Path) -> None:
    arrays = networks.weights(1)
    scale = np.abs(arrays["fc"]).max(1) / 127
    whole = np.round(arrays["fc"] / scale[:, None]).astype(np.int8)
    networks.save(tmp_path, {"one": 1})
    np.savez(
        tmp_path / "one.npz", spec=json.dumps(networks.description()), **{**arrays, "fc": whole, "fc.scale": scale}
    )  # type: ignore[arg-type]
    pixels = 255 * torch.rand(2, 3, 32, 32)
    net = loaded(tmp_path, "one")
    _, logits = networks.by_hand({**arrays, "fc": (whole * scale[:, None]).astype(np.float32)}, pixels)
    torch.testing.assert_close(net.outputs(normalised(net, pixels))[1], logits)


def test_a_network_without_a_classifier_has_no_logits(tmp_path: Path) -> None:
    text = networks.description()
    text["ops"], text["feat"], text["head"] = text["ops"][:-1], "h", False
    np.savez(tmp_path / "one.npz", spec=json.dumps(text), **networks.weights(1))  # type: ignore[arg-type]
    (tmp_path / "models.yaml").write_text("one: {file: one.npz, family: a}")
    net = loaded(tmp_path, "one")
    features, logits = net.outputs(torch.rand(1, 3, 32, 32))
    assert logits is None and features.shape == (1, 6)


def test_the_dialect_of_tensorflow_lite_is_the_same_network() -> None:
    conv = {"op": "CONV_2D", "stride": [1, 1], "pad": "SAME", "groups": 1, "act": 1, "w": "w0", "b": "b0"}
    text = {
        "input": 0, "output": 5, "input_shape": [1, 24, 24, 3], "input_scale": 0.0078125, "input_zero": 128,
        "ops": [
            {"op": "QUANTIZE", "in": [0], "out": 1},
            {"op": "PAD", "in": [1, 9], "out": 2, "paddings": [[0, 0], [1, 0], [0, 2], [0, 0]]},
            {**conv, "in": [2], "out": 3},
            {"op": "MEAN", "in": [3, 8], "out": 4},
            {"op": "FULLY_CONNECTED", "in": [4], "out": 5, "w": "w1", "b": "b1", "act": 0},
            {"op": "SOFTMAX", "in": [5], "out": 6},
        ],
    }  # fmt: skip
    random = np.random.default_rng(0)
    shapes = {"w0": (5, 3, 3, 3), "b0": (5,), "w1": (4, 5), "b1": (4,)}
    w = {name: torch.tensor(random.standard_normal(shape), dtype=torch.float32) for name, shape in shapes.items()}
    net = graph_network.GraphNetwork(graph.parse(text, "x"), w, "x")
    pixels = 255 * torch.rand(2, 3, 24, 24)
    x = nn.functional.pad((pixels - 128) * 0.0078125, (0, 2, 1, 0))
    features = nn.functional.conv2d(x, w["w0"], w["b0"], padding=1).relu().mean((2, 3))
    torch.testing.assert_close(net.features(normalised(net, pixels)), features)
    torch.testing.assert_close(net.outputs(normalised(net, pixels))[1], features @ w["w1"].T + w["b1"])


@pytest.mark.parametrize("version", ["1_0", "1_1"])
def test_squeezenet_is_that_of_torchvision(version: str, tmp_path: Path, torchvision: Any) -> None:
    theirs = torchvision.models.get_model(f"squeezenet{version}", weights=None).eval()
    torch.save({name: value.half() for name, value in theirs.state_dict().items()}, tmp_path / "net.pt")
    (tmp_path / "models.yaml").write_text(f"net: {{file: net.pt, family: a, description: squeezenet{version}}}")
    theirs.load_state_dict({name: value.half().float() for name, value in theirs.state_dict().items()})
    images = torch.randn(2, 3, 97, 97)
    torch.testing.assert_close(loaded(tmp_path, "net").outputs(images)[1], theirs(images), rtol=1e-4, atol=1e-5)


def test_counts_are_those_of_the_network_below_its_classifier(tmp_path: Path) -> None:
    net = loaded(networks.save(tmp_path, {"one": 1}), "one")
    found = facts.counts(net, 32)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.features(torch.zeros(1, 3, 32, 32))
    below = {name: value for name, value in networks.weights(1).items() if not name.startswith("fc")}
    assert not any("classifier" in name for name, _ in net.named_parameters())
    trained = sum(value.size for name, value in below.items() if not name.endswith((".mean", ".var")))
    assert found == {"params": trained, "flops": counter.get_total_flops() / 2, "layers": 3, "width": 6, "side": 32}


def _spoilt(change: str) -> dict[str, Any]:
    text = networks.description()
    operations = text["ops"]
    if change == "operation":
        operations[3]["op"] = "exec"
    elif change == "order":
        operations[2]["in"] = ["j"]
    elif change == "activation":
        operations[0]["act"] = "swish"
    elif change == "inputs":
        operations[3]["in"] = ["a"]
    elif change == "features":
        text["feat"] = "nowhere"
    elif change == "weights":
        operations[0]["w"] = "missing"
    elif change == "shape":
        operations[9]["w"] = "stem"
    elif change == "colours":
        text["mean"] = [0.0]
    elif change == "no operations":
        del text["ops"]
    return text


@pytest.mark.parametrize(
    "change",
    ["operation", "order", "activation", "inputs", "features", "weights", "colours", "no operations"],
)
def test_what_is_no_network_is_refused_in_one_line(change: str, tmp_path: Path) -> None:
    networks.save(tmp_path, {"one": 1})
    np.savez(tmp_path / "one.npz", spec=json.dumps(_spoilt(change)), **networks.weights(1))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"^bench\.models: must be ") as error:
        loaded(tmp_path, "one")
    assert "\n" not in str(error.value)


class Explosive:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch executed",))


@pytest.mark.parametrize("kind", ["pickle", "npz", "cut", "text"])
def test_nothing_in_a_file_is_executed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "pickle":
        (tmp_path / "net.pt").write_bytes(pickle.dumps({"a": Explosive()}))
    elif kind == "npz":
        np.savez(tmp_path / "net.npz", spec=np.array([Explosive()], dtype=object))
    elif kind == "cut":
        networks.save(tmp_path, {"net": 1})
        (tmp_path / "net.npz").write_bytes((tmp_path / "net.npz").read_bytes()[:900])
    else:
        (tmp_path / "net.npz").write_text("nothing")
    file = "net.pt" if kind == "pickle" else "net.npz"
    (tmp_path / "models.yaml").write_text(f"net: {{file: {file}, family: a, description: squeezenet1_0}}")
    with pytest.raises(BadInput, match=r"^bench\.models: must be an intact \.npz file or state dict \(got "):
        loaded(tmp_path, "net")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "readable YAML"),
        ("- a", "a mapping of names to settings"),
        ("a: {file: x.npz}", "settings with file and family"),
        ("a: {file: x.npz, family: f, top: 3}", "settings out of"),
        ("a: {file: ../x.npz, family: f}", "the name of a file in the folder"),
        ("a: {file: x.npz, family: f, source_accuracy: 700}", "a percentage"),
    ],
)
def test_a_wrong_catalogue_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_text(text)
    with pytest.raises(BadInput, match=rf"^models\.yaml.*must be {said}"):
        catalogue.catalogue(tmp_path)


def test_another_file_than_the_described_one_is_refused(tmp_path: Path) -> None:
    networks.save(tmp_path, {"one": 1})
    text = yaml.safe_load((tmp_path / "models.yaml").read_text())
    text["one"]["sha256"] = "0" * 64
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(text))
    with pytest.raises(BadInput, match=r"the file of one with sha256 000000000000\.\.\. \(got .*one\.npz"):
        loaded(tmp_path, "one")


def test_an_unknown_network_names_the_nearest(tmp_path: Path) -> None:
    held = models(str(networks.save(tmp_path, {"alpha": 1, "beta": 2})), None)
    with pytest.raises(BadInput, match=r"bench\.models: must be networks of .* \(got alpa\); did you mean alpha"):
        held.backbone("alpa")


def test_every_packaged_entry_is_described() -> None:
    known = catalogue.packaged()
    assert len(known) == 28 and len({entry.sha256 for entry in known.values()}) == 28
    for entry in known.values():
        assert entry.sha256 and len(entry.sha256) == 64 and entry.licence != "not stated" != entry.source
        assert entry.file.endswith(".npz") or entry.description in weights.PACKAGED
    assert set(squeezenet.FIRES) == {"1_0", "1_1"}
    assert Entry("a", file="a.npz", family="f").trained_on == catalogue.IMAGENET
