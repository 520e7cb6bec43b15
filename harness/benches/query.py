"""One unambiguous query of a benchmark, answered with an accuracy in percent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness import files
from harness.schema import BadInput, demand

from .nasbench201 import table, tabulated
from .nats import archive, converted
from .nats.spaces import DEFAULT_TRAIN_SET, SPLITS, Space, meaning, official_name, space_of
from .natsbench_sss.space import every_name as every_width

SOURCES = ("auto", "converted", "archive", "table", "embedded")


@dataclass(frozen=True)
class Question:
    """A query with every default filled in: `split` by its official name, `epoch` from 0, `seed` None for a mean."""

    bench: str
    train_set: str
    split: str
    schedule: int
    epoch: int
    seed: int | None
    architecture: str


@dataclass(frozen=True)
class Answer:
    """`percent` accuracy and its full provenance; `seeds` are those averaged over, empty if unknown.

    `epoch` counts from 0, so the last epoch of a 200-epoch schedule is 199; `index` is the official index, if known.
    """

    percent: float
    train_set: str
    split: str
    schedule: int
    epoch: int
    seeds: tuple[int, ...]
    architecture: str
    index: int | None
    source: str
    unit: str = "percent"

    def __str__(self) -> str:
        when = f"after epoch {self.epoch} (from 0) of a schedule of {self.schedule}"
        if len(self.seeds) == 1:
            who = f"seed {self.seeds[0]}"
        else:
            who = f"mean over seeds {', '.join(map(str, self.seeds))}" if self.seeds else "mean over recorded seeds"
        place = "" if self.index is None else f" (index {self.index})"
        what = f"accuracy on {self._split()}, trained on {self.train_set}, {when}, {who}"
        return f"{self.percent:.6g} {self.unit}: {what}, {self.architecture}{place}; from {self.source}"

    def _split(self) -> str:
        return meaning(self.train_set, self.split) if self.train_set in SPLITS else self.split


def truth(
    bench: str,
    dataset: str,
    train_set: str | None,
    split: str,
    schedule_epochs: int | None,
    epoch: int | None,
    seed: int | None,
    architecture: str,
    source: str = "auto",
    data: str | None = None,
) -> Answer:
    """Accuracy on `split` after `epoch` (from 0; None: the last) of one recorded training.

    `bench` is "nasbench201" or "natsbench_sss"; `train_set` selects the protocol where a data set has two (None:
    cifar10 uses cifar10-valid), `schedule_epochs` the schedule (None: the longest), `seed` one training run (None: the
    mean over the recorded seeds, which the answer lists), `split` is train, valid, test or valtest, or the archive's
    own name; `architecture` is the string or its official index.

    `source`: "converted" (tables by `python -m harness.data convert`), "archive" (the official folder), "table" (final
    accuracies only), "embedded" (this package's own table), the path of a table made by `python -m harness.tabulate`,
    or "auto", the first available source that has the figure. Files are looked up in the folder `data`.

    Raises BadInput for a figure that is not recorded, with the reason and the recorded alternatives.
    """
    space = space_of(bench, "bench")
    table_path = _local_table(space, dataset, source)
    if table_path:
        return _tabulated(
            space, table_path, dataset, train_set, split, schedule_epochs, epoch, seed, architecture, data
        )
    demand(source in SOURCES[:-1], "source", f"{', '.join(SOURCES)} or the path of a table", source)
    dataset = official_name(dataset)
    train_set = official_name(train_set) if train_set else DEFAULT_TRAIN_SET.get(dataset, dataset)
    if train_set not in SPLITS or dataset not in (train_set, train_set.removesuffix("-valid")):
        raise BadInput(
            f"dataset: must be a data set of {space.bench} ({', '.join(SPLITS)}) (got {dataset!r})"
            f"{'' if train_set in (dataset, None) else f' with train_set {train_set!r}'}; for other data sets make a"
            " table with `python -m harness.tabulate` and query it with source=FILE"
        )
    official = space.official(train_set, split, "split")
    schedule = space.longest if schedule_epochs is None else schedule_epochs
    space.demand_schedule(schedule, "schedule")
    last = schedule - 1
    space.demand_epoch(train_set, official, schedule, last if epoch is None else epoch, "epoch")
    _demand_architecture(space, str(architecture))
    demand(seed is None or seed >= 0, "seed", "a recorded seed, e.g. 777 (or none: the mean of all)", seed)
    question = Question(
        space.bench, train_set, official, schedule, last if epoch is None else epoch, seed, str(architecture)
    )
    if source != "auto":
        return _BY_SOURCE[source](space, question, data)
    return _first(space, question, data)


def _demand_architecture(space: Space, architecture: str) -> None:
    """Raise BadInput for what is neither an official index nor a string of the space, before any file is read."""
    if architecture.isdecimal():
        known = int(architecture) < space.total
        demand(known, "architecture", f"one of the official indices 0 to {space.total - 1:,}", int(architecture))
    else:
        cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|none~2|"
        example = "64:64:64:64:64" if space.name == "sss" else cell
        wanted = f"an architecture of {space.bench}, e.g. {example}, or its official index"
        demand(space.pattern.fullmatch(architecture) is not None, "architecture", wanted, architecture)


def _first(space: Space, question: Question, data: str | None) -> Answer:
    """From the first available source that has the figure."""
    available = {
        "converted": files.find(data, converted.name(space)) is not None,
        "archive": archive.folder(space, data) is not None,
        "table": space.bench == "nasbench201",  # last: downloaded if missing
    }
    reasons = []
    for source in (name for name, present in available.items() if present):
        try:
            return _BY_SOURCE[source](space, question, data)
        except BadInput as error:
            reasons.append(f"{source}: {error}")
    asked = [reason for reason in reasons if reason.partition(": ")[2].startswith(("architecture: ", "seed: "))]
    if asked:  # the fault is in the question, not in the source
        raise BadInput(asked[0].partition(": ")[2])
    if not available["archive"] and not available["converted"]:
        reasons.append(
            f"every other figure is in {space.folder} (download: {archive.SITE}), missing in {files.folder(data)}, its"
            " nats_records and $TORCH_HOME"
        )
    raise BadInput(f"source: no available source has this figure; {'; '.join(reasons)}")


def _archive(space: Space, question: Question, data: str | None) -> Answer:
    found = archive.needed(space, data, "source")
    place = _place(question.architecture, {name: place for place, name in enumerate(found.names)}, found.path)
    wanted = f"an architecture whose record is in {found.path} ({len(found.places):,} of {space.total:,})"
    demand(place in found.places, "architecture", wanted, question.architecture)
    values = {
        training.seed: float(training.splits[question.split].accuracy[question.epoch])
        for training in found.read(place)
        if (training.train_set, training.epochs) == (question.train_set, question.schedule)
        and question.split in training.splits
    }
    return _answer(question, values, found.names[place], place, found.path.name)


def _converted(space: Space, question: Question, data: str | None) -> Answer:
    found = converted.needed(space, data, "source")
    indices = found.indices()
    named = f"{int(question.architecture):06d}." if question.architecture.isdecimal() else f"({question.architecture})"
    lost = [reason for reason in found.about.get("damaged", ()) if named in reason]
    if lost:
        raise BadInput(f"architecture: must be one with an intact record (got {question.architecture}, skipped in"
                       f" {found.path} as damaged: {lost[0]})")  # fmt: skip
    place = _place(question.architecture, indices, found.path)
    name = next((name for name, index in indices.items() if index == place), None)
    wanted = f"an architecture in {found.path} ({len(indices):,} of {space.total:,})"
    demand(name is not None, "architecture", wanted, question.architecture)
    assert name is not None
    protocol = (question.train_set, question.split, question.schedule)
    if question.epoch == question.schedule - 1:
        rows = found.final(*protocol)
        rows = rows[rows["index"] == place]
    else:
        rows = found.curve(*protocol, place)
        rows = rows[rows["epoch"] == question.epoch]
    figures = (
        float(str(figure)) for figure in rows["accuracy"].to_numpy()
    )  # a float32 as it reads, not as it is widened
    values = dict(zip(rows["seed"].astype(int), figures, strict=True))
    return _answer(question, values, name, place, found.source)


def _table(space: Space, question: Question, data: str | None) -> Answer:
    demand(
        space.bench == "nasbench201", "source", "converted or archive (no table of the size space is public)", "table"
    )
    last = question.schedule - 1
    demand(question.epoch == last, "epoch", f"{last} (the table has final accuracies only)", question.epoch)
    aliases = {official: split for split, official in SPLITS[question.train_set].items()}
    demand(question.split in aliases, "split", f"one of {', '.join(aliases)} (the table has no others)", question.split)
    try:
        found = table.find(question.train_set, aliases[question.split], question.schedule, data)
    except BadInput as error:
        raise BadInput(f"source: {str(error).removeprefix('bench.')}") from error
    names = {place: name for name, place in found.index.items()}
    place = _place(question.architecture, found.index, Path(found.source.partition(",")[0]))
    demand(place in names, "architecture", f"one of the {len(names):,} of {found.source}", question.architecture)
    row = {str(seed): value for seed, value in found.accuracy.loc[names[place]].dropna().to_dict().items()}
    if list(found.accuracy.columns) == ["mean"]:
        demand(question.seed is None, "seed", f"null ({found.source} has means over seeds only)", question.seed)
        demand(len(row) == 1, "architecture", f"one with an accuracy in {found.source}", question.architecture)
        return _at(question, float(row["mean"]), (), names[place], place, found.source)
    return _answer(question, {int(seed): float(value) for seed, value in row.items()}, names[place], place,
                   found.source)  # fmt: skip


def _tabulated(
    space: Space, path: Path, dataset: str, train_set: str | None, split: str, schedule: int | None,
    epoch: int | None, seed: int | None, architecture: str, data: str | None,
) -> Answer:  # fmt: skip
    found = tabulated.read(path, "source")
    found.demand_bench(space.bench, "source")
    own, epochs = str(found.about["dataset"]), int(found.curves["epoch"].max())
    demand(
        dataset == own and train_set in (None, own),
        "dataset",
        f"{own!r} (the data set of {path.name})",
        train_set or dataset,
    )
    demand(schedule in (None, epochs), "schedule", f"{epochs} epochs (the schedule of {path.name})", schedule)
    demand(split in ("valid", "test"), "split", f"'valid' or 'test' (the splits of {path.name})", split)
    last = epochs - 1
    demand(epoch is None or 0 <= epoch <= last, "epoch", f"an epoch from 0 to {last}", epoch)
    architecture, index = _named(space, str(architecture), data)
    rows = found.curves[found.curves["architecture"] == architecture]
    wanted = f"one of the {found.curves['architecture'].nunique()} architectures of {path.name}"
    demand(len(rows) > 0, "architecture", wanted, architecture)
    question = Question("", own, split, epochs, last if epoch is None else epoch, seed, architecture)
    rows = rows[rows["epoch"] == question.epoch + 1]  # the table counts finished epochs
    values = dict(zip(rows["seed"].astype(int), rows[f"{split}_accuracy"].astype(float), strict=True))
    return _answer(question, values, architecture, index, f"{path.name}, {found.about['made_by']}")


def _answer(question: Question, values: Mapping[int, float], name: str, place: int | None, source: str) -> Answer:
    """The figure of the requested seed, or the mean over the recorded seeds."""
    known = {seed: value for seed, value in sorted(values.items()) if np.isfinite(value)}
    what = f"{question.split} of {name}, {question.train_set}, {question.schedule} epochs, epoch {question.epoch}"
    demand(bool(known), "architecture", f"one with an accuracy in {source} for {question.split}", what)
    wanted = f"a recorded seed of {what} ({', '.join(map(str, known))})"
    demand(question.seed is None or question.seed in known, "seed", wanted, question.seed)
    seeds = tuple(known) if question.seed is None else (question.seed,)
    return _at(question, float(np.mean([known[seed] for seed in seeds])), seeds, name, place, source)


def _at(
    question: Question, percent: float, seeds: tuple[int, ...], name: str, place: int | None, source: str
) -> Answer:
    return Answer(
        percent, question.train_set, question.split, question.schedule, question.epoch, seeds, name, place, source
    )


def _place(architecture: str, indices: Mapping[str, int], path: Path) -> int:
    """Official index of an architecture given by its string or by that index."""
    if architecture.isdecimal():
        return int(architecture)
    demand(
        architecture in indices, "architecture", f"one of the {len(indices):,} architectures in {path}", architecture
    )
    return indices[architecture]


def _named(space: Space, architecture: str, data: str | None) -> tuple[str, int | None]:
    """The string of an architecture given by string or by official index, and that index if it was given."""
    if not architecture.isdecimal():
        return architecture, None
    names = _official_order(space, data)
    wanted = f"an architecture string (no file with the official order of {space.bench} is in {files.folder(data)})"
    demand(bool(names), "architecture", wanted, architecture)
    place = int(architecture)
    demand(place in names, "architecture", f"a known official index of {space.bench}", architecture)
    return names[place], place


def _official_order(space: Space, data: str | None) -> dict[int, str]:
    """Every architecture by its official index, from the first source that lists them; empty without a source."""
    if space.bench == "natsbench_sss":
        return dict(enumerate(every_width()))
    if found := converted.find(space, data):
        return {place: name for name, place in found.indices().items()}
    if folder := archive.folder(space, data):
        return dict(enumerate(archive.opened(folder, space, "source").names))
    listed = files.find(data, table.PARQUET, *(csv.name for csv in table.CSVS.values()))
    return {place: name for name, place in table.indices(listed).items()} if listed else {}


def _local_table(space: Space, dataset: str, source: str) -> Path | None:
    """The table that `source` names, or the embedded one of the data set."""
    if source not in SOURCES:
        return Path(source)
    found = tabulated.embedded(dataset) if space.bench == "nasbench201" and source in ("auto", "embedded") else None
    demand(source != "embedded" or found is not None, "source", "a data set with an embedded table (digits)", dataset)
    return found


_BY_SOURCE: dict[str, Callable[[Space, Question, str | None], Answer]] = {
    "converted": _converted,
    "archive": _archive,
    "table": _table,
}
