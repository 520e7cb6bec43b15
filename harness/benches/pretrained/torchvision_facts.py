"""What torchvision publishes of its ImageNet models."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd


@functools.cache
def torchvision_facts() -> pd.DataFrame:
    """Top-1 accuracy on ImageNet (percent), parameters and GFLOPs (multiply-adds) of torchvision's models, by name.

    Those of the weights `IMAGENET1K_V1`, as the documentation of torchvision 0.29 has them; papers up to 2022 used
    these weights.
    """
    return pd.read_csv(Path(__file__).with_name("torchvision_v1.csv"), index_col="model").astype(float)
