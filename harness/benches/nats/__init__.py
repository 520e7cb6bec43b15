"""NATS-Bench: the archives of its two spaces, reading, conversion and queries."""
