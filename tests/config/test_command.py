"""The command of a run composes into the same configuration."""

from __future__ import annotations

import shlex

import pytest

from harness.config.command import command_of
from harness.config.composition import compose_arguments, hydra_open

TYPED = {
    "the default run, with settings, something added and one left out": [
        "seed=3", "+bench=nasbench201", "train.batch=64", "+predictor=tse", "+measure=zen", "~predictor.lce",
        "fit_on=[{channels: 4}]",
    ],
    "lists": ["+bench=nasbench201", "measure=[capacitance,zen]", "predictor=[beta_eff,flops]"],
    "an experiment": ["experiment=stored_curves", "+bench=nasbench201", "+predictor=tse"],
    "a recipe of the benchmark": ["+bench=cnn_zoo", "measure=[]", "predictor=[flops]"],
    "a value to be quoted": ["+bench=nasbench201", "measure=[]", "predictor=[flops]", "data='/a folder/$x'"],
}  # fmt: skip


@pytest.mark.parametrize("typed", TYPED.values(), ids=TYPED)
def test_a_pasted_command_composes_into_the_same_run(typed: list[str]) -> None:
    with hydra_open("config"):
        first = compose_arguments(typed, "config")
        pasted = shlex.split(command_of(first.overrides))
        assert pasted[:3] == ["python", "-m", "harness"] and pasted[3].startswith("+bench=")
        assert compose_arguments(pasted[3:], "config").own == first.own


def test_the_command_has_what_was_typed_and_no_folder_that_is_written_to() -> None:
    typed = ["seed=3", "+bench=nasbench201", "results=/home/me/r", "reports=/home/me/p", "+predictor=tse"]
    with hydra_open("config"):
        found = command_of(compose_arguments(typed, "config").overrides)
    assert shlex.split(found) == ["python", "-m", "harness", "+bench=nasbench201", "+predictor=[tse]", "seed=3"]


def test_hydras_own_settings_are_left_out_but_for_where_files_are_looked_for() -> None:
    own = ["hydra.sweep.dir=/x", "hydra/launcher=joblib", "hydra.searchpath=[file:///conf]", "+bench=b", "seed=1"]
    assert command_of(own) == "python -m harness +bench=b 'hydra.searchpath=[file:///conf]' seed=1"
