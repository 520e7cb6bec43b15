"""Image sets, split and described as the benchmark wants them."""
