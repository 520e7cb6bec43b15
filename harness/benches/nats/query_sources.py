"""One accuracy out of the official archive of NATS-Bench, and out of the tables that are converted from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.benches.question import Answer, Figure, Place, answer
from harness.schema import BadInput, demand

from . import archive, converted
from .spaces import Space


def from_archive(space: Space, figure: Figure, architecture: str, data: str | None) -> Answer:
    """The figure of the official folder's record. Raises BadInput where it has none."""
    found = archive.needed(space, data, "source")
    place = place_of(architecture, {name: place for place, name in enumerate(found.names)}, found.path)
    wanted = f"an architecture whose record is in {found.path} ({len(found.places):,} of {space.total:,})"
    demand(place in found.places, "architecture", wanted, architecture)
    assert figure.epoch is not None
    values = {
        training.seed: float(training.splits[figure.split].accuracy[figure.epoch])
        for training in found.read(place)
        if (training.train_set, training.epochs) == (figure.train_set, figure.schedule)
        and figure.split in training.splits
    }
    return answer(figure, values, Place(found.names[place], place, found.path.name))


def from_converted(space: Space, figure: Figure, architecture: str, data: str | None) -> Answer:
    """The figure of the converted tables. Raises BadInput where they have none, or its record was damaged."""
    found = converted.needed(space, data, "source")
    indices = found.indices()
    named = f"{int(architecture):06d}." if architecture.isdecimal() else f"({architecture})"
    lost = [reason for reason in found.about.get("damaged", ()) if named in reason]
    if lost:
        raise BadInput(f"architecture: must be one with an intact record (got {architecture}, skipped in"
                       f" {found.path} as damaged: {lost[0]})")  # fmt: skip
    place = place_of(architecture, indices, found.path)
    name = next((name for name, index in indices.items() if index == place), None)
    wanted = f"an architecture in {found.path} ({len(indices):,} of {space.total:,})"
    demand(name is not None, "architecture", wanted, architecture)
    assert name is not None
    protocol = (figure.train_set, figure.split, figure.schedule)
    if figure.epoch == figure.schedule - 1:
        rows = found.final(*protocol)
        rows = rows[rows["index"] == place]
    else:
        rows = found.curve(*protocol, place)
        rows = rows[rows["epoch"] == figure.epoch]
    read = (float(str(value)) for value in rows["accuracy"].to_numpy())  # a float32 as it reads, not as it is widened
    values = dict(zip(rows["seed"].astype(int), read, strict=True))
    return answer(figure, values, Place(name, place, found.source))


def place_of(architecture: str, indices: Mapping[str, int], path: Path) -> int:
    """Official index of an architecture given by its string or by that index."""
    if architecture.isdecimal():
        return int(architecture)
    wanted = f"one of the {len(indices):,} architectures in {path}"
    demand(architecture in indices, "architecture", wanted, architecture)
    return indices[architecture]
