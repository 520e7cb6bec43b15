"""From a trace to a score: one file a method, no torch."""
