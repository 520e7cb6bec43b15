"""The synthetic tables of the report's tests, for those of its command."""

from tests.report.conftest import make, results, undrawn

__all__ = ["make", "results", "undrawn"]
