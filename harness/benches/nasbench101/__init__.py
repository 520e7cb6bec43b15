"""NAS-Bench-101: cells of up to seven vertices with operations on the vertices."""
