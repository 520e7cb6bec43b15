"""Which settings differ between jobs, and what their settings are called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.sweep.differing_settings import (
    LONGEST,
    dependent_keys,
    differing_overrides,
    differing_values,
    setting_labels,
)


def test_of_a_sweep_what_differs_between_overrides_is_what_varied() -> None:
    jobs = [
        ["+bench=nasbench201", f"dataset={data}", f"seed={seed}", "train.steps=10", "+predictor=[a,b]"]
        for data in ("digits", "svhn")
        for seed in (0, 1)
    ]
    assert differing_overrides(jobs, [{}] * len(jobs)) == [{"dataset": "digits"}] * 2 + [{"dataset": "svhn"}] * 2
    assert (
        setting_labels(differing_overrides(jobs, [{}] * len(jobs)), [""] * 4)
        == ["dataset=digits"] * 2 + ["dataset=svhn"] * 2
    )


def test_a_sweep_over_seeds_alone_has_one_setting_named_otherwise() -> None:
    jobs = [["dataset=digits", "seed=0", "engine.workers=1"], ["dataset=digits", "seed=1", "engine.workers=2"]]
    assert differing_overrides(jobs, [{}] * len(jobs)) == [{}, {}]
    assert setting_labels(differing_overrides(jobs, [{}] * len(jobs)), ["dataset=digits"] * 2) == ["dataset=digits"] * 2


def test_pluses_and_quotes_are_no_part_of_a_key_or_value() -> None:
    assert differing_overrides([["+predictor='[a]'"], ["+predictor='[b]'"]], [{}, {}]) == [
        {"predictor": "[a]"},
        {"predictor": "[b]"},
    ]
    assert differing_overrides([["~measure.grasp"], []], [{}, {}]) == [
        {"measure.grasp": "left out"},
        {"measure.grasp": "default"},
    ]


def test_a_job_that_does_not_name_a_key_has_the_value_of_its_configuration() -> None:
    jobs = [["train.steps=10", "dataset=svhn"], ["train.steps=20"], ["dataset=digits"]]
    configs = [config("svhn", 32, 10), config("digits", 12, 20), config("digits", 12, 30)]
    assert [each["train.steps"] for each in differing_overrides(jobs, configs)] == ["10", "20", "30"]
    assert [each["dataset"] for each in differing_overrides(jobs, configs)] == ["svhn", "digits", "digits"]
    switch = [{"measure": {"twice": True, "share": None}}, {"measure": {"twice": False, "share": None}}]
    assert differing_overrides([["measure.twice=true", "measure.share=null"], []], switch) == [
        {"measure.twice": "true"}, {"measure.twice": "false"},
    ]  # fmt: skip


def test_a_key_that_a_configuration_lacks_is_not_one_that_is_null() -> None:
    found = differing_values([{"a": None}, {}, {"a": 1}])
    assert found == [{"a": "null"}, {"a": "left out"}, {"a": "1"}]
    assert len(set(setting_labels(found, [""] * 3))) == 3


def test_keys_that_follow_from_those_named_are_listed() -> None:
    configs = [config("digits", 12, 10), config("svhn", 32, 10, 1)]
    assert dependent_keys(configs, ["dataset"]) == ["train.batch"]
    assert dependent_keys(configs, ["dataset", "train"]) == [] and dependent_keys(configs[:1], []) == []


def config(dataset: str, size: int, steps: int, seed: int = 0) -> dict[str, object]:
    return {
        "bench": {"name": "nasbench201", "channels": 8},
        "dataset": {"_target_": f"datasets.{dataset}", "name": dataset, "size": size},
        "train": {"steps": steps, "batch": 128 if dataset == "digits" else 256},
        "seed": seed,
        "results": f"somewhere/{seed}",
    }


def test_of_stored_runs_keys_that_follow_from_others_are_not_listed() -> None:
    configs = [config("digits", 12, 10), config("digits", 12, 20, 1), config("svhn", 32, 10), config("svhn", 32, 20)]
    assert differing_values(configs) == [
        {"dataset": "digits", "train.steps": "10"}, {"dataset": "digits", "train.steps": "20"},
        {"dataset": "svhn", "train.steps": "10"}, {"dataset": "svhn", "train.steps": "20"},
    ]  # fmt: skip
    assert differing_values([config("digits", 12, 10), config("svhn", 32, 20)]) == [
        {"dataset": "digits"},
        {"dataset": "svhn"},
    ]
    assert differing_values([config("digits", 12, 10, seed) for seed in range(3)]) == [{}] * 3
    assert differing_values([]) == []


def test_a_setting_that_follows_the_seed_is_no_repetition() -> None:
    assert differing_values([config("digits", 12, 10, 0), config("digits", 12, 20, 1)]) == [
        {"train.steps": "10"}, {"train.steps": "20"},
    ]  # fmt: skip


@given(st.lists(st.fixed_dictionaries({k: st.integers(0, 2) for k in "abc"}), min_size=1, max_size=8))
def test_two_configurations_have_one_label_exactly_if_they_are_equal(configs: list[dict[str, int]]) -> None:
    found = setting_labels(differing_values(configs), ["the same"] * len(configs))
    for one, first in zip(configs, found, strict=True):
        for other, second in zip(configs, found, strict=True):
            assert (first == second) == (one == other)


def test_long_values_are_cut_and_stay_apart() -> None:
    long = "x" * 2 * LONGEST
    found = setting_labels([{"a": f"{long}1"}, {"a": f"{long}2"}, {"a": f"{long}1"}], [""] * 3)
    assert found[0] == found[2] != found[1]
    assert all(len(name) <= LONGEST + 4 for name in found)
