"""Transferability scores from the papers' formulas: loops over images, classes and pairs, nothing of the harness."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, spearmanr


def classes(y):
    return sorted(set(map(int, y)))


def evidence(x, y, alpha, beta):
    """log p(y | F, alpha, beta), in closed form with the matrix A = alpha I + beta F'F."""
    n, d = x.shape
    a = alpha * np.eye(d) + beta * x.T @ x
    m = beta * np.linalg.solve(a, x.T @ y)
    fit = beta / 2 * np.sum((x @ m - y) ** 2) + alpha / 2 * m @ m
    return n / 2 * np.log(beta / 2 / np.pi) + d / 2 * np.log(alpha) - fit - np.linalg.slogdet(a)[1] / 2


def logme(x, y):
    found = []
    for c in classes(y):
        target = (y == c).astype(float)
        tries = [
            minimize(
                lambda logs, t=target: -evidence(x, t, *np.exp(logs)), start, method="Nelder-Mead",
                options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000},
            ).fun
            for start in ((0.0, 0.0), (4.0, 2.0), (-2.0, 3.0), (6.0, -1.0))
        ]  # fmt: skip
        found.append(-min(tries) / len(y))
    return np.mean(found)


def explained_covariance(x, y):
    g = np.array([x[y == label].mean(0) for label in y])
    return np.cov(g.T, bias=True)


def h_score(x, y):
    return np.trace(np.linalg.solve(np.cov(x.T, bias=True), explained_covariance(x, y)))


def shrinkage(x):
    """Ledoit and Wolf (2004), lemma 3.2 to 3.4."""
    x = x - x.mean(0)
    n, d = x.shape
    s = x.T @ x / n
    target = np.trace(s) / d * np.eye(d)
    spread = np.sum((s - target) ** 2)
    noise = sum(np.sum((np.outer(row, row) - s) ** 2) for row in x) / n**2
    return min(noise, spread) / spread


def h_score_shrunk(x, y):
    a, s = shrinkage(x), np.cov(x.T, bias=True)
    shrunk = (1 - a) * s + a * np.trace(s) / len(s) * np.eye(len(s))
    return np.trace(np.linalg.inv(shrunk) @ ((1 - a) * explained_covariance(x, y)))


def leep_of(p, y):
    total = 0.0
    for i in range(len(y)):
        expected = 0.0
        for z in range(p.shape[1]):
            joint = sum(p[j, z] for j in range(len(y)) if y[j] == y[i])
            expected += joint / sum(p[j, z] for j in range(len(y))) * p[i, z]
        total += np.log(expected)
    return total / len(y)


def leep(logits, y):
    return leep_of(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), y)


def nce(logits, y):
    z = [int(np.argmax(row)) for row in logits]
    total = 0.0
    for i in range(len(y)):
        same = [j for j in range(len(y)) if z[j] == z[i]]
        total += np.log(sum(y[j] == y[i] for j in same) / len(same))
    return total / len(y)


def transrate(x, y, distortion=1e-4):
    z = x - x.mean(0)

    def rate(part):
        return np.linalg.slogdet(np.eye(z.shape[1]) + part.T @ part / (len(part) * distortion))[1] / 2

    return rate(z) - sum(np.mean(y == c) * rate(z[y == c]) for c in classes(y))


def gbc(x, y, components):
    centred = x - x.mean(0)
    kept = min(components, np.linalg.matrix_rank(centred))
    z = centred @ np.linalg.svd(centred)[2][:kept].T
    total = 0.0
    for c in classes(y):
        for other in classes(y):
            if c != other:
                one, two = z[y == c], z[y == other]
                v, w = (np.mean((part - part.mean(0)) ** 2) * np.eye(z.shape[1]) for part in (one, two))
                middle, apart = (v + w) / 2, one.mean(0) - two.mean(0)
                logs = [np.linalg.slogdet(m)[1] for m in (middle, v, w)]
                distance = apart @ np.linalg.solve(middle, apart) / 8 + (logs[0] - (logs[1] + logs[2]) / 2) / 2
                total += np.exp(-distance)
    return -total


def pearson(a, b):
    a, b = a - a.mean(), b - b.mean()
    return a @ b / np.sqrt((a @ a) * (b @ b))


def parc(x, y):
    z = (x - x.mean(0)) / x.std(0)
    label = np.eye(max(classes(y)) + 1)[y]
    one, two = [], []
    for i, j in combinations(range(len(y)), 2):
        one.append(1 - pearson(z[i], z[j]))
        two.append(round(1 - pearson(label[i], label[j]), 9))
    return 100 * spearmanr(one, two)[0]


def softmax(rows):
    return np.exp(rows) / np.exp(rows).sum(1, keepdims=True)


def discriminant(x, y, a):
    """p(y | x) in the Fisher space: the generalised eigenvectors of the shrunk scatters, all of them kept."""
    d = x.shape[1]
    within = sum(np.mean(y == c) * np.cov(x[y == c].T, bias=True) for c in classes(y))
    total = np.cov(x.T, bias=True)
    within, total = ((1 - a) * s + a * np.trace(s) / d * np.eye(d) for s in (within, total))
    vectors = eigh(total - within, within)[1]
    means = np.array([x[y == c].mean(0) for c in classes(y)])
    projected = means @ vectors
    shares = np.array([np.mean(y == c) for c in classes(y)])
    return softmax(x @ vectors @ projected.T - (projected**2).sum(1) / 2 + np.log(shares))


def sfda(x, y):
    within = sum(np.mean(y == c) * np.cov(x[y == c].T, bias=True) for c in classes(y))
    a = max(np.exp(-5 * np.linalg.eigvalsh(within).max()), 1e-10)
    sure = softmax(discriminant(x, y, a))
    means = {c: x[y == c].mean(0) for c in classes(y)}
    mixed = x.copy()
    for i in range(len(y)):
        others = np.mean([means[c] for c in classes(y) if c != y[i]], axis=0)
        p = sure[i, classes(y).index(y[i])]
        mixed[i] = p * x[i] + (1 - p) * others
    again = discriminant(mixed, y, a)
    return np.mean([again[i, classes(y).index(y[i])] for i in range(len(y))])


def discriminants(x, y):
    """Features along the discriminants and p(y | x), of the within-class covariance shrunk as NCTI does it."""
    d = x.shape[1]
    a = np.exp(-np.trace(np.cov(x.T)))
    within = sum(np.mean(y == c) * np.cov(x[y == c].T, bias=True) for c in classes(y))
    total = np.cov(x.T, bias=True)
    if a > 1e-10:
        within, total = ((1 - a) * s + a * np.trace(s) / d * np.eye(d) for s in (within, total))
    vectors = eigh(total - within, within)[1][:, ::-1][:, : len(classes(y)) - 1]
    means = np.array([x[y == c].mean(0) for c in classes(y)])
    inverse = np.linalg.inv(within)
    shares = np.array([np.mean(y == c) for c in classes(y)])
    logits = x @ inverse @ means.T - np.diag(means @ inverse @ means.T) / 2 + np.log(shares)
    return (x - x.mean(0)) @ vectors, softmax(logits - logits.max(1, keepdims=True))


def ncti_structure(x, y):
    return np.linalg.svd(discriminants(x, y)[0])[1].sum()


def ncti_centres(x, y):
    return np.mean([row[classes(y).index(c)] for row, c in zip(discriminants(x, y)[1], y, strict=True)])


def ncti_collapse(x, y):
    p = discriminants(x, y)[1]
    return -np.log(sum(np.linalg.svd(p[y == c])[1].sum() for c in classes(y)))


def lfc(x, y):
    pairs = [(x[i] @ x[j], 1 if y[i] == y[j] else -1) for i in range(len(y)) for j in range(len(y))]
    return pearson(*map(np.array, zip(*pairs, strict=True)))


def knn(x, y, neighbours):
    right = 0
    for i in range(len(y)):
        near = sorted(
            ((x[i] @ x[j] / np.linalg.norm(x[i]) / np.linalg.norm(x[j]), int(y[j])) for j in range(len(y)) if j != i),
            reverse=True,
        )[:neighbours]
        votes = {c: (sum(v == c for _, v in near), sum(s for s, v in near if v == c)) for c in classes(y)}
        right += max(votes, key=lambda c: votes[c]) == y[i]
    return 100 * right / len(y)


def noise_evidence(x, y, t):
    """log N(y; 0, (F F' + t I) / alpha) at the best alpha, by the density itself."""
    covariance = x @ x.T + t * np.eye(len(y))
    return multivariate_normal(cov=covariance * (y @ np.linalg.solve(covariance, y) / len(y))).logpdf(y)
