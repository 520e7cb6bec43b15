"""What one training may fail with while others go on."""

from __future__ import annotations

FAULTS = (RuntimeError, ValueError, ArithmeticError, KeyError, MemoryError)
"""Errors of one training; any other is a mistake of the program, and raised."""
