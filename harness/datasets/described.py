"""Image sets without a benchmark's constants: mean and deviation come from their own training images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.files import Download
from harness.files.cache import expanded
from harness.schema import ImageSet, demand

from .pixels import moments
from .subset import Labelled
from .untrained_classes import with_warning

BENCHMARK = ("cifar10", "cifar10-valid", "cifar100", "imagenet16-120")
"""Data set names under which NAS-Bench-201 and NATS-Bench have accuracies, valid for their own images only."""


def demand_own_name(name: str) -> None:
    """Raise BadInput if a user's images have a name that would select the benchmark's ground truth."""
    wanted = f"another name than {', '.join(BENCHMARK)} (names with benchmark accuracies)"
    demand(name not in BENCHMARK, "dataset.name", wanted, name)


def demand_checksum(checksum: str | None) -> None:
    """Raise BadInput for what is not "sha256:" or "md5:" with its hexadecimal digits (or None)."""
    written = checksum is None or re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", checksum) is not None
    demand(written, "dataset.checksum", "sha256: or md5: and its hexadecimal digits (or null)", checksum)


def own_file(path: str, checksum: str | None) -> Download | str:
    """A user's file at `path` (in the data folder, or absolute), verified if its `checksum` is known."""
    name = str(expanded(path))
    return Download(name, checksum, ()) if checksum else name


def numbered(labels: Mapping[str, NDArray[Any]]) -> tuple[dict[str, NDArray[np.int64]], NDArray[Any]]:
    """Class numbers of each part's labels (integers or text), and the classes: the training labels in their order.

    Raises BadInput for fewer than two classes and for a label that is in no training image.
    """
    known = np.unique(labels["train"])
    demand(len(known) >= 2, "dataset.path", "a file with at least two classes of training images", known.tolist())
    numbers = {}
    for part, given in labels.items():
        strange = np.setdiff1d(given, known)
        demand(not len(strange), "data", f"{part} labels among the training labels",
               f"{', '.join(map(str, strange[:10].tolist()))}, in no training image")  # fmt: skip
        numbers[part] = np.searchsorted(known, given).astype(np.int64)
    return numbers, known


def described(name: str, parts: Mapping[str, Labelled], classes: int, flip: bool, crop: int) -> ImageSet:
    """The image set of these parts (train, valid, test), with mean and deviation of its training images."""
    mean, std = moments(parts["train"][0])
    images = ImageSet(name, parts["train"], parts["valid"], parts["test"], classes, mean, std, flip, crop)
    return with_warning(images)
