"""NAS-Bench-201: cells, network, ground truth."""
