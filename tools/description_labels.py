"""`python -m tools.description_labels FOLDER > docs/findings/descriptions.csv`: what descriptions reach by labels.

Predictors of conf/predictor that read descriptions alone are fitted on n of 400 architectures of NAS-Bench-201 and
judged on the others (Kendall's τ-b with the final test accuracy), which share no function with those of the fit; sizes
stand next to them. Truth: the final accuracies that are public (docs/data.md), looked up in FOLDER, and those of the
embedded `digits`. The mean over all draws goes to standard error as a Markdown table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf
from threadpoolctl import threadpool_limits

from harness.benches.nasbench201 import table, tabulated
from harness.benches.nasbench201.bench import NasBench201
from harness.config.components import build, conf_folder
from harness.evaluate.correlations import tau_b
from harness.predictors.column_value import ColumnValue
from harness.predictors.description import DescriptionModel
from harness.predictors.points import Column
from harness.schema import Architecture, ImageSet, Trace, are_properties, descriptions_of

EMBEDDED = "digits"
TRAIN_SETS = ("cifar10-valid", "cifar100", "imagenet16-120", EMBEDDED)
ARCHITECTURES, LABELS, DRAWS = 400, (20, 50, 100, 160, 300), 10
SIZES = ("flops", "live_flops")


def measured(
    traces: Sequence[Trace], accuracies: Column, labels: Sequence[int], draws: int, predictors: Mapping[str, Any]
) -> Iterator[tuple[int, int, str, float]]:
    """(labels, draw, predictor, τ-b) for every number of labels and every draw of those that are in the fit.

    What is judged shares no group with the fit. `accuracies` (architectures,) in percent.
    """
    groups = np.array([trace.architecture.group for trace in traces])
    for n in labels:
        for draw in range(draws):
            order = np.random.default_rng([n, draw]).permutation(len(traces))
            fitted = order[:n]
            judged = [i for i in order[n:].tolist() if groups[i] not in set(groups[fitted])]
            for name, predictor in predictors.items():
                ready = predictor
                if isinstance(predictor, DescriptionModel):
                    ready = predictor.fit([traces[i] for i in fitted.tolist()], accuracies[fitted])
                scores = np.array([[ready.score(traces[i]) for i in judged]])
                yield n, draw, name, float(tau_b(scores, accuracies[judged])[0, 0])


def described(bench: NasBench201, architectures: Sequence[Architecture], images: ImageSet) -> list[Trace]:
    """A trace of each architecture that holds its facts and descriptions and no training."""
    found = []
    for architecture in architectures:
        row = pd.DataFrame({"step": [0], **{k: [v] for k, v in bench.facts(architecture, images).items()}})
        for column, description in descriptions_of(bench, architecture, images).items():
            row.insert(len(row.columns), column, [description.values])
        found.append(Trace(architecture, 0, row))
    return found


def chosen() -> dict[str, Any]:
    """The sizes, and every predictor of conf/predictor that is fitted to descriptions alone."""
    found: dict[str, Any] = {name: ColumnValue(name, 1.0, "size") for name in SIZES}
    for path in sorted((conf_folder() / "predictor").glob("*.yaml")):
        node = OmegaConf.load(path)
        assert isinstance(node, DictConfig)
        predictor = build(node, f"predictor.{path.stem}")
        if isinstance(predictor, DescriptionModel) and are_properties(predictor.columns):
            found[path.stem] = predictor
    return found


def images(classes: int) -> ImageSet:
    """No images: what sizes are counted for."""
    nothing = np.zeros((0, 32, 32, 3), dtype=np.uint8), np.zeros(0, dtype=np.int64)
    return ImageSet("none", nothing, nothing, nothing, classes, (0.0,) * 3, (1.0,) * 3, flip=False, crop=0)


def accuracies_of(train_set: str, folder: str) -> pd.Series:
    """Final test accuracies in percent by architecture: the embedded table of `digits`, else the public ones."""
    if train_set != EMBEDDED:
        return table.find(train_set, "test", 200, folder).mean().dropna()
    path = tabulated.embedded(train_set)
    assert path is not None
    own = tabulated.read(path)
    return own.truth(None, "test", None, own.about["dataset_fingerprint"]).mean().dropna()


def all_measured(folder: str, draws: int = DRAWS) -> pd.DataFrame:
    """The whole table: train_set, labels, predictor, tau (mean), sd, draws."""
    bench, rows = NasBench201(channels=16, cells=5), []
    for train_set in TRAIN_SETS:
        truth = accuracies_of(train_set, folder)
        drawn = bench.sample(ARCHITECTURES, 0, list(truth.index))
        accuracies = truth.loc[[architecture.name for architecture in drawn]].to_numpy(dtype=float)
        traces = described(bench, drawn, images(10))
        rows += [(train_set, *row) for row in measured(traces, accuracies, LABELS, draws, chosen())]
    found = pd.DataFrame(rows, columns=["train_set", "labels", "draw", "predictor", "tau"])
    grouped = found.groupby(["train_set", "labels", "predictor"], sort=False)["tau"]
    return grouped.agg(["mean", "std", "count"]).set_axis(["tau", "sd", "draws"], axis=1).reset_index()


def markdown(found: pd.DataFrame) -> str:
    """τ ± sd, a row per training set and predictor, a column per number of labels."""
    numbers = found[["tau", "sd"]].to_numpy().tolist()
    cells = found.assign(cell=[f"{tau:.2f} ± {sd:.2f}".replace("0.", ".") for tau, sd in numbers])
    wide = cells.pivot(index=["train_set", "predictor"], columns="labels", values="cell")
    table: list[list[str]] = wide.reset_index().to_numpy().tolist()
    rows = [f"| {' | '.join([train_set, f'`{name}`', *row])} |" for train_set, name, *row in table]
    head = " | ".join(["trained on", "predictor", *map(str, wide.columns)])
    return "\n".join([f"| {head} |", f"|{'---|' * (2 + len(wide.columns))}", *rows])


if __name__ == "__main__":
    with threadpool_limits(1):
        result = all_measured(sys.argv[1])
    result.to_csv(sys.stdout, index=False, float_format="%.4f")
    print(markdown(result), file=sys.stderr)
