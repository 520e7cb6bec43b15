"""The two search spaces of NATS-Bench, and which training sets, splits and epochs their archives recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.schema import BadInput, demand

TRAIN_SETS = {name.lower(): name for name in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")}
"""The archive's own name of each training set."""

IMAGES = {
    "cifar10-valid": (32, 10, 25_000),
    "cifar10": (32, 10, 50_000),
    "cifar100": (32, 100, 50_000),
    "imagenet16-120": (16, 120, 151_700),
}
"""Side in pixels, classes and training images of each."""

UPDATES = {name: -(-count // 256) for name, (_, _, count) in IMAGES.items()}
"""Updates per epoch, in batches of 256."""

DEFAULT_TRAIN_SET = {"cifar10": "cifar10-valid"}
"""The protocol with validation images, for a data set that has two."""

SPLITS = {
    "cifar10-valid": {"valid": "x-valid", "test": "ori-test"},
    "cifar10": {"test": "ori-test"},
    "cifar100": {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
    "imagenet16-120": {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
}
"""Split: the archive's own name. `ori-test` is the official test set: for the last two, x-valid and x-test."""

TRAIN = "train"
"""The training images, whose running accuracy is recorded after each epoch of every training."""

_ALL_EVERY_EPOCH = {name: tuple(splits.values()) for name, splits in SPLITS.items()}
_OPERATION = r"(none|skip_connect|nor_conv_1x1|nor_conv_3x3|avg_pool_3x3)"
_NODES = [r"\|".join(f"{_OPERATION}~{source}" for source in range(node)) for node in (1, 2, 3)]
_CELL = r"\+".join(rf"\|{node}\|" for node in _NODES)
_WIDTH = "(8|16|24|32|40|48|56|64)"


@dataclass(frozen=True)
class Space:
    """One space: `base` is the official files' common name, `schedules` the archive's key of a schedule by its epochs.

    `every_epoch` lists the splits, besides the training images, whose accuracy is recorded after each epoch of a
    (training set, epochs); the others are recorded after the last epoch only.
    """

    name: str
    bench: str
    base: str
    total: int
    schedules: Mapping[int, str]
    every_epoch: Mapping[tuple[str, int], tuple[str, ...]]
    pattern: re.Pattern[str]

    @property
    def folder(self) -> str:
        """Name of the official fast-mode folder."""
        return f"{self.base}-simple"

    @property
    def kind(self) -> str:
        """The benchmark's word for what its architectures differ in."""
        return "topology" if self.name == "tss" else "size"

    @property
    def longest(self) -> int:
        """Epochs of the full schedule."""
        return max(self.schedules)

    def official(self, train_set: str, split: str, key: str) -> str:
        """The archive's name of a split, which may be given as "valid", "test", "valtest" or by that name.

        Raises BadInput, naming `key` and the alternatives, for a training set or split that is not recorded.
        """
        demand(train_set in SPLITS, key, f"a training set of the benchmark ({', '.join(SPLITS)})", train_set)
        known = SPLITS[train_set]
        if train_set == "cifar10" and split in ("valid", "x-valid"):
            raise BadInput(
                f"{key}: must be test or train for cifar10, which trains on all 50,000 (got {split!r});"
                " cifar10-valid trains on 25,000 images and validates on the others"
            )
        names = ", ".join(f"{name} = {official}" for name, official in known.items())
        wanted = f"a split of {train_set} ({names}, {TRAIN})"
        demand(split in {TRAIN, *known, *known.values()}, key, wanted, split)
        return known.get(split, split)

    def demand_schedule(self, epochs: int, key: str) -> None:
        """Raise BadInput unless the benchmark trained with a schedule of this many epochs."""
        known = " or ".join(map(str, sorted(self.schedules)))
        demand(epochs in self.schedules, key, f"a schedule of {self.bench} ({known} epochs)", epochs)

    def demand_epoch(self, train_set: str, split: str, epochs: int, epoch: int, key: str) -> None:
        """Raise BadInput unless the accuracy on `split`, an official name, is recorded after epoch `epoch` (from 0)."""
        demand(0 <= epoch < epochs, key, f"an epoch from 0 to {epochs - 1}", epoch)
        each = (TRAIN, *self.every_epoch[train_set, epochs])
        if split not in each and epoch != epochs - 1:
            whole = [n for n in self.schedules if split in self.every_epoch[train_set, n]]
            other = f"; the schedule of {' and '.join(map(str, whole))} epochs has it after each epoch" if whole else ""
            recorded = ", ".join(meaning(train_set, one) for one in each)
            raise BadInput(
                f"{key}: must be {epochs - 1} (got {epoch}); {split} of {train_set} with {epochs} epochs is recorded"
                f" after the last epoch only; after each epoch: {recorded}{other}"
            )


def official_name(dataset: str) -> str:
    """The name as the benchmark writes it; ImageNet16-120 and imagenet16_120 are accepted as well."""
    folded = dataset.lower().replace("_", "-")
    return folded if folded in SPLITS else dataset


def meaning(train_set: str, split: str) -> str:
    """The official name of a split, with an explanation where it misleads."""
    return "ori-test (the test images of both halves, x-valid and x-test)" if _both(train_set, split) else split


def _both(train_set: str, split: str) -> bool:
    return split == "ori-test" and "x-test" in SPLITS[train_set].values()


TSS = Space(
    "tss", "nasbench201", "NATS-tss-v1_0-3ffb9", 15_625, {200: "200", 12: "12"},
    {
        ("cifar10-valid", 200): ("x-valid",),
        ("cifar10", 200): ("ori-test",),
        ("cifar100", 200): ("ori-test",),
        ("imagenet16-120", 200): ("ori-test",),
    } | {(name, 12): splits for name, splits in _ALL_EVERY_EPOCH.items()},
    re.compile(_CELL),
)  # fmt: skip
SSS = Space(
    "sss", "natsbench_sss", "NATS-sss-v1_0-50262", 32_768, {90: "90", 12: "12", 1: "01"},
    {(name, epochs): splits for name, splits in _ALL_EVERY_EPOCH.items() for epochs in (90, 12, 1)},
    re.compile(":".join([_WIDTH] * 5)),
)  # fmt: skip
SPACES: dict[str, Space] = {space.name: space for space in (TSS, SSS)}


def space_of(name: str, key: str) -> Space:
    """The space of this name: "tss", "sss", or its benchmark's. Raises BadInput for another."""
    known = [space for space in SPACES.values() if name in (space.name, space.bench)]
    demand(bool(known), key, f"a space of NATS-Bench ({', '.join(SPACES)})", name)
    return known[0]
