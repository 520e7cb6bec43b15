"""Tables and figures of docs/findings: `python -m tools.early_training COMMAND ...`.

- `collect OUT.parquet WORD ...`: the signals of a run in one table; WORD are the words of its command line, whose
  traces are stored.
- `collect-halves OUT.parquet FOLDER WORD ...`: the same for architectures of halves A and B of CIFAR-10; proxies that
  the run did not measure are those of FOLDER/proxies_halves.parquet.
- `tables OUT.parquet RUN`: the same from the tables of a stored run.
- `recorded FOLDER DATA RUN`: `recorded_12_epochs.parquet` and `recorded_curves.parquet`, tables of trainings that the
  benchmark recorded. RUN measured the proxies of the architectures of the curves, DATA has the benchmark's files.
- `judge FOLDER`: `early_training.csv`, `early_training_transfer.csv` and the figures, from every
  `early_training_TASK.parquet` of FOLDER.
- `join OUT.csv SIGNALS.parquet ...`: the rows of `early_training.csv` for other tables.
- `strongest OUT.csv SIGNALS.parquet ...`: the best model of half A, with and without signals of training.
- `literal FOLDER NAME=RUN ...`: `neural_capacitance.csv`, `neural_capacitance_courses.csv`,
  `neural_capacitance_progress.csv` of stored runs, and their figures.
- `proxies FOLDER SEED=RUN ...`: `proxies_halves.parquet` of stored runs; `halves FOLDER DATA`: `halves.csv`.
- `changed OUT.csv TABLE DATA [SIGNALS.parquet]`: `TABLE` of `harness.tabulate` on another data set, with the signals of
  `collect` too.
- `averaged OUT.csv TABLE`: short trainings averaged, from such a table.
- `accuracies OUT.csv TABLE`: its final test accuracies alone, for `bench.source=OUT.csv bench.unit=percent`: what is to
  be held against networks that were trained on other images.
- `rates OUT.csv RATE=RUN ...`: runs of the same architectures at several learning rates, 0.1 among them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from . import averaged, changed, collect, figures, halves, judge, literal, rates, recorded, strongest, transfer
from .signals import Task

PROXIES_HALVES, PREFIX = "proxies_halves.parquet", "early_training_"


def _collect(out: str, *words: str) -> None:
    collect.compact(collect.collected(words)).to_parquet(out, index=False)


def _collect_halves(out: str, folder: str, *words: str) -> None:
    signals = recorded.with_halves(collect.collected(words), pd.read_parquet(Path(folder) / PROXIES_HALVES))
    collect.compact(signals).to_parquet(out, index=False)


def _tables(out: str, run: str) -> None:
    collect.compact(collect.of_tables(Path(run))).to_parquet(out, index=False)


def _recorded(folder: str, data: str, run: str) -> None:
    recorded.write(Path(folder), data, Path(run), pd.read_parquet(Path(folder) / PROXIES_HALVES))


def _judge(folder: str) -> None:
    out = Path(folder)
    tasks = _tasks(sorted(out.glob(f"{PREFIX}*.parquet")))
    _csv(judge.study(tasks), out / "early_training.csv")
    if len(tasks) > 1:
        moved = pd.DataFrame(transfer.rows([task.of_judged() for task in tasks]))
        _csv(moved, out / "early_training_transfer.csv")
    figures.write(out)


def _join(out: str, *paths: str) -> None:
    _csv(judge.study(_tasks(map(Path, paths))), Path(out))


def _strongest(out: str, *paths: str) -> None:
    _csv(strongest.rows(_tasks(map(Path, paths))), Path(out))


def _literal(folder: str, *words: str) -> None:
    literal.write(Path(folder), _runs(words))
    figures.write_literal(Path(folder))


def _proxies(folder: str, *words: str) -> None:
    runs = {int(seed): run for seed, run in _runs(words).items()}
    halves.proxies_of(runs).to_parquet(Path(folder) / PROXIES_HALVES, index=False)


def _halves(folder: str, data: str) -> None:
    path = Path(folder) / PROXIES_HALVES
    measured = pd.read_parquet(path) if path.is_file() else None
    _csv(halves.summary(data, measured), Path(folder) / "halves.csv")


def _averaged(out: str, table: str) -> None:
    _csv(pd.DataFrame(averaged.rows(Path(table))), Path(out))


def _accuracies(out: str, table: str) -> None:
    _csv(averaged.final_accuracies(Path(table)), Path(out))


def _rates(out: str, *words: str) -> None:
    _csv(rates.table({float(rate): run for rate, run in _runs(words).items()}), Path(out))


def _changed(out: str, table: str, data: str, *signals: str) -> None:
    changed.write(Path(out), Path(table), data, *map(Path, signals))


COMMANDS: Mapping[str, Callable[..., None]] = {
    "collect": _collect,
    "collect-halves": _collect_halves,
    "tables": _tables,
    "recorded": _recorded,
    "judge": _judge,
    "join": _join,
    "strongest": _strongest,
    "literal": _literal,
    "proxies": _proxies,
    "halves": _halves,
    "changed": _changed,
    "averaged": _averaged,
    "accuracies": _accuracies,
    "rates": _rates,
}


def _runs(words: Sequence[str]) -> dict[str, Path]:
    """Folders of runs by name, of words NAME=RUN."""
    return {name: Path(run) for name, _, run in (word.partition("=") for word in words)}


def _tasks(paths: Iterable[Path]) -> list[Task]:
    return [Task(path.stem.removeprefix(PREFIX), pd.read_parquet(path)) for path in paths]


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.4f")


if __name__ == "__main__":
    with threadpool_limits(1):
        COMMANDS[sys.argv[1]](*sys.argv[2:])
