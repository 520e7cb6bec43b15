"""Stored tables in, a paper-style report out; see `write.write` and `python -m harness.report`."""
