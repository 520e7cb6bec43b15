"""What early training adds to descriptions and proxies: the tables and figures of docs/findings/early_training.md."""
