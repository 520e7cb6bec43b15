"""Gaussian process regression by scikit-learn, set for a few hundred architectures."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from harness.predictors.points import Column

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor

SMALLEST = 1e-3
"""The least share of noise in the process's variance: accuracies of one architecture differ by seed."""


def gaussian_process(x: Column, y: Column, seed: int) -> GaussianProcessRegressor:
    """One radial kernel over all features x (n, d) and noise, their sizes by maximum likelihood, fitted to y (n,).

    Both sides are expected to have a mean near 0 and a deviation near 1.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    wide = float(np.sqrt(x.shape[1]))
    kernel = ConstantKernel(1.0) * RBF(wide, (wide / 10, wide * 100)) + WhiteKernel(0.2, (SMALLEST, 1e1))
    process = GaussianProcessRegressor(kernel, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length scale at its bound, e.g. of a constant column
        return process.fit(x, y)
