"""The report on many runs."""
