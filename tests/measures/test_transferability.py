"""Every transferability score against a slow one, its invariances, and what has no value."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf_shrinkage

from harness.measures.transferability import (
    energy,
    gbc,
    h_score,
    knn,
    leep,
    lfc,
    logme,
    ncti,
    nleep,
    parc,
    sfda,
    transrate,
)
from harness.measures.transferability.features import NoValue, prepare
from tests.measures import slow_scores as slow

SCORES = {
    "logme": logme.logme, "h_score": h_score.h_score, "h_score_shrunk": h_score.h_score_shrunk,
    "transrate": transrate.transrate, "gbc": gbc.gbc, "parc": parc.parc, "sfda": sfda.sfda, "lfc": lfc.lfc,
    **ncti.PARTS, "knn": partial(knn.knn, neighbours=5), "nleep": partial(nleep.nleep, seed=1),
}  # fmt: skip
SLOW = {
    "logme": slow.logme, "h_score": slow.h_score, "h_score_shrunk": slow.h_score_shrunk, "transrate": slow.transrate,
    "gbc": partial(slow.gbc, components=gbc.COMPONENTS), "parc": slow.parc, "sfda": slow.sfda, "lfc": slow.lfc,
    "knn": partial(slow.knn, neighbours=5), "ncti_structure": slow.ncti_structure, "ncti_centres": slow.ncti_centres,
    "ncti_collapse": slow.ncti_collapse,
}  # fmt: skip


def example(n=48, d=6, classes=3, seed=0, apart=0.8, scale=0.5):
    """Rectified features of classes of different sizes, none centred, of different variances."""
    random = np.random.default_rng(seed)
    y = np.minimum(random.integers(0, classes + 1, n), classes - 1)
    means = apart * random.normal(size=(classes, d))
    x = np.maximum(means[y] + random.normal(size=(n, d)) * np.linspace(0.5, 1.5, d) + 0.5, 0.05 * random.random((n, d)))
    return scale * x, y


@pytest.mark.parametrize("shape", [(48, 6), (25, 6), (70, 3)], ids=str)
@pytest.mark.parametrize("name", SLOW)
def test_a_score_is_that_of_the_paper_s_formula(name, shape) -> None:
    x, y = example(*shape, seed=shape[0])
    assert SCORES[name](prepare(x, y)) == pytest.approx(SLOW[name](x, y), rel=2e-6)


@pytest.mark.parametrize("name", ncti.PARTS)
@pytest.mark.parametrize("scale", [0.4, 30.0])
def test_the_parts_of_ncti_are_those_of_the_discriminants_shrunk_or_not(name, scale) -> None:
    x, y = example(90, 5, classes=4, seed=20, scale=scale)
    assert SCORES[name](prepare(x, y)) == pytest.approx(SLOW[name](x, y), rel=1e-6)


@pytest.mark.parametrize("name", ["h_score_shrunk", "transrate", "parc", "sfda", "lfc", "knn", "gbc"])
def test_a_score_is_that_formula_with_more_dimensions_than_images_too(name) -> None:
    x, y = example(20, 30, seed=4, scale=0.3)
    assert SCORES[name](prepare(x, y)) == pytest.approx(SLOW[name](x, y), rel=1e-5)


def test_the_evidence_is_that_of_the_density_and_no_ratio_has_more() -> None:
    for shape in ((30, 5), (20, 26)):
        x, y = example(*shape, seed=3)
        ratios = np.exp(np.linspace(-12, 20, 301))
        best = [max(slow.noise_evidence(x, (y == c).astype(float), t) for t in ratios) for c in range(3)]
        found = logme.logme(prepare(x, y)) * len(y)
        assert np.mean(best) <= found + 1e-9 and found == pytest.approx(np.mean(best), rel=1e-3)


def test_the_evidence_is_more_than_that_of_the_authors_fixed_point_but_close() -> None:
    x, y = example(60, 8, seed=5)
    found = []
    for c in range(3):
        target, alpha, beta = (y == c).astype(float), 1.0, 1.0
        values = np.linalg.eigvalsh(x.T @ x)
        for _ in range(200):
            m = beta * np.linalg.solve(alpha * np.eye(8) + beta * x.T @ x, x.T @ target)
            gamma = np.sum(beta * values / (alpha + beta * values))
            alpha, beta = gamma / (m @ m), (60 - gamma) / np.sum((target - x @ m) ** 2)
        found.append(slow.evidence(x, target, alpha, beta) / 60)
    assert logme.logme(prepare(x, y)) == pytest.approx(np.mean(found), rel=1e-9)


@pytest.mark.parametrize("n", [9, 40])
def test_what_source_classes_tell_is_that_of_brute_force_sums(n) -> None:
    random = np.random.default_rng(n)
    y, logits = random.integers(0, 3, n), 2 * random.normal(size=(n, 7))
    assert leep.leep(logits, y) == pytest.approx(slow.leep(logits, y))
    assert leep.nce(logits, y) == pytest.approx(slow.nce(logits, y))
    free = np.mean([np.log(sum(np.exp(one) for one in row)) for row in logits])
    assert energy.energy(logits) == pytest.approx(free)


def test_source_classes_that_are_the_labels_tell_everything_and_equal_ones_nothing() -> None:
    y = np.arange(30) % 3
    told, untold = 50 * np.eye(5)[y], np.zeros((30, 5))
    assert leep.leep(told, y) == pytest.approx(0) and leep.nce(told, y) == 0
    assert leep.leep(untold, y) == pytest.approx(-np.log(3)) == leep.nce(untold, y)
    assert np.isfinite(leep.leep(np.where(np.arange(5) == 4, -2000.0, told), y))  # a source class that is never met


@pytest.mark.parametrize("name", SCORES)
def test_order_of_images_and_names_of_classes_do_not_matter(name) -> None:
    x, y = example(60, 5, seed=6)
    order = np.random.default_rng(0).permutation(60)
    other = np.array([7, 0, 3])[y]
    found = SCORES[name](prepare(x, y))
    if name != "nleep":  # where the clusters begin depends on the order
        assert SCORES[name](prepare(x[order], y[order])) == pytest.approx(found, rel=1e-9)
    assert SCORES[name](prepare(x, other)) == pytest.approx(found, rel=1e-9)


ROTATED = [*ncti.PARTS, "logme", "h_score", "h_score_shrunk", "transrate", "gbc", "sfda", "lfc", "knn", "nleep"]
SHIFTED = [*ncti.PARTS, "h_score", "h_score_shrunk", "transrate", "gbc", "parc", "sfda", "nleep"]
SCALED = ["logme", "h_score", "h_score_shrunk", "gbc", "parc", "lfc", "knn", "nleep"]


@pytest.mark.parametrize("name", ROTATED)
def test_a_rotation_of_the_features_does_not_matter(name) -> None:
    x, y = example(60, 5, seed=7)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    assert SCORES[name](prepare(x @ turn, y)) == pytest.approx(SCORES[name](prepare(x, y)), rel=1e-7)


@pytest.mark.parametrize("name", SHIFTED)
def test_a_shift_of_the_features_does_not_matter(name) -> None:
    x, y = example(60, 5, seed=8)
    assert SCORES[name](prepare(x + np.arange(5), y)) == pytest.approx(SCORES[name](prepare(x, y)), rel=1e-7)


@pytest.mark.parametrize("name", SCALED)
def test_a_scale_of_the_features_does_not_matter(name) -> None:
    x, y = example(60, 5, seed=9)
    assert SCORES[name](prepare(1e3 * x, y)) == pytest.approx(SCORES[name](prepare(x, y)), rel=1e-7)


def test_the_shrinkage_is_that_of_a_well_kept_library() -> None:
    for shape in ((60, 5), (20, 40)):
        x, _ = example(*shape, seed=16)
        found = h_score.ledoit_wolf(prepare(x, np.arange(len(x)) % 2))
        assert found == pytest.approx(ledoit_wolf_shrinkage(x)) == pytest.approx(slow.shrinkage(x))


def test_any_change_of_basis_leaves_the_h_score_and_a_scale_of_each_feature_parc() -> None:
    x, y = example(60, 5, seed=10)
    skew = np.random.default_rng(2).normal(size=(5, 5))
    assert h_score.h_score(prepare(x @ skew, y)) == pytest.approx(h_score.h_score(prepare(x, y)))
    assert parc.parc(prepare(x * [1, 2, 3, 4, 5], y)) == pytest.approx(parc.parc(prepare(x, y)))


@pytest.mark.parametrize("name", sorted({*SCORES} - {"ncti_collapse"}))
def test_classes_that_lie_apart_score_higher_than_noise(name) -> None:
    (near, y), (far, _) = (example(60, 8, seed=11, apart=apart) for apart in (0.0, 3.0))
    assert SCORES[name](prepare(far, y)) > SCORES[name](prepare(near, y))


def test_clusters_are_the_same_for_the_same_seed_and_their_score_is_that_of_their_posteriors() -> None:
    x, y = example(80, 6, seed=12)
    one, again, other = (nleep.nleep(prepare(x, y), seed) for seed in (3, 3, 2**63 - 1))
    assert one == again and one != other and -np.log(3) < one < 0
    p = np.random.default_rng(0).dirichlet(np.ones(4), 20)
    assert leep.expected_log_likelihood(p, y[:20]) == pytest.approx(slow.leep_of(p, y[:20]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda x, y: (x, 0 * y), "fewer than two classes among the images"),
        (lambda x, y: (x[:0], y[:0]), "fewer than two classes among the images"),
        (lambda x, y: (0 * x, y), "all images have the same features"),
        (lambda x, y: (np.full_like(x, 0.1) + 1e-17 * x, y), "all images have the same features"),
        (lambda x, y: (np.where(x == x.max(), np.inf, x), y), "a feature is not finite"),
        (lambda x, y: (x[:, :0], y), "all images have the same features"),
    ],
)
def test_images_of_which_no_score_has_a_value_are_refused_with_a_reason(change, reason) -> None:
    with pytest.raises(NoValue, match=reason):
        prepare(*change(*example()))


@pytest.mark.parametrize(
    ("score", "x", "y", "reason"),
    [
        ("h_score", example(10, 20)[0], np.arange(10) % 3, "too few images"),
        ("sfda", np.eye(4)[np.arange(12) % 3], np.arange(12) % 3, "all images of each class have the same features"),
        ("sfda", example(20, 30, scale=10)[0], np.arange(20) % 3, "too few images"),
        ("ncti_centres", np.eye(4)[np.arange(12) % 3], np.arange(12) % 3, "the features do not vary in all direct"),
        ("ncti_centres", example(20, 30)[0], np.arange(20) % 3, "the features do not vary in all directions"),
        ("logme", np.eye(3)[np.arange(12) % 3], np.arange(12) % 3, "a class is an exact linear function"),
        ("gbc", example(6, 4)[0], np.array([0, 0, 0, 1, 2, 3]), "fewer than two classes with two images"),
        ("gbc", np.vstack([np.ones((3, 2)), np.eye(2)]), np.array([0, 0, 0, 1, 1]), "all images of a class have the "),
        ("parc", example(5, 4)[0], np.arange(5), "no two images of one class"),
        ("parc", np.array([[0.0, 0], [1, 1], [2, 2], [3, 3]]), np.arange(4) % 2, "an image has the same value of all"),
        ("knn", example(4, 3)[0], np.array([0, 1, 0, 1]), "fewer than 5 other images"),
    ],
)
def test_a_score_without_a_value_says_why(score, x, y, reason) -> None:
    with pytest.raises(NoValue, match=reason):
        SCORES[score](prepare(x, y))


def test_an_image_without_features_is_similar_to_none() -> None:
    x = np.array([[1.0, 0], [1, 0.1], [0, 0], [-1, 0], [-1, 0.1]])
    y = np.array([0, 0, 1, 1, 1])
    assert knn.knn(prepare(x, y), 1) == 80  # it finds the first image, of the other class


def test_features_that_repeat_each_other_change_no_score_of_directions() -> None:
    x, y = example(60, 5, seed=13)
    twice = np.hstack([x, x[:, :2], np.full((60, 1), 3.0)])
    assert h_score.h_score(prepare(twice, y)) == pytest.approx(h_score.h_score(prepare(x, y)))


def test_with_as_many_directions_as_images_the_h_score_would_be_the_same_for_any_labels() -> None:
    """Why there is no value: the projection on the labels' space keeps all of it."""
    x, y = example(12, 11, seed=14)
    directions = np.linalg.svd(x - x.mean(0))[0][:, :11]
    for labels in (y, y[::-1]):
        indicator = np.eye(3)[labels] / np.sqrt(np.bincount(labels))
        assert np.sum((indicator.T @ directions) ** 2) == pytest.approx(2)
    assert prepare(x, y).spans_all and not prepare(x[:, :5], y).spans_all
