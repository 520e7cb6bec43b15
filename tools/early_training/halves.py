"""Models of the description alone on NAS-Bench-201's CIFAR-10 accuracies: chosen on half A, reported on half B."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches.nasbench201 import table
from harness.benches.nasbench201.bench import NasBench201
from harness.evaluate.correlations import tau_b
from harness.predictors.boosting import boosting
from tools.description_labels import images

from .process import Numbers, predict
from .signals import normal_scores

HALF, DRAWS, TREES = 200, 10, 200
LABELS = (50, 100, 160, 300)
FACTS = ("flops", "live_flops", "layers", "params")


def _chosen(
    half: str, labels: int, draw: int, groups: NDArray[np.object_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the fit and rows that are judged: within A; or fitted on A (then on B) and judged on the rest of B."""
    random = np.random.default_rng([labels, draw])
    first, second = random.permutation(HALF), HALF + random.permutation(HALF)
    fitted = (first if half == "A" else np.concatenate([first, second]))[:labels]
    rest = np.setdiff1d(first if half == "A" else second, fitted)
    known = set(groups[fitted])
    return fitted, np.array([i for i in rest.tolist() if groups[i] not in known])


def scores(blocks: dict[str, Numbers], raw: Numbers, fitted: NDArray[np.intp], y: Numbers) -> dict[str, Numbers]:
    """Scores (n,) of each model from the normal scores y of the rows that are fitted."""
    found = {
        "process": predict([blocks["features"]], fitted, y),
        "process with sizes": predict([blocks["features"], blocks["facts"]], fitted, y),
        "process with paths": predict([blocks["features"], blocks["paths"]], fitted, y),
        "boosting": np.asarray(boosting(raw[fitted], y, TREES, 0).predict(raw), dtype=float),
    }
    return found | {"boosting + process with paths": found["boosting"] + found["process with paths"]}


def rows(folder: str) -> Iterator[dict[str, object]]:
    """A row per half, number of labels, draw and model: τ-b in all and in the top 50 %; accuracies lie in `folder`."""
    bench, nothing = NasBench201(channels=16, cells=5), images(10)
    known = table.find("cifar10", "test", 200, folder).mean().dropna()
    drawn = bench.sample(2 * HALF, 0, list(known.index))
    truth, groups = known.loc[[a.name for a in drawn]].to_numpy(dtype=float), np.array([a.group for a in drawn], object)
    kinds = ("features", "paths")
    raw = {kind: np.array([bench.description(a, kind, nothing).values for a in drawn], float) for kind in kinds}
    raw["facts"] = np.array([[bench.facts(a, nothing)[name] for name in FACTS] for a in drawn])
    blocks = {name: normal_scores(values) for name, values in raw.items()}
    for half in ("A", "B"):
        for labels in LABELS if half == "B" else [n for n in LABELS if n < HALF]:
            for draw in range(DRAWS):
                fitted, judged = _chosen(half, labels, draw, groups)
                top = judged[truth[judged] >= np.median(truth[judged])]
                y = normal_scores(truth[fitted][:, None])[:, 0]
                for name, found in scores(blocks, raw["features"], fitted, y).items():
                    taus = [float(tau_b(found[None, part], truth[part])[0, 0]) for part in (judged, top)]
                    at = {"half": half, "labels": labels, "draw": draw, "predictor": name}
                    yield {**at, "tau": taus[0], "tau_half": taus[1]}


def summary(folder: str) -> pd.DataFrame:
    """Mean and standard deviation over the draws."""
    found = pd.DataFrame(rows(folder)).groupby(["half", "labels", "predictor"], sort=False)[["tau", "tau_half"]]
    both = found.mean().join(found.std().add_suffix("_sd"))
    return both.reset_index()
