"""Answers to questions on NAS-Bench-201: the sources of NATS-Bench's topology space, and its public table."""

from __future__ import annotations

from pathlib import Path

from harness import files
from harness.benches.nasbench201 import table, tabulated
from harness.benches.nats import archive, converted
from harness.benches.nats.query import SpaceSources
from harness.benches.nats.query_sources import place_of
from harness.benches.nats.spaces import SPLITS, TSS, Space
from harness.benches.question import Answer, Figure, Place, answer, answer_of_mean, typed_keys
from harness.schema import demand


def from_table(space: Space, figure: Figure, architecture: str, data: str | None) -> Answer:
    """The figure of the public table of final accuracies, downloaded where it is missing. Raises BadInput."""
    last = figure.schedule - 1
    demand(figure.epoch == last, "epoch", f"{last} (the table has final accuracies only)", figure.epoch)
    aliases = {official: split for split, official in SPLITS[figure.train_set].items()}
    demand(figure.split in aliases, "split", f"one of {', '.join(aliases)} (the table has no others)", figure.split)
    with typed_keys():
        found = table.find(figure.train_set, aliases[figure.split], figure.schedule, data)
    names = {place: name for name, place in found.index.items()}
    index = place_of(architecture, found.index, Path(found.source.partition(",")[0]))
    demand(index in names, "architecture", f"one of the {len(names):,} of {found.source}", architecture)
    place = Place(names[index], index, found.source)
    row = {str(seed): float(value) for seed, value in found.accuracy.loc[names[index]].dropna().to_dict().items()}
    if list(found.accuracy.columns) == ["mean"]:
        demand(figure.seed is None, "seed", f"null ({found.source} has means over seeds only)", figure.seed)
        demand(len(row) == 1, "architecture", f"one with an accuracy in {found.source}", architecture)
        return answer_of_mean(figure, row["mean"], (), place)
    return answer(figure, {int(seed): value for seed, value in row.items()}, place)


def _order(data: str | None) -> dict[int, str]:
    """Every cell by its official index, from the first source that lists them; empty without a source."""
    if found := converted.find(TSS, data):
        return {place: name for name, place in found.indices().items()}
    if folder := archive.folder(TSS, data):
        return dict(enumerate(archive.opened(folder, TSS, "source").names))
    listed = files.find(data, table.PARQUET, *(csv.name for csv in table.CSVS.values()))
    return {place: name for name, place in table.indices(listed).items()} if listed else {}


EXAMPLE = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|none~2|"

SOURCES = SpaceSources(TSS, tabulated.embedded, _order, from_table, EXAMPLE)
