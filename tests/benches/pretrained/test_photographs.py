"""The described networks name what is on photographs that scikit-learn and scikit-image ship."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from harness.benches.pretrained.catalogue import IMAGENET, packaged
from harness.benches.pretrained.graph_network import GraphNetwork
from harness.benches.pretrained.models import models

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
CATS, ESPRESSO, ROCKETS = {281, 282, 285}, {967}, {657, 744, 812, 540, 682, 668, 733}
BUILDINGS = {698, 663, 442, 449, 832, 483, 975, 538}  # palace, monastery, bell cote, boathouse, stupa, castle, ...
OWN_ORDER = "darknet_class_order.txt"


def classes(net: GraphNetwork, photograph: np.ndarray, order: list[int] | None) -> list[int]:
    """The five likeliest of ImageNet's classes, of the central 7/8 of a photograph at the network's own side."""
    image, side = Image.fromarray(photograph), net.graph.size
    scale = side / 0.875 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    pixels = torch.tensor(np.asarray(image.crop((left, top, left + side, top + side)))).permute(2, 0, 1)[None].float()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (net.mean, net.std))
    with torch.no_grad():
        logits = net.outputs((pixels - mean) / std)[1]
    assert logits is not None
    found: list[int] = logits[0, logits.shape[1] - 1000 :].topk(5).indices.tolist()  # 1,001: background first
    return found if order is None else [order[each] for each in found]


@pytest.mark.real
@pytest.mark.parametrize("name", packaged())
def test_a_described_network_names_what_is_on_a_photograph(name: str) -> None:
    held, entry = models("models", str(DATA)), packaged()[name]
    if name not in held.entries:
        pytest.skip("HARNESS_DATA has no such network")
    data = pytest.importorskip("skimage.data")
    net = held.backbone(name).eval()
    assert isinstance(net, GraphNetwork)
    features, logits = net.outputs(torch.zeros(1, 3, 96, 96))
    assert features.isfinite().all() and features.shape[0] == 1
    if logits is None or entry.trained_on != IMAGENET:
        return
    order = _order(DATA / "models") if name == "tiny_darknet" else None
    seen = [classes(net, photograph, order) for photograph in (data.chelsea(), data.coffee(), data.rocket())]
    seen.append(classes(net, load_sample_image("china.jpg"), order))
    right = [bool(set(top) & wanted) for top, wanted in zip(seen, (CATS, ESPRESSO, ROCKETS, BUILDINGS), strict=True)]
    assert right[0] and sum(right) >= 3, seen


def _order(folder: Path) -> list[int]:
    """ImageNet's number of each class in the order of Darknet's list."""
    words = [line.split(" ", 1)[0] for line in (folder / "imagenet_synset_words.txt").read_text().splitlines()]
    return [words.index(line.split()[0]) for line in (folder / OWN_ORDER).read_text().splitlines() if line.strip()]
