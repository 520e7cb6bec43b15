"""`python -m tools.pretrained_sets [OUT] [--runs FOLDER ...] [--tables FILE ...]`.

Writes tables and figures of the findings on pre-trained networks into the folder OUT (docs/findings), from the tables
of ground truth of the package and the scores in OUT/pretrained_scores.parquet: neither weights nor images are read.
`--runs`: folders of finished runs, whose scores replace that file, at their last budget; of watched runs at the
largest of at most `--budget` updates. `--tables`: other tables of ground truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from harness.benches import tabulated
from harness.benches.pretrained import tables as packaged
from harness.schema import demand
from tools.accuracy_from_weights.figures import save

from . import experiments, figures, judge, scores, unit

NAME = "pretrained"
KEPT = f"{NAME}_scores.parquet"


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, write tables and figures, print means over the data sets and differences."""
    parser = argparse.ArgumentParser(prog="python -m tools.pretrained_sets", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/findings"))
    parser.add_argument("--runs", nargs="*", type=Path, default=[])
    parser.add_argument("--tables", nargs="*", type=Path, default=[])
    parser.add_argument("--budget", type=int)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / KEPT
    if given.runs:
        scores.of_runs(given.runs, given.budget).to_parquet(kept, index=False, compression="zstd")
    demand(kept.is_file(), "--runs", f"folders of runs where {kept} is missing", "none")
    paths = given.tables or list(packaged.carried().values())
    write([tabulated.read(path, "--tables") for path in paths], pd.read_parquet(kept), given.out)


def write(truths: list[tabulated.Tabulated], found: pd.DataFrame, out: Path) -> None:
    """Every table and figure of these ground truths and scores."""
    accuracies = experiments.accuracies(truths, found)
    ceilings = experiments.ceilings_of(accuracies)
    complete = experiments.with_static_rank(found, accuracies)
    judged = judge.judged(complete, accuracies)
    written = {
        "accuracies": accuracies, "ceilings": ceilings, **judged._asdict(),
        "unit": unit.through_unit(complete, accuracies), "unit_accuracies": unit.accuracies(complete),
    }  # fmt: skip
    for ending, table in written.items():
        if table.empty:
            continue
        table.to_csv(out / f"{NAME}_{ending}.csv", index=False, float_format="%.4f", lineterminator="\n")
    save(lambda: figures.grid(accuracies, ceilings), out / f"{NAME}_accuracies.svg")
    save(lambda: figures.by_set(judged.by_set, judged.over_sets, ceilings), out / f"{NAME}_sets.svg")
    print(ceilings.to_string(index=False, float_format="{:.3f}".format))
    for table in (judged.over_sets, judged.differences):
        shown = table[table["experiment"] == scores.WATCHED].drop(columns=["experiment", "family"])
        print(shown.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
