"""What measures ask of their settings, and of the numbers they give."""

from __future__ import annotations

from torch import Tensor

from harness.schema import demand


def finite(value: Tensor) -> float:
    """A number, or nan where it is not finite."""
    return float(value) if value.isfinite() else float("nan")


def demand_counts(measure: str, images: int, every: int, least: int = 1) -> None:
    """Raise BadInput unless a measure is given `least` images and a place in the observations."""
    demand(images >= least, f"measure.{measure}.images", f"at least {least}", images)
    demand(every >= 1, f"measure.{measure}.every", "at least 1", every)
