"""`python -m tools.training_graphs [OUT] [--tables FILE ...]`.

Writes the table and the figure of the findings on graphs of the first epochs into the folder OUT (docs/findings).
Without `--tables`: of the tables that the package carries. The first is the one that others are compared with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
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
    """Parse the command line, write the table and the figure, print the rows of five epochs."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.{NAME}", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/findings"))
    parser.add_argument("--tables", nargs="*", type=Path, default=[])
    given = parser.parse_args(arguments)
    paths = given.tables or sorted(Path(one_network.__file__).parent.glob("*.parquet"))
    with threadpool_limits(1):
        write([of_table(tabulated.read(path, "--tables")) for path in paths], given.out)


def write(networks: Sequence[Runs], out: Path) -> None:
    """Every table and figure of these trainings."""
    rows = pd.concat(list(_tables(networks)), ignore_index=True)
    out.mkdir(parents=True, exist_ok=True)
    rows.to_csv(out / f"{NAME}.csv", index=False, float_format="%.4f", lineterminator="\n")
    own = rows[rows["scope"] == "own network"]
    drawn = own[own["model"].isin([SHOWN, "none"])]
    save(lambda: figures.accuracy_by_epochs(drawn), out / f"{NAME}.svg")
    last = rows[(rows["epochs"] == rows["epochs"].max()) & rows["model"].isin([SHOWN, "none"])]
    columns = ["scope", "tested_on", "learned_on", "input", "learned", "tested", "accuracy", "auc", "r2", "tau"]
    print(last[columns].to_string(index=False, float_format="{:.3f}".format))


def _tables(networks: Sequence[Runs]) -> Iterator[pd.DataFrame]:
    """Each network alone, its high rates alone, from networks of other kinds, and from narrower ones of its kind."""
    for runs in networks:
        yield experiments.table(runs, [runs], EPOCHS, "own network")
    for runs in _widest(networks):
        learn = runs.part(runs.hyperparameters[:, 0] > HIGH_RATES, f"{runs.name}, rates of at least 0.002")
        yield experiments.table(learn, [learn], EPOCHS, "own network, high rates", [SHOWN])
        others = [other for other in _widest(networks) if other is not runs]
        narrow = [other for other in networks if _kind(other) == _kind(runs) and other is not runs]
        for scope, sources in (("across networks", others), ("across widths", narrow)):
            if sources:
                yield experiments.table(runs, sources, EPOCHS, scope, [SHOWN])


def _kind(runs: Runs) -> str:
    return runs.name.partition(" ")[0]


def _widest(networks: Sequence[Runs]) -> list[Runs]:
    """Of each kind of network the one of the largest width."""
    found: dict[str, Runs] = {}
    for runs in sorted(networks, key=lambda each: float(each.name.rpartition(" ")[2])):
        found[_kind(runs)] = runs
    return list(found.values())


if __name__ == "__main__":
    main()
