"""One task's table out of the traces of a run: what `python -m harness` with the same words trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.benches.nasbench201.bench import NasBench201
from harness.cli.run import build_spec
from harness.config.composition import compose_arguments, hydra_open
from harness.runs.context import prepare
from harness.runs.run import load, truth_and_sample
from tools.description_labels import images

from .signals import PROXIES

PREFIX = "untrained_"
TEXTS = ("failed_", "missing_", "description_operations", "description_paths")
LEFT_OUT = ("seconds_valid", "epoch")


def collected(words: Sequence[str]) -> pd.DataFrame:
    """A row per observation of each architecture whose trace is stored, with its truth and further targets.

    `words` are those of the command line of the run, traces lie in its `results`.
    """
    with hydra_open("config"):
        spec = build_spec(compose_arguments([*words], "config").own)
    context = prepare(spec)
    sample = truth_and_sample(context)
    truth = sample.truth.mean()
    rows = []
    for trace in load(context, sample).scored:
        name = trace.architecture.name
        further = {f"truth_{key}": found.mean()[name] for key, found in sample.targets.items()}
        rows.append(trace.table.assign(architecture=name, group=trace.architecture.group, truth=truth[name], **further))
    whole = _with_proxies(pd.concat(rows, ignore_index=True).drop(columns=[*LEFT_OUT], errors="ignore"))
    return whole[[name for name in map(str, whole) if not name.startswith(TEXTS)]]


def of_tables(run: Path) -> pd.DataFrame:
    """The same out of the tables of a stored run of NAS-Bench-201, whose traces may be gone: numbers, no vectors."""
    drawn = pd.read_parquet(run / "architectures.parquet")[["architecture", "group", "truth"]]
    table = pd.read_parquet(run / "trajectories.parquet").drop(columns=["epoch"])
    table = _with_proxies(drawn.merge(table, on="architecture"))
    bench, nothing = NasBench201(), images(10)
    described = {
        name: bench.description(bench.architecture(name), "features", nothing).values for name in drawn["architecture"]
    }
    cells = [described[a] if s == 0 else None for a, s in zip(table["architecture"], table["step"], strict=True)]
    return table.assign(description_features=pd.Series(cells, dtype=object))


def _with_proxies(table: pd.DataFrame) -> pd.DataFrame:
    """The table with proxies of untrained networks: those of `Untrained`, else of the trained one at step 0."""
    first = table[table["step"] == 0].set_index("architecture")
    found = {name: name.removeprefix(PREFIX) for name in PROXIES if name.startswith(PREFIX) and name not in table}
    return table.assign(**{
        name: table["architecture"].map(first[column]) for name, column in found.items() if column in table
    })  # fmt: skip


def compact(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers in float32, descriptions at step 0 alone, other vectors at the last observation alone."""
    small = frame.copy()
    last = small.groupby("architecture")["step"].transform("max")
    for column in map(str, small):
        if pd.api.types.is_float_dtype(small[column]):
            small[column] = small[column].astype("float32")
        elif column.startswith("description_"):
            small[column] = _kept(small[column], small["step"] == 0)
        elif small[column].dtype == object and isinstance(small[column].dropna().iloc[0], np.ndarray):
            small[column] = _kept(small[column], small["step"] == last)
    return small


def _kept(cells: pd.Series, where: pd.Series) -> pd.Series:
    chosen = [np.asarray(c, dtype=np.float32) if keep and isinstance(c, np.ndarray) else None
              for c, keep in zip(cells, where, strict=True)]  # fmt: skip
    return pd.Series(chosen, index=cells.index, dtype=object)
