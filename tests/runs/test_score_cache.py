"""Scores that are found again: of the same columns, accuracies, folds, settings and source, and of nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.runs import score_cache
from harness.runs.score_cache import StoredScores
from harness.schema import Architecture, NoScore, Trace

CALLS: Counter[str] = Counter()


@dataclass(frozen=True)
class Last:
    """The last loss times `sign`."""

    kind: ClassVar[str] = "predictor/last"

    sign: float = -1.0
    columns: tuple[str, ...] = ("train_loss",)
    family: str = "control"

    def score(self, trace):
        CALLS[f"last at {trace.last_step}"] += 1
        if trace.architecture.name == "a2":
            raise NoScore("a2 has none")
        return self.sign * float(trace.numbers("train_loss")[-1])


@dataclass(frozen=True)
class Mean:
    """The mean accuracy of the fit, and the last loss."""

    kind: ClassVar[str] = "predictor/mean"

    columns: tuple[str, ...] = ("train_loss",)
    family: str = "control"

    def fit(self, traces, accuracies):
        CALLS["fits"] += 1
        return Last(float(np.mean(accuracies)))


def given(budgets=(10, 20), worse=0.0, best=90.0) -> ScoringInput:
    steps = [0, 10, 20]
    traces = []
    for place in range(6):
        loss = [2.0, 1.5 - 0.1 * place, 1.0 + 0.05 * place + (worse if place == 3 else 0.0)]
        table = pd.DataFrame({"step": steps, "epoch": steps, "seconds": steps, "train_loss": loss, "other": 1.0})
        traces.append(Trace(Architecture(f"a{place}", f"a{place}"), 0, table))
    return ScoringInput(traces, np.array([best, 80.0, 70.0, 60.0, 50.0, 40.0]), budgets, 3, 0)


@pytest.fixture
def scored(tmp_path):
    """Scores with one cache; the tables, and what was asked of predictors."""

    def score(predictors, what):
        CALLS.clear()
        return score_all(predictors, what, cache=StoredScores(tmp_path)), Counter(CALLS)

    return score


def test_what_is_found_again_is_the_same_and_asks_no_predictor(scored) -> None:
    both = {"last": Last(), "mean": Mean()}
    first, calls = scored(both, given())
    again, none = scored(both, given())
    assert calls["fits"] == 6 and calls["last at 20"] and not none
    for mine, theirs in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    pd.testing.assert_frame_equal(score_all(both, given())[0], first[0], check_exact=True)


def test_a_new_predictor_scores_only_itself(scored) -> None:
    scored({"last": Last()}, given())
    tables, calls = scored({"last": Last(), "mean": Mean(), "renamed": Last()}, given())
    assert calls["fits"] == 6
    assert calls["last at 20"] == 6 + 3 * 4  # each scored by one fit, and seen again for the level of three
    named = tables[0].set_index("predictor")
    assert named.loc["renamed", "score"].tolist() == pytest.approx(named.loc["last", "score"].tolist(), nan_ok=True)


@pytest.mark.parametrize(
    ("predictor", "what"),
    [
        (Last(1.0), given()),
        (Last(), given(worse=0.5)),
        (Last(), given(best=91.0)),
        (Last(), replace(given(), folds=2)),
        (Last(), replace(given(), traces=given().traces[:5], accuracies=given().accuracies[:5])),
    ],
    ids=["settings", "a trace", "an accuracy", "folds", "the sample"],
)
def test_whatever_a_score_depends_on_makes_it_anew(predictor, what, scored) -> None:
    scored({"it": Last()}, given())
    tables, calls = scored({"it": predictor}, what)
    assert calls["last at 20"] == len(what.traces)
    pd.testing.assert_frame_equal(tables[0], score_all({"it": predictor}, what)[0])


def test_a_column_that_is_not_read_changes_nothing(scored) -> None:
    scored({"it": Last()}, given())
    other = [replace(trace, table=trace.table.assign(other=2.0)) for trace in given().traces]
    assert not scored({"it": Last()}, replace(given(), traces=other))[1]


def test_other_budgets_score_those_that_are_new(scored) -> None:
    scored({"it": Last(), "mean": Mean()}, given(budgets=(20,)))
    tables, calls = scored({"it": Last(), "mean": Mean()}, given(budgets=(10, 20)))
    assert set(calls) == {"last at 10", "fits"} and calls["fits"] == 3
    pd.testing.assert_frame_equal(tables[0], score_all({"it": Last(), "mean": Mean()}, given())[0])
    assert not scored({"it": Last(), "mean": Mean()}, given(budgets=(10, 20)))[1]


def test_other_source_or_another_version_makes_scores_anew(scored, monkeypatch) -> None:
    scored({"it": Last()}, given())
    monkeypatch.setattr(score_cache, "source_digest", lambda component: "other")
    assert scored({"it": Last()}, given())[1]
    monkeypatch.setattr(score_cache, "versions_of", lambda packages: {"numpy": "0"})
    assert scored({"it": Last()}, given())[1]


def test_a_damaged_file_is_put_aside_and_made_anew(scored, tmp_path, capsys) -> None:
    tables, _ = scored({"it": Last()}, given())
    (path,) = tmp_path.rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    again, calls = scored({"it": Last()}, given())
    assert calls and "checksum mismatch" in capsys.readouterr().err
    pd.testing.assert_frame_equal(again[0], tables[0])
    assert not scored({"it": Last()}, given())[1]
