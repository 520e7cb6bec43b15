"""Tables and figures of docs/findings/early_training.md.

`python -m tools.early_training collect OUT.parquet WORD ...` writes the signals of a run into one table; WORD are the
words of its command line, whose traces are stored. `tables OUT.parquet RUN` does so from the tables of a stored run.
`judge FOLDER` reads every `early_training_TASK.parquet` of FOLDER and writes `early_training.csv`,
`early_training_transfer.csv` and the figures there. `literal FOLDER NAME=RUN ...` writes `neural_capacitance.csv` and
`neural_capacitance_courses.csv` of stored runs. `proxies FOLDER SEED=RUN ...` writes `proxies_halves.parquet` of stored
runs, `halves FOLDER DATA` reads it and writes `halves.csv`.
`changed OUT.csv TABLE DATA [SIGNALS.parquet]` judges by a table of `harness.tabulate` on another data set, with the
signals of `collect` too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from . import changed, collect, figures, halves, judge, literal, transfer
from .signals import Task


def main(words: list[str]) -> None:
    """The command line."""
    if words[:1] == ["collect"]:
        collect.compact(collect.collected(words[2:])).to_parquet(words[1], index=False)
        return
    if words[:1] == ["tables"]:
        collect.compact(collect.of_tables(Path(words[2]))).to_parquet(words[1], index=False)
        return
    if words[:1] == ["changed"]:
        changed.write(Path(words[1]), Path(words[2]), words[3], *map(Path, words[4:5]))
        return
    folder = Path(words[1])
    if words[:1] == ["halves"]:
        path = folder / "proxies_halves.parquet"
        measured = pd.read_parquet(path) if path.is_file() else None
        halves.summary(words[2], measured).to_csv(folder / "halves.csv", index=False, float_format="%.4f")
        return
    if words[:1] == ["proxies"]:
        runs = {int(seed): Path(run) for seed, _, run in (word.partition("=") for word in words[2:])}
        halves.proxies_of(runs).to_parquet(folder / "proxies_halves.parquet", index=False)
        return
    if words[:1] == ["literal"]:
        literal.write(folder, {name: Path(run) for name, _, run in (word.partition("=") for word in words[2:])})
        return
    paths = sorted(folder.glob("early_training_*.parquet"))
    tasks = [Task(path.stem.removeprefix("early_training_"), pd.read_parquet(path)) for path in paths]
    judge.study(tasks).to_csv(folder / "early_training.csv", index=False, float_format="%.4f")
    if len(tasks) > 1:
        moved = pd.DataFrame(transfer.rows(tasks))
        moved.to_csv(folder / "early_training_transfer.csv", index=False, float_format="%.4f")
    figures.write(folder)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(sys.argv[1:])
