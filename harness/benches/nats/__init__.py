"""NATS-Bench: the archives of its two spaces, read, converted and asked."""
