"""Small random networks in the formats of pre-trained ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

WIDTH, CLASSES = 6, 7


def description() -> dict[str, Any]:
    """Ten operations, one of each kind that has settings."""
    conv = {"op": "conv", "stride": [1, 1], "pad": "SAME", "groups": 1}
    return {
        "input": "x",
        "size": 32,
        "mean": [127.5, 120.0, 110.0],
        "std": [60.0, 58.0, 57.0],
        "ops": [
            {**conv, "in": ["x"], "out": "a", "w": "stem", "b": "stem.b", "stride": [2, 2], "act": 3},
            {**conv, "in": ["a"], "out": "b", "w": "deep", "groups": 4, "act": "leaky", "bn": "deep", "eps": 1e-3},
            {**conv, "in": ["b"], "out": "c", "w": "point", "b": "point.b", "pad": [0, 0]},
            {"op": "add", "in": ["a", "c"], "out": "d", "act": 1},
            {"op": "maxpool", "in": ["d"], "out": "e", "k": [3, 3], "stride": [2, 2], "pad": "SAME"},
            {"op": "half", "in": ["e"], "out": "f", "i": 1},
            {"op": "cat", "in": ["e", "f"], "out": "g"},
            {"op": "deal", "in": ["g"], "out": "h"},
            {"op": "pool", "in": ["h"], "out": "i"},
            {"op": "fc", "in": ["i"], "out": "j", "w": "fc", "b": "fc.b"},
        ],
    }


def weights(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)

    return {
        "stem": normal(4, 3, 3, 3), "stem.b": normal(4),
        "deep": normal(4, 1, 3, 3), "deep.weight": 1 + 0.1 * normal(4), "deep.bias": normal(4),
        "deep.mean": normal(4), "deep.var": random.uniform(0.5, 2, 4).astype(np.float32),
        "point": normal(4, 4, 1, 1), "point.b": normal(4),
        "fc": normal(CLASSES, WIDTH), "fc.b": normal(CLASSES),
    }  # fmt: skip


def save(folder: Path, names: dict[str, int], families: dict[str, str] | None = None) -> Path:
    """A folder of networks by name and seed, with the models.yaml that describes them."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for place, (name, seed) in enumerate(names.items()):
        np.savez(folder / f"{name}.npz", spec=json.dumps(description()), **weights(seed))  # type: ignore[arg-type]
        family = (families or {}).get(name, name)
        entries[name] = {"file": f"{name}.npz", "family": family, "source_accuracy": 50.0 + place}
    (folder / "models.yaml").write_text(yaml.safe_dump(entries))
    return folder


def by_hand(arrays: dict[str, np.ndarray], pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and logits of RGB pixels (B, 3, side, side) in 0..255 by the description, written out, even sides."""
    f = torch.nn.functional
    w = {name: torch.from_numpy(value) for name, value in arrays.items()}
    text = description()
    mean, std = (torch.tensor(text[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    x = f.pad((pixels - mean) / std, (0, 1, 0, 1))  # stride 2, kernel 3, even side: one pixel at the end
    a = f.conv2d(x, w["stem"], w["stem.b"], 2).clamp(0, 6)
    b = f.conv2d(a, w["deep"], None, 1, 1, groups=4)
    scale = w["deep.weight"] / (w["deep.var"] + 1e-3).sqrt()
    b = b * scale.view(1, -1, 1, 1) + (w["deep.bias"] - w["deep.mean"] * scale).view(1, -1, 1, 1)
    b = torch.where(b > 0, b, 0.1 * b)
    d = (a + f.conv2d(b, w["point"], w["point.b"])).relu()
    e = f.max_pool2d(f.pad(d, (0, 1, 0, 1), value=float("-inf")), 3, 2)
    g = torch.cat([e, e[:, 2:]], 1)
    features = torch.cat([g[:, 0::2], g[:, 1::2]], 1).mean((2, 3))
    return features, features @ w["fc"].T + w["fc.b"]
