"""What early training adds to descriptions and proxies: the tables and figures of docs/findings.md."""
