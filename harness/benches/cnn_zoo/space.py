"""The hyper-parameters of the zoo; nothing here needs torch."""

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


def together(values: Values) -> tuple[object, ...]:
    """Networks can be trained side by side where this is equal: they then make the same kind of updates."""
    return values["train_fraction"], values["activation"], values["optimizer"]


def checkpoints(epochs: int) -> list[int]:
    """Epochs after which a network is looked at: the paper's 0, 1, 2, 3, 20, 40, 60, 80, 86 of 86, in proportion.

    The first four stay 0 to 3, as far as there are so many epochs.
    """
    later = [round(epochs * epoch / 86) for epoch in (20, 40, 60, 80, 86)]
    return sorted({*(epoch for epoch in (0, 1, 2, 3) if epoch <= epochs), *later})
