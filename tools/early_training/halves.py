"""Models of description and proxies on NAS-Bench-201's CIFAR-10 accuracies: chosen on half A, reported on half B."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.benches.nasbench201 import table
from harness.benches.nasbench201.bench import NasBench201
from harness.predictors.boosting import boosting
from harness.schema import Architecture
from tools.description_labels import images

from .judge import compared
from .process import Numbers, predict
from .signals import AGGREGATE, normal_scores

HALF, DRAWS, TREES = 200, 10, 200
LABELS = (50, 100, 160, 300)
FACTS = ("flops", "live_flops", "layers", "params")
BASE = "boosting + process with paths"
UNLABELLED = "aggregate of one network"

Rows = NDArray[np.intp]


def drawn(known: pd.Series) -> list[Architecture]:
    """Halves A and B: the first 400 of the draw by class size, as all that was chosen on A."""
    return NasBench201(channels=16, cells=5, draw="by_size").sample(2 * HALF, 0, list(known.index))


def _chosen(half: str, labels: int, draw: int, groups: NDArray[np.object_]) -> tuple[Rows, Rows]:
    """Rows of the fit and rows that are judged: within A; or fitted on A (then on B) and judged on the rest of B."""
    random = np.random.default_rng([labels, draw])
    first, second = random.permutation(HALF), HALF + random.permutation(HALF)
    fitted = (first if half == "A" else np.concatenate([first, second]))[:labels]
    rest = np.setdiff1d(first if half == "A" else second, fitted)
    known = set(groups[fitted])
    return fitted, np.array([i for i in rest.tolist() if groups[i] not in known])


def scores(raw: Mapping[str, Numbers], fitted: Rows, y: Numbers) -> dict[str, Numbers]:
    """Scores (n,) of each model from the normal scores y of the rows that are fitted; "proxies" may be left out."""
    blocks = {name: normal_scores(values) for name, values in raw.items()}
    trees = {
        name: np.asarray(boosting(values[fitted], y, TREES, 0).predict(values), dtype=float)
        for name, values in (
            ("boosting", raw["features"]),
            *((("boosting with proxies", np.column_stack([*raw.values()])),) if "proxies" in raw else ()),
        )
    }
    found = trees | {
        "process": predict([blocks["features"]], fitted, y),
        "process with sizes": predict([blocks["features"], blocks["facts"]], fitted, y),
        "process with paths": predict([blocks["features"], blocks["paths"]], fitted, y),
    }
    found[BASE] = found["boosting"] + found["process with paths"]
    if "proxies" in raw:
        measured = np.column_stack([blocks["proxies"], blocks["facts"]])
        found["process with proxies"] = predict([blocks["features"], measured], fitted, y)
        found["process with paths and proxies"] = predict([blocks["features"], blocks["paths"], measured], fitted, y)
        both = found["boosting with proxies"] + found["process with paths and proxies"]
        found["boosting + process with paths and proxies"] = both
    return found


def aggregates(proxies: Mapping[int, pd.DataFrame], features: Numbers) -> dict[str, Numbers]:
    """Scores (n,) without a label: aggregates of one untrained network and of all, and a process fitted to the latter.

    `proxies` are those of one network each, its weights and images drawn by the seed, with the columns of `AGGREGATE`.
    """
    each = [_ranks(frame).sum(axis=1) for frame in proxies.values()]
    found = {UNLABELLED: each[0]}
    if len(each) > 1:
        found[f"aggregate of {len(each)} networks, mean of values"] = _ranks(_mean(proxies)).sum(axis=1)
        found[f"aggregate of {len(each)} networks, mean of ranks"] = np.sum(each, axis=0)
    taught = normal_scores(np.sum(each, axis=0)[:, None])[:, 0]
    smooth = predict([normal_scores(features)], np.arange(len(taught)), taught)
    return found | {"distilled": smooth, "aggregate + distilled": taught + normal_scores(smooth[:, None])[:, 0]}


def _mean(proxies: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """The columns of `AGGREGATE` in the mean over the networks."""
    values = np.mean([frame[[*AGGREGATE]].to_numpy(dtype=float) for frame in proxies.values()], axis=0)
    return pd.DataFrame(values, columns=[*AGGREGATE])


def _ranks(frame: pd.DataFrame) -> Numbers:
    values = frame[[*AGGREGATE]].to_numpy(dtype=float)
    ranks = [rankdata(np.where(np.isfinite(column), column, -np.inf)) for column in values.T]
    logs: Numbers = np.log(np.array(ranks).T / len(values))
    return logs


def proxies_of(runs: Mapping[int, Path]) -> pd.DataFrame:
    """A row per seed and architecture: what `Untrained` measured in the runs of these seeds, and FLOPs."""
    found = []
    for seed, run in runs.items():
        traces = pd.read_parquet(run / "trajectories.parquet")
        kept = ["architecture", "flops", *(c for c in map(str, traces) if c.startswith("untrained_"))]
        found.append(traces.loc[traces["step"] == 0, kept].assign(seed=seed))
    return pd.concat(found, ignore_index=True)


def summary(folder: str, measured: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row per half, number of labels and model: τ in all, in the top 50 % and 20 %, and differences, with intervals.

    Differences are to `BASE`, without labels to `UNLABELLED`. Accuracies lie in `folder`; `measured` is a table of
    `proxies_of`.
    """
    bench, nothing = NasBench201(channels=16, cells=5), images(10)
    known = table.find("cifar10", "test", 200, folder).mean().dropna()
    both = drawn(known)
    names = [a.name for a in both]
    truth, groups = known.loc[names].to_numpy(dtype=float), np.array([a.group for a in both], object)
    raw = {
        kind: np.array([bench.description(a, kind, nothing).values for a in both], float)
        for kind in ("features", "paths")
    }
    raw["facts"] = np.array([[bench.facts(a, nothing)[name] for name in FACTS] for a in both])
    found = []
    if measured is not None:
        by_seed = {int(str(s)): rows.set_index("architecture").loc[names] for s, rows in measured.groupby("seed")}
        found += list(_unlabelled(by_seed, raw, truth))
        values = [rows.filter(like="untrained_").to_numpy(dtype=float) for rows in by_seed.values()]
        raw["proxies"] = np.column_stack(values)
    whole = pd.concat([*found, *_labelled(raw, truth, groups)], ignore_index=True)
    first = ["half", "labels", "predictor", "n"]
    return whole[[*first, *(c for c in whole if c not in first)]]


def _unlabelled(
    by_seed: Mapping[int, pd.DataFrame], raw: Mapping[str, Numbers], truth: Numbers
) -> Iterator[pd.DataFrame]:
    """Each half is ranked by itself, by counts of its graphs and by aggregates: nothing of the other one is known."""
    for half, rows in (("A", np.arange(HALF)), ("B", np.arange(HALF, 2 * HALF))):
        free = aggregates({seed: frame.iloc[rows] for seed, frame in by_seed.items()}, raw["features"][rows])
        free |= dict(zip(FACTS, raw["facts"][rows].T, strict=True))
        yield compared([*free], [(rows, np.array([*free.values()]))], truth, UNLABELLED).assign(half=half, labels=0)


def _labelled(raw: Mapping[str, Numbers], truth: Numbers, groups: NDArray[np.object_]) -> Iterator[pd.DataFrame]:
    for half in ("A", "B"):
        for labels in LABELS if half == "B" else [n for n in LABELS if n < HALF]:
            names, each = [], []
            for draw in range(DRAWS):
                fitted, judged = _chosen(half, labels, draw, groups)
                made = scores(raw, fitted, normal_scores(truth[fitted][:, None])[:, 0])
                names = [*made]
                each.append((judged, np.array([*made.values()])[:, judged]))
            yield compared(names, each, truth, BASE).assign(half=half, labels=labels)
