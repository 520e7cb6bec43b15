"""Search spaces with known accuracy."""
