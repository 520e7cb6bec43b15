"""Every frozen experiment composes into a run whose parts fit together."""

from __future__ import annotations

from functools import cache

import pytest

from harness.cli.run import build_spec
from harness.config.components import conf_folder
from harness.config.composition import as_hydra_wants, compose_arguments, hydra_open, parse_overrides
from harness.schema import BadInput, at_initialization

EXPERIMENTS = sorted(p.stem for p in (conf_folder() / "experiment").glob("*.yaml"))
BENCH = {"accuracy_from_weights": "cnn_zoo", "training_graphs": "hyperparameters"}
OWN_SIZES = ("lc_surrogate", *BENCH)
"""Experiments without the two baselines of size."""

FEW = ("measure=[]", "predictor=[flops]")
"""Composed in an eighth of the time, where plug-ins are not what is tested."""

NEEDS = {"lc_surrogate": [f"predictor.lc_surrogate.file={__file__}"]}  # any file: it is read when it is asked


@cache
def _spec_of(*arguments: str):
    with hydra_open("config"):
        return build_spec(compose_arguments(arguments, "config").own)


def spec_of(*arguments: str, bench: str = "nasbench201"):
    """The run of these arguments, composed once a process."""
    return _spec_of(f"+bench={bench}", *arguments)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_composes_with_or_without_the_plus(name: str) -> None:
    found = spec_of(f"experiment={name}", *NEEDS.get(name, []), bench=BENCH.get(name, "nasbench201"))
    with hydra_open("config"):
        plain, plus = (parse_overrides([f"{sign}experiment={name}"])[0] for sign in ("", "+"))
        assert list(as_hydra_wants(plain)) == list(as_hydra_wants(plus)) == [f"+experiment={name}"]
    assert found.budgets(25_000) and not found.skipped
    assert name in OWN_SIZES or {"flops", "live_flops"} <= set(found.predictors)


def test_an_experiment_chooses_its_plugins_and_the_command_line_has_the_last_word() -> None:
    assert set(spec_of("experiment=stored_curves").predictors) >= {"valacc", "lce", "flops"}
    assert "beta_eff" not in spec_of("experiment=stored_curves").predictors
    assert set(spec_of("experiment=stored_curves", "predictor=[flops]").predictors) == {"flops"}
    assert spec_of("experiment=stored_curves").predictors["lce"].horizon_epochs == 200
    more = spec_of("experiment=stored_curves", "+predictor=tse", "predictor.lce.horizon_epochs=90").predictors
    assert "tse" in more and more["lce"].horizon_epochs == 90


def test_a_signed_beta_eff_is_scored_by_its_magnitude() -> None:
    predictors = spec_of("experiment=capacitance_ablation").predictors
    readings = {name: getattr(p, "reading", None) for name, p in predictors.items() if "signed" in p.columns[0]}
    last = {name: reading for name, reading in readings.items() if not name.endswith("_ridge")}
    assert len(last) == 4 and set(last.values()) == {"magnitude"}


def test_the_networks_of_the_fit_are_those_of_the_run_but_for_what_is_named() -> None:
    found = spec_of("experiment=width_transfer", "bench.cells=2")
    assert found.bench.network() == {"space": "nasbench201", "channels": 16, "cells": 2}
    assert [b.channels for b in found.fit_benches] == [4, 8] and {b.cells for b in found.fit_benches} == {2}


@pytest.mark.slow
def test_cifar10_is_trained_on_small_images_by_its_own_recipe_alone() -> None:
    own = spec_of("dataset=cifar10", *FEW)
    assert (own.dataset.size, own.recipe.steps, own.recipe.batch) == (16, 2000, 64)
    assert spec_of("dataset=cifar10", "dataset.size=32", *FEW).dataset.size == 32
    assert spec_of("dataset=cifar10", "train=brief", *FEW).dataset.size == 32
    for name in ("zero_cost", "stored_curves"):
        assert spec_of(f"experiment={name}").dataset.size == 32


def test_the_three_budgets_ask_for_what_they_read_and_the_middle_one_is_the_recipe_of_cifar10() -> None:
    two, ten, sixty = (spec_of(f"experiment=seconds_{n}") for n in (2, 10, 60))
    assert two.recipe.steps == 0
    assert [each.measures["untrained"].draws for each in (two, ten, sixty)] == [2, 4, 12]
    usual = spec_of("dataset=cifar10", *FEW)
    assert (ten.recipe.steps, ten.recipe.batch, ten.dataset) == (usual.recipe.steps, usual.recipe.batch, usual.dataset)
    for each in (two, ten, sixty):
        assert each.bench.train_set == "cifar10" and each.dataset.size == 16 and not each.skipped
        assert {"untrained_aggregate", "ensemble", "flops"} <= set(each.predictors)
    assert spec_of("experiment=seconds_2", "skip=200", *FEW).skip == 200


def test_recorded_curves_and_measures_do_not_go_together() -> None:
    with pytest.raises(BadInput, match="signal: must be null where a measure or fit_on is set"):
        spec_of("experiment=stored_curves", "measure=[movement]")
    with pytest.raises(
        BadInput, match=r"fit_on.0.chanels: must be a known key \(got chanels\); did you mean fit_on.0.channels"
    ):
        spec_of("fit_on=[{chanels: 4}]", *FEW)


def test_experiments_of_different_plugins_do_not_share_a_sweep() -> None:
    with (
        pytest.raises(BadInput, match="experiment: must be experiments with the same plug-ins in one sweep"),
        hydra_open("config"),
    ):
        compose_arguments(["+bench=nasbench201", "experiment=zero_cost,width_transfer"], "config", sweep=True)


def test_proxies_are_read_at_initialization_by_their_plain_names_and_in_training_by_another() -> None:
    """In the main job: no zero-cost proxy without `_trained` in its name reads a trained network, the aggregate too."""
    predictors = spec_of().predictors
    proxies = {name: p for name, p in predictors.items() if p.family == "zero_cost"} | {"az_nas": predictors["az_nas"]}
    assert len(proxies) > 20
    assert {name for name, p in proxies.items() if at_initialization(p)} == {
        name for name in proxies if not name.endswith("_trained")
    }


def test_transferability_is_measured_where_it_is_asked_for_and_nothing_is_said_of_it_where_it_is_not() -> None:
    plain, listed = spec_of(), spec_of("measure=[transferability]")
    assert "transferability" not in plain.measures and "logme" not in plain.predictors and not plain.skipped
    assert {"logme", "logme_trained", "leep", "energy_trained"} <= {*listed.predictors}


@pytest.mark.slow
def test_transferability_may_be_added_to_what_is_measured_and_its_scores_may_not_without_it() -> None:
    asked = spec_of("+measure=transferability")
    assert {*spec_of().measures, "transferability"} == set(asked.measures) and not asked.skipped
    assert {"logme", "logme_trained", "leep", "energy_trained"} <= {*asked.predictors}
    with pytest.raises(BadInput, match=r"predictor\.logme: must be .*\+measure=transferability"):
        spec_of("+predictor=logme")
