"""Evaluation harness for early-training performance predictors of neural architectures."""

__version__ = "0.1.0"
