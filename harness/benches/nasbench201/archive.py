"""Ground truth from the official NATS-Bench topology archive (a folder with one pickle an architecture)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nats_bench
import numpy as np
import pandas as pd
from nats_bench import api_utils

from harness import files
from harness.schema import BadInput, Truth, demand

from .table import checked, chosen

FOLDER = "NATS-tss-v1_0-3ffb9-simple"
_OFFICIAL = {name.lower(): name for name in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")}
_SPLITS = {
    "cifar10-valid": ("valid", "test"),
    "cifar10": ("test",),
    "cifar100": ("valid", "test", "valtest"),
    "imagenet16-120": ("valid", "test", "valtest"),
}
_PROTOCOLS = {(name, split, epochs): None for name in _SPLITS for split in _SPLITS[name] for epochs in (200, 12)}


def find(train_set: str, split: str, epochs: int, data: str | None) -> Truth:
    """From the archive that `folder` finds. Raises BadInput where there is none, saying where it was looked for."""
    if path := folder(data):
        return from_archive(path, train_set, split, epochs)
    raise BadInput(
        f"bench.source: {FOLDER} is needed in {files.folder(data)}, its nats_records or $TORCH_HOME, and is in none;"
        f" unpack the official {FOLDER}.tar there (github.com/D-X-Y/NATS-Bench says where it is)"
    )


def folder(data: str | None) -> Path | None:
    """The archive's folder: in the data folder `data` (see harness/files), its `nats_records`, or $TORCH_HOME."""
    if path := files.find(data, FOLDER, f"nats_records/{FOLDER}"):
        return path
    home = os.environ.get("TORCH_HOME")
    return files.find(home, FOLDER) if home else None


def from_archive(path: Path, train_set: str, split: str, epochs: int) -> Truth:
    """Accuracy after the last epoch of every architecture whose pickle lies in `path`, one column a recorded seed.

    A seed that an architecture was not trained with is nan. "valtest" is validation and test images together. Takes
    about 0.1 s an architecture. Raises BadInput for a protocol the archive does not have, for a pickle that holds
    more than plain values (a pickle is a program) and for a folder without any.
    """
    chosen(_PROTOCOLS, (train_set, split, epochs), FOLDER)
    rows: dict[str, dict[str, float]] = {}
    with _api(path) as api:
        index = {name: place for place, name in enumerate(api.meta_archs)}
        for name, place in index.items():
            if (path / f"{place:06d}.{api_utils.PICKLE_EXT}").is_file():
                rows[name] = _seeds(api, place, _OFFICIAL[train_set], split, str(epochs))
    demand(bool(rows), "bench.source", f"pickles of architectures (000000.pickle.pbz2, ...) in {path}", "none")
    seeds = sorted({seed for row in rows.values() for seed in row}, key=int)
    accuracy = checked(pd.DataFrame.from_dict(rows, orient="index", columns=seeds, dtype=float), str(path))
    return Truth(accuracy, train_set, split, epochs, f"{path.name}, nats_bench {nats_bench.version()}", index)


def _seeds(api: Any, place: int, dataset: str, split: str, hp: str) -> dict[str, float]:
    """Percent accuracy a seed of one architecture; `hp` and seed are named, for they default to 12 and a random one."""
    try:
        api.reload(api.archive_dir, place)
    except BadInput as error:
        raise BadInput(f"bench.source: {api.archive_dir}, architecture {place}: {error}") from error
    result = api.arch2infos_dict[place].get(hp)
    seeds = result.get_dataset_seeds(dataset) if result and dataset in result.get_dataset_names() else []
    row = {}
    for seed in seeds:
        info = api.get_more_info(place, dataset, iepoch=None, hp=hp, is_random=int(seed))
        row[str(seed)] = float(info.get(f"{split}-accuracy", np.nan))
    del api.arch2infos_dict[place]  # all of them would fill 28 GB
    return row


@contextmanager
def _api(path: Path) -> Iterator[Any]:
    """The official interface to the folder, whose unpickler is for as long replaced by one that runs nothing."""
    original = api_utils.pickle
    api_utils.pickle = SimpleNamespace(load=files.read_pickle)
    try:
        demand((path / f"meta.{api_utils.PICKLE_EXT}").is_file(), "bench.source", f"a NATS-Bench folder {FOLDER}", path)
        yield nats_bench.create(str(path), "tss", fast_mode=True, verbose=False)
    finally:
        api_utils.pickle = original
