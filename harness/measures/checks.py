"""Checks of settings and values that measures share."""

from __future__ import annotations

from torch import Tensor

from harness.schema import demand


def finite(value: Tensor) -> float:
    """The value as a number, nan if it is not finite."""
    return float(value) if value.isfinite() else float("nan")


def demand_counts(measure: str, images: int, every: int, least: int = 1) -> None:
    """Raise BadInput unless a measure reads at least `least` images, and at least every observation."""
    demand(images >= least, f"measure.{measure}.images", f"at least {least}", images)
    demand(every >= 1, f"measure.{measure}.every", "at least 1", every)
