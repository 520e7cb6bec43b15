"""Scores held against the ground truth: pure functions, without torch."""
