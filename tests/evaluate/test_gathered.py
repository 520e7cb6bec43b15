"""Runs gathered by setting, against slow loops, plain bootstraps and simulated seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.evaluate.bootstrap import draws, interval
from harness.evaluate.correlations import tau_b
from harness.evaluate.gathered import COLUMNS, Run, gather, gather_targets, slots
from harness.schema import BadInput, seed_of
from harness.schema.columns import GATHERED_TARGETS

FAMILIES = {"a": ("size", True), "b": ("control", True), "c": ("capacitance", False)}


def made(seed: int, n: int = 30, setting: str = "x", quality: float = 1.0, missing: tuple[str, ...] = (), steps=(4, 8)):
    rng = np.random.default_rng(seed)
    names = [f"{seed}-{i:03}" for i in range(n)]
    truth = rng.standard_normal(n)
    rows = [
        (predictor, step, name, score)
        for predictor in FAMILIES
        for step in steps
        for name, score in zip(names, quality * truth + rng.standard_normal(n), strict=True)
    ]
    scores = pd.DataFrame(rows, columns=["predictor", "step", "architecture", "score"])
    scores.loc[scores["predictor"].isin(missing), "score"] = np.nan
    roles = pd.DataFrame([(k, *v) for k, v in FAMILIES.items()], columns=["predictor", "family", "baseline"])
    return Run(setting, seed, scores, pd.Series(truth, names), roles)


def taus(run: Run, step: int = 8) -> dict[str, float]:
    at = run.scores[run.scores["step"] == step]
    return {
        name: float(kendalltau(each["score"], run.truth.loc[each["architecture"]]).statistic)
        for name, each in at.groupby("predictor")
    }


def test_the_mean_and_sd_over_run_seeds_are_those_of_scipys_tau() -> None:
    runs = [made(seed) for seed in range(4)]
    found = gather(runs, 20, 0.9, 0)
    assert list(found) == COLUMNS and len(found) == 3 * 2
    last = found[found["last"]].set_index("predictor")
    for name in FAMILIES:
        values = [taus(run)[name] for run in runs]
        assert last.loc[name, "tau"] == pytest.approx(np.mean(values))
        assert last.loc[name, "sd"] == pytest.approx(np.std(values, ddof=1))
        assert (last.loc[name, "jobs"], last.loc[name, "n"]) == (4, 120)
    assert set(found.loc[~found["last"], "step"]) == {4}


def test_with_one_seed_it_is_the_plain_bootstrap_of_that_run() -> None:
    run = made(3)
    row = gather([run], 200, 0.9, 5).query("predictor == 'c' and step == 8").iloc[0]
    truth = run.truth.sort_index()
    score = run.scores.query("predictor == 'c' and step == 8").set_index("architecture")["score"].loc[truth.index]
    plain = tau_b(score.to_numpy()[None], truth.to_numpy(), draws(len(truth), 200, 5))[0]
    assert (row["low"], row["high"]) == interval(plain, 0.9)
    assert np.isnan(row["sd"]) and row["jobs"] == 1


def test_each_draw_is_the_average_over_drawn_runs_of_tau_on_their_drawn_architectures() -> None:
    runs, count = [made(seed, n=12) for seed in range(3)], 25
    row = gather(runs, count, 0.8, 7).query("predictor == 'a' and step == 8").iloc[0]
    held = slots(3, count, 7)
    values = np.full(held.shape, np.nan)
    for place, run in enumerate(runs):
        at = run.scores.query("predictor == 'a' and step == 8").set_index("architecture")["score"]
        truth = run.truth.sort_index()
        where = list(zip(*np.nonzero(held == place), strict=True))
        for (slot, draw), times in zip(
            where, draws(12, len(where), seed_of(7, "architectures", run.seed)), strict=True
        ):
            drawn = np.repeat(truth.index.to_numpy(), times)
            values[slot, draw] = kendalltau(at.loc[drawn], truth.loc[drawn]).statistic
    assert (row["low"], row["high"]) == pytest.approx(interval(values.mean(axis=0), 0.8))


def test_runs_are_drawn_with_replacement_each_as_often_as_the_others() -> None:
    held = slots(4, 20_000, 0)
    assert held.shape == (4, 20_000)
    assert np.bincount(held.ravel()) / held.size == pytest.approx([0.25] * 4, abs=0.01)
    assert (held[0] == held[1]).mean() == pytest.approx(0.25, abs=0.02)
    assert (slots(1, 50, 0) == 0).all()


def test_the_rival_is_the_best_other_baseline_and_the_difference_is_paired() -> None:
    runs = [made(seed) for seed in range(3)]
    found = gather(runs, 50, 0.95, 0)
    at = found[found["last"]].set_index("predictor")
    tau = at["tau"].to_dict()
    best = max("ab", key=lambda name: tau[name])
    assert at["baseline"].to_dict() == {"a": "b", "b": "a", "c": best}
    low, difference, high = at.loc["c", ["difference_low", "difference", "difference_high"]].tolist()
    assert difference == pytest.approx(tau["c"] - tau[best])
    assert low <= difference <= high


def test_a_predictor_against_its_double_differs_by_nothing_in_any_draw() -> None:
    runs = []
    for seed in range(3):
        run = made(seed)
        double = run.scores[run.scores["predictor"] == "a"]
        kept = run.scores[run.scores["predictor"] == "a"]
        roles = pd.DataFrame([("a", "size", True), ("z", "size", False)], columns=["predictor", "family", "baseline"])
        runs.append(Run("x", seed, pd.concat([kept, double.assign(predictor="z")]), run.truth, roles))
    row = gather(runs, 60, 0.95, 0).query("predictor == 'z' and last").iloc[0]
    assert (row["difference"], row["difference_low"], row["difference_high"]) == (0, 0, 0)
    assert row["low"] < row["high"]


def test_a_difference_is_taken_on_the_architectures_that_both_score() -> None:
    run = made(0)
    gone = run.truth.index[:10]
    mask = (run.scores["predictor"] == "c") & run.scores["architecture"].isin(gone)
    holed = Run("x", 0, run.scores.assign(score=run.scores["score"].mask(mask)), run.truth, run.roles)
    row = gather([holed], 20, 0.95, 0).query("predictor == 'c' and last").iloc[0]
    at = run.scores[(run.scores["step"] == 8) & ~run.scores["architecture"].isin(gone)]
    by = {p: each.set_index("architecture")["score"] for p, each in at.groupby("predictor")}
    truth = run.truth.drop(gone)
    expected = [kendalltau(by[p].loc[truth.index], truth).statistic for p in ("c", row["baseline"])]
    assert row["difference"] == pytest.approx(expected[0] - expected[1])
    assert row["n"] == 20


def test_a_run_in_which_a_predictor_has_no_tau_counts_for_the_others_only() -> None:
    runs = [made(0), made(1, missing=("a",)), made(2)]
    at = gather(runs, 60, 0.95, 0).query("last").set_index("predictor")
    assert at["jobs"].to_dict() == {"a": 2, "b": 3, "c": 3}
    assert at.loc["a", "tau"] == pytest.approx(np.mean([taus(runs[0])["a"], taus(runs[2])["a"]]))
    assert at.loc["c", "baseline"] == "b"
    silent = gather([made(s, missing=tuple("abc")) for s in range(2)], 10, 0.95, 0)
    assert silent["tau"].isna().all() and silent["low"].isna().all() and (silent["jobs"] == 0).all()
    assert (silent["baseline"] == "").all() and silent["difference"].isna().all()


def test_a_baseline_that_was_lucky_in_one_run_alone_is_no_rival() -> None:
    lucky = made(0)
    mask = lucky.scores["predictor"] == "a"
    perfect = lucky.scores["score"].mask(mask, lucky.scores["architecture"].map(lucky.truth))
    runs = [Run("x", 0, lucky.scores.assign(score=perfect), lucky.truth, lucky.roles), made(1, missing=("a",))]
    at = gather(runs, 10, 0.95, 0).query("last").set_index("predictor")
    assert at.loc["a", "tau"] == 1 and at.loc["c", "baseline"] == "b" and at.loc["b", "baseline"] == "a"


def test_a_predictor_that_some_runs_do_not_know_is_kept() -> None:
    run = made(1)
    fewer = Run("x", 1, run.scores[run.scores["predictor"] != "c"], run.truth, run.roles[run.roles["predictor"] != "c"])
    at = gather([made(0), fewer], 10, 0.95, 0).query("last").set_index("predictor")
    assert at["jobs"].to_dict() == {"a": 2, "b": 2, "c": 1}


def test_settings_are_judged_apart_each_to_its_own_last_step() -> None:
    found = gather([made(0), made(1), made(0, setting="y", steps=(4,))], 10, 0.95, 0)
    assert found.groupby("setting", sort=False)["step"].max().to_dict() == {"x": 8, "y": 4}
    assert found.loc[found["setting"] == "y", "last"].all()
    alone = gather([made(0, setting="y", steps=(4,))], 10, 0.95, 0)
    pd.testing.assert_frame_equal(found[found["setting"] == "y"].reset_index(drop=True), alone)


def test_no_run_gives_no_row_and_one_seed_twice_is_refused() -> None:
    assert gather([], 10, 0.95, 0).empty
    with pytest.raises(BadInput, match=r"^seed: must be one run a seed in the setting 'x' \(got \[0, 0\]\)$"):
        gather([made(0), made(0)], 10, 0.95, 0)


@pytest.mark.parametrize(
    ("spread", "low", "high"), [pytest.param(0.0, 0.95, 1.0, marks=pytest.mark.slow), (0.18, 0.84, 0.99)]
)
def test_the_interval_covers_the_mean_over_seeds_with_and_without_seed_effects(
    spread: float, low: float, high: float
) -> None:
    """Gaussian pairs have τ = 2/π asin ρ (Greiner); ρ differs between seeds by `spread`. Nominal 95 %, five seeds."""
    rng = np.random.default_rng(1)
    rho = np.clip(0.4 + spread * rng.standard_normal(100_000), -0.95, 0.95)
    expected = float(np.mean(2 / np.pi * np.arcsin(rho)))
    roles = pd.DataFrame({"predictor": ["a"], "family": ["size"], "baseline": [True]})
    covered = 0
    for _ in range(40):
        runs = []
        for seed in range(5):
            r, (truth, noise) = rng.choice(rho), rng.standard_normal((2, 25))
            score = r * truth + np.sqrt(1 - r**2) * noise
            names = [f"{i:02}" for i in range(25)]
            frame = pd.DataFrame({"predictor": "a", "step": 1, "architecture": names, "score": score})
            runs.append(Run("x", seed, frame, pd.Series(truth, names), roles))
        row = gather(runs, 100, 0.95, int(rng.integers(2**31))).iloc[0]
        covered += bool(row["low"] <= expected <= row["high"])
    assert low <= covered / 40 <= high


def test_further_ground_truths_are_gathered_at_the_last_step_over_the_runs_that_have_a_tau() -> None:
    def judged(seed: int, tau: float, other: float) -> Run:
        rows = [("far", "a", 4, 0.9, 30), ("far", "a", 8, tau, 30), ("near", "a", 8, other, 20)]
        return replace(made(seed), targets=pd.DataFrame(rows, columns=["target", "predictor", "step", "tau", "n"]))

    found = gather_targets([judged(0, 0.2, 0.5), judged(1, 0.4, np.nan), made(2), made(3, setting="alone")])
    assert list(found) == GATHERED_TARGETS.names
    far, near = found.to_dict("records")
    assert (far["setting"], far["target"], far["jobs"], far["n"]) == ("x", "far", 2, 60)
    assert far["tau"] == pytest.approx(0.3) and far["sd"] == pytest.approx(np.std([0.2, 0.4], ddof=1))
    assert (near["jobs"], near["n"], near["tau"]) == (1, 20, 0.5) and np.isnan(near["sd"])
    assert gather_targets([made(0)]).empty
