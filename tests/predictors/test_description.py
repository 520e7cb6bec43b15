from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.predictors.description import MODELS, DescriptionModel
from harness.schema import Architecture, BadInput, Learned, NoScore, Trace

nan = float("nan")
READ = DescriptionModel(["description_features"], "ridge")


def trace(name, vector, steps=(0, 4), **numbers):
    table = pd.DataFrame({"step": steps, "epoch": 0.0, "seconds": 0.0, "train_loss": 1.0, **numbers})
    table.insert(len(table.columns), "description_features", [np.asarray(vector, dtype=float)] * len(table))
    return Trace(Architecture(name, name), 0, table)


def made(n=60, seed=0):
    """Traces whose accuracy grows with two entries of the description, and these accuracies."""
    random = np.random.default_rng(seed)
    x = random.uniform(0, 1, (n, 3))
    return [trace(f"a{i:02}", row) for i, row in enumerate(x)], 90 - 30 * np.exp(-2 * x[:, 0] - x[:, 1])


@pytest.mark.parametrize("model", MODELS)
def test_the_order_is_found_on_architectures_that_are_not_in_the_fit(model):
    traces, truth = made()
    fitted = replace(READ, model=model).fit(traces[:40], truth[:40])
    found = [fitted.score(each) for each in traces[40:]]
    assert kendalltau(found, truth[40:])[0] > 0.75
    assert isinstance(READ, Learned)


def test_only_the_order_of_the_accuracies_enters():
    traces, truth = made()
    one, two = READ.fit(traces[:40], truth[:40]), READ.fit(traces[:40], np.exp(truth[:40] / 10))
    assert [one.score(each) for each in traces] == [two.score(each) for each in traces]


@pytest.mark.parametrize("model", MODELS)
def test_a_missing_entry_is_no_failure(model):
    traces, truth = made()
    traces[3] = trace("a03", [nan, 0.5, 0.5])
    fitted = replace(READ, model=model).fit(traces[:40], truth[:40])
    assert np.isfinite([fitted.score(each) for each in traces[:5]]).all()


def test_nothing_to_read_too_few_and_another_length_are_no_score():
    traces, truth = made()
    with pytest.raises(NoScore, match="needs 4 architectures, has 3"):
        READ.fit(traces[:3], truth[:3])
    with pytest.raises(NoScore, match="one length"):
        READ.fit([*traces[:9], trace("b", [1.0])], truth[:10])
    fitted = READ.fit(traces[:40], truth[:40])
    with pytest.raises(NoScore, match="has 2 entries, those of the fit 3"):
        fitted.score(trace("b", [1.0, 2.0]))


def test_measured_numbers_are_read_at_initialization():
    both = DescriptionModel(["description_features", "snip"], "boosting", trees=20)
    traces, truth = made()
    first = [trace(t.architecture.name, t.table["description_features"][0], snip=[x, 9.0])
             for t, x in zip(traces, truth, strict=True)]  # fmt: skip
    assert both.at_initialization
    assert not READ.at_initialization
    fitted = both.fit(first[:40], truth[:40])
    assert kendalltau([fitted.score(each) for each in first[40:]], truth[40:])[0] > 0.85
    later = [replace(t, table=t.table.assign(snip=[t.table["snip"][0], -5.0])) for t in first]
    assert [fitted.score(each) for each in later] == [fitted.score(each) for each in first]


def test_a_description_is_fitted_once_a_fold_whatever_the_budgets(monkeypatch):
    traces, truth = made(20)
    fits = []
    fit = DescriptionModel.fit
    monkeypatch.setattr(DescriptionModel, "fit", lambda self, *given: fits.append(1) or fit(self, *given))
    scores, timings = score_all({"d": READ}, ScoringInput(traces, truth, [0, 4], folds=5, seed=0))
    assert len(fits) == 5
    assert set(timings["fitted_on"]) == {16.0}
    first, second = (scores[scores["step"] == step]["score"].to_numpy() for step in (0, 4))
    assert np.isfinite(first).all()
    assert (first == second).all()


def test_a_training_that_diverged_or_was_never_observed_is_described_all_the_same():
    traces, truth = made(20)
    traces[0] = replace(traces[0], table=traces[0].table.head(1), diverged=4)
    traces[1] = replace(traces[1], table=traces[1].table.assign(step=[4, 8]))
    scores, _ = score_all({"d": READ}, ScoringInput(traces, truth, [0, 4], folds=5, seed=0))
    assert scores["score"].notna().all()
    assert set(scores["reason"]) == {""}


@pytest.mark.parametrize(
    "wrong", [{"reads": []}, {"reads": ["a", "a"]}, {"model": "forest"}, {"trees": 0}, {"seed": -1}]
)
def test_wrong_settings_are_refused_in_one_line(wrong):
    with pytest.raises(BadInput, match=r"^predictor\.description\.\w+: must be"):
        replace(READ, **wrong)
