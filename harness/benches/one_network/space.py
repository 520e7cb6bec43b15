"""The grid of learning rates and dropout rates; nothing here needs torch."""

from __future__ import annotations

from itertools import product

from harness.benches.hyperparameters import Choice, Space

DIGITS, EXPONENTS = (2.0, 2.5, 3.0, 3.5, 4.0, 4.5), range(-6, 0)

RATES = tuple(float(f"{digit}e{exponent}") for exponent in EXPONENTS for digit in DIGITS)
"""2e-6 to 0.45: the 36 products. The authors' launch script lists 34 of them (docs/methods.md)."""

DROPOUTS = tuple(place / 10 for place in range(10))

SPACE = Space({"rate": Choice(RATES, log=True), "dropout": Choice(DROPOUTS)})
"""What is varied (Vahedian et al. 2022; the authors' code): 360 settings."""


def grid(least_rate: float) -> list[str]:
    """The text of every setting whose learning rate is at least `least_rate`."""
    rates = [rate for rate in RATES if rate >= least_rate]
    return [SPACE.write({"rate": rate, "dropout": dropout}) for rate, dropout in product(rates, DROPOUTS)]
