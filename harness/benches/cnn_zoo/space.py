"""The hyper-parameters of the zoo and the size of its network; nothing here needs torch."""

from __future__ import annotations

from harness.benches.hyperparameters import Choice, Range, Space, Values

ACTIVATIONS = ("relu", "tanh")
NORMAL = ("normal", "truncated_normal")
INITIALIZATIONS = ("he", "glorot", "orthogonal", *NORMAL)
OPTIMIZERS = ("sgd", "adam", "rmsprop")

SPACE = Space(
    {
        "activation": Choice(ACTIVATIONS),
        "initialization": Choice(INITIALIZATIONS),
        "deviation": Range(1e-3, 0.5, log=True, where={"initialization": NORMAL}),
        "l2": Range(1e-8, 1e-2, log=True),
        "rate": Range(5e-4, 5e-2, log=True),
        "dropout": Range(0.0, 0.7),
        "optimizer": Choice(OPTIMIZERS),
        "train_fraction": Choice((0.1, 0.25, 0.5, 1.0)),
    }
)
"""What is varied (Unterthiner et al. 2020, section 3); the ranges are [derived, docs/methods.md]."""

CHANNELS, TAPS, CONVOLUTIONS = 16, 9, 3

SMALLEST = 15
"""Pixels of a side below which the third convolution has nothing to read."""


def together(values: Values) -> tuple[object, ...]:
    """Networks can be trained side by side where this is equal: they then make the same kind of updates."""
    return values["train_fraction"], values["activation"], values["optimizer"]


def sides(size: int) -> list[int]:
    """Side in pixels of the maps behind each convolution: 3 x 3, stride 2, no padding."""
    found = []
    for _ in range(CONVOLUTIONS):
        size = (size - 3) // 2 + 1
        found.append(size)
    return found


def params(classes: int) -> int:
    """Number of parameters of the network: 4,970 with ten classes."""
    convolutions = [TAPS * before * CHANNELS + CHANNELS for before in (1, CHANNELS, CHANNELS)]
    return sum(convolutions) + CHANNELS * classes + classes


def flops(size: int, classes: int) -> int:
    """Multiply-adds of one forward pass of an image of `size` x `size` pixels."""
    first, *others = (side**2 for side in sides(size))
    return TAPS * CHANNELS * (first + CHANNELS * sum(others)) + CHANNELS * classes + classes


def checkpoints(epochs: int) -> list[int]:
    """Epochs after which a network is looked at: the paper's 0, 1, 2, 3, 20, 40, 60, 80, 86 of 86, in proportion.

    The first four stay 0 to 3, as far as there are so many epochs.
    """
    later = [round(epochs * epoch / 86) for epoch in (20, 40, 60, 80, 86)]
    return sorted({*(epoch for epoch in (0, 1, 2, 3) if epoch <= epochs), *later})
