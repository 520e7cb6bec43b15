"""Figures that are not drawn, for journeys whose tables and words are tested."""

from tests.report.conftest import undrawn

__all__ = ["undrawn"]
