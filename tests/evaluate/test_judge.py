from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import kendalltau, spearmanr

from harness.evaluate.bootstrap import draws
from harness.evaluate.judge import Evaluation, judge
from harness.schema import BadInput, Truth

FAMILIES = {"beta": "capacitance", "loss": "learning_curve", "params": "size", "flat": "control"}


def a_truth(n=60, seeds=2):
    rng = np.random.default_rng(0)
    accuracy = rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, seeds))
    names = [f"arch {i:03d}" for i in range(n)]
    return Truth(pd.DataFrame(accuracy, index=names, columns=list("abc")[:seeds]), "train", "test", 1, "simulated")


def a_table(truth, steps=(0, 10)):
    """Scores of four predictors: beta is better than params, params than loss, flat is constant."""
    rng = np.random.default_rng(1)
    mean = truth.mean().to_numpy()
    rows = []
    for name, noise in (("beta", 0.5), ("loss", 1.5), ("params", 1.0), ("flat", 0)):
        for step in steps:
            score = mean + noise * rng.normal(size=len(mean)) if name != "flat" else np.ones(len(mean))
            rows.append(
                pd.DataFrame({"architecture": truth.accuracy.index, "score": score}).assign(
                    predictor=name, step=step, sd=np.nan, reason=""
                )
            )
    return pd.concat(rows, ignore_index=True)


QUICK = Evaluation(bootstrap=50)


def row(table, predictor, step):
    return table.set_index(["predictor", "step"]).loc[(predictor, step)]


def test_metrics_are_scipys_with_the_percentiles_of_resampled_architectures():
    truth = a_truth()
    scores = a_table(truth)
    found = row(judge(scores, truth, FAMILIES, QUICK).metrics, "beta", 10)
    s = scores.query("predictor == 'beta' and step == 10")["score"].to_numpy()
    t = truth.mean().to_numpy()
    assert found["tau"] == pytest.approx(kendalltau(s, t).statistic)
    assert found["spearman"] == pytest.approx(spearmanr(s, t).statistic)
    taus = [kendalltau(np.repeat(s, w), np.repeat(t, w)).statistic for w in draws(60, 50, 0)]
    assert (found["tau_low"], found["tau_high"]) == pytest.approx(tuple(np.quantile(taus, [0.025, 0.975])))
    half, fifth = t >= np.median(t), t >= np.sort(t)[-12]
    assert found["tau_half"] == pytest.approx(kendalltau(s[half], t[half]).statistic)
    assert found["tau_fifth"] == pytest.approx(kendalltau(s[fifth], t[fifth]).statistic)
    assert (found["n"], found["failed"], found["n_half"], found["n_fifth"], found["note"]) == (60, 0, 30, 12, "")
    assert found["tau_half_low"] < found["tau_half"] < found["tau_half_high"]


def test_rows_keep_the_order_of_the_scores_and_say_who_is_a_baseline():
    truth = a_truth()
    metrics = judge(a_table(truth), truth, FAMILIES, QUICK).metrics
    assert metrics["predictor"].tolist()[::2] == ["beta", "loss", "params", "flat"]
    assert metrics["step"].tolist() == [0, 10] * 4
    assert metrics["baseline"].tolist()[::2] == [False, True, True, True]
    assert metrics["family"].tolist()[::2] == ["capacitance", "learning_curve", "size", "control"]


def test_a_missing_score_is_counted_not_ranked_last():
    truth = a_truth()
    scores = a_table(truth)
    best = truth.mean().idxmax()
    scores.loc[(scores["predictor"] == "beta") & (scores["architecture"] == best), "score"] = np.nan
    found = row(judge(scores, truth, FAMILIES, QUICK).metrics, "beta", 0)
    kept = scores.query("predictor == 'beta' and step == 0").dropna(subset="score")
    expected = kendalltau(kept["score"], truth.mean()[kept["architecture"]]).statistic
    assert (found["n"], found["failed"], found["n_fifth"]) == (59, 1, 11)
    assert found["tau"] == pytest.approx(expected)


def test_a_constant_score_has_no_tau_and_the_note_says_so():
    truth = a_truth()
    found = row(judge(a_table(truth), truth, FAMILIES, QUICK).metrics, "flat", 0)
    undefined = ["tau", "tau_low", "tau_high", "spearman", "tau_half", "tau_fifth", "tau_tenth", "weighted_tau"]
    assert found[undefined].isna().all()
    subsets = ("better half", "best fifth", "best tenth")
    assert found["note"] == "; ".join(["constant score", *(f"{name}: constant score" for name in subsets)])


def test_a_subset_of_fewer_than_five_has_no_tau():
    truth = a_truth(n=20)
    metrics = judge(a_table(truth), truth, FAMILIES, QUICK).metrics
    found = row(metrics, "beta", 0)
    assert found["n_fifth"] == 4
    assert np.isnan(found["tau_fifth"])
    assert np.isfinite(found["tau_half"])
    assert found["note"] == "best fifth: fewer than 5 scores; best tenth: fewer than 5 scores"


def test_an_architecture_without_truth_is_left_out():
    truth = a_truth()
    scores = a_table(truth)
    truth.accuracy.iloc[7] = np.nan
    assert set(judge(scores, truth, FAMILIES, QUICK).metrics["n"]) == {59}


def test_numbers_depend_on_the_seed_and_not_on_the_order_of_rows():
    truth = a_truth()
    scores = a_table(truth)
    shuffled = scores.sort_values("architecture", ascending=False, kind="stable")
    turned = Truth(truth.accuracy[::-1], "train", "test", 1, "simulated")
    first, again = judge(scores, truth, FAMILIES, QUICK), judge(shuffled, turned, FAMILIES, QUICK)
    pd.testing.assert_frame_equal(first.metrics, again.metrics)
    pd.testing.assert_frame_equal(first.ceiling, again.ceiling)
    other = judge(scores, truth, FAMILIES, Evaluation(bootstrap=50, seed=1)).metrics
    assert (other["tau"].dropna() == first.metrics["tau"].dropna()).all()
    for low in ("tau_low", "spearman_low", "tau_half_low"):
        assert (other[low].dropna() != first.metrics[low].dropna()).all()


def test_a_higher_level_is_a_wider_interval():
    truth = a_truth()
    narrow, wide = (judge(a_table(truth), truth, FAMILIES, Evaluation(50, level)).metrics for level in (0.5, 0.99))
    assert (wide["tau_high"] - wide["tau_low"] > narrow["tau_high"] - narrow["tau_low"])[:6].all()


def test_the_difference_is_from_the_best_other_baseline_at_the_same_step_with_paired_draws():
    truth = a_truth()
    scores = a_table(truth)
    judged = judge(scores, truth, FAMILIES, QUICK)
    found = row(judged.differences, "beta", 10)
    tau = judged.metrics.set_index(["predictor", "step"])["tau"]
    assert found["baseline"] == "params"
    assert found["difference"] == pytest.approx(tau["beta", 10] - tau["params", 10])
    wide = scores.query("step == 10").pivot(index="architecture", columns="predictor", values="score")
    t = truth.mean()[wide.index].to_numpy()
    drawn = [
        kendalltau(np.repeat(wide["beta"], w), np.repeat(t, w)).statistic
        - kendalltau(np.repeat(wide["params"], w), np.repeat(t, w)).statistic
        for w in draws(60, 50, 0)
    ]
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert row(judged.differences, "params", 10)["baseline"] == "loss"
    assert row(judged.differences, "loss", 10)["baseline"] == "params"


def test_a_difference_is_taken_where_both_have_a_score():
    truth = a_truth()
    scores = a_table(truth, steps=(0,))
    names = truth.accuracy.index
    scores.loc[(scores["predictor"] == "beta") & scores["architecture"].isin(names[:5]), "score"] = np.nan
    scores.loc[(scores["predictor"] == "params") & scores["architecture"].isin(names[3:9]), "score"] = np.nan
    found = row(judge(scores, truth, FAMILIES, QUICK).differences, "beta", 0)
    wide = scores.pivot(index="architecture", columns="predictor", values="score")[["beta", "params"]].dropna()
    t = truth.mean()[wide.index]
    expected = kendalltau(wide["beta"], t).statistic - kendalltau(wide["params"], t).statistic
    assert found["n"] == 51
    assert found["difference"] == pytest.approx(expected)


def test_without_another_baseline_there_is_no_difference():
    truth = a_truth()
    scores = a_table(truth).query("predictor in ('beta', 'flat')")
    differences = judge(scores, truth, FAMILIES, QUICK).differences
    assert set(differences["baseline"]) == {""}
    assert differences["difference"].isna().all()


def test_the_ceiling_is_told_beside_the_metrics():
    truth = a_truth()
    ceiling = judge(a_table(truth), truth, FAMILIES, QUICK).ceiling
    assert ceiling["subset"].unique().tolist() == ["all", "better half", "best fifth", "best tenth"]
    assert ceiling["n"].tolist() == [60, 60, 30, 30, 12, 12, 6, 6]
    assert ceiling["tau"].between(0, 1).all()


def test_strangers_are_refused_by_name():
    truth = a_truth()
    scores = a_table(truth)
    with pytest.raises(BadInput, match=r"families.*'beta'"):
        judge(scores, truth, {"loss": "x", "params": "x", "flat": "x"}, QUICK)
    with pytest.raises(BadInput, match=r"truth.*arch 059"):
        judge(scores, Truth(truth.accuracy[:-1], "train", "test", 1, "simulated"), FAMILIES, QUICK)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"bootstrap": 0}, "evaluate.bootstrap"),
        ({"level": 1.0}, "evaluate.level"),
        ({"folds": 1}, "evaluate.folds"),
        ({"seed": -1}, "evaluate.seed"),
        ({"budgets": []}, "evaluate.budgets"),
        ({"budgets": [5, 5]}, "evaluate.budgets"),
        ({"budgets": [-1, 5]}, "evaluate.budgets"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(wrong, key):
    with pytest.raises(BadInput, match=key):
        Evaluation(**wrong)


def test_the_configuration_file_states_every_field_and_its_default():
    path = Path(__file__).parents[2] / "conf" / "evaluate" / "default.yaml"
    stated = yaml.safe_load(path.read_text())
    assert stated.pop("_target_") == "harness.evaluate.judge.Evaluation"
    assert stated == vars(Evaluation())


def test_a_twin_without_a_group_of_inputs_shows_what_the_group_adds():
    truth = a_truth()
    scores = a_table(truth).replace({"predictor": {"params": "stack", "loss": "stack_without_capacitance"}})
    families = {"beta": "capacitance", "stack": "combination", "stack_without_capacitance": "combination",
                "flat": "control"}  # fmt: skip
    twins = {"stack_without_capacitance": ("stack", "capacitance")}
    assert judge(scores, truth, families, QUICK).ablations.empty
    found = judge(scores, truth, families, QUICK, twins=twins)
    assert found.ablations[["predictor", "group", "step"]].values.tolist() == [
        ["stack", "capacitance", 0], ["stack", "capacitance", 10],
    ]  # fmt: skip
    added = row(found.ablations, "stack", 10)
    whole, without = (row(found.metrics, name, 10)["tau"] for name in ("stack", "stack_without_capacitance"))
    assert (added["tau"], added["tau_without"]) == (whole, without)
    assert added["difference"] == pytest.approx(whole - without) and added["low"] < added["difference"] < added["high"]


def test_what_reads_the_capacitance_among_other_things_is_no_baseline_of_it():
    truth = a_truth()
    found = judge(a_table(truth), truth, FAMILIES, QUICK, not_baselines={"params"})
    assert row(found.differences, "beta", 10)["baseline"] == "loss"
    assert not row(found.metrics, "params", 10)["baseline"]
    assert row(found.metrics, "loss", 10)["tau_given_params"] == pytest.approx(
        row(judge(a_table(truth), truth, FAMILIES, QUICK).metrics, "loss", 10)["tau_given_params"]
    )
