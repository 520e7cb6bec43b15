"""Times of what this package does, against plain ways to do the same."""
