from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from harness.evaluate.bootstrap import observed_and_draws
from harness.evaluate.ceiling import _cut_tau, ceilings, effective_seeds, reliability
from harness.evaluate.subsets import SUBSETS

ONCE = np.ones((1, 1500), dtype=int)


def simulated(noise, k, repetitions=1, n=1500):
    """Known expected accuracies (n,), and tables of seeds (repetitions, n, k) around them."""
    rng = np.random.default_rng(k)
    z = rng.normal(size=n)
    return z, z[:, None] + noise * rng.normal(size=(repetitions, n, k))


@pytest.mark.parametrize(("noise", "k"), [(0.6, 2), (0.2, 3)])
def test_ceilings_are_what_an_independent_repetition_and_an_oracle_reach(noise, k):
    z, tables = simulated(noise, k, repetitions=30)
    reached: dict[tuple[str, str], list[float]] = {}
    estimated: dict[tuple[str, str], list[float]] = {}
    for table, repetition in zip(tables, np.roll(tables, 1, axis=0), strict=True):
        truth = table.mean(axis=1)
        for name, subset in SUBSETS.items():
            kept = subset.choose(truth)
            for kind, rival in (("retraining", repetition.mean(axis=1)), ("oracle", z), ("one", repetition[:, 0])):
                reached.setdefault((name, kind), []).append(kendalltau(rival[kept], truth[kept]).statistic)
        for row in ceilings(table, ONCE, 0.95).itertuples():
            estimated.setdefault((row.subset, row.kind), []).append(row.tau)
            if row.kind == "retraining":
                estimated.setdefault((row.subset, "one"), []).append(row.tau_one)
            else:
                assert np.isnan(row.tau_one)
    for key in reached:
        assert np.mean(estimated[key]) == pytest.approx(np.mean(reached[key]), abs=0.02), key


def test_a_ceiling_among_the_good_is_lower_and_the_oracle_is_above_retraining():
    table = ceilings(simulated(0.4, 2)[1][0], ONCE, 0.95).set_index(["kind", "subset"])["tau"]
    for kind in ("retraining", "oracle"):
        assert table[kind, "all"] > table[kind, "top 50 %"] > table[kind, "top 20 %"]
    assert (table["oracle"] > table["retraining"]).all()


def test_one_fresh_training_is_what_each_seed_reaches_against_the_mean_of_the_others():
    accuracy = simulated(0.6, 4, n=1500)[1][0]
    seeds = range(4)
    observed = [kendalltau(accuracy[:, i], np.delete(accuracy, i, axis=1).mean(axis=1)).statistic for i in seeds]
    expected = [ceilings(np.delete(accuracy, i, axis=1), ONCE, 0.95)["tau_one"][0] for i in seeds]
    assert np.mean(expected) == pytest.approx(np.mean(observed), abs=0.005)


def test_one_fresh_training_reaches_less_than_a_repetition_of_all_seeds_and_more_than_one_against_one():
    accuracy = simulated(0.6, 3)[1][0]
    table = ceilings(accuracy, ONCE, 0.95).query("kind == 'retraining'")
    assert (table["tau_one"] < table["tau"]).all()
    assert reliability(accuracy).single < table["tau_one"][0]


def test_the_interval_holds_the_estimate_and_narrows_with_more_architectures():
    widths = []
    for n in (60, 400):
        table = ceilings(simulated(0.5, 3, n=n)[1][0], observed_and_draws(n, 200, 0), 0.95)
        assert ((table["low"] < table["tau"]) & (table["tau"] < table["high"])).all()
        widths.append(table["high"][0] - table["low"][0])
    assert widths[1] < widths[0] / 2


def test_one_seed_has_no_ceiling_and_says_why():
    accuracy = np.random.default_rng(0).normal(size=(40, 3))
    accuracy[:, 1:] = np.nan
    table = ceilings(accuracy, observed_and_draws(40, 10, 0), 0.95)
    assert len(table) == 8
    assert table[["tau", "low", "high", "tau_one"]].isna().all(axis=None)
    assert set(table["note"]) == {"the truth has one seed"}
    assert set(table["seeds"]) == {1}
    assert np.isnan(reliability(accuracy).mean)


def test_too_few_architectures_have_no_ceiling_in_the_subset():
    table = ceilings(simulated(0.1, 2, n=14)[1][0], observed_and_draws(14, 20, 0), 0.95).set_index("subset")
    assert table.loc["all", "tau"].notna().all()
    assert table.loc["top 50 %", "tau"].notna().all()
    assert table.loc["top 20 %", "tau"].isna().all()
    assert (table.loc["top 20 %", "n"] == 3).all()


def test_reliability_averages_the_pairs_of_seeds_and_steps_up_to_their_mean():
    accuracy = simulated(0.5, 3)[1][0]
    pairs = [kendalltau(accuracy[:, i], accuracy[:, j]).statistic for i, j in ((0, 1), (0, 2), (1, 2))]
    found = reliability(accuracy)
    assert found.single == pytest.approx(np.mean(pairs))
    r = np.sin(np.pi / 2 * np.mean(pairs))
    assert found.mean == pytest.approx(2 / np.pi * np.arcsin(3 * r / (1 + 2 * r)), abs=1e-4)
    assert (found.seeds, found.n) == (pytest.approx(3), 1500)


def test_a_missing_seed_is_left_out_and_not_filled_in():
    accuracy = simulated(0.5, 3)[1][0]
    accuracy[:700, 2] = np.nan
    accuracy[0, 1] = np.nan
    shared = [(0, 1), (0, 2), (1, 2)]
    rows = [np.isfinite(accuracy[:, [i, j]]).all(axis=1) for i, j in shared]
    pairs = [kendalltau(accuracy[row, i], accuracy[row, j]).statistic for row, (i, j) in zip(rows, shared, strict=True)]
    found = reliability(accuracy)
    assert found.single == pytest.approx(np.average(pairs, weights=[row.sum() for row in rows]))
    assert found.seeds == effective_seeds(accuracy) == pytest.approx(1500 / (1 + 699 / 2 + 800 / 3))
    assert found.n == 1499


def test_the_cut_tau_is_what_a_simulated_pair_shows():
    rng = np.random.default_rng(0)
    y = rng.normal(size=20_000)
    for r in (0.3, 0.8, 0.97):
        x = r * y + np.sqrt(1 - r**2) * rng.normal(size=y.size)
        for share in (0.2, 0.5):
            kept = y >= np.quantile(y, 1 - share)
            whole, cut = _cut_tau(share)
            tau = np.interp(2 / np.pi * np.arcsin(r), whole, cut)
            assert tau == pytest.approx(kendalltau(x[kept], y[kept]).statistic, abs=0.02)


def test_the_cut_tau_of_everything_is_greiners():
    whole, cut = _cut_tau(1 - 1e-12)
    np.testing.assert_allclose(cut, whole, atol=2e-4)


def test_seeds_that_contradict_each_other_give_no_reliability_and_no_error():
    up = np.arange(20.0)
    table = ceilings(np.stack([up, -up], axis=1), observed_and_draws(20, 10, 0), 0.95)
    assert (table["tau"][:2] == 0).all()
    assert reliability(np.stack([up, up], axis=1)).mean == 1
