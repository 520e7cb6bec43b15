"""An official NATS-Bench fast-mode folder: a list of architectures, and one packed pickle for each of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nats_bench
from nats_bench.api_utils import PICKLE_EXT

from harness import files
from harness.schema import BadInput, Truth, demand

from . import record
from .record import Training
from .spaces import SPACES, SPLITS, Space

if TYPE_CHECKING:
    import pandas as pd

SITE = "github.com/D-X-Y/NATS-Bench"


@dataclass(frozen=True)
class Archive:
    """One such folder: `names` in the official order, `places` the ascending indices of the records in it."""

    path: Path
    space: Space
    names: tuple[str, ...]
    places: tuple[int, ...]

    def file(self, place: int) -> Path:
        """Path of the record of architecture number `place`."""
        return self.path / f"{place:06d}.{PICKLE_EXT}"

    def read(self, place: int) -> list[Training]:
        """Every recorded training run of that architecture. Raises BadInput, naming it, for a damaged record."""
        return record.read(self.file(place), place, self.names[place], self.space)

    def __iter__(self) -> Iterator[tuple[int, list[Training]]]:
        """(place, training runs) of every record, one at a time: all together take 28 GB of memory."""
        return ((place, self.read(place)) for place in self.places)


def opened(path: Path, space: Space, key: str = "bench.source") -> Archive:
    """The archive at `path`; records are read later.

    Raises BadInput, naming `key`, if it is not such a folder, if its list of architectures is not one of this space,
    or if it contains no record.
    """
    meta = path / f"meta.{PICKLE_EXT}"
    if path.is_file():
        raise BadInput(f"{key}: must be the folder {space.folder} (got {_single(path, space)})")
    if not meta.is_file():
        raise BadInput(
            f"{key}: must be a NATS-Bench folder {space.folder}, with {meta.name} in it (got {_without_meta(path)})"
        )
    try:
        names = _names(record.unpickled(meta, record.META_LIMIT), space)
    except BadInput as error:
        raise BadInput(f"data: {meta}: {str(error).removeprefix('data: ')}") from error
    found = (re.fullmatch(rf"(\d{{6}})\.{re.escape(PICKLE_EXT)}", entry.name) for entry in os.scandir(path))
    places = tuple(sorted(int(match[1]) for match in found if match))
    demand(bool(places), key, f"a folder with records (000000.{PICKLE_EXT}, ...)", f"{path} without any")
    wanted = f"a folder with records of the {len(names)} architectures listed in {meta.name}"
    demand(places[-1] < len(names), "data", wanted, f"{path} with {places[-1]:06d}.{PICKLE_EXT}")
    return Archive(path, space, names, places)


def _without_meta(path: Path) -> str:
    """What a folder without the list of architectures is: one level too high or too deep, or incomplete."""
    name = f"meta.{PICKLE_EXT}"
    inner = next((found.parent for found in path.glob(f"*/{name}")), None) if path.is_dir() else None
    if inner is not None:
        return f"{path}, whose files are one level too deep: move the files of {inner} up into it"
    records = sum(1 for _ in path.glob(f"*.{PICKLE_EXT}")) if path.is_dir() else 0
    lost = f" with {records:,} records and without {name}: unpack the archive again, or copy that file" * (records > 0)
    return f"{path}{lost}"


def folder(space: Space, data: str | None) -> Path | None:
    """The archive's folder: in the data folder `data` (see harness/files), its `nats_records`, or $TORCH_HOME."""
    if path := files.find(data, space.folder, f"nats_records/{space.folder}"):
        return path
    home = os.environ.get("TORCH_HOME")
    return files.find(home, space.folder) if home else None


def needed(space: Space, data: str | None, key: str = "bench.source") -> Archive:
    """The archive that `folder` finds. Raises BadInput, with the download instructions, if there is none."""
    if path := folder(space, data):
        return opened(path, space, key)
    raise BadInput(
        f"{key}: missing folder {space.folder} (expected in {files.folder(data)}, its nats_records or $TORCH_HOME)."
        f" Download {space.folder}.tar (linked from {SITE}) and unpack it there"
    )


def truth(archive: Archive, train_set: str, split: str, epochs: int) -> Truth:
    """Accuracy after the last epoch of every architecture in the archive, one column per recorded seed.

    A seed that an architecture was not trained with is nan. "valtest" is validation and test images together. Takes
    about 20 ms per architecture: convert the whole benchmark once instead. Raises BadInput for a protocol
    that is not recorded and for a damaged record.
    """
    import pandas as pd

    space, key = archive.space, "bench.train_set, bench.target_split, bench.target_epochs"
    official = protocol(space, train_set, split, epochs, key)
    rows = {}
    for place, trainings in archive:
        own = [t for t in trainings if (t.train_set, t.epochs) == (train_set, epochs) and official in t.splits]
        rows[archive.names[place]] = {str(t.seed): float(t.splits[official].accuracy[-1]) for t in own}
    seeds = sorted({seed for row in rows.values() for seed in row}, key=int)
    accuracy = pd.DataFrame.from_dict(rows, orient="index", columns=seeds, dtype=float)
    source = f"{archive.path.name}, nats_bench {nats_bench.version()}"
    index = {name: place for place, name in enumerate(archive.names)}
    return Truth(sound(accuracy, str(archive.path)), train_set, split, epochs, source, index)


def protocol(space: Space, train_set: str, split: str, epochs: int, key: str) -> str:
    """The archive's name of a split. Raises BadInput, with the recorded protocols, for one that is not recorded."""
    protocols = "; ".join(f"{name} {' '.join(SPLITS[name])} {n}" for name, n in space.every_epoch)
    known = (train_set, epochs) in space.every_epoch and split in SPLITS.get(train_set, ())
    demand(known, key, f"a protocol of {space.folder} ({protocols})", f"{train_set} {split} {epochs}")
    return space.official(train_set, split, key)


def sound(accuracy: pd.DataFrame, source: str) -> pd.DataFrame:
    """The same table, validated: every value is nan or a percentage above 0.

    Chance level is 0.83 % or more, so 0 is a failed record and not an accuracy. Raises BadInput.
    """
    for column, values in accuracy.items():
        wrong = values[values.notna() & ~((values > 0) & (values <= 100))]
        wanted = f"a table of accuracies above 0 and up to 100 percent in column {column}"
        demand(wrong.empty, "bench.source", wanted, f"{source} with {wrong.head(1).to_dict()}")
    return accuracy


def matches_its_name(path: Path, space: Space) -> bool:
    """Whether the MD5 of the single-file benchmark at `path` ends in the five characters of the official names.

    Only that file can be verified so: the names of the folder and the .tar carry its MD5, not their own.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest().endswith(space.base.rpartition("-")[2])


def _names(content: object, space: Space) -> tuple[str, ...]:
    """The architectures that the list of the archive names."""
    names = content.get("meta_archs") if isinstance(content, dict) else None
    sound = isinstance(names, list) and 0 < len(names) <= space.total
    demand(sound, "data", f"a list meta_archs of up to {space.total} architectures", type(names).__name__)
    assert isinstance(names, list)
    strange = [name for name in names if not (isinstance(name, str) and space.pattern.fullmatch(name))]
    others = [one for one in SPACES.values() if strange and all(map(one.pattern.fullmatch, map(str, strange)))]
    whose = f"those of the {others[0].kind} space, {others[0].name}: " if others else ""
    demand(not strange, "data", f"architectures of the space {space.name}", f"{whose}{strange[:1]!r:.80}")
    demand(
        len(set(names)) == len(names),
        "data",
        "a list with each architecture once",
        f"{len(names) - len(set(names))} duplicates",
    )
    return tuple(names)


def _single(path: Path, space: Space) -> str:
    """Description of a file given instead of the folder."""
    if path.name == f"{space.base}.{PICKLE_EXT}":
        state = "intact" if matches_its_name(path, space) else "damaged (MD5 mismatch with its name)"
        return f"the single file {path}, {state}, which takes 28 GB of memory"
    return f"the file {path}" + (" (unpack it first)" if path.suffix == ".tar" else "")
