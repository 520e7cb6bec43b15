"""Descriptions of SqueezeNet 1.0 and 1.1, whose weights are found as state dicts with torchvision's names."""

from __future__ import annotations

from typing import Any

PIXELS = {"mean": [123.0, 117.0, 104.0], "std": [1.0, 1.0, 1.0], "size": 224}
"""The normalisation of the Caffe models: RGB in 0..255 minus the mean."""

FIRES = {"1_0": (3, 4, 5, 7, 8, 9, 10, 12), "1_1": (3, 4, 6, 7, 9, 10, 11, 12)}
POOLS = {"1_0": (2, 6, 11), "1_1": (2, 5, 8)}


def description(version: str) -> dict[str, Any]:
    """The operations of version "1_0" or "1_1" (Iandola et al. 2016, arXiv 1602.07360), weights as torchvision's."""
    operations: list[dict[str, Any]] = [_convolution("features.0", 0, 1, stride=2)]
    last = 1
    for place in sorted((*FIRES[version], *POOLS[version])):
        if place in POOLS[version]:
            operations.append(
                {"op": "maxpool", "in": [last], "out": last + 1, "k": [3, 3], "stride": [2, 2], "pad": 0, "ceil": True}
            )
            last += 1
            continue
        name = f"features.{place}"
        operations += [
            _convolution(f"{name}.squeeze", last, last + 1),
            _convolution(f"{name}.expand1x1", last + 1, last + 2),
            _convolution(f"{name}.expand3x3", last + 1, last + 3, pad=1),
            {"op": "cat", "in": [last + 2, last + 3], "out": last + 4},
        ]
        last += 4
    operations += [
        _convolution("classifier.1", last, last + 1),
        {"op": "pool", "in": [last + 1], "out": last + 2},
    ]
    return {"input": 0, **PIXELS, "ops": operations}


def _convolution(name: str, source: int, target: int, stride: int = 1, pad: int = 0) -> dict[str, Any]:
    return {
        "op": "conv",
        "in": [source],
        "out": target,
        "w": f"{name}.weight",
        "b": f"{name}.bias",
        "stride": [stride, stride],
        "pad": [pad, pad],
        "groups": 1,
        "act": "relu",
    }
