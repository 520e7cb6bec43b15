"""How two sides are compared: on the same cells and images, in turns, as a ratio with its quartiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.schema import ImageSet

TYPICAL = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
"""Every operation once, the 3 x 3 convolution twice; all of it reaches the output, so that nothing can be pruned."""
HEAVIEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def noise_images(count: int = 2048, size: int = 32) -> ImageSet:
    """Random images of CIFAR-10's colours, of `size` pixels, with its augmentation."""
    random = np.random.default_rng(0)
    part = (random.integers(0, 256, (count, size, size, 3), dtype=np.uint8), random.integers(0, 10, count))
    return ImageSet("noise", part, part, part, 10, (0.5,) * 3, (0.25,) * 3, True, size // 8)


def alternate(a: Callable[[], float], b: Callable[[], float], repeats: int) -> np.ndarray:
    """(repeats, 2) results of `a` and `b` in turns, after one of each that does not count."""
    return np.array([(a(), b()) for _ in range(repeats + 1)])[1:]


def quartiles(ratio: np.ndarray) -> str:
    """Median and quartiles, as two cells of a table."""
    low, middle, high = np.percentile(ratio, [25, 50, 75])
    return f"**{middle:.2f}** | {low:.2f}, {high:.2f}"
