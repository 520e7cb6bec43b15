"""Figures that are not drawn, for sweeps whose tables and words are tested."""

from tests.report.conftest import undrawn

__all__ = ["undrawn"]
