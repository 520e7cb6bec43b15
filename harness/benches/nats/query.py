"""One accuracy out of the sources of a space of NATS-Bench: converted tables, archive, public and embedded table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import files
from harness.benches.question import Answer, Figure, Question
from harness.benches.tabulated_query import answer_from_table
from harness.schema import BadInput, demand

from . import archive, converted
from .query_sources import from_archive, from_converted
from .spaces import DEFAULT_TRAIN_SET, SPLITS, Space, meaning, official_name

Reader = Callable[[Space, Figure, str, str | None], Answer]
"""The answer for (space, figure, architecture, data folder)."""

SOURCES = ("auto", "converted", "archive", "table", "embedded")


@dataclass(frozen=True)
class SpaceSources:
    """A space and what only it has: `embedded` gives the packaged table of a data set, `order` every architecture by
    its official index (empty where no file lists them) with the folder `data`, `table` reads the public table."""

    space: Space
    embedded: Callable[[str], Path | None]
    order: Callable[[str | None], dict[int, str]]
    table: Reader | None = None
    example: str = ""

    def named(self, architecture: str, data: str | None) -> tuple[str, int | None]:
        """The string of an architecture given by string or by official index, and that index if it was given."""
        if not architecture.isdecimal():
            return architecture, None
        names, bench = self.order(data), self.space.bench
        wanted = f"an architecture string (no file with the official order of {bench} is in {files.folder(data)})"
        demand(bool(names), "architecture", wanted, architecture)
        place = int(architecture)
        demand(place in names, "architecture", f"a known official index of {bench}", architecture)
        return names[place], place


def answer_question(sources: SpaceSources, question: Question, data: str | None) -> Answer:
    """The answer from `question.source`: "converted" (tables by `python -m harness.data convert`), "archive" (the
    official folder), "table" (final accuracies only), "embedded" (this package's own table), the path of a table made
    by `python -m harness.tabulate`, or "auto": the first available source that has the figure.

    `split` is train, valid, test or valtest, or the archive's own name; cifar10 without `train_set` is cifar10-valid.
    Raises BadInput for a figure that is not recorded, with the reason and the recorded alternatives.
    """
    space, source = sources.space, question.source
    path = _local_table(sources, question)
    if path:
        return answer_from_table(path, question, space.bench, lambda text: sources.named(text, data))
    demand(source in SOURCES[:-1], "source", f"{', '.join(SOURCES)} or the path of a table", source)
    figure = _figure(space, question)
    _demand_architecture(sources, question.architecture)
    demand(figure.seed is None or figure.seed >= 0, "seed", "a recorded seed, e.g. 777 (or none: the mean of all)",
           figure.seed)  # fmt: skip
    readers = _readers(sources)
    if source != "auto":
        none = f"converted or archive (no table of the {space.kind} space is public)"
        demand(source in readers, "source", none, source)
        return readers[source](space, figure, question.architecture, data)
    return _first(sources, figure, question.architecture, data)


def _figure(space: Space, question: Question) -> Figure:
    """The question with its defaults, refused where the benchmark never recorded it; no file is read."""
    dataset = official_name(question.dataset)
    train_set = question.train_set
    train_set = official_name(train_set) if train_set else DEFAULT_TRAIN_SET.get(dataset, dataset)
    if train_set not in SPLITS or dataset not in (train_set, train_set.removesuffix("-valid")):
        raise BadInput(
            f"dataset: must be a data set of {space.bench} ({', '.join(SPLITS)}) (got {dataset!r})"
            f"{'' if train_set == dataset else f' with train_set {train_set!r}'}; for other data sets make a"
            " table with `python -m harness.tabulate` and query it with source=FILE"
        )
    official = space.official(train_set, question.split, "split")
    schedule = space.longest if question.schedule is None else question.schedule
    space.demand_schedule(schedule, "schedule")
    epoch = schedule - 1 if question.epoch is None else question.epoch
    space.demand_epoch(train_set, official, schedule, epoch, "epoch")
    return Figure(train_set, official, schedule, epoch, question.seed, meaning(train_set, official))


def _demand_architecture(sources: SpaceSources, architecture: str) -> None:
    """Raise BadInput for what is neither an official index nor a string of the space, before any file is read."""
    space = sources.space
    if architecture.isdecimal():
        known = int(architecture) < space.total
        demand(known, "architecture", f"one of the official indices 0 to {space.total - 1:,}", int(architecture))
    else:
        wanted = f"an architecture of {space.bench}, e.g. {sources.example}, or its official index"
        demand(space.pattern.fullmatch(architecture) is not None, "architecture", wanted, architecture)


def _readers(sources: SpaceSources) -> dict[str, Reader]:
    """By the name of the source, in the order of "auto": the public table last, as it is downloaded if missing."""
    readers: dict[str, Reader] = {"converted": from_converted, "archive": from_archive}
    return readers | ({"table": sources.table} if sources.table else {})


def _first(sources: SpaceSources, figure: Figure, architecture: str, data: str | None) -> Answer:
    """From the first available source that has the figure."""
    space = sources.space
    missing = {
        *(["converted"] if files.find(data, converted.name(space)) is None else []),
        *(["archive"] if archive.folder(space, data) is None else []),
    }
    reasons = []
    for source, reader in _readers(sources).items():
        if source in missing:
            continue
        try:
            return reader(space, figure, architecture, data)
        except BadInput as error:
            reasons.append(f"{source}: {error}")
    asked = [reason for reason in reasons if reason.partition(": ")[2].startswith(("architecture: ", "seed: "))]
    if asked:  # the fault is in the question, not in the source
        raise BadInput(asked[0].partition(": ")[2])
    if len(missing) == 2:
        reasons.append(
            f"every other figure is in {space.folder} (download: {archive.SITE}), missing in {files.folder(data)}, its"
            " nats_records and $TORCH_HOME"
        )
    raise BadInput(f"source: no available source has this figure; {'; '.join(reasons)}")


def _local_table(sources: SpaceSources, question: Question) -> Path | None:
    """The table that `source` names, or the embedded one of the data set."""
    source = question.source
    if source not in SOURCES:
        return Path(source)
    found = sources.embedded(question.dataset) if source in ("auto", "embedded") else None
    wanted = "a data set with an embedded table (digits)"
    demand(source != "embedded" or found is not None, "source", wanted, question.dataset)
    return found
