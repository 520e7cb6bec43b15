"""Transferability scores: how well a trained network's features, or its old classifier, fit another data set."""
