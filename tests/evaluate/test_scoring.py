from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_parts import parts_of
from harness.evaluate.scoring_table import ScoringInput, ScoringTable
from harness.predictors.column_value import ColumnValue
from harness.predictors.rank_aggregate import RankAggregate
from harness.processes.workers import OneMachine
from harness.schema import Architecture, BadInput, NoScore, Trace
from tests.conftest import CLOCK


def trace(name, steps=(0, 10, 20), group=None, diverged=None, value=1.0):
    table = pd.DataFrame({"step": steps, "train_loss": [value * s for s in steps], "params": 7.0})
    return Trace(Architecture(name, group or name), 0, table, diverged)


@dataclass(frozen=True)
class Spy:
    """Scores the last step it can see, and remembers it."""

    seen: list[int] = field(default_factory=list)
    columns: tuple[str, ...] = ("train_loss",)
    family: str = "control"

    def score(self, trace):
        self.seen.append(trace.last_step)
        return float(trace.last_step)


@dataclass(frozen=True)
class Says(Spy):
    """Answers by what it is told to do."""

    answer: object = 0.0

    def score(self, trace):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass(frozen=True)
class Sure(Spy):
    def estimate(self, trace):
        return 3.0, 0.5


@dataclass(frozen=True)
class Memory:
    """Learns the accuracy of each group by heart; -1 where it never saw the group."""

    fits: list[list[str]] = field(default_factory=list)
    columns: tuple[str, ...] = ("train_loss",)
    family: str = "learning_curve"

    def fit(self, traces, accuracies):
        self.fits.append([t.architecture.name for t in traces])
        assert np.isfinite(accuracies).all()
        assert len(accuracies) == len(traces)
        return Recall({t.architecture.group: a for t, a in zip(traces, accuracies, strict=True)}, len(traces))


@dataclass(frozen=True)
class Recall(Spy):
    known: dict[str, float] = field(default_factory=dict)
    fitted_on: int = 0

    def __init__(self, known, fitted_on):
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "fitted_on", fitted_on)

    def score(self, trace):
        return self.known.get(trace.architecture.group, -float(self.fitted_on))


def scored(predictor, traces, accuracies=None, budgets=(20,), folds=3, seed=0):
    accuracies = np.arange(len(traces), dtype=float) if accuracies is None else accuracies
    table, _ = score_all({"it": predictor}, ScoringInput(traces, accuracies, budgets, folds, seed))
    assert list(table) == ["predictor", "step", "architecture", "score", "sd", "reason"]
    return table


def test_no_predictor_sees_beyond_its_budget():
    spy = Spy()
    table = scored(spy, [trace("a"), trace("b")], budgets=[0, 10, 15, 20])
    assert spy.seen == [0, 0, 10, 10, 10, 10, 20, 20]
    assert table["step"].tolist() == [0, 0, 10, 10, 15, 15, 20, 20]
    assert table["score"].tolist() == spy.seen
    assert set(table["reason"]) == {""}


def test_no_learned_predictor_is_fitted_on_what_it_scores_or_its_group():
    traces = [trace(f"{g}{i}", group=g) for g in "abcdef" for i in range(3)]
    memory = Memory()
    table = scored(memory, traces, folds=3)
    assert (table["score"] < -12).all()  # -12 for a group it was not fitted on, less the mean accuracy it was
    assert len(memory.fits) == 3
    assert all(len(names) == 12 for names in memory.fits)


def test_learned_predictors_do_not_look_ahead_either():
    @dataclass(frozen=True)
    class Learner(Spy):
        def fit(self, traces, accuracies):
            self.seen.extend(t.last_step for t in traces)
            return self

    learner = Learner()
    scored(learner, [trace(n) for n in "abcd"], budgets=[10], folds=2)
    assert set(learner.seen) == {10}
    assert len(learner.seen) == 12  # each was fitted on once, seen again for the level, and scored


def test_scores_do_not_depend_on_the_order_of_the_traces():
    @dataclass(frozen=True)
    class FirstSeen(Memory):
        def fit(self, traces, accuracies):
            return Slope(accuracies[0] + 10 * accuracies[-1])

    @dataclass(frozen=True)
    class Slope(Spy):
        slope: float = 0.0

        def __init__(self, slope):
            object.__setattr__(self, "slope", slope)

        def score(self, trace):
            return self.slope * float(trace.table["train_loss"].iloc[-1])

    traces, accuracies = [trace(n, value=ord(n)) for n in "abcdefgh"], np.arange(8.0)
    turned = [5, 2, 7, 0, 1, 3, 6, 4]
    table = scored(FirstSeen(), traces, accuracies)
    assert table["score"].nunique() > 1
    pd.testing.assert_frame_equal(table, scored(FirstSeen(), [traces[i] for i in turned], accuracies[turned]))


def test_only_finite_accuracies_are_fitted_on_but_all_are_scored():
    memory = Memory()
    table = scored(memory, [trace(n) for n in "abcd"], np.array([1.0, np.nan, 2.0, 3.0]), folds=4)
    assert not any("b" in names for names in memory.fits)
    assert table["score"].tolist() == [-2 - 2.5, -3 - 2.0, -2 - 2.0, -2 - 1.5]  # less the mean that was fitted on


def test_without_others_there_is_nothing_to_fit_on():
    table = scored(Memory(), [trace("a", group="g"), trace("b", group="g")])
    assert table["score"].isna().all()
    assert set(table["reason"]) == {"no other architecture to fit on"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (float("nan"), "no score"),
        (float("inf"), "the score is infinite"),
        (NoScore("too short a curve"), "too short a curve"),
        (ValueError("bad fit"), "ValueError: bad fit"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
        (np.linalg.LinAlgError("singular"), "LinAlgError: singular"),
    ],
)
def test_a_failed_score_is_nan_with_its_reason(answer, reason):
    table = scored(Says(answer=answer), [trace("a")])
    assert np.isnan(table["score"][0])
    assert np.isnan(table["sd"][0])
    assert table["reason"][0] == reason


@pytest.mark.parametrize("error", [KeyError("train_los"), TypeError("x"), AttributeError("x"), BadInput("key: wrong")])
def test_a_mistake_in_the_code_of_a_predictor_is_not_swallowed(error):
    with pytest.raises(type(error)):
        scored(Says(answer=error), [trace("a")])


def test_a_failed_fit_is_the_reason_of_every_score_of_its_fold():
    @dataclass(frozen=True)
    class Picky(Memory):
        def fit(self, traces, accuracies):
            if 0.0 not in accuracies:
                raise ValueError("no zero")
            return Says(answer=1.0)

    table = scored(Picky(), [trace(n) for n in "abc"], folds=3)
    assert table["reason"].tolist() == ["ValueError: no zero", "", ""]
    assert table["score"].isna().tolist() == [True, False, False]


def test_a_stated_uncertainty_is_kept():
    table = scored(Sure(), [trace("a")])
    assert (table["score"][0], table["sd"][0], table["reason"][0]) == (3.0, 0.5, "")


def test_a_diverged_trace_is_scored_before_it_diverged_and_by_facts_only_after():
    traces = [trace("a", steps=(0, 10), diverged=14)]
    table = scored(Spy(), traces, budgets=[10, 12, 14, 20])
    assert table["reason"].tolist() == ["", "", "diverged at step 14", "diverged at step 14"]
    facts = scored(Says(columns=("params",), answer=4.0), traces, budgets=[14, 20])
    assert facts["score"].tolist() == [4, 4]


def test_a_trace_that_ends_before_the_budget_is_not_scored_nor_fitted_on():
    traces = [trace("a", steps=(0, 10)), *(trace(n) for n in "bcd")]
    table = scored(Spy(), traces, budgets=[10, 20])
    assert table["reason"].tolist() == ["", "", "", "", "the trace ends at step 10", "", "", ""]
    memory = Memory()
    scored(memory, traces, folds=2)
    assert not any("a" in names for names in memory.fits)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"folds": 1}, r"evaluate\.folds: must be at least 2 \(got 1\)"),
        ({"budgets": [-1]}, r"evaluate\.budgets: must be steps of at least 0 \(got \[-1\]\)"),
        ({"traces": [trace("a"), trace("a")]}, r"traces: must be one per architecture \(got \['a'\]\)"),
    ],
)
def test_wrong_requests_are_refused(wrong, said):
    with pytest.raises(BadInput, match=said):
        scored(Spy(), **{"traces": [trace("a")], **wrong})


def measured(name, proxy, diverged=None, steps=(0, 10, 20)):
    """A trace with a proxy that is read at every observation and a validation loss that is first due at step 10."""
    columns = {"proxy": proxy, "late": [np.nan, 2.0, 1.0], "train_loss": [np.nan, 2.0, 1.0]}
    clocks = {"seconds_proxy": 0.5, "seconds_late": [0.0, 0.5, 0.5]}
    table = pd.DataFrame({"step": (0, 10, 20), "params": 7.0, **columns, **clocks}).iloc[: len(steps)]
    return Trace(Architecture(name, name), 0, table, diverged, {"proxy": "seconds_proxy", "late": "seconds_late"})


PROXY = ColumnValue("proxy", 1.0, "zero_cost", "first")


def test_a_proxy_at_initialization_is_the_same_at_every_budget_whatever_became_of_the_training():
    traces = [measured("a", [1.0, 5.0, 6.0]), measured("b", [2.0, 4.0, 3.0], diverged=11, steps=(0, 10))]
    given = ScoringInput([*traces, measured("c", [3.0, 0.0, 0.0], steps=(0, 10))], np.arange(3.0), [0, 10, 20], 2, 0)
    scores, timings = score_all({"proxy": PROXY, "trained": replace(PROXY, reading="last")}, given)
    found = scores.pivot(index=["predictor", "architecture"], columns="step", values="score")
    assert found.loc["proxy"].to_numpy().tolist() == [[1, 1, 1], [2, 2, 2], [3, 3, 3]]
    assert found.loc[("trained", "a")].tolist() == [1, 5, 6] and found.loc[("trained", "b")].isna().tolist()[2]
    seconds = timings[timings["predictor"] == "proxy"]["score_seconds"]
    assert seconds.nunique() == 1  # measured once, so that the cheapest budget is the first


def test_learned_and_collective_predictors_at_initialization_see_step_0_alone():
    @dataclass(frozen=True)
    class Initial(Memory):
        at_initialization: bool = True

        def fit(self, traces, accuracies):
            assert [t.last_step for t in traces] == [0] * len(traces)
            return Spy()

    traces = [measured(n, [float(i), 0.0, 0.0]) for i, n in enumerate("abcdef")]
    assert set(scored(Initial(), traces, budgets=[0, 20])["score"]) == {0.0}
    aggregate = RankAggregate({"proxy": 1.0}, "combination", reading="first")
    found = scored(aggregate, traces, budgets=[0, 20])
    assert found["score"].tolist() == pytest.approx([*np.log(np.arange(1, 7) / 6)] * 2)


def test_what_is_not_measured_yet_is_told_from_what_failed():
    traces = [measured("a", [1.0, 1.0, 1.0]), measured("b", [np.nan, np.nan, np.nan])]
    for column in ("late", "train_loss"):
        found = scored(ColumnValue(column, -1.0, "control"), traces, budgets=[0, 10])
        assert found["reason"].str.startswith("not yet: no finite").tolist() == [True, True, False, False]
    proxy = scored(ColumnValue("proxy", 1.0, "zero_cost"), traces, budgets=[0, 10])
    assert proxy["reason"].tolist() == ["", "no finite proxy at step 0", "", "no finite proxy at step 10"]
    initial = scored(PROXY, traces, budgets=[0, 10])
    assert initial["reason"].tolist() == ["", "no finite proxy at the first observation"] * 2


def test_a_method_that_needs_more_than_the_untrained_network_is_not_failing_at_step_0():
    needs_two = Says(columns=("proxy",), answer=NoScore("needs 2 observations, has 1"))
    traces = [measured("a", [1.0, 1.0, 1.0]), measured("b", [2.0, 2.0, 2.0])]
    found = scored(needs_two, traces, budgets=[0, 10])["reason"].tolist()
    assert found == ["not yet: needs 2 observations, has 1"] * 2 + ["needs 2 observations, has 1"] * 2


def test_a_budget_before_the_first_observation_is_not_yet():
    late = Trace(Architecture("a", "a"), 0, pd.DataFrame({"step": [5, 10], "train_loss": [2.0, 1.0]}))
    assert scored(Spy(), [late], budgets=[0])["reason"].tolist() == ["not yet: nothing is observed by step 0"]


def test_a_learned_predictor_that_knows_nothing_does_not_rank_the_folds_backwards():
    """The mean of the others is lower for a fold of good architectures; taken as a score it ranks against the truth."""

    @dataclass(frozen=True)
    class MeanOfTheOthers(Spy):
        def fit(self, traces, accuracies):
            return Says(answer=float(np.mean(accuracies)))

    random = np.random.default_rng(0)
    table = scored(MeanOfTheOthers(), [trace(f"{i:02d}") for i in range(40)], random.normal(size=40), folds=5)
    assert np.ptp(table["score"]) < 1e-12


@dataclass(frozen=True)
class Ranks:
    """Scores traces by their place among all."""

    columns: tuple[str, ...] = ("train_loss",)
    family: str = "combination"

    def score_together(self, traces):
        values = np.array([t.table["train_loss"].iloc[-1] for t in traces])
        return np.where(values > 25, np.nan, values.argsort().argsort())


def test_a_collective_predictor_sees_all_usable_traces_at_once_and_may_leave_some_out() -> None:
    traces = [trace("a", value=2), trace("b", value=1), trace("c", diverged=10), trace("d", value=3)]
    found = score_all({"ranks": Ranks()}, ScoringInput(traces, np.arange(4.0), [10, 20], 2, 0))[0]
    found = found.set_index(["step", "architecture"])
    assert found.loc[10, "score"].tolist() == pytest.approx([1, 0, np.nan, np.nan], nan_ok=True)
    assert found.loc[(10, "c"), "reason"] == "diverged at step 10"
    assert found.loc[(10, "d"), "reason"] == "no score"


def test_a_collective_predictor_that_knows_why_it_has_no_score_is_asked() -> None:
    aggregate = RankAggregate({"params": 1.0, "train_loss": -1.0}, "combination")
    traces = [trace("a"), trace("b"), trace("c")]
    traces[1].table["params"] = np.nan
    traces[2].table.loc[traces[2].table["step"] == 20, "train_loss"] = np.nan
    found = score_all({"it": aggregate}, ScoringInput(traces, np.arange(3.0), [20], 2, 0))[0].set_index("architecture")
    assert found["reason"].to_dict() == {"a": "", "b": "no finite params", "c": ""}
    assert found["score"].notna().to_dict() == {"a": True, "b": False, "c": True}


@dataclass(frozen=True)
class Pupil:
    """Remembers which parameters it was fitted on and scores their mean."""

    fit_examples: list[tuple[set[str], set[float]]] = field(default_factory=list)
    columns: tuple[str, ...] = ("train_loss", "params")
    family: str = "control"

    def fit(self, traces, accuracies):
        self.fit_examples.append(({t.architecture.name for t in traces}, {t.table["params"].iloc[0] for t in traces}))
        assert all(t.last_step <= 10 for t in traces)
        return Spy()


def test_a_learned_predictor_may_be_fitted_on_other_networks_of_other_architectures_only() -> None:
    names = [f"n{i}" for i in range(8)]
    small = [{n: replace(trace(n), table=trace(n).table.assign(params=p)) for n in names} for p in (1.0, 2.0)]
    pupil = Pupil()
    given = ScoringInput([trace(n) for n in names], np.arange(8.0), [10], 4, 0, small)
    found = score_all({"pupil": pupil}, given)[0]
    assert len(pupil.fit_examples) == 4 and found["score"].notna().all()
    assert all(sizes == {1.0, 2.0} and len(seen) == 6 for seen, sizes in pupil.fit_examples)
    left = [set(names) - seen for seen, _ in pupil.fit_examples]
    assert set.union(*left) == set(names) and sum(map(len, left)) == 8


@dataclass(frozen=True)
class Probability:
    """Knows how good an architecture is, on a scale that has nothing to do with percent."""

    columns: tuple[str, ...] = ("train_loss",)
    family: str = "combination"

    def fit(self, traces, accuracies):
        return Quality()


@dataclass(frozen=True)
class Quality(Spy):
    def score(self, trace):
        return 1e-3 * float(trace.table["train_loss"].iloc[-1])


def test_a_learned_score_in_another_unit_than_percent_still_ranks_across_folds():
    traces = [trace(n, value=v) for v, n in enumerate("abcdefghijkl")]
    found = scored(Probability(), traces, np.random.default_rng(0).normal(50, 20, 12))
    assert found["score"].corr(pd.Series(np.arange(12.0)), method="spearman") > 0.9


def test_processes_that_share_the_predictors_out_change_no_number_and_no_order():
    traces, accuracies = [trace(f"n{i:03d}", value=i % 7) for i in range(70)], np.arange(70.0)
    several = {f"p{i}": ColumnValue("train_loss", 1.0 if i % 2 else -1.0, "control") for i in range(5)}
    given = ScoringInput(traces, accuracies, [0, 10, 20], 3, 0)
    one, two = (score_all(several, given, OneMachine(processes))[0] for processes in (1, 2))
    pd.testing.assert_frame_equal(one, two)
    assert one["predictor"].unique().tolist() == list(several)


def test_predictors_that_one_process_scores_at_all_budgets_are_begun_before_the_folds_of_learned_ones():
    given = ScoringInput([trace(n, value=v) for v, n in enumerate("abcdef")], np.arange(6.0), [0, 20], 3, 0)
    both = {"learned": Pupil(), "control": ColumnValue("train_loss", 1.0, "control")}
    parts = parts_of(both, ScoringTable.of(given, both), {})
    assert [part.name for part in parts] == ["control", "learned", "learned", "learned"]


@dataclass(frozen=True)
class Slow(Spy):
    """Sleeps as long as it is told before it says anything, and before it is ready."""

    seconds: float = 0.0

    def score(self, trace):
        CLOCK.sleep(self.seconds)
        return 1.0


@dataclass(frozen=True)
class SlowPupil(Slow):
    def fit(self, traces, accuracies):
        CLOCK.sleep(10 * self.seconds)
        return Slow(seconds=self.seconds)


@dataclass(frozen=True)
class SlowRanks(Slow):
    def score_together(self, traces):
        CLOCK.sleep(self.seconds * len(traces))
        return np.arange(len(traces), dtype=float)


def timings(predictor, traces, budgets=(20,), folds=3, fitting=()):
    accuracies = np.arange(len(traces), dtype=float)
    table = score_all({"it": predictor}, ScoringInput(traces, accuracies, budgets, folds, 0, fitting))[1]
    assert list(table) == ["predictor", "step", "fitted_on", "fit_seconds", "score_seconds"]
    return table.set_index("step").drop(columns="predictor")


@pytest.mark.usefixtures("clock")
def test_the_seconds_of_a_score_are_those_of_one_architecture():
    traces = [trace("a"), trace("b"), trace("c", diverged=10)]
    for predictor in (Slow(seconds=0.02), SlowRanks(seconds=0.02)):
        for found in timings(predictor, traces, budgets=(0, 20)).itertuples():
            assert (found.fitted_on, found.fit_seconds) == (0, 0)
            assert found.score_seconds == pytest.approx(0.02)


@pytest.mark.usefixtures("clock")
def test_the_seconds_of_a_fit_and_what_it_was_fitted_on_are_means_over_the_folds():
    found = timings(SlowPupil(seconds=0.02), [trace(n) for n in "abcdefg"], folds=3).loc[20]
    assert found["fitted_on"] == pytest.approx((4 + 5 + 5) / 3)
    # a fit, and the scores of what it has seen, of which its level is the mean
    assert found["fit_seconds"] == pytest.approx(0.2 + 0.02 * found["fitted_on"])
    assert found["score_seconds"] == pytest.approx(0.02)


def test_a_fit_on_other_networks_counts_all_their_traces():
    names = list("abcdef")
    fitting = [{name: trace(name) for name in names} for _ in range(2)]
    assert timings(SlowPupil(), [trace(name) for name in names], folds=3, fitting=fitting).loc[20, "fitted_on"] == 8


def test_what_scores_nothing_takes_no_time_that_could_be_told():
    found = timings(SlowPupil(), [trace("a", group="g"), trace("b", group="g")]).loc[20]
    assert found["fitted_on"] == 0 and np.isnan(found["score_seconds"])


@dataclass(frozen=True)
class InBatches(Spy):
    """Scores by the last step of each row; refuses a batch of which a row is 20, as one call for many may."""

    sizes: list[int] = field(default_factory=list)

    def row(self, trace):
        if trace.architecture.name == "b":
            raise NoScore("b has no row")
        return np.array([trace.last_step + (13.0 if trace.architecture.name == "c" else 0.0)])

    def scores(self, rows):
        self.sizes.append(len(rows))
        if len(rows) > 1 and any(row[0] == 33 for row in rows):
            raise ValueError("33 spoils the batch")
        return np.array([row[0] for row in rows])

    def score(self, trace):
        return float(self.scores([self.row(trace)])[0])


def test_a_batch_is_one_call_and_a_trace_without_a_row_has_its_own_reason():
    predictor = InBatches()
    table = scored(predictor, [trace("a"), trace("b"), trace("d")], budgets=[10])
    assert predictor.sizes == [2]
    assert table["score"].tolist() == pytest.approx([10, np.nan, 10], nan_ok=True)
    assert table["reason"].tolist() == ["", "b has no row", ""]


def test_a_batch_that_fails_is_scored_one_by_one():
    predictor = InBatches()
    table = scored(predictor, [trace("a"), trace("c"), trace("d")])
    assert predictor.sizes == [3, 1, 1, 1]
    assert table["score"].tolist() == [20, 33, 20]


def test_learned_predictors_are_scored_at_every_kth_budget_and_the_last():
    given = ScoringInput([trace(n) for n in "abcdef"], np.arange(6.0), [0, 5, 10, 15], 3, 0, learned_every=2)
    found = score_all({"spy": Spy(), "memory": Memory()}, given)[0].set_index(["predictor", "step"])
    assert found.loc["spy", "score"].notna().all()
    memory = found.loc["memory"].reset_index()
    assert set(memory.loc[memory["score"].notna(), "step"]) == {5, 15}  # counted back from the last
    left = memory.loc[memory["score"].isna(), "reason"]
    assert set(left) == {"not yet: learned predictors are scored at other budgets (evaluate.learned_every)"}
    assert len(left) == 12
