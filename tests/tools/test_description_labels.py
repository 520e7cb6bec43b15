"""What descriptions reach by labels: on made accuracies that follow a count of operations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.benches.nasbench201.bench import NasBench201
from harness.predictors.description import DescriptionModel
from tools.description_labels import chosen, described, images, markdown, measured

BENCH = NasBench201()


def test_more_labels_help_and_what_is_judged_shares_no_group_with_the_fit() -> None:
    traces = described(BENCH, BENCH.sample(120, 0), images(10))
    accuracies = np.array([t.table["live_flops"].iloc[0] + t.table["layers"].iloc[0] for t in traces])
    fitted: list[set[str]] = []

    class Watched(DescriptionModel):
        def fit(self, traces, accuracies):
            fitted.append({trace.architecture.group for trace in traces})
            ready = super().fit(traces, accuracies)

            class Checked:
                def score(self, trace):
                    assert trace.architecture.group not in fitted[-1]
                    return ready.score(trace)

            return Checked()

    rows = list(measured(traces, accuracies, (10, 80), 2, {"it": Watched(["description_features"], "ridge")}))
    table = pd.DataFrame(rows, columns=["labels", "draw", "predictor", "tau"]).groupby("labels")["tau"].mean()
    assert len(fitted) == 4
    assert table[80] > max(table[10], 0.7)


def test_every_predictor_of_a_description_alone_takes_part() -> None:
    names = set(chosen())
    assert names >= {"flops", "live_flops", "operations_ridge", "paths_process", "description_boosting"}
    assert "description_and_proxies" not in names


def test_the_table_has_a_column_per_number_of_labels() -> None:
    found = pd.DataFrame([("a", 20, "p", 0.5, 0.01, 2), ("a", 50, "p", 0.75, 0.02, 2)],
                         columns=["train_set", "labels", "predictor", "tau", "sd", "draws"])  # fmt: skip
    lines = markdown(found).splitlines()
    assert lines[0] == "| trained on | predictor | 20 | 50 |"
    assert lines[2] == "| a | `p` | .50 ± .01 | .75 ± .02 |"


@pytest.mark.parametrize("wanted", ["params", "description_paths"])
def test_a_trace_without_a_training_holds_facts_and_descriptions(wanted: str) -> None:
    (trace,) = described(BENCH, BENCH.sample(1, 0), images(10))
    assert wanted in trace.table
