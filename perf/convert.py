"""Time a record, memory and size of a conversion, measured on a NATS-Bench archive that is made up here.

    python -m perf.convert [tss|sss] [records] [workers]

The records are written in the archive's own format with the API's own classes. Where $HARNESS_DATA holds genuine
records they are those, each figure moved by noise of the size that seeds differ by, on the grid that its number of
images allows; else their curves are drawn. What is measured is projected to the whole space.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from nats_bench import ArchResults, ResultsCount, pickle_save

from harness.benches.nasbench201.space import every_cell
from harness.benches.nats import archive, converted, spaces
from harness.benches.nats.convert import convert
from harness.benches.nats.record import Curve, Training

IMAGES = {"train": 50_000, "x-valid": 5_000, "x-test": 5_000, "ori-test": 10_000}
SEEDS = {("tss", 12): [111], ("tss", 200): [777, 888, 999], ("sss", 12): [777, 888, 999]}
Random = np.random.Generator


def drawn(space: spaces.Space, random: Random) -> list[Training]:
    """The trainings of one architecture as the archive has them, with saturating curves."""
    trainings = []
    for (train_set, epochs), every in space.every_epoch.items():
        for seed in SEEDS.get((space.name, epochs), [777]):
            splits = {}
            for split in ("train", *spaces.SPLITS[train_set].values()):
                time_ = np.arange(1, epochs + 1) / epochs
                accuracy = 10 + 80 * (1 - np.exp(-5 * time_)) + random.normal(0, 0.5, epochs)
                loss = 4 * np.exp(-2 * time_) + random.normal(0, 0.01, epochs) + 0.1
                if split not in ("train", *every):
                    accuracy[:-1] = loss[:-1] = np.nan
                splits[split] = Curve(accuracy, loss, np.full(epochs, random.uniform(5, 50)))
            trainings.append(Training(train_set, epochs, seed, 129_306, 15_647_370, 0.0139, splits))
    return trainings


def moved(training: Training, random: Random) -> Training:
    """The same training with other figures."""
    splits = {}
    for split, curve in training.splits.items():
        grid = 100 / IMAGES[split]
        accuracy = np.clip(curve.accuracy + random.normal(0, 0.5, training.epochs), 1, 99.9)
        loss = np.abs(curve.loss * random.normal(1, 0.02, training.epochs))
        splits[split] = Curve(np.round(accuracy / grid) * grid, loss, curve.seconds * random.uniform(0.5, 2))
    return Training(training.train_set, training.epochs, training.seed, training.params, training.flops, 0.0139, splits)


def state(space: spaces.Space, place: int, name: str, trainings: list[Training]) -> dict[str, object]:
    """These trainings as the archive keeps them: a state dict of the API's results for each schedule."""
    found = {}
    for epochs, key in space.schedules.items():
        results = ArchResults(place, name)
        for one in (training for training in trainings if training.epochs == epochs):
            train, official = one.splits["train"], spaces.TRAIN_SETS[one.train_set]
            losses, accuracies, times = (
                dict(enumerate(map(float, v))) for v in (train.loss, train.accuracy, train.seconds)
            )
            config = {"name": space.name, "arch_str": name, "class_num": spaces.IMAGES[one.train_set][1]}
            result = ResultsCount(
                official,
                None,
                accuracies,
                losses,
                one.params / 1e6,
                one.flops / 1e6,
                config,
                f"{one.seed:04d}",
                epochs,
                [one.latency],
            )
            result.update_train_info(accuracies, None, losses, times)
            for split, curve in one.splits.items():
                if split != "train":
                    there = {e: float(a) for e, a in enumerate(curve.accuracy) if np.isfinite(a)}
                    result.update_OLD_eval(split, there, {e: float(curve.loss[e]) for e in there})
                    result.reset_pseudo_eval_times(split, float(np.nanmean(curve.seconds)))
            results.update(official, one.seed, result)
        results.clear_params()
        found[key] = results.state_dict()
    return found


def write(space: spaces.Space, folder: Path, count: int) -> str:
    """An archive of `count` records in `folder`; returns what they were made from."""
    random = np.random.default_rng(0)
    widths = product(range(8, 65, 8), repeat=5)
    every = map(str, every_cell()) if space.name == "tss" else (":".join(map(str, w)) for w in widths)
    names = [name for name, _ in zip(every, range(space.total), strict=False)]
    found = archive.folder(space, os.environ.get("HARNESS_DATA"))
    genuine = [trainings for _, trainings in archive.opened(found, space)] if found else []
    pickle_save({"meta_archs": names, "total_archs": len(names)}, folder / "meta.pickle")
    for place in range(count):
        base = genuine[place % len(genuine)] if genuine else drawn(space, random)
        pickle_save(
            state(space, place, names[place], [moved(one, random) for one in base]), folder / f"{place:06d}.pickle"
        )
    return f"{len(genuine)} genuine records" if genuine else "drawn curves"


def memory() -> float:
    """Peak resident memory so far in MB, of this process and of the largest of its children."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def processor() -> float:
    """Seconds of processor time so far, of this process and of its finished children."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def timed(what: str, count: int = 5) -> Iterator[None]:
    """Prints the least of `count` times."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        yield
        times.append(time.perf_counter() - begin)
    print(f"{what}: {1000 * min(times):.0f} ms")


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the archive, convert it, read it."""
    parser = argparse.ArgumentParser(prog="python -m perf.convert", description="Times of a conversion of NATS-Bench.")
    parser.add_argument("space", nargs="?", choices=spaces.SPACES, default="tss", help="(default: tss)")
    parser.add_argument("records", nargs="?", type=int, default=2000, help="(default: 2000)")
    parser.add_argument("workers", nargs="?", type=int, default=1, help="processes (default: 1)")
    asked = parser.parse_args(arguments)
    space, count = spaces.SPACES[asked.space], asked.records
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / space.folder, Path(place) / "data"
        folder.mkdir()
        begin = time.perf_counter()
        made = write(space, folder, count)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{count} records from {made}: {size / 1e6:.0f} MB, written in {time.perf_counter() - begin:.0f} s")
        before, cpu = memory(), processor()
        summary = convert(asked.space, folder, out, workers=asked.workers)
        factor = space.total / count
        print(f"{summary}, {asked.workers} process(es); {1000 * summary.seconds / count:.1f} ms a record")
        print(f"processor time {1000 * (processor() - cpu) / count:.1f} ms a record")
        print(f"peak memory {memory():.0f} MB (before: {before:.0f} MB)")
        minutes, megabytes = factor * summary.seconds / 60, factor * summary.size / 1e6
        print(f"projected to {space.total:,}: {minutes:.1f} min, {megabytes:.0f} MB")
        for path in sorted(summary.folder.iterdir()):
            print(f"  {path.name}: {path.stat().st_size / 1e6:.1f} MB")
        tables = converted.needed(space, str(out))
        for _ in timed("open the tables"):
            converted.needed(space, str(out))
        for _ in timed("a whole table of final accuracies"):
            tables.truth("cifar100", "test", space.longest)
        for _ in timed("one architecture's curve"):
            tables.curve("cifar10-valid", "x-valid", space.longest, count // 2)
        for _ in timed("every architecture's curve"):
            tables.curve("cifar10-valid", "x-valid", space.longest)


if __name__ == "__main__":
    main()
