from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import kendalltau

from harness.evaluate.scoring import score_all
from harness.evaluate.scoring_table import ScoringInput
from harness.predictors.recurrent import DECAY, LEARNING_RATE, Recurrent, _adamw
from harness.predictors.weight_statistics import WeightStatistics
from harness.schema import Architecture, BadInput, NoScore

nan = float("nan")
LENGTH, WIDTH, COUNT = 5, 10, 130
SEEN = 100
RANDOM = np.random.default_rng(0)
LAST, TREND = RANDOM.normal(size=(2, COUNT))
ACCURACY = 50 + 12 * TREND


@pytest.fixture(scope="module")
def traces(trace_of):
    """The accuracy is the trend of two statistics, whose last values say nothing of it; the rest is noise."""
    made = []
    for i in range(COUNT):
        weight, gradient = 0.1 * RANDOM.normal(size=(2, LENGTH, WIDTH))
        path = LAST[i] - TREND[i] * np.arange(LENGTH)[::-1] / 2
        weight[:, :3] += path[:, None]
        gradient[:, 0] += path
        trace = trace_of(
            weight_statistics=list(weight), gradient_statistics=list(gradient), train_loss=[nan, *RANDOM.normal(size=4)]
        )
        made.append(replace(trace, architecture=Architecture(f"a{i:03}", f"a{i:03}")))
    return made


@pytest.fixture(scope="module")
def fitted(traces):
    return Recurrent().fit(traces[:SEEN], ACCURACY[:SEEN])


def tau(fitted, traces):
    return kendalltau([fitted.score(trace) for trace in traces[SEEN:]], ACCURACY[SEEN:]).statistic


def rearranged(trace, **columns):
    return replace(trace, table=trace.table.assign(**columns))


def test_order_in_time_is_used_which_last_values_do_not_show(fitted, traces):
    assert tau(fitted, traces) > 0.6
    assert tau(WeightStatistics().fit(traces[:SEEN], ACCURACY[:SEEN]), traces) < 0.3


def test_what_was_learned_is_lost_where_time_runs_backwards(fitted, traces):
    backwards = [
        rearranged(
            t,
            weight_statistics=t.table["weight_statistics"].tolist()[::-1],
            gradient_statistics=t.table["gradient_statistics"].tolist()[::-1],
        )
        for t in traces
    ]
    assert tau(fitted, backwards) < 0.2


def test_most_of_the_variance_is_explained_out_of_fold(traces):
    table = score_all({"it": Recurrent()}, ScoringInput(traces, ACCURACY, [16], 5, 0))[0].sort_values("architecture")
    wanted = ACCURACY - ACCURACY.mean()
    assert 1 - np.sum((table["score"] - wanted) ** 2) / np.sum(wanted**2) > 0.5


def test_the_score_agrees_with_a_gru_written_out(fitted, traces):
    """Cho et al. 2014 as torch writes it, one observation at a time, in NumPy."""
    w = {name: p.detach().double().numpy() for name, p in fitted.network.named_parameters()}
    h = np.zeros(16)
    for x in fitted.scale(fitted.method.read(traces[SEEN + 2])):
        a = w["gru.weight_ih_l0"] @ x + w["gru.bias_ih_l0"]
        b = w["gru.weight_hh_l0"] @ h + w["gru.bias_hh_l0"]
        reset, update = expit(a[:16] + b[:16]), expit(a[16:32] + b[16:32])
        h = (1 - update) * np.tanh(a[32:] + reset * b[32:]) + update * h
    height = (w["last.weight"] @ h + w["last.bias"])[0]
    expected = ACCURACY[:SEEN].mean() + ACCURACY[:SEEN].std() * height
    assert fitted.score(traces[SEEN + 2]) == pytest.approx(expected, abs=1e-3)


def test_inputs_are_the_numbers_and_uncorrelated_components_in_units_of_the_first(fitted, traces):
    rows = np.concatenate([fitted.method.read(t) for t in traces[:SEEN]])
    loss, components = rows[:, 0], fitted.scale(rows)[:, 1:]
    assert rows.shape[1] == 1 + 2 * WIDTH
    assert components.shape[1] == 16
    vectors = (rows[:, 1:] - rows[:, 1:].mean(0)) / rows[:, 1:].std(0)
    variances = np.linalg.eigvalsh(np.cov(vectors.T))[::-1][:16]
    assert np.cov(components.T) == pytest.approx(np.diag(variances / variances[0]), abs=0.02)
    known = np.isfinite(loss)
    scaled = fitted.scale(rows)[:, 0]
    filled = np.where(known, loss, loss[known].mean())
    assert scaled == pytest.approx((filled - filled.mean()) / filled.std())


def test_observations_stand_in_order_each_beside_its_own_number(trace_of):
    trace = trace_of(
        weight_statistics=[[1.0, 2.0], None, [3.0, np.inf]],
        gradient_statistics=[[4.0], [5.0], [6.0]],
        train_loss=[nan, 0.5, 0.25],
    )
    expected = np.array([[nan, 1, 2, 4], [0.25, 3, nan, 6]])
    np.testing.assert_array_equal(Recurrent().read(trace), expected)


def test_an_observation_counts_where_all_vectors_are_there(fitted, traces):
    trace = traces[SEEN + 2]
    gradients = trace.table["gradient_statistics"].tolist()
    holed = rearranged(trace, gradient_statistics=[gradients[0], None, nan, np.full(WIDTH, nan), gradients[4]])
    short = replace(trace, table=trace.table.iloc[[0, 4]])
    assert fitted.score(holed) == fitted.score(short)
    assert fitted.score(holed) != fitted.score(trace)


def test_traces_of_different_lengths_are_fitted_and_scored_together(traces):
    mixed = [t.until(12) if i % 2 else t for i, t in enumerate(traces)]
    fitted = Recurrent().fit(mixed[:SEEN], ACCURACY[:SEEN])
    together = fitted.score(mixed[SEEN + 1])
    assert together == fitted.score(traces[SEEN + 1].until(12))
    assert tau(fitted, mixed) > 0.3


def test_what_follows_a_sequence_has_no_part_in_the_fit(traces):
    """A trace of other length beside it pads a sequence; its own score must not see the padding."""
    from harness.predictors.recurrent import answers

    fitted = Recurrent(updates=5).fit(traces[:20], ACCURACY[:20])
    long, short = (fitted.scale(fitted.method.read(t)) for t in (traces[0], traces[1].until(8)))
    alone, beside = answers(fitted.network, [short]), answers(fitted.network, [long, short])
    assert beside[1] == pytest.approx(alone[0], abs=1e-6)


def test_scores_are_the_same_every_time_and_random_states_stay(fitted, traces):
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    before = (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate())
    threads = torch.get_num_threads()
    again = Recurrent().fit(traces[:SEEN], ACCURACY[:SEEN])
    assert (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()) == before
    assert torch.get_num_threads() == threads
    assert [again.score(t) for t in traces[SEEN:]] == [fitted.score(t) for t in traces[SEEN:]]
    assert Recurrent(seed=1).fit(traces[:SEEN], ACCURACY[:SEEN]).score(traces[SEEN]) != fitted.score(traces[SEEN])


def test_cross_fitted_scores_do_not_depend_on_the_order_of_the_architectures(traces):
    order = np.random.default_rng(1).permutation(20)
    method = {"it": Recurrent(updates=10)}
    plain = score_all(method, ScoringInput(traces[:20], ACCURACY[:20], [16], 2, 0))[0]
    mixed = score_all(method, ScoringInput([traces[i] for i in order], ACCURACY[:20][order], [16], 2, 0))[0]
    assert plain.equals(mixed)


def test_the_unit_of_a_statistic_does_not_matter(fitted, traces):
    scaled = [
        rearranged(t, weight_statistics=[v * 2.0 ** np.arange(-5, 5) for v in t.table["weight_statistics"]])
        for t in traces
    ]
    other = Recurrent().fit(scaled[:SEEN], ACCURACY[:SEEN])
    assert [other.score(t) for t in scaled[SEEN:]] == pytest.approx([fitted.score(t) for t in traces[SEEN:]], abs=0.05)


def test_statistics_that_a_network_has_not_or_that_exploded_do_not_end_the_fit(traces):
    def spoiled(trace):
        vectors = np.array(trace.table["weight_statistics"].tolist())
        vectors[:, 5] = nan
        vectors[1, 6], vectors[2, 7] = np.inf, 1e30
        return rearranged(trace, weight_statistics=list(vectors))

    broken = [spoiled(t) if i % 10 == 0 else t for i, t in enumerate(traces)]
    fitted = Recurrent().fit(broken[:SEEN], ACCURACY[:SEEN])
    assert all(np.isfinite(fitted.score(t)) for t in broken)
    nowhere = [rearranged(t, weight_statistics=[np.full(WIDTH, 2.0)] * LENGTH) for t in traces]
    assert np.isfinite(Recurrent(updates=2).fit(nowhere[:SEEN], ACCURACY[:SEEN]).score(traces[SEEN + 1]))


def test_one_observation_is_enough(traces):
    start = [t.until(0) for t in traces]
    assert np.isfinite(Recurrent(updates=5).fit(start[:10], ACCURACY[:10]).score(start[SEEN + 1]))


def test_there_is_no_score_without_vectors_or_a_fit(fitted, traces, trace_of):
    empty = rearranged(traces[0], gradient_statistics=[None] * LENGTH)
    with pytest.raises(NoScore, match="no observation with finite weight_statistics, gradient_statistics"):
        fitted.score(empty)
    with pytest.raises(NoScore, match="needs 8 architectures with weight_statistics, gradient_statistics, has 7"):
        Recurrent().fit([*traces[:7], empty, traces[8]], np.array([*ACCURACY[:8], nan]))
    longer = rearranged(traces[0], weight_statistics=[np.ones(WIDTH + 1)] * LENGTH)
    with pytest.raises(NoScore, match="vectors of one length"):
        Recurrent().fit([longer, *traces[1:20]], ACCURACY[:20])
    with pytest.raises(NoScore, match="has 22 entries, those of the fit 21"):
        fitted.score(longer)


def test_wrong_settings_are_refused_by_name():
    with pytest.raises(BadInput, match="vectors"):
        Recurrent(vectors=[])
    with pytest.raises(BadInput, match="seed"):
        Recurrent(seed=-1)
    for key in ("components", "hidden", "updates"):
        with pytest.raises(BadInput, match=key):
            Recurrent(**{key: 0})


def test_its_descent_is_that_of_torch_to_the_bit():
    targets = torch.tensor([0.3, -2.0])
    ours, theirs = (torch.ones(2, requires_grad=True) for _ in range(2))
    descend = _adamw([ours])
    optimizer = torch.optim.AdamW([theirs], lr=LEARNING_RATE, weight_decay=DECAY)
    for _ in range(20):
        descend(torch.autograd.grad((ours - targets).pow(4).sum(), [ours]))
        optimizer.zero_grad()
        (theirs - targets).pow(4).sum().backward()
        optimizer.step()
    assert torch.equal(ours, theirs) and not torch.equal(ours, torch.ones(2))
