"""Given scores against given accuracies: the judgement of a run without any training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from threadpoolctl import threadpool_limits

from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
from harness.runs.environment import software
from harness.runs.given_scores import NOT_GIVEN, Frame, scores_of, truth_of
from harness.runs.identity import truth_fingerprint
from harness.runs.tables import architectures_table, judged_tables, truth_table
from harness.schema import SCHEMA_VERSION, Architecture, Truth, demand
from harness.schema.columns import RUN_TABLES
from harness.storage.tables import CONFIG, ENVIRONMENT, conform, write_results

FAMILY = "given"
"""Family of a predictor whose family is not said."""


@dataclass(frozen=True)
class Comparison:
    """What was compared: the tables of a run's results folder by name, and its documents."""

    tables: Mapping[str, pd.DataFrame]
    status: Mapping[str, Any]
    environment: Mapping[str, str]
    config: Mapping[str, Any]
    notes: Sequence[str]
    """What was left out, and how accuracies were read, a line each."""

    def write(self, folder: Path, look: Mapping[str, Any]) -> None:
        """Store tables and documents as a results folder, which reports are drawn from with the settings `look`."""
        config = yaml.safe_dump({**self.config, "report": dict(look)}, allow_unicode=True, sort_keys=False)
        texts = {CONFIG: config, ENVIRONMENT: f"{json.dumps(dict(self.environment), indent=2)}\n"}
        write_results(folder, self.tables, texts, self.status)


@dataclass(frozen=True)
class Given:
    """What to compare: scores (architecture and a column for each predictor) and accuracies (architecture, accuracy,
    perhaps a seed), as tables or paths of CSV or Parquet files; see `given_scores`.

    `families` names the families of predictors, which tables and figures group them by.
    """

    scores: Frame
    accuracies: Frame
    seeds: str | None = None
    lower_is_better: Sequence[str] = ()
    families: Mapping[str, str] | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What tables and pages call the scores and the accuracies: the names of the files without their endings."""
        return _stem(self.scores, "scores"), _stem(self.accuracies, "accuracies")


def compare(given: Given, evaluation: Evaluation) -> Comparison:
    """The same judgement as a run's: τ with intervals, noise ceiling, paired tests, subsets.

    Compared are the architectures that have a row of scores and an accuracy; of the others `notes` gives the number.
    Raises BadInput.
    """
    wide = scores_of(given.scores, given.lower_is_better)
    truth, unit = truth_of(given.accuracies, given.seeds)
    both = wide.index.intersection(truth.accuracy.index)
    wanted = "at least 2 architectures that have scores and an accuracy"
    demand(len(both) >= 2, "scores, accuracies", wanted, len(both))
    notes = [f"accuracies: {unit}"]
    for what, names in (("an accuracy", wide.index), ("scores", truth.accuracy.index)):
        if len(names) > len(both):
            notes.append(f"left out: {len(names) - len(both)} architectures without {what}")
    scores, truth = _long(wide.loc[both.sort_values()]), _of(truth, both.sort_values())
    families = _families([str(name) for name in wide], given.families or {})
    with threadpool_limits(1):  # thousands of small products: threads only wait for each other
        judgement = judge(scores, truth, families, evaluation)
    costs = judgement.metrics[["predictor", "step"]].assign(
        epoch=0.0, images=0, seconds=float("nan"), fitted_on=0.0, initial_seconds=float("nan")
    )
    tables = {
        "architectures": architectures_table([Architecture(name, name) for name in truth.accuracy.index], truth),
        "truth": truth_table(truth),
        "scores": scores,
        **judged_tables(judgement, costs, evaluation.targets),
        "failures": scores[scores["score"].isna()].assign(stage="score")[RUN_TABLES["failures"].names],
    }
    return _documented(_complete(tables), given, truth, evaluation, notes)


def _stem(given: Frame, otherwise: str) -> str:
    return otherwise if isinstance(given, pd.DataFrame) else Path(given).stem


def _long(wide: pd.DataFrame) -> pd.DataFrame:
    """Scores (architectures, predictors) as the table `scores`, at step 0."""
    long = wide.rename_axis("architecture").melt(ignore_index=False, var_name="predictor", value_name="score")
    long = long.reset_index().assign(step=0, sd=float("nan"))
    reason = long["score"].isna().map({True: NOT_GIVEN, False: ""})
    return long.assign(reason=reason)[RUN_TABLES["scores"].names]


def _of(truth: Truth, names: pd.Index) -> Truth:
    accuracy = truth.accuracy.loc[names].dropna(axis=1, how="all")
    return replace(truth, accuracy=accuracy)


def _families(predictors: Sequence[str], families: Mapping[str, str]) -> dict[str, str]:
    strangers = [name for name in families if name not in predictors]
    demand(not strangers, "families", f"given by predictor ({', '.join(predictors)})", strangers)
    return {name: families.get(name, FAMILY) for name in predictors}


def _complete(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The tables with every other one that a results folder has, without rows, in the declared types."""
    empty = {name: pd.DataFrame(columns=table.required) for name, table in RUN_TABLES.items() if name not in tables}
    return {
        name: conform(RUN_TABLES[name], frame).to_pandas().astype(RUN_TABLES[name].dtypes)
        for name, frame in {**tables, **empty}.items()
    }


def _documented(
    tables: Mapping[str, pd.DataFrame], given: Given, truth: Truth, evaluation: Evaluation, notes: Sequence[str]
) -> Comparison:
    n = len(truth.accuracy)
    scored = "a table" if isinstance(given.scores, pd.DataFrame) else str(given.scores)
    status = {
        "state": "complete",
        "given": scored,
        **dict(zip(("bench", "dataset"), given.names, strict=True)),
        "architectures": n,
        "trained": 0,
        "notes": list(notes),
        "truth": {
            "seeds": [str(name) for name in truth.accuracy.columns],
            "source": truth.source,
            "fingerprint": truth_fingerprint(truth),
        },
        "evaluation": vars(evaluation),
        "schema_version": SCHEMA_VERSION,
    }
    settings = {
        "scores": scored,
        "accuracies": truth.source,
        "seeds": given.seeds,
        "lower_is_better": list(given.lower_is_better),
        "evaluate": vars(evaluation),
    }
    return Comparison(tables, status, software(), settings, notes)
