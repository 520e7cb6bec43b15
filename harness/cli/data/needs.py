"""What the data sets and benchmarks of the configuration need from outside, and what of it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from harness import files
from harness.config.components import build
from harness.files import Download, Source
from harness.schema import BadInput, suggestion

GROUPS = ("dataset", "bench")


@dataclass(frozen=True)
class Need:
    """One source of a component, by the `name` that the command line has for it.

    `source` None: there is nothing to get, or, as `note` says, that cannot be known.
    """

    component: str
    name: str
    source: Source | None
    note: str = ""

    @property
    def what(self) -> str:
        return self.source.what if self.source else ""


@dataclass(frozen=True)
class File:
    """One file of a need: `state` is "ok", "wrong" (another checksum), "none published", "not verified", "empty" or
    "missing".

    `size` and `kept` (of an unfinished download) are in bytes; `holds` counts the files below a folder.
    """

    name: str
    path: str
    state: str
    size: int | None
    kept: int
    checksum: str | None
    urls: tuple[str, ...]
    holds: int | None = None


@dataclass(frozen=True)
class Finding:
    """How it stands with a need.

    `state` is "present", "partial", "unusable", "missing", "wrong" (another checksum), "nothing needed" or "not known";
    `why` says what a partial one holds and why one is unusable. `files` are those of the alternative that is there, the
    whole one if there is one, else of the one that is the easiest to get; `instead` names the other alternatives, and
    `unusable` says why those that are present cannot be read.
    """

    name: str
    state: str
    files: tuple[File, ...] = ()
    instead: tuple[str, ...] = ()
    note: str = ""
    why: str = ""
    unusable: tuple[str, ...] = ()


def needs(names: Sequence[str], conf_folders: Sequence[Path]) -> list[Need]:
    """The needs of these data sets and benchmarks, each once; of all in `conf_folders` where there are no names.

    A name is that of a file in dataset/ or bench/, or NAME-WHAT for one of its sources; what is not asked for is not
    even imported. Raises BadInput for an unknown one.
    """
    paths = sorted(path for conf in conf_folders for group in GROUPS for path in (conf / group).glob("*.yaml"))
    stems = sorted({path.stem for path in paths})
    found: list[Need] = []
    for name in names or stems:
        near = [need for path in paths if f"{name}-".startswith(f"{path.stem}-") for need in _needs(path)]
        here = [need for need in near if name in (need.component, need.name, f"{need.component}-{need.what}")]
        if not here:
            known = [*stems, *(need.name for need in near)]
            raise BadInput(f"NAME: must be one of {', '.join(known)} (got {name!r}){suggestion(name, known)}")
        found += here
    return list(dict.fromkeys(found))


def examine(need: Need, data: str | None, fast: bool = False) -> Finding:
    """How it stands with `need` in the data folder; nothing is fetched. `fast`: checksums are not computed."""
    if need.source is None:
        return Finding(need.name, "not known" if need.note else "nothing needed", note=need.note)
    alternatives = need.source.any_of
    availabilities = [files.availability(need.source, alternative, data) for alternative in alternatives]
    chosen = _chosen(alternatives, [availability.state for availability in availabilities])
    found = tuple(_file(part, data, fast) for part in alternatives[chosen])
    states, stands = {file.state for file in found}, availabilities[chosen]
    state = "present" if stands.state == "whole" else stands.state
    others = [place for place in range(len(alternatives)) if place != chosen]
    return Finding(
        need.name,
        "wrong" if "wrong" in states and not states & {"missing", "empty"} else state,
        found,
        tuple(" with ".join(map(files.name_of, alternatives[place])) for place in others),
        need.source.note,
        stands.why,
        tuple(availabilities[place].why for place in others if availabilities[place].state == "unusable"),
    )


def _chosen(alternatives: Sequence[tuple[Download | str, ...]], states: Sequence[str]) -> int:
    """Place of the alternative to tell of: the best that is there, else the first that can be fetched, or the first."""
    for state in ("whole", "partial", "unusable"):
        if state in states:
            return states.index(state)
    return next((place for place, parts in enumerate(alternatives) if files.fetchable(parts)), 0)


def _needs(path: Path) -> list[Need]:
    """What the component that the file configures needs."""
    try:
        node = OmegaConf.load(path)
        if not isinstance(node, DictConfig):
            raise BadInput(f"{path}: settings of a component are needed, got {type(node).__name__}")
        component = build(node, path.parent.name)
        sources: tuple[Source, ...] = component.sources() if hasattr(component, "sources") else ()
    except (OmegaConfBaseException, YAMLError, OSError, BadInput) as error:  # BadInput: a folder that nobody has named
        return [Need(path.stem, path.stem, None, f"not known: {' '.join(str(error).split())}")]
    if len(sources) == 1:
        return [Need(path.stem, path.stem, sources[0])]
    needs = [Need(path.stem, f"{path.stem}-{source.what}", source) for source in sources]
    return needs or [Need(path.stem, path.stem, None)]


def _file(part: Download | str, data: str | None, fast: bool) -> File:
    path = files.folder(data) / files.name_of(part)
    checksum, urls = (part.checksum, part.urls) if isinstance(part, Download) else (None, ())
    kept = path.with_name(f".{path.name}.part")
    if not files.exists(path):
        state = "empty" if path.exists() else "missing"
        return File(path.name, str(path), state, None, _below(kept)[0] if kept.exists() else 0, checksum, urls)
    if checksum is None:
        state = "none published"
    elif fast:
        state = "not verified"
    else:
        state = "ok" if files.has_checksum(path, checksum) else "wrong"
    size, count = _below(path)
    return File(path.name, str(path), state, size, 0, checksum, urls, count if path.is_dir() else None)


def _below(path: Path) -> tuple[int, int]:
    """Bytes of a file, or of all files below a folder, and how many those are."""
    try:
        found = [child for child in path.rglob("*") if child.is_file()] if path.is_dir() else [path]
        return sum(child.stat().st_size for child in found), len(found)
    except OSError as error:
        raise BadInput(f"data: must be a readable {path} (got {error.strerror})") from error
