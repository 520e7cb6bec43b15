"""Accuracy predicted from graphs of the first epochs: the tables and the figure of Vahedian et al. (2022)."""
