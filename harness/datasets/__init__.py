"""Image sets with the benchmark's splits and transforms."""
