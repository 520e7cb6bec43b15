"""Published tables side by side: how well they agree, and how well scores and static facts rank their models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pandas as pd

from harness.schema import demand

from . import published
from .agreement import agreement, judged, shared
from .published import Published
from .static_rank import static_ranks
from .torchvision_facts import torchvision_facts

BASELINE = "imagenet_top1"


@dataclass(frozen=True)
class Comparison:
    """What `compare` finds. `agreement`: for each pair of tables, by their names, as `agreement.agreement` gives it.

    `judged`: for each table as the truth, as `agreement.judged` gives it, on the `models` and `datasets` that every
    file has. `notes`: what was recognised in each file, and what was left out. `baseline`: the score of differences.
    """

    agreement: Mapping[tuple[str, str], pd.DataFrame]
    judged: Mapping[str, pd.DataFrame]
    models: tuple[str, ...]
    datasets: tuple[str, ...]
    baseline: str
    notes: tuple[str, ...]


def compare(paths: Sequence[Path], scores: Sequence[Path] = (), draws: int = 1000, seed: int = 0) -> Comparison:
    """Compare published tables of accuracies (`paths`), with `scores` out of further files, on what all have in common.

    Scores are those of the files and of the tables; ImageNet top-1 and parameters where torchvision has every model;
    the static rank over the other data sets of each table; and the accuracies of each other table. `draws` and `seed`
    are of the intervals. Raises BadInput, in one line, for files that cannot be read, have too little in common, or
    have one name.
    """
    tables = {path.stem: published.read(path) for path in paths}
    files = {path.stem: published.read_scores(path) for path in scores}
    names = [path.stem for path in (*paths, *scores)]
    demand(len({*names}) == len(names), "table", "files of different names", ", ".join(names))
    accuracy = {name: table.accuracy for name, table in tables.items()}
    models, sets = shared([*accuracy.values(), *(grid for file in files.values() for grid in file.values())])
    accuracy = {name: grid.loc[models, sets] for name, grid in accuracy.items()}
    notes = [f"{name}: {', '.join(table.notes)}" for name, table in tables.items()]
    found, left_out = _scores(tables, files, accuracy, models, sets)
    baseline = BASELINE if BASELINE in found else next(iter(found), "")
    demand(bool(baseline), "table", "a table of several data sets, or of torchvision's models", ", ".join(names))
    return Comparison(
        {pair: agreement(accuracy[pair[0]], accuracy[pair[1]]) for pair in combinations(accuracy, 2)},
        {name: judged(found | _others(accuracy, name), grid, baseline, draws, seed) for name, grid in accuracy.items()},
        tuple(models), tuple(sets), baseline, (*notes, *left_out),
    )  # fmt: skip


def _others(accuracy: Mapping[str, pd.DataFrame], truth: str) -> dict[str, pd.DataFrame]:
    """The accuracies of each table as a score; those of the truth itself are nan."""
    if len(accuracy) == 1:
        return {}
    return {f"accuracy of {name}": grid if name != truth else grid * float("nan") for name, grid in accuracy.items()}


def _scores(
    tables: Mapping[str, Published],
    files: Mapping[str, Mapping[str, pd.DataFrame]],
    accuracy: Mapping[str, pd.DataFrame],
    models: pd.Index,
    sets: pd.Index,
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Every score by its name, and notes on those that are left out."""
    found, notes = {}, []
    facts = torchvision_facts()
    unknown = [model for model in models if model not in facts.index]
    if unknown:
        notes.append(f"no {BASELINE} and params: torchvision has no {', '.join(unknown)[:200]}")
    else:
        found = {name: pd.DataFrame(dict.fromkeys(sets, facts[name])) for name in (BASELINE, "params")}
    if len(sets) > 1:
        found |= {f"static_rank of {name}": static_ranks(grid) for name, grid in accuracy.items()}
    else:
        notes.append("no static_rank: there is one data set only")
    given = {**{name: table.scores for name, table in tables.items()}, **files}
    return found | {f"{score} of {name}": grid for name, each in given.items() for score, grid in each.items()}, notes
