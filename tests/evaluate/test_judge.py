from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import kendalltau, norm, pearsonr, spearmanr, weightedtau

from harness.evaluate.bootstrap import draws
from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
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
    tenth = t >= np.sort(t)[-6]
    assert (found["tau_tenth"], found["n_tenth"]) == (pytest.approx(kendalltau(s[tenth], t[tenth]).statistic), 6)
    rank = np.argsort(np.argsort(-t))
    assert found["weighted_tau"] == pytest.approx(weightedtau(s, t, rank=rank).statistic)
    assert found["half_accuracy"] == pytest.approx(((s >= np.sort(s)[30]) == (t >= np.sort(t)[30])).mean())


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
    subsets = ("top 50 %", "top 20 %", "top 10 %")
    assert found["note"] == "; ".join(["constant score", *(f"{name}: constant score" for name in subsets)])


def test_a_subset_of_fewer_than_five_has_no_tau():
    truth = a_truth(n=20)
    metrics = judge(a_table(truth), truth, FAMILIES, QUICK).metrics
    found = row(metrics, "beta", 0)
    assert found["n_fifth"] == 4
    assert np.isnan(found["tau_fifth"])
    assert np.isfinite(found["tau_half"])
    assert found["note"] == "top 20 %: fewer than 5 scores; top 10 %: fewer than 5 scores"


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


@pytest.mark.parametrize("with_pearson", [False, True])
def test_judging_counts_its_rows_from_none_to_all(with_pearson: bool):
    truth = a_truth()
    scores = a_table(truth)
    told: list[tuple[int, int]] = []
    judge(scores, truth, FAMILIES, Evaluation(20, pearson=with_pearson), progress=lambda *at: told.append(at))
    rows, ((total,), done) = (
        len(scores.groupby(["predictor", "step"])),
        ({each for _, each in told}, [at for at, _ in told]),
    )
    assert done[0] == 0 and done[-1] == total and {b - a for a, b in pairwise(done)} == {rows}
    assert len(done) > 8


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
    assert ceiling["subset"].unique().tolist() == ["all", "top 50 %", "top 20 %", "top 10 %"]
    assert ceiling["n"].tolist() == [60, 60, 30, 30, 12, 12, 6, 6]
    assert ceiling["tau"].between(0, 1).all()


def test_unknown_names_are_refused():
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
        ({"permutations": 0}, "evaluate.permutations"),
        ({"top": [0, 5]}, "evaluate.top"),
        ({"top": [5, 5]}, "evaluate.top"),
        ({"gaps": []}, "evaluate.gaps"),
        ({"gaps": [0.0, 2.0, 1.0]}, "evaluate.gaps"),
        ({"gaps": [-1.0, 1.0]}, "evaluate.gaps"),
        ({"gaps": [0.0, float("inf")]}, "evaluate.gaps"),
        ({"targets": [0.5, 0.5]}, "evaluate.targets"),
        ({"targets": [0.0]}, "evaluate.targets"),
        ({"targets": [1.1]}, "evaluate.targets"),
        ({"studied": ["capacitance", "capacitance"]}, "evaluate.studied"),
        ({"studied": [""]}, "evaluate.studied"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(wrong, key):
    with pytest.raises(BadInput, match=key):
        Evaluation(**wrong)


def test_the_configuration_file_states_every_field_and_its_default():
    path = Path(__file__).parents[2] / "conf" / "evaluate" / "default.yaml"
    stated = yaml.safe_load(path.read_text())
    assert stated.pop("_target_") == "harness.evaluate.settings.Evaluation"
    quicker = {
        "learned_every": 4
    }  # the field's own default is that of runs made before it was there: identities leave it out
    assert stated == vars(Evaluation()) | quicker


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


@pytest.mark.parametrize(
    ("studied", "mine"),
    [(["capacitance"], {"beta"}), (["size", "loss"], {"params", "loss"}), ([], set()), (["flat"], {"flat"})],
)
def test_families_and_predictors_under_study_are_no_baselines(studied, mine):
    truth = a_truth()
    found = judge(a_table(truth), truth, FAMILIES, Evaluation(bootstrap=20, studied=studied)).metrics
    assert set(found.loc[found["studied"], "predictor"]) == mine
    assert (found["baseline"] == ~found["studied"]).all()
    assert found.columns[:5].tolist() == ["predictor", "family", "baseline", "studied", "step"]


def test_a_studied_name_that_does_not_run_is_refused_but_the_default_is_not():
    truth = a_truth()
    scores = a_table(truth).query("predictor != 'beta'")
    families = {name: family for name, family in FAMILIES.items() if name != "beta"}
    assert not judge(scores, truth, families, QUICK).metrics["studied"].any()
    wanted = r"^evaluate\.studied: must be families or predictors of this run \(.*params.*\) \(got \['capacitanse'\]\)$"
    with pytest.raises(BadInput, match=wanted):
        judge(scores, truth, families, Evaluation(bootstrap=20, studied=["size", "capacitanse"]))


def test_a_score_that_is_not_measured_yet_is_no_failure():
    truth = a_truth()
    scores = a_table(truth)
    early = (scores["predictor"] == "loss") & (scores["step"] == 0)
    scores.loc[early, ["score", "reason"]] = [np.nan, "not yet: no finite loss within the budget"]
    some = scores.index[(scores["predictor"] == "beta") & (scores["step"] == 0)]
    scores.loc[some[:3], ["score", "reason"]] = [np.nan, "not yet: one value"]
    scores.loc[some[3:5], ["score", "reason"]] = [np.nan, "diverged at step 0"]
    metrics = judge(scores, truth, FAMILIES, QUICK).metrics
    assert row(metrics, "loss", 0)[["n", "failed", "note"]].tolist() == [
        0, 0, "not yet measured at this budget",
    ]  # fmt: skip
    assert row(metrics, "beta", 0)[["n", "failed"]].tolist() == [55, 2]
    assert row(metrics, "loss", 10)[["n", "failed", "note"]].tolist() == [60, 0, ""]


def test_a_budget_that_is_left_out_for_learned_predictors_says_so_and_counts_no_failure():
    truth = a_truth()
    scores = a_table(truth)
    left_out = "learned predictors are scored at other budgets (evaluate.learned_every)"
    early = (scores["predictor"] == "loss") & (scores["step"] == 0)
    scores.loc[early, ["score", "reason"]] = [np.nan, f"not yet: {left_out}"]
    metrics = judge(scores, truth, FAMILIES, QUICK).metrics
    assert row(metrics, "loss", 0)[["n", "failed", "note"]].tolist() == [0, 0, left_out]
    assert row(metrics, "loss", 10)["note"] == ""


def test_what_reads_the_capacitance_among_other_things_is_no_baseline_of_it():
    truth = a_truth()
    found = judge(a_table(truth), truth, FAMILIES, QUICK, not_baselines={"params"})
    assert row(found.differences, "beta", 10)["baseline"] == "loss"
    assert not row(found.metrics, "params", 10)["baseline"]
    assert row(found.metrics, "loss", 10)["tau_given_params"] == pytest.approx(
        row(judge(a_table(truth), truth, FAMILIES, QUICK).metrics, "loss", 10)["tau_given_params"]
    )


LAST_ONLY = ("weighted_tau", "half_accuracy", "tau_given_train_loss")


def with_the_loss(truth):
    """The table with the predictor that others are held against under its own name."""
    return a_table(truth).replace({"predictor": {"loss": "train_loss"}}), FAMILIES | {"train_loss": "learning_curve"}


def test_expensive_intervals_are_those_of_the_last_step_alone():
    truth = a_truth()
    metrics = judge(with_the_loss(truth)[0], truth, with_the_loss(truth)[1], QUICK).metrics
    for name in LAST_ONLY:
        first, last = (row(metrics, "beta", step)[[name, f"{name}_low", f"{name}_high"]].tolist() for step in (0, 10))
        assert np.isfinite(first[0]) and np.isnan(first[1:]).all()
        assert last[1] < last[0] < last[2]
    for name in ("tau", "spearman", "tau_half", "tau_fifth", "tau_tenth"):
        assert row(metrics, "beta", 0)[[f"{name}_low", f"{name}_high"]].notna().all()
    flat, own = row(metrics, "flat", 10), row(metrics, "train_loss", 10)
    assert flat[["weighted_tau_low", "tau_given_train_loss"]].isna().all()
    assert own[["tau_given_train_loss", "tau_given_train_loss_low", "tau_given_flops"]].isna().all()


def test_a_partial_tau_is_given_the_control_at_the_same_step_with_paired_draws():
    truth = a_truth()
    scores, families = with_the_loss(truth)
    found = row(judge(scores, truth, families, QUICK).metrics, "beta", 10)
    wide = scores.query("step == 10").pivot(index="architecture", columns="predictor", values="score")
    t = truth.mean()[wide.index].to_numpy()

    def partial(w):
        s, g, x = (np.repeat(side, w) for side in (wide["beta"], wide["train_loss"], t))
        st, sg, tg = (kendalltau(*pair).statistic for pair in ((s, x), (s, g), (x, g)))
        return (st - sg * tg) / np.sqrt((1 - sg**2) * (1 - tg**2))

    ends = np.quantile([partial(w) for w in draws(60, 50, 0)], [0.025, 0.975])
    assert found["tau_given_train_loss"] == pytest.approx(partial(np.ones(60, dtype=int)))
    assert [found["tau_given_train_loss_low"], found["tau_given_train_loss_high"]] == pytest.approx(ends.tolist())


def test_a_partial_tau_given_both_controls_follows_from_the_six_taus_with_paired_draws():
    truth = a_truth()
    scores = a_table(truth).replace({"predictor": {"loss": "train_loss", "params": "flops"}})
    last = scores["step"] == 10
    missing = last & (scores["predictor"] == "flops") & scores["architecture"].isin(truth.accuracy.index[:4])
    scores.loc[missing, "score"] = np.nan
    families = FAMILIES | {"train_loss": "learning_curve", "flops": "size"}
    metrics = judge(scores, truth, families, QUICK).metrics
    names = [f"tau_given_train_loss_and_flops{end}" for end in ("", "_low", "_high")]
    wide = scores[last].pivot(index="architecture", columns="predictor", values="score")
    t = truth.mean()[wide.index].to_numpy()
    kept = wide["flops"].notna().to_numpy()

    def partial(w):
        sides = [np.repeat(x[kept], w[kept]) for x in (wide["beta"], t, wide["train_loss"], wide["flops"])]
        tau = np.array([[kendalltau(x, y).statistic for x in sides] for y in sides])
        st, sh, th = ((tau[i, j] - tau[i, 2] * tau[j, 2]) / np.sqrt((1 - tau[i, 2] ** 2) * (1 - tau[j, 2] ** 2))
                      for i, j in ((0, 1), (0, 3), (1, 3)))  # fmt: skip
        return (st - sh * th) / np.sqrt((1 - sh**2) * (1 - th**2))

    ends = np.quantile([partial(w) for w in draws(60, 50, 0)], [0.025, 0.975])
    expected = [partial(np.ones(60, dtype=int)), *ends]
    assert row(metrics, "beta", 10)[names].tolist() == pytest.approx(expected)
    first = row(metrics, "beta", 0)[names].tolist()
    assert np.isfinite(first[0]) and np.isnan(first[1:]).all()
    for control in ("train_loss", "flops"):
        assert row(metrics, control, 10)[names].isna().all()
    alone = judge(with_the_loss(truth)[0], truth, with_the_loss(truth)[1], QUICK).metrics
    assert alone[names].isna().all(axis=None)  # a control is missing


def test_pearson_is_there_where_it_is_asked_for():
    truth = a_truth()
    scores = a_table(truth)
    assert "pearson" not in judge(scores, truth, FAMILIES, QUICK).metrics
    found = row(judge(scores, truth, FAMILIES, Evaluation(bootstrap=50, pearson=True)).metrics, "beta", 10)
    s = scores.query("predictor == 'beta' and step == 10")["score"]
    assert found["pearson"] == pytest.approx(pearsonr(s, truth.mean()).statistic)
    assert found["pearson_low"] < found["pearson"] < found["pearson_high"]


def test_p_agrees_with_the_interval_and_holm_counts_the_comparisons_of_one_step():
    truth = a_truth()
    differences = judge(a_table(truth), truth, FAMILIES, Evaluation(bootstrap=400, permutations=1999)).differences
    beta = row(differences, "beta", 10)
    assert beta["low"] > 0 and beta["p"] < 0.05
    assert differences.query("predictor == 'flat'")[["p", "p_holm", "detectable"]].isna().all(axis=None)
    for _, step in differences.groupby("step"):
        p = np.sort(step["p"].dropna())
        assert len(p) == 3  # the constant one is not compared, and does not count
        assert np.sort(step["p_holm"].dropna())[0] == pytest.approx(min(1, 3 * p[0]))


def test_the_detectable_difference_is_that_of_80_percent_power():
    truth = a_truth()
    scores = a_table(truth)
    for level in (0.95, 0.8):
        found = row(judge(scores, truth, FAMILIES, Evaluation(bootstrap=50, level=level)).differences, "beta", 10)
        wide = scores.query("step == 10").pivot(index="architecture", columns="predictor", values="score")
        t = truth.mean()[wide.index].to_numpy()
        drawn = [
            kendalltau(np.repeat(wide["beta"], w), np.repeat(t, w)).statistic
            - kendalltau(np.repeat(wide["params"], w), np.repeat(t, w)).statistic
            for w in draws(60, 50, 0)
        ]
        error = np.std(drawn, ddof=1)
        # a normal estimate with this mean and error is beyond the critical value in four of five cases
        critical = norm.ppf((1 + level) / 2) * error
        assert norm.sf(critical, loc=found["detectable"], scale=error) == pytest.approx(0.8)


def test_selection_and_pairs_are_told_of_every_predictor_and_step():
    truth = a_truth(n=9)
    judged = judge(a_table(truth), truth, FAMILIES, Evaluation(bootstrap=20, top=[1, 9, 10], gaps=[0.0, 1.0]))
    assert judged.selection.groupby(["predictor", "step"])["k"].apply(list).tolist() == [[1, 9]] * 8
    assert (judged.selection.query("k == 9")[["precision", "regret"]] == [1, 0]).all(axis=None)
    assert row(judged.metrics, "beta", 0)["note"].endswith("top 10: fewer than 10 scores")
    assert judged.pairs.groupby(["predictor", "step"])["pairs"].sum().tolist() == [36] * 8


def sliver(n, scores, truth):
    """A table of scores by predictor and a truth of one seed, of n architectures at step 0."""
    names = [f"a{i}" for i in range(n)]
    rows = [(p, 0, name, s) for p, values in scores.items() for name, s in zip(names, values, strict=True)]
    table = pd.DataFrame(rows, columns=["predictor", "step", "architecture", "score"])
    return table, Truth(pd.DataFrame({"0": truth}, index=names), "train", "test", 1, "invented")


@pytest.mark.parametrize(
    ("scores", "truth"),
    [
        ({"beta": [1.0, 2.0], "loss": [2.0, 1.0]}, [5.0, 6.0]),
        ({"beta": [np.nan] * 6, "loss": [np.nan] * 6}, [5.0, 6, 7, 8, 9, 10]),
        ({"beta": [np.nan] * 6, "loss": [1.0, 2, 3, 4, 5, 6]}, [5.0, 6, 7, 8, 9, 10]),
        ({"beta": [1.0] * 6, "loss": [2.0] * 6}, [5.0, 6, 7, 8, 9, 10]),
        ({"beta": [1.0, 2, 3, 4, 5, 6]}, [5.0, 6, 7, 8, 9, 10]),
        ({"loss": [1.0, 2, 3, 4, 5, 6]}, [5.0, 6, 7, 8, 9, 10]),
        ({"beta": [1.0, 2, 3, 4, 5, 6], "loss": [3.0, 1, 2, 6, 5, 4]}, [5.0] * 6),
        ({"beta": [1.0, 2, 3, 4, 5, 6], "loss": [3.0, 1, 2, 6, 5, 4]}, [5.0, 5, 7, 7, 9, 9]),
        ({"beta": [1.0, 2, 3, 4, 5, 6], "loss": [3.0, 1, 2, 6, 5, 4]}, [5.0, np.nan, 7, np.nan, 9, 10]),
        ({"beta": [1.0, 2, 3, 4, 5, 6], "loss": [3.0, 1, 2, 6, 5, 4]}, [np.nan] * 6),
        ({"beta": [1.0] + [np.nan] * 5, "loss": [np.nan, 1, 2, 6, 5, 4]}, [5.0, 6, 7, 8, 9, 10]),
    ],
    ids=["two", "no score", "one all nan", "constant", "no baseline", "alone", "one truth", "ties", "gaps", "no truth",
         "nothing in common"],
)  # fmt: skip
def test_little_to_judge_gives_nan_with_a_reason_and_no_error(scores, truth):
    table, known = sliver(len(truth), scores, truth)
    judged = judge(table, known, FAMILIES, Evaluation(bootstrap=30, permutations=99, pearson=True))
    assert len(judged.metrics) == len(judged.differences) == len(scores)
    undefined = judged.metrics["tau"].isna()
    assert (judged.metrics.loc[undefined, "note"] != "").all()
    assert (judged.metrics["n"] + judged.metrics["failed"] == np.isfinite(truth).sum()).all()
    for name in ("tau", "spearman", "weighted_tau", "half_accuracy", "pearson"):
        values = judged.metrics[name].dropna()
        assert values.between(-1 - 1e-12, 1 + 1e-12).all()
    assert (judged.metrics["half_accuracy"].notna() == (judged.metrics["n"] >= 2)).all()
    assert judged.differences["p"].dropna().between(0.01, 1).all()
    assert (judged.differences["p"].notna() == judged.differences["difference"].notna()).all()
    assert judged.ceiling["tau"].isna().all() and (judged.ceiling["note"] != "").all()
    assert (judged.selection["regret"] >= 0).all() and judged.selection["precision"].between(0, 1).all()
    assert (judged.pairs["accuracy"].notna() == (judged.pairs["pairs"] > 0)).all()


def test_two_architectures_are_one_pair_and_have_no_interval():
    truth = a_truth(n=2)
    found = judge(a_table(truth), truth, FAMILIES, QUICK)
    beta = row(found.metrics, "beta", 10)
    assert beta["n"] == 2 and abs(beta["tau"]) == 1
    ends = [column for column in found.metrics if str(column).endswith(("_low", "_high"))]
    assert beta[ends].isna().all()
    assert found.differences[["low", "high", "detectable"]].isna().all(axis=None)


def test_baselines_are_those_that_are_named() -> None:
    truth = a_truth()
    named = Evaluation(bootstrap=20, baselines=["params"])
    found = judge(a_table(truth), truth, FAMILIES, named)
    assert set(found.metrics.loc[found.metrics["baseline"], "predictor"]) == {"params"}
    against = found.differences.query("predictor != 'params'")["baseline"]
    assert set(against) <= {"params", ""} and (against == "params").any()
    with pytest.raises(BadInput, match=r"^evaluate\.baselines: must be families or predictors .* \(got \['sise'\]\)"):
        judge(a_table(truth), truth, FAMILIES, Evaluation(bootstrap=20, baselines=["sise"]))
    with pytest.raises(BadInput, match=r"^evaluate\.baselines: must be a list"):
        Evaluation(baselines=[])
