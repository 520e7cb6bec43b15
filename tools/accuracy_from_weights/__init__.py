"""Accuracy predicted from the weights of finished networks: the tables and figures of Unterthiner et al. (2020)."""
