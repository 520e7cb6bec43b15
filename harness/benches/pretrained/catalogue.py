"""What is known of pre-trained networks without running them: file, checksum, published accuracy, licence."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from harness.schema import BadInput, demand

OWN = "models.yaml"
"""A file in the folder of models that describes networks which the package does not know."""

IMAGENET = "ImageNet-1k"


@dataclass(frozen=True)
class Entry:
    """One network. `source_accuracy` is its published top-1 in percent on the data set it was trained on, or None.

    `family` groups networks that differ in width, resolution or training only. `description` says what a state dict
    does not: the name of a packaged description or a mapping (see `graph.parse`); a .npz file holds its own.
    """

    name: str
    file: str
    family: str
    sha256: str | None = None
    source_accuracy: float | None = None
    licence: str = "not stated"
    source: str = "not stated"
    note: str = ""
    trained_on: str = IMAGENET
    description: Any = None

    def __post_init__(self) -> None:
        known = self.source_accuracy
        demand(known is None or 0 <= known <= 100, f"{OWN}: {self.name}.source_accuracy", "a percentage", known)
        plain = self.file == Path(self.file).name and self.file not in ("", ".", "..")
        demand(plain, f"{OWN}: {self.name}.file", "the name of a file in the folder of models", self.file)


@functools.cache
def packaged() -> Mapping[str, Entry]:
    """The networks that come with a description in this package, by name."""
    return _entries(Path(__file__).with_name("catalogue.yaml"))


def catalogue(folder: Path) -> Mapping[str, Entry]:
    """The networks whose files lie in `folder`, by name: those of the package and those of its own `models.yaml`.

    Raises BadInput for a `models.yaml` that is damaged or has unknown or missing keys.
    """
    own = folder / OWN
    known = {**packaged(), **(_entries(own) if own.is_file() else {})}
    return {name: entry for name, entry in known.items() if (folder / entry.file).is_file()}


def _entries(path: Path) -> Mapping[str, Entry]:
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{OWN}: must be readable YAML (got {path}: {reason})") from error
    shaped = isinstance(read, dict) and all(isinstance(each, dict) for each in read.values())
    demand(shaped, OWN, "a mapping of names to settings", str(path))
    keys = {field.name for field in fields(Entry)} - {"name"}
    found = {}
    for name, given in read.items():
        unknown, missing = sorted(set(given) - keys), sorted({"file", "family"} - set(given))
        demand(not unknown, f"{OWN}: {name}", f"settings out of {', '.join(sorted(keys))}", unknown)
        demand(not missing, f"{OWN}: {name}", "settings with file and family", f"none for {', '.join(missing)}")
        found[str(name)] = Entry(name=str(name), **given)
    return found


@functools.lru_cache(maxsize=256)
def _sha256(path: Path, changed: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file, computed once per state of the file."""
    state = path.stat()
    return _sha256(path, state.st_mtime_ns, state.st_size)


def demand_sum(entry: Entry, path: Path) -> None:
    """Raise BadInput for a file that is not the one that the entry describes."""
    if entry.sha256 is not None:
        found = sha256_of(path)
        demand(found == entry.sha256, "bench.models", f"the file of {entry.name} with sha256 {entry.sha256[:12]}...",
               f"{path} with {found[:12]}...")  # fmt: skip
