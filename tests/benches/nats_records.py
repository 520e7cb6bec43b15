"""Small archives in the true format, written with the official package's own classes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from nats_bench import ArchResults, ResultsCount, pickle_save

from harness.benches.nats import spaces
from harness.benches.nats.spaces import SPLITS, TRAIN, TRAIN_SETS, Space

SEEDS = {("tss", 200): [777, 888, 999], ("tss", 12): [111], ("sss", 12): [777, 888, 999]}
NAMES = {
    "tss": [
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
        "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|",
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|",
    ],
    "sss": [f"8:8:8:8:{width}" for width in range(8, 56, 8)],
}


def figure(place: int, train_set: str, split: str, epochs: int, seed: int, epoch: int) -> float:
    """The accuracy (percent) that the archive records there; all are different."""
    which = [TRAIN, "x-valid", "x-test", "ori-test"].index(split)
    step = 0.001 * list(TRAIN_SETS).index(train_set) + 0.007 * which + 0.0001 * (seed % 7) + 0.00001 * (epochs % 11)
    return 5 + 12 * place + 10 * (epoch + 1) / epochs + step


def loss(accuracy: float) -> float:
    """The loss (nats) beside it."""
    return 5 - accuracy / 25


def trainings(space: Space, epochs: int, left_out: tuple[int, ...] = ()) -> list[tuple[str, int]]:
    """(training set, seed) of every training of that schedule."""
    seeds = [seed for seed in SEEDS.get((space.name, epochs), [777]) if seed not in left_out]
    return [(train_set, seed) for train_set in TRAIN_SETS for seed in seeds]


def record(space: Space, place: int, name: str, left_out: tuple[int, ...] = ()) -> dict[str, dict]:
    """What the archive keeps of one architecture, the seeds `left_out` missing."""
    found = {}
    for epochs, key in space.schedules.items():
        results = ArchResults(place, name)
        for train_set, seed in trainings(space, epochs, left_out):

            def curve(split: str, *, whole: bool = True, t: str = train_set, s: int = seed, n: int = epochs) -> dict:
                return {e: figure(place, t, split, n, s, e) for e in range(n) if whole or e == n - 1}

            official = TRAIN_SETS[train_set]
            train = curve(TRAIN)
            losses = {e: loss(value) for e, value in train.items()}
            config = {"channel": 16, "num_cells": 5, "arch_str": name, "class_num": 10}
            result = ResultsCount(
                official, None, train, losses, 0.129306, 15.64737, config, f"{seed:04d}", epochs, [0.0139]
            )
            for split in SPLITS[train_set].values():
                values = curve(split, whole=split in space.every_epoch[train_set, epochs])
                result.update_OLD_eval(split, values, {e: loss(value) for e, value in values.items()})
                result.reset_pseudo_eval_times(split, 1.5)
            result.reset_pseudo_train_times(7.5)
            results.update(official, seed, result)
        found[key] = results.state_dict()
    return found


def write(
    folder: Path,
    space: Space = spaces.TSS,
    places: tuple[int, ...] = (0, 2, 4),
    left_out: dict[int, tuple] | None = None,
) -> Path:
    """An archive below `folder`; the seeds `left_out` of some of its `places` are missing. Returns its path."""
    path = folder / space.folder
    path.mkdir(parents=True)
    names = NAMES[space.name]
    pickle_save({"meta_archs": names, "total_archs": len(names), "arch2infos": None}, path / "meta.pickle")
    for place in places:
        packed = _packed(space.name, place, (left_out or {}).get(place, ()))
        (path / f"{place:06d}.pickle.pbz2").write_bytes(packed)
    return path


@cache
def _packed(name: str, place: int, left_out: tuple[int, ...]) -> bytes:
    """The file of a record. Packing takes most of the time of a test, and the same few are asked for again."""
    space = {each.name: each for each in (spaces.TSS, spaces.SSS)}[name]
    with TemporaryDirectory() as folder:
        return put(Path(folder), space, place, record(space, place, NAMES[name][place], left_out)).read_bytes()


def put(path: Path, space: Space, place: int, content: object) -> Path:
    """Store one record; returns its file."""
    pickle_save(content, path / f"{place:06d}.pickle")
    return path / f"{place:06d}.pickle.pbz2"
