"""Train networks briefly and record traces."""
