"""A question to recorded trainings and its answer: one accuracy in percent, and exactly what it is the accuracy of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from harness.schema import BadInput, demand


@dataclass(frozen=True)
class Question:
    """The accuracy on `split` after `epoch` (from 0; None: the last) of one recorded training.

    `architecture` is its string, or its official index. `train_set` selects the protocol where a data set has two,
    `schedule` (epochs) the schedule, None: the longest. `seed` None asks for the mean over the recorded seeds. `source`
    is "auto", a source of the benchmark, or the path of a table made by `python -m harness.tabulate`.
    """

    dataset: str
    split: str
    architecture: str
    train_set: str | None = None
    schedule: int | None = None
    epoch: int | None = None
    seed: int | None = None
    source: str = "auto"


@dataclass(frozen=True)
class Figure:
    """A question with every default filled in; `split` is the benchmark's own name of it.

    `epoch` None: an accuracy that is not that of one epoch, as `measured_on` says: what to print for the split.
    """

    train_set: str
    split: str
    schedule: int
    epoch: int | None
    seed: int | None
    measured_on: str = ""


@dataclass(frozen=True)
class Place:
    """Where a figure was found: the architecture's string, its official index if known, and the source."""

    architecture: str
    index: int | None
    source: str


@dataclass(frozen=True)
class Answer:
    """`percent` accuracy and its full provenance; `seeds` are those averaged over, empty if unknown.

    `epoch` counts from 0, so the last epoch of a 200-epoch schedule is 199; None: not that of one epoch. `index` is the
    official index, if known. `measured_on` describes the split where its name does not.
    """

    percent: float
    train_set: str
    split: str
    schedule: int
    epoch: int | None
    seeds: tuple[int, ...]
    architecture: str
    index: int | None
    source: str
    measured_on: str = ""
    unit: str = "percent"

    def __str__(self) -> str:
        schedule = f"a schedule of {self.schedule}"
        when = f"in {schedule} epochs" if self.epoch is None else f"after epoch {self.epoch} (from 0) of {schedule}"
        if len(self.seeds) == 1:
            who = f"seed {self.seeds[0]}"
        else:
            who = f"mean over seeds {', '.join(map(str, self.seeds))}" if self.seeds else "mean over recorded seeds"
        place = "" if self.index is None else f" (index {self.index})"
        what = f"accuracy on {self.measured_on or self.split}, trained on {self.train_set}, {when}, {who}"
        return f"{self.percent:.6g} {self.unit}: {what}, {self.architecture}{place}; from {self.source}"


@runtime_checkable
class Queryable(Protocol):
    """A benchmark that answers questions to its recorded trainings, by `python -m harness.data query`."""

    def query(self, question: Question, data: str | None) -> Answer:
        """The recorded accuracy in percent; files are looked up in the folder `data`.

        Raises BadInput for a figure that is not recorded, with the reason and the recorded alternatives.
        """
        ...


def answer(figure: Figure, values: Mapping[int, float], place: Place) -> Answer:
    """The accuracy (percent) of the requested seed, or the mean over the recorded seeds; `values` are by seed.

    Raises BadInput where none is finite, or the requested seed is not recorded.
    """
    known = {seed: value for seed, value in sorted(values.items()) if np.isfinite(value)}
    epoch = "" if figure.epoch is None else f", epoch {figure.epoch}"
    what = f"{figure.split} of {place.architecture}, {figure.train_set}, {figure.schedule} epochs{epoch}"
    demand(bool(known), "architecture", f"one with an accuracy in {place.source} for {figure.split}", what)
    wanted = f"a recorded seed of {what} ({', '.join(map(str, known))})"
    demand(figure.seed is None or figure.seed in known, "seed", wanted, figure.seed)
    seeds = tuple(known) if figure.seed is None else (figure.seed,)
    return answer_of_mean(figure, float(np.mean([known[seed] for seed in seeds])), seeds, place)


def answer_of_mean(figure: Figure, percent: float, seeds: tuple[int, ...], place: Place) -> Answer:
    """The accuracy `percent`, a mean over `seeds` (empty: seeds that the source does not name)."""
    return Answer(
        percent, figure.train_set, figure.split, figure.schedule, figure.epoch, seeds,
        place.architecture, place.index, place.source, figure.measured_on,
    )  # fmt: skip


TYPED = {"bench.source": "source", "bench.target_epochs": "schedule", "bench.target_split": "split"}
"""A question's name of the settings of a benchmark."""


@contextmanager
def typed_keys() -> Iterator[None]:
    """Errors on settings of the benchmark, by the names that a question has for them."""
    try:
        yield
    except BadInput as error:
        key, colon, rest = str(error).partition(":")
        raise BadInput(f"{TYPED.get(key, key)}{colon}{rest}") from error
