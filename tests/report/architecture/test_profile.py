"""What is known of one architecture of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.report.architecture import profile as profiles
from harness.report.architecture.profile import chance, find, profile_of
from harness.report.renderers import markdown
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.schema import BadInput


def verdict_of(profile: profiles.ArchitectureProfile) -> str:
    return markdown(profiles.verdict(profile))


@pytest.fixture(scope="module")
def tables(results) -> RunTables:
    return read(results)


def name_of(tables: RunTables, index: int) -> str:
    return str(tables.architectures["architecture"].iloc[index])


def test_an_architecture_is_found_by_its_string_and_by_its_official_index(tables):
    assert find(tables, name_of(tables, 7)) == name_of(tables, 7) == find(tables, "7")


def test_best_and_worst_are_those_of_the_highest_and_lowest_true_accuracy(tables):
    truth = tables.architectures.set_index("architecture")["truth"]
    assert truth[find(tables, "best")] == truth.max()
    assert truth[find(tables, "worst")] == truth.min()


@pytest.mark.parametrize("wanted", ["|nor_conv_3x3~0|+|none~99|", "", "nonsense"])
def test_a_string_that_is_not_in_the_run_is_refused_with_the_nearest_one(tables, wanted):
    with pytest.raises(BadInput) as refused:
        find(tables, wanted)
    told = str(refused.value)
    assert told.startswith(
        "arch: must be one of the 60 architectures of this run (the nearest: '|nor_conv_3x3~0|+|none~"
    )
    assert told.endswith(f"(got {wanted!r})")
    assert "\n" not in told


def test_an_index_that_is_not_in_the_run_is_refused_with_the_nearest_ones(tables):
    with pytest.raises(BadInput, match=r"arch: must be .*nearest: 59, 58, 57\).*got 400"):
        find(tables, "400")


def test_where_the_truth_gives_no_index_a_string_is_asked_for(tables):
    bare = replace(tables, architectures=tables.architectures.assign(index=pd.array([None] * 60, dtype="Int64")))
    with pytest.raises(BadInput, match=r"arch: must be a string.*got 7"):
        find(bare, "7")


def test_another_string_is_offered_to_whoever_knows_functions(tables):
    seen = []

    def same(text, known):
        seen.append((text, len(known)))
        return known[3][0]

    assert find(tables, "other", same) == name_of(tables, 3)
    assert seen == [("other", 60)]


def test_the_profile_holds_what_the_tables_say(tables):
    seen = profile_of(tables, name_of(tables, 7))
    truth = tables.architectures["truth"]
    rows = tables.truth[tables.truth["architecture"] == seen.name]
    assert (seen.index, seen.stem, seen.dead, seen.n) == (7, "7", False, 60)
    assert seen.accuracies == dict(zip(rows["seed"], rows["accuracy"], strict=True))
    assert seen.truth == pytest.approx(np.mean(list(seen.accuracies.values())))
    assert seen.rank == 1 + (truth > seen.truth).sum()
    assert profile_of(tables, find(tables, "worst")).rank == 60


def test_ranks_are_counted_among_what_the_predictor_scores(tables):
    for index in (2, 17, 40):
        seen = profile_of(tables, name_of(tables, index))
        truth = tables.architectures.set_index("architecture")["truth"]
        assert len(seen.ranks) == 18
        for row in seen.ranks.to_dict("records"):
            chosen = (tables.scores["predictor"] == row["predictor"]) & (tables.scores["step"] == 64)
            score = tables.scores[chosen].set_index("architecture")["score"].dropna()
            if seen.name not in score:
                assert np.isnan(row["rank"]) and np.isnan(row["off"]) and row["reason"] != ""
                continue
            better = (score > score[seen.name]).sum() + ((score == score[seen.name]).sum() - 1) / 2
            truly = (truth[score.index] > seen.truth).sum()
            assert (row["rank"], row["true_rank"], row["m"]) == (better + 1, truly + 1, len(score))
            assert row["off"] == pytest.approx((truly - better) / len(score))


def test_equal_scores_share_the_mean_of_their_ranks(tables):
    flat = replace(tables, scores=tables.scores.assign(score=1.0))
    assert set(profile_of(flat, name_of(tables, 5)).ranks["rank"]) == {30.5}


def test_the_farthest_off_come_first_and_those_without_a_score_last(tables):
    off = profile_of(tables, name_of(tables, 18)).ranks["off"].abs()
    assert off.isna().any()
    assert off.dropna().is_monotonic_decreasing
    assert off.dropna().index.max() < off[off.isna()].index.min()


def test_architectures_of_one_group_are_named(tables):
    groups = tables.architectures.assign(group=["a" if i in (3, 8) else str(i) for i in range(60)])
    seen = profile_of(replace(tables, architectures=groups), name_of(tables, 3))
    assert seen.twins == (name_of(tables, 8),)


def test_one_that_was_never_trained_has_a_profile_too(tables):
    name = name_of(tables, 5)
    scores, courses = (frame[frame["architecture"] != name] for frame in (tables.scores, tables.trajectories))
    seen = profile_of(replace(tables, scores=scores, trajectories=courses), name)
    assert set(seen.ranks["reason"]) == {"it was not trained"}
    assert seen.facts == {}
    assert verdict_of(seen) == "No predictor ranks it: none has a score of it."


def ranked(tables: RunTables, off: list[float]):
    seen = profile_of(tables, name_of(tables, 5))
    ranks = pd.DataFrame({"predictor": list("abcdefgh")[: len(off)], "off": off, "score": off, "chance": 1 / 3})
    return replace(seen, ranks=ranks)


def test_the_verdict_names_the_closest_and_the_farthest(tables):
    seen = ranked(tables, [-0.9, 0.8, 0.5, 0.4, 0.2, 0.1, -0.05, np.nan])
    assert verdict_of(seen) == (
        "Of 8 predictors 2 rank it right, within a tenth of the architectures (`g`, `f`); 4 are far off, farther "
        "than a random rank is on average (farthest: `a`, `b`, `c`); 1 has no score."
    )


def test_the_verdict_says_so_where_none_is_right_and_none_far_off(tables):
    assert verdict_of(ranked(tables, [0.3, 0.2])) == (
        "Of 2 predictors none ranks it right, within a tenth of the architectures; none is far off, farther than "
        "a random rank is on average."
    )
    assert "1 ranks it right" in verdict_of(ranked(tables, [0.3, 0.02]))


@pytest.mark.parametrize(("rank", "m"), [(1, 9), (9, 9), (5, 9), (4.5, 8), (2.5, 7), (1, 1)])
def test_what_a_rank_by_chance_is_off_is_counted_for_the_very_rank(rank, m):
    slow = sum(abs(rank - u) for u in range(1, m + 1)) / m / m
    assert chance(np.array([rank]), np.array([float(m)]))[0] == pytest.approx(slow)


def test_a_rank_in_the_middle_is_far_off_sooner_than_one_at_the_end(tables):
    seen = profile_of(tables, find(tables, "best"))
    ranks = pd.DataFrame({"predictor": ["a", "b"], "off": [0.4, 0.4], "score": 1.0, "chance": [0.5, 0.25]})
    assert "1 is far off, farther than a random rank is on average (`b`)" in verdict_of(replace(seen, ranks=ranks))
    scored = seen.ranks["chance"].dropna()
    assert scored.between(0.45, 0.5).all()
