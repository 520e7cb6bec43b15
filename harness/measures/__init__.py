"""Measures: numbers read from a network while it trains."""
