"""What the page carries for its script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.report.explore import embedded
from harness.report.explore.embedded import embed, pack, unpack
from harness.report.run_tables import RunTables
from tests.report.conftest import read_once


@pytest.fixture
def tables(make: Callable[..., Path]) -> RunTables:
    return read_once(make(n=20, k=5))


def test_ranks_are_those_of_a_slow_count_among_scored_architectures_with_a_truth(tables: RunTables) -> None:
    tables.scores.loc[:, "score"] = tables.scores["score"].round(0)  # ties
    tables.architectures.loc[2, "truth"] = np.nan
    carried = embed(tables)
    truth = tables.architectures.set_index("architecture")["truth"]
    for at, predictor in enumerate(each["name"] for each in carried["predictors"]):
        for place, budget in enumerate(each["step"] for each in carried["budgets"]):
            rows = tables.scores[(tables.scores["predictor"] == predictor) & (tables.scores["step"] == budget)]
            score = rows.set_index("architecture")["score"]
            known = [name for name in score.index if np.isfinite(score[name]) and np.isfinite(truth[name])]
            for arch, name in enumerate(carried["architectures"]["names"]):
                above, alike = (sum(score[other] > score[name] for other in known),
                                sum(score[other] == score[name] for other in known))  # fmt: skip
                expected = 2 * above + alike + 1 if name in known else 0
                assert carried["ranks"][at][place][arch] == expected


def test_cells_scores_and_seeds_belong_to_their_architectures(tables: RunTables) -> None:
    tables.edges.loc[3, "operation"] = "avg_pool_3x3"  # the first edge of the second architecture
    carried = embed(tables)
    names = carried["architectures"]["names"]
    assert names == list(tables.architectures.sort_values("truth", ascending=False)["architecture"])
    for arch, name in enumerate(names):
        rows = tables.edges[tables.edges["architecture"] == name]
        edges = [carried["edges"][at] for at in carried["cells"][arch]]
        labels = [(source, target, carried["operations"][of]["label"]) for source, target, of in edges]
        drawn = {"nor_conv_3x3": "nor conv 3×3", "avg_pool_3x3": "avg pool 3×3", "skip_connect": "skip connect"}
        found = rows[["source", "target", "operation"]].replace(drawn).itertuples(index=False, name=None)
        assert labels == list(found)
        last = tables.at_end(tables.scores).set_index(["predictor", "architecture"])["score"]
        score, ranks = last[carried["predictors"][0]["name"], name], carried["ranks"][0][-1]
        if ranks[arch]:
            place = sum(0 < rank < ranks[arch] for rank in ranks)
            assert carried["scores"][0][-1][place] == pytest.approx(score, rel=5e-3)
        accuracy = tables.truth.set_index(["architecture", "seed"])["accuracy"][name, "888"]
        assert carried["architectures"]["seeds"]["888"][arch] == pytest.approx(accuracy, abs=5e-4)


def test_too_many_scores_leave_evenly_spaced_architectures_with_their_ranks_among_all(
    tables: RunTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embed(tables)
    monkeypatch.setattr(embedded, "CELLS", 5 * 9 * 7)
    fewer = embed(tables)
    kept = [whole["architectures"]["names"].index(name) for name in fewer["architectures"]["names"]]
    assert kept == [0, 3, 6, 10, 13, 16, 19] and fewer["of"] == 20
    assert fewer["ranks"][1][2] == [whole["ranks"][1][2][at] for at in kept]
    assert len(fewer["scores"][1][2]) == sum(rank > 0 for rank in fewer["ranks"][1][2])
    assert set(fewer["scores"][1][2]) <= set(whole["scores"][1][2])
    steps = len(fewer["curves"]["steps"])
    assert [len(row) for row in fewer["curves"]["values"]["train_loss"]] == [steps] * 7


def test_what_is_packed_is_found_again_and_equal_values_give_equal_bytes(tables: RunTables) -> None:
    carried = embed(tables)
    assert unpack(pack(carried)) == carried and pack(carried) == pack(embed(tables))
