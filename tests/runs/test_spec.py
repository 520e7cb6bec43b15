"""What a spec knows of its own parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.benches.nasbench201.bench import NasBench201
from harness.evaluate.settings import Evaluation
from harness.measures.capacitance import Capacitance
from harness.measures.movement import Movement
from harness.measures.transfer_scores import Transferability
from harness.predictors.column_value import ColumnValue
from harness.predictors.stack import Stack
from harness.runs.engine import Engine
from harness.runs.spec import RunSpec
from harness.schema import BadInput
from harness.train.recipe import Recipe
from tests.runs.test_run import Tiny

GROUPS = {"size": ["params"], "capacitance": ["beta_eff"], "movement": ["movement"]}


def spec(**changes) -> RunSpec:
    given = {
        "bench": NasBench201(), "dataset": Tiny(), "recipe": Recipe(steps=4), "evaluation": Evaluation(),
        "measures": {"movement": Movement(), "capacitance": Capacitance()}, "engine": Engine(), "seed": 0,
        "predictors": {"flops": ColumnValue("flops", 1.0, "size")}, "architectures": 4, "data": None,
        "results": Path("nowhere"), "settings": "",
    }  # fmt: skip
    return RunSpec(**(given | changes))


def test_twins_differ_in_one_group_of_inputs_and_in_nothing_else() -> None:
    whole = Stack(GROUPS)
    stacks = {
        "stack": whole,
        "less": replace(whole, without=["capacitance"]),
        "least": replace(whole, without=["capacitance", "movement"]),
        "other": replace(whole, without=["movement"], trees=7),
        "flops": ColumnValue("flops", 1.0, "size"),
    }
    assert spec(predictors=stacks).twins() == {"less": ("stack", "capacitance"), "least": ("less", "movement")}


@pytest.mark.parametrize("others", [{}, {"beta": ColumnValue("beta_eff", -1.0, "capacitance")}])
def test_a_reader_of_a_studied_input_is_known_whoever_else_takes_part(others) -> None:
    found = spec(predictors={"stack": Stack(GROUPS), "flops": ColumnValue("flops", 1.0, "size"), **others})
    assert found.readers_of_studied() == {"stack", *others} and found.studied() == set(others)
    without = spec(predictors={"stack": Stack(GROUPS, without=["capacitance"])})
    assert without.readers_of_studied() == set()


def test_predictors_that_are_fitted_on_accuracies_are_baselines_only_where_they_may_be() -> None:
    predictors = {"stack": Stack({"movement": ["movement"]}), "flops": ColumnValue("flops", 1.0, "size")}
    assert spec(predictors=predictors).not_baselines() == set()
    bare = spec(predictors=predictors, evaluation=Evaluation(learned_baselines=False))
    assert bare.not_baselines() == {"stack"}


def test_any_family_or_predictor_can_be_under_study() -> None:
    predictors = {"stack": Stack(GROUPS), "move": ColumnValue("movement", 1.0, "movement")}
    for studied in (["movement"], ["move"]):
        found = spec(predictors=predictors, evaluation=Evaluation(studied=studied))
        assert found.studied() == {"move"} and found.readers_of_studied() == {"move", "stack"}


def test_what_nobody_named_and_nobody_measures_is_left_out_but_what_was_named_is_refused() -> None:
    predictors = {"zen": ColumnValue("zen", 1.0, "zero_cost"), "flops": ColumnValue("flops", 1.0, "size")}
    with pytest.raises(BadInput, match=r"predictor\.zen: must be a predictor whose inputs are measured"):
        spec(predictors=predictors)
    found = spec(predictors=predictors, automatic=True)
    assert (set(found.predictors), found.skipped) == ({"flops"}, {"zen": ["zen"]})
    with pytest.raises(BadInput, match=r"predictor\.zen: must be a predictor whose inputs are measured"):
        spec(predictors=predictors, automatic=True, named=["zen"])
    with pytest.raises(BadInput, match="measure: must be a measure with a column that some predictor reads"):
        spec(predictors={"zen": predictors["zen"]}, automatic=True)


class Pretrained(NasBench201):
    """A benchmark of networks that were trained on other data before."""

    pretrained = True


@pytest.mark.parametrize(
    ("bench", "unasked", "takes_part"),
    [(NasBench201, ["source"], False), (Pretrained, ["source"], True), (NasBench201, [], True)],
)
def test_a_measure_of_pretrained_networks_takes_part_where_there_are_some_or_where_it_is_named(
    bench, unasked, takes_part
) -> None:
    found = spec(
        bench=bench(),
        measures={"source": Transferability(), "movement": Movement()},
        predictors={"logme": ColumnValue("logme", 1.0, "transferability"), "flops": ColumnValue("flops", 1.0, "size")},
        unasked=[*unasked, "movement"],
        automatic=True,
    )
    assert "movement" in found.measures and "flops" in found.predictors
    assert ("source" in found.measures) == ("logme" in found.predictors) == takes_part
    assert found.skipped == {}


def test_one_benchmark_without_pretrained_networks_leaves_the_measure_out_and_a_named_reader_is_refused() -> None:
    given = {
        "bench": Pretrained(), "fit_benches": [NasBench201()], "measures": {"source": Transferability()},
        "predictors": {"logme": ColumnValue("logme", 1.0, "transferability")}, "unasked": ["source"],
    }  # fmt: skip
    with pytest.raises(BadInput, match=r"predictor\.logme: must be .*; \+measure=source reads networks that are not "):
        spec(**given, automatic=True, named=["logme"])
