"""`python -m tools.training_graphs [OUT] [--tables FILE ...] [--draw]`.

Writes the table and the figures of the findings on graphs of the first epochs into the folder OUT (docs/findings).
Without `--tables`: of the tables that the package carries. `--draw`: only draw the figures, from the table in OUT.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from harness.benches import one_network, tabulated
from tools.accuracy_from_weights.figures import save

from . import experiments, figures
from .runs import Runs, of_table

NAME = "training_graphs"
EPOCHS = (1, 2, 3, 4, 5)
SHOWN = "boosting"
HIGH_RATES = -6.3
"""Logarithm of a learning rate between 4.5e-4 and 2e-3: below it hardly any of the short trainings leaves chance."""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, write the table and the figures, print the rows of five epochs."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.{NAME}", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/findings"))
    parser.add_argument("--tables", nargs="*", type=Path, default=[])
    parser.add_argument("--draw", action="store_true")
    given = parser.parse_args(arguments)
    if given.draw:
        draw(given.out)
        return
    paths = given.tables or sorted(Path(one_network.__file__).parent.glob("*.parquet"))
    with threadpool_limits(1):
        write([of_table(tabulated.read(path, "--tables")) for path in paths], given.out)


def write(networks: Sequence[Runs], out: Path) -> None:
    """Every table and figure of these trainings."""
    rows = pd.concat(list(_tables(networks)), ignore_index=True)
    out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(out / f"{NAME}.csv", index=False, float_format="%.4f", lineterminator="\n")
    draw(out)
    last = rows[(rows["epochs"] == rows["epochs"].max()) & rows["model"].isin([SHOWN, "none"])]
    columns = [
        "scope",
        "dataset",
        "recipe",
        "tested_on",
        "learned_on",
        "input",
        "learned",
        "tested",
        "accuracy",
        "auc",
        "r2",
        "tau",
    ]
    print(last[columns].to_string(index=False, float_format="{:.3f}".format))


def draw(out: Path) -> None:
    """The figures, from the table in the folder: of one network each, and of several that share a recipe."""
    rows = pd.read_csv(out / f"{NAME}.csv")
    rows = rows[rows["model"].isin([SHOWN, "none"])]
    own, across = (rows[rows["scope"] == scope] for scope in ("own network", "across networks"))
    several = (own["dataset"] + own["recipe"]).isin(across["dataset"] + across["recipe"])
    order = {column: rows[column].drop_duplicates().tolist() for column in ("dataset", "tested_on")}
    across = across.sort_values([*order], kind="stable", key=lambda cells: cells.map(order[str(cells.name)].index))
    shown = {"": (own[~several], 3), "_networks": (pd.concat([own[several], across]), 4)}
    for ending, (chosen, per_line) in shown.items():
        if len(chosen):
            save(partial(figures.accuracy_by_epochs, chosen, per_line), out / f"{NAME}{ending}.svg")


def _tables(networks: Sequence[Runs]) -> Iterator[pd.DataFrame]:
    """Each network alone, its high rates alone, from networks of other kinds, from narrower ones of its kind, and from
    the same network on another data set."""
    for runs in networks:
        yield experiments.table(runs, [runs], EPOCHS, "own network")
    for runs in _widest(networks):
        learn = runs.part(runs.hyperparameters[:, 0] > HIGH_RATES, f"{runs.name}, rates of at least 0.002")
        yield experiments.table(learn, [learn], EPOCHS, "own network, high rates", [SHOWN])
        same = [other for other in networks if other.recipe == runs.recipe and other is not runs]
        alike = [other for other in same if other.dataset == runs.dataset]
        sources = {
            "across networks": [other for other in _widest(alike) if _kind(other) != _kind(runs)],
            "across widths": [other for other in alike if _kind(other) == _kind(runs)],
            "across data sets": [o for o in same if o.dataset != runs.dataset and o.name == runs.name],
        }
        for scope, others in sources.items():
            if others:
                yield experiments.table(runs, others, EPOCHS, scope, [SHOWN])


def _kind(runs: Runs) -> str:
    return runs.name.partition(" ")[0]


def _widest(networks: Sequence[Runs]) -> list[Runs]:
    """Of each kind of network, data set and recipe the one of the largest width."""
    found: dict[tuple[str, str, str], Runs] = {}
    for runs in sorted(networks, key=lambda each: float(each.name.rpartition(" ")[2])):
        found[_kind(runs), runs.dataset, runs.recipe] = runs
    return list(found.values())


if __name__ == "__main__":
    main()
