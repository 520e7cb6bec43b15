"""Agreement of published tables, scores against them, and the static rank, against slow references."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from harness.benches.pretrained.agreement import agreement, correlation, judged, shared
from harness.benches.pretrained.comparison import compare
from harness.benches.pretrained.static_rank import static_rank, static_rank_of_tables, static_ranks
from harness.benches.pretrained.weighted_taus import weighted_taus
from harness.benches.tabulated import write
from harness.schema import BadInput

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent")) / "pretrained"
RANDOM = np.random.default_rng(0)
MODELS = [f"m{i}" for i in range(9)]
TRUTH = pd.DataFrame(RANDOM.uniform(50, 90, (9, 3)), MODELS, ["cars", "pets", "dtd"])
SCORE = TRUTH + RANDOM.normal(0, 15, (9, 3))
FLAT = TRUTH.assign(**dict.fromkeys(TRUTH, 1.0))


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 8).flatmap(lambda n: arrays(float, (2, n), elements=st.sampled_from([0.0, 1.0, 2.5, -3.0, 7.0]))))
def test_weighted_tau_is_scipys_with_ties(values: np.ndarray) -> None:
    x, y = values
    expected = stats.weightedtau(x, y).statistic
    np.testing.assert_allclose(weighted_taus(x[None], y[None])[0], expected, atol=1e-12)


def test_weighted_taus_of_many_samples_are_those_of_each_without_its_missing_models() -> None:
    rows = RANDOM.integers(9, size=(20, 9))
    x, y = TRUTH["cars"].to_numpy().copy(), SCORE["cars"].to_numpy().copy()
    x[2], y[4], y[5] = np.nan, np.nan, np.inf
    kept = np.isfinite(x) & np.isfinite(y)
    expected = [stats.weightedtau(x[row[kept[row]]], y[row[kept[row]]]).statistic for row in rows]
    np.testing.assert_allclose(weighted_taus(x[rows], y[rows]), expected, atol=1e-12)
    assert np.isnan(weighted_taus(np.array([[np.nan, 1.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [1.0, 2.0]]))).all()


def test_agreement_is_scipys_on_each_set_and_the_mean_over_them() -> None:
    gaps = SCORE.copy()
    gaps.loc["m3", "pets"] = np.nan
    found = agreement(TRUTH, gaps.iloc[::-1, ::-1].assign(other=1.0))
    assert [*found.index] == ["cars", "pets", "dtd", "mean"] and found["models"].tolist()[:3] == [9, 8, 9]
    for name in TRUTH:
        x, y = TRUTH[name].drop("m3" if name == "pets" else []), gaps[name].dropna()
        assert found.loc[name, "weighted_tau"] == pytest.approx(stats.weightedtau(x, y).statistic)
        assert found.loc[name, "tau"] == pytest.approx(stats.kendalltau(x, y).statistic)
        assert found.loc[name, "spearman"] == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.loc["mean", "tau"] == pytest.approx(found["tau"].iloc[:3].mean())
    with pytest.raises(BadInput, match="2 models, 3 data sets"):
        agreement(TRUTH, SCORE[:2])
    assert [*shared([TRUTH, SCORE[["dtd", "cars"]][4:]])[0]] == MODELS[4:]


def test_a_constant_side_and_two_models_have_no_correlation() -> None:
    assert np.isnan(correlation(TRUTH["cars"], FLAT["cars"]))
    assert np.isnan(correlation(TRUTH["cars"][:2], SCORE["cars"][:2]))


def test_a_score_is_judged_by_its_mean_and_its_paired_difference() -> None:
    scores = {"base": SCORE, "perfect": TRUTH**3, "flat": FLAT}
    found = judged(scores, TRUTH, "base", draws=60, seed=1)
    taus = [stats.weightedtau(SCORE[name], TRUTH[name]).statistic for name in TRUTH]
    assert found.loc["base", "weighted_tau"] == pytest.approx(np.mean(taus))
    assert (found.loc["perfect", ["weighted_tau", "low", "high", "tau", "spearman"]] == 1).all()
    rows = np.random.default_rng(1).integers(9, size=(60, 9))
    samples = [np.mean([stats.weightedtau(SCORE[n].iloc[r], TRUTH[n].iloc[r]).statistic for n in TRUTH]) for r in rows]
    np.testing.assert_allclose(found.loc["base", ["low", "high"]].astype(float), np.quantile(samples, [0.025, 0.975]))
    gaps = np.quantile(1 - np.array(samples), [0.025, 0.975])
    np.testing.assert_allclose(found.loc["perfect", ["difference_low", "difference_high"]].astype(float), gaps)
    assert found.loc["base", "difference"] == 0 and found.loc["flat"].isna().all()
    assert judged(scores, TRUTH, "base")[["low", "high"]].isna().to_numpy().all()


def test_the_static_rank_is_the_mean_over_the_other_sets_and_never_reads_the_target() -> None:
    gaps = TRUTH.copy()
    gaps.loc["m3", "pets"] = np.nan
    gaps.loc["m7", ["pets", "dtd"]] = np.nan
    gaps.loc["m1", "dtd"] = gaps.loc["m2", "dtd"]
    found = static_rank(gaps, "cars")
    for model in MODELS:
        ranks = []
        for name in ("pets", "dtd"):
            others, own = gaps[name].dropna(), gaps.loc[model, name]
            if np.isfinite(own):
                ranks.append(((others < own).sum() + (others == own).sum() / 2) / len(others))
        assert found[model] == pytest.approx(np.mean(ranks)) if ranks else np.isnan(found[model])
    shuffled = gaps.assign(cars=RANDOM.permutation(gaps["cars"]))
    pd.testing.assert_series_equal(static_rank(shuffled, "cars"), found)
    pd.testing.assert_series_equal(static_rank(gaps.drop(columns="cars"), "cars"), found)
    pd.testing.assert_series_equal(static_ranks(gaps)["cars"], found, check_names=False)
    with pytest.raises(BadInput, match="dataset: must be one of several"):
        static_rank(TRUTH[["cars"]], "cars")


def test_models_with_the_same_ranks_in_another_order_are_equal() -> None:
    orders = [*itertools.permutations(range(3))]
    table = pd.DataFrame({f"s{i}": [float(order[m]) for m in range(3)] for i, order in enumerate(orders)})
    assert static_rank(table, "target").nunique() == 1


def test_the_static_rank_of_own_tables_is_of_the_last_epochs_of_the_other_sets(tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.parquet" for name in TRUTH}
    for name, path in paths.items():
        rows = [
            (m, seed, epoch, TRUTH.loc[m, name] * epoch / 3 + seed)
            for m in MODELS
            for seed in (0, 1)
            for epoch in (1, 2, 3)
        ]
        curves = pd.DataFrame(rows, columns=["architecture", "seed", "epoch", "test_accuracy"])
        curves["valid_accuracy"] = 100 - curves["test_accuracy"]
        for loss in ("train_loss", "valid_loss", "test_loss"):
            curves[loss] = 1.0
        if name == "dtd":
            curves = curves[curves["architecture"] != "m4"]
        write(path, curves, {"dataset": name, "dataset_fingerprint": "f", "made_by": "a test"})
    paths["cars"].write_bytes(b"damaged, and not opened")
    known = TRUTH.copy()
    known.loc["m4", "dtd"] = np.nan
    found = static_rank_of_tables(paths, "cars")
    pd.testing.assert_series_equal(found.sort_index(), static_rank(known, "cars"), check_names=False)
    pd.testing.assert_series_equal(
        static_rank_of_tables(paths, "cars", "valid").rank(), (-found).rank(), check_names=False
    )
    assert static_rank_of_tables({"cars": paths["cars"]}, "cars").empty
    with pytest.raises(BadInput):
        static_rank_of_tables(paths, "pets")


@pytest.mark.real
def test_the_published_figures_are_found_again() -> None:
    if not DATA.is_dir():
        pytest.skip("HARNESS_DATA has no pretrained")
    tables = [DATA / f"finetuned_{name}.csv" for name in ("sfda_group1", "tllib")]
    found = compare(tables, [DATA / "scores_model_spider_baselines.csv"], draws=0)
    (pair,) = found.agreement.values()
    assert pair["weighted_tau"].round(2)[["aircraft", "cifar10", "mean"]].tolist() == [0.12, 0.81, 0.54]
    expected = {
        "imagenet_top1": (0.713, 0.724), "H-Score": (0.631, 0.657), "LEEP": (0.522, 0.429), "LogME": (0.508, 0.675),
        "NCE": (0.455, 0.655), "NLEEP": (0.634, 0.491), "PACTranDirichlet": (0.701, 0.495), "GBC": (0.4, 0.155),
    }  # fmt: skip
    for name, figures in expected.items():
        rows = (name if name == "imagenet_top1" else f"{name} of scores_model_spider_baselines" for _ in figures)
        taus = [table.loc[row, "weighted_tau"] for row, table in zip(rows, found.judged.values(), strict=True)]
        np.testing.assert_allclose(taus, figures, atol=5e-4)
    static = [table.loc[f"static_rank of {name}", "weighted_tau"] for name, table in found.judged.items()]
    np.testing.assert_allclose(static, (0.888, 0.680), atol=5e-4)


@pytest.mark.real
def test_weighted_tau_is_that_of_tllib_where_its_table_is_the_one_it_was_computed_from() -> None:
    if not DATA.is_dir():
        pytest.skip("HARNESS_DATA has no pretrained")
    table = pd.read_csv(DATA / "finetuned_tllib.csv")
    published = pd.read_csv(DATA / "tllib_published_correlations.csv").set_index(["dataset", "measure"])
    for name in ("CIFAR10", "CIFAR100", "SUN397", "StanfordCars"):
        rows = table[table["dataset"] == name]
        for score in ("hscore", "leep", "nce"):
            found = weighted_taus(rows[score].to_numpy()[None], rows["finetuned_accuracy"].to_numpy()[None])[0]
            assert found == pytest.approx(published.loc[(name, "Weighted Tau"), score], abs=1e-3)
