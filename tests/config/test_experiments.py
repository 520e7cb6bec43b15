"""Every frozen experiment composes into a run whose parts fit together."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from harness.cli.run import spec_of
from harness.config.components import conf_folder
from harness.config.composition import complete
from harness.schema import BadInput

EXPERIMENTS = sorted(p.stem for p in (conf_folder() / "experiment").glob("*.yaml"))
NEEDS = {"lc_surrogate": [f"predictor.lc_surrogate.file={__file__}"]}  # any file: it is read when it is asked


@pytest.fixture(autouse=True)
def fresh_hydra():
    GlobalHydra.instance().clear()
    yield
    GlobalHydra.instance().clear()


def plan(*arguments: str):
    overrides = complete(["+bench=nasbench201", *arguments], "config")
    with initialize_config_dir(str(conf_folder()), version_base="1.3", job_name="config"):
        return spec_of(compose("config", overrides=overrides))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_composes_with_or_without_the_plus(name: str) -> None:
    found = plan(f"experiment={name}", *NEEDS.get(name, []))
    assert plan(f"+experiment={name}", *NEEDS.get(name, [])).settings == found.settings
    assert found.budgets(25_000) and not found.skipped


def test_an_experiment_chooses_its_plugins_and_the_command_line_has_the_last_word() -> None:
    assert set(plan("experiment=stored_curves").predictors) >= {"valacc", "lce", "flops"}
    assert "beta_eff" not in plan("experiment=stored_curves").predictors
    assert set(plan("experiment=stored_curves", "predictor=[flops]").predictors) == {"flops"}
    assert "tse" in plan("experiment=stored_curves", "+predictor=tse").predictors
    assert plan("experiment=stored_curves").predictors["lce"].horizon_epochs == 200
    assert plan("experiment=stored_curves", "predictor.lce.horizon_epochs=90").predictors["lce"].horizon_epochs == 90


def test_the_networks_of_the_fit_are_those_of_the_run_but_for_what_is_named() -> None:
    found = plan("experiment=width_transfer", "bench.cells=2")
    assert found.bench.network() == {"space": "nasbench201", "channels": 16, "cells": 2}
    assert [b.channels for b in found.fit_benches] == [4, 8] and {b.cells for b in found.fit_benches} == {2}


def test_cifar10_is_trained_on_small_images_by_its_own_recipe_alone() -> None:
    own = plan("dataset=cifar10")
    assert (own.dataset.size, own.recipe.steps, own.recipe.batch) == (16, 2000, 64)
    assert plan("dataset=cifar10", "dataset.size=32").dataset.size == 32
    assert plan("dataset=cifar10", "train=brief").dataset.size == 32
    for name in ("zero_cost", "stored_curves"):
        assert plan(f"experiment={name}").dataset.size == 32


def test_the_three_budgets_ask_for_what_they_read_and_the_middle_one_is_the_recipe_of_cifar10() -> None:
    two, ten, sixty = (plan(f"experiment=seconds_{n}") for n in (2, 10, 60))
    assert two.recipe.steps == 0
    assert [each.measures["untrained"].draws for each in (two, ten, sixty)] == [2, 4, 12]
    default = plan("dataset=cifar10").recipe
    assert (ten.recipe.steps, ten.recipe.batch, ten.dataset) == (
        default.steps,
        default.batch,
        plan("dataset=cifar10").dataset,
    )
    for each in (two, ten, sixty):
        assert each.bench.train_set == "cifar10" and each.dataset.size == 16 and not each.left_out
        assert {"untrained_aggregate", "ensemble", "flops"} <= set(each.predictors)
    assert plan("experiment=seconds_2", "skip=200").skip == 200


def test_recorded_curves_and_measures_do_not_go_together() -> None:
    with pytest.raises(BadInput, match="signal: must be no measure and no fit_on beside stored curves"):
        plan("experiment=stored_curves", "measure=[movement]")
    with pytest.raises(BadInput, match=r"fit_on.0.chanels: must be a known key is needed"):
        plan("fit_on=[{chanels: 4}]")


def test_experiments_of_different_plugins_do_not_share_a_sweep() -> None:
    with pytest.raises(BadInput, match="experiment: must be experiments of the same plug-ins are needed in one sweep"):
        complete(["-m", "+bench=nasbench201", "experiment=zero_cost,width_transfer"], "config")
