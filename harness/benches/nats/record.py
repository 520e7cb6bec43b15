"""One record of a NATS-Bench archive: every recorded training run of one architecture, fully validated."""

from __future__ import annotations

import bz2
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nats_bench import ArchResults
from numpy.typing import NDArray

from harness import files
from harness.schema import BadInput, demand

from .spaces import SPLITS, TRAIN, TRAIN_SETS, Space

LIMIT = 2 * 2**20
"""Bytes of an unpacked record, six times the largest official one: unpickled it stays below half a GB."""

META_LIMIT = 8 * 2**20
"""The same for the list of architectures; the official one has 1.4 MB."""

TRIALS = 10
"""Largest number of seeds per training set; official records have three."""

ROUNDING = 1e-6
"""Tolerance by which a recorded mean of percentages may exceed 100."""

_OURS = {official: ours for ours, official in TRAIN_SETS.items()}
_TRIAL = (
    "name", "seed", "epochs", "params", "flop", "latency", "train_acc1es", "train_losses", "train_times",
    "eval_acc1es", "eval_losses", "eval_times",
)  # fmt: skip
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Values recorded on one split after each epoch, (epochs,) each, nan where none was recorded.

    `accuracy` in percent, `loss` in nats, `seconds` of that epoch's training (of the split "train") or evaluation.
    """

    accuracy: Values
    loss: Values
    seconds: Values


@dataclass(frozen=True)
class Training:
    """One recorded training run: `splits` by official name, including "train".

    `params` is the number of parameters, `flops` multiply-adds, `latency` seconds per batch of 256 on the authors'
    machine, or nan.
    """

    train_set: str
    epochs: int
    seed: int
    params: float
    flops: float
    latency: float
    splits: Mapping[str, Curve]


def read(path: Path, place: int, name: str, space: Space) -> list[Training]:
    """Every training run in the record at `path`, which must be that of architecture `name`, number `place`.

    Sorted by training set, schedule and seed, the longest schedule first. Raises BadInput, naming the file and
    the fault, for anything else than such a record; nothing in it is executed.
    """
    try:
        return _trainings(unpickled(path, LIMIT), place, name, space)
    except BadInput as error:
        raise BadInput(f"data: {path}, architecture {place}: {str(error).removeprefix('data: ')}") from error


def unpickled(path: Path, limit: int) -> Any:
    """The content of the bz2-compressed pickle at `path`: plain values of at most `limit` bytes."""
    try:
        size = path.stat().st_size
        demand(0 < size <= limit, "data", f"a file of up to {limit} bytes", f"{size} bytes")
        unpacker = bz2.BZ2Decompressor()
        content = unpacker.decompress(path.read_bytes(), max_length=limit + 1)
    except OSError as error:
        raise BadInput(f"data: must be a bz2 file (got {type(error).__name__}: {error})") from error
    demand(len(content) <= limit, "data", f"at most {limit} bytes when unpacked", "more")
    demand(
        unpacker.eof and not unpacker.unused_data, "data", "one complete bz2 stream", "a truncated or concatenated one"
    )
    try:
        return files.read_pickle(io.BytesIO(content))
    except (RecursionError, MemoryError, OverflowError) as error:
        raise BadInput(f"data: must be a whole pickle (got {type(error).__name__})") from error


def _trainings(content: Any, place: int, name: str, space: Space) -> list[Training]:
    _demand(isinstance(content, dict) and bool(content), "a mapping of schedules", type(content).__name__)
    known = {key: epochs for epochs, key in space.schedules.items()}
    wanted = f"a record with the schedules {', '.join(known)} of NATS-Bench 1.0 {space.name}"
    _demand(content.keys() <= known.keys(), wanted, [_short(key) for key in content][:4])
    found = []
    for key, state in content.items():
        trials = _results(state, place, name)
        for train_set, official in TRAIN_SETS.items():
            recorded = trials.query(official) if official in trials.get_dataset_names() else {}
            found += [_training(vars(trial), train_set, seed, known[key]) for seed, trial in recorded.items()]
    order = list(TRAIN_SETS)
    return sorted(found, key=lambda t: (order.index(t.train_set), -t.epochs, t.seed))


def _results(state: Any, place: int, name: str) -> ArchResults:
    """The API's own object of one schedule, made after its parts were validated."""
    parts = {"arch_index": int, "arch_str": str, "all_results": dict, "dataset_seed": dict}
    for part, kind in parts.items():
        _demand(
            isinstance(state, dict) and type(state.get(part)) is kind,
            f"a record with {part} of type {kind.__name__}",
            "one without",
        )
    _demand(
        all(isinstance(part, str) for part in state), "a record with named parts", [_short(part) for part in state][:4]
    )
    whose = (state["arch_index"], state["arch_str"])
    _demand(whose == (place, name), f"the record of {place}, {name!r}", (whose[0], _short(whose[1])))
    seeds = state["dataset_seed"]
    _demand(
        seeds.keys() <= _OURS.keys(),
        f"a record of the training sets {', '.join(_OURS)}",
        [_short(key) for key in seeds][:5],
    )
    wanted: set[tuple[str, int]] = set()
    for official, trials in seeds.items():
        sound = isinstance(trials, list) and len(trials) <= TRIALS and all(type(seed) is int for seed in trials)
        _demand(sound and len(set(trials)) == len(trials), f"a list of distinct seeds of {official}", _short(trials))
        wanted.update((official, seed) for seed in trials)
    results = state["all_results"]
    _demand(results.keys() == wanted, "one result per listed seed", [_short(key) for key in results][:4])
    for key, trial in results.items():
        _demand(
            isinstance(trial, dict) and set(_TRIAL) <= trial.keys(),
            f"a result of {key} with {', '.join(_TRIAL)}",
            _short(trial),
        )
        _demand(all(isinstance(part, str) for part in trial), "a result with named parts", _short(list(trial)))
        own = [str(part) if isinstance(part, (str, int)) else "" for part in (trial["name"], trial["seed"])]
        same = own[0] == key[0] and own[1].lstrip("0") == str(key[1]).lstrip("0")  # the seed is written as 0777
        _demand(same, f"the result of {key}", (_short(trial["name"]), _short(trial["seed"])))
    return ArchResults.create_from_state_dict(state)


def _training(trial: Mapping[str, Any], train_set: str, seed: int, epochs: int) -> Training:
    what = f"{train_set}, {epochs} epochs, seed {seed}"
    _demand(
        type(trial["epochs"]) is int and trial["epochs"] == epochs,
        f"a result of {epochs} epochs ({what})",
        trial["epochs"],
    )
    _demand(0 <= seed < 2**31, "a seed from 0 to 2147483647", seed)
    plain = range(epochs)
    splits = {TRAIN: _curve(trial["train_acc1es"], trial["train_losses"], trial["train_times"], plain, what)}
    evaluations = [trial["eval_acc1es"], trial["eval_losses"], trial["eval_times"]]
    keys = {split: [f"{split}@{epoch}" for epoch in plain] for split in SPLITS[train_set].values()}
    known = {key for names in keys.values() for key in names}
    for values in evaluations:
        strange = [_short(key) for key in values if key not in known] if isinstance(values, dict) else [_short(values)]
        _demand(not strange, f"evaluations on {', '.join(keys)} after {epochs} epochs or fewer ({what})", strange[:4])
    for split, names in keys.items():
        accuracies, losses, times = ({key: part[key] for key in names if key in part} for part in evaluations)
        if accuracies:
            splits[split] = _curve(accuracies, losses, times, names, what)
    latency = trial["latency"]
    recorded = latency if isinstance(latency, list) else []
    seconds = _series(dict(enumerate(recorded[:1])), range(1), f"latency of {what}")[0]
    counts = _series({key: trial[key] for key in ("params", "flop")}, ("params", "flop"), f"params and flop of {what}")
    _demand(
        bool(np.isfinite(counts).all()) and counts.max() < 1e9,
        f"a result with plausible params and flop ({what})",
        list(counts),
    )
    params, flops = np.round(1e6 * counts)
    return Training(train_set, epochs, seed, float(params), float(flops), float(seconds) or np.nan, splits)


def _curve(accuracies: Any, losses: Any, times: Any, keys: Sequence[Any], what: str) -> Curve:
    accuracy = _series(accuracies, keys, f"accuracies of {what}")
    recorded = accuracy[~np.isnan(accuracy)]
    _demand(len(recorded) == len(accuracies), f"a result without nan in the accuracies of {what}", "nan")
    _demand(
        not len(recorded) or recorded.max() <= 100 + ROUNDING,
        f"a result with accuracies up to 100 ({what})",
        recorded.max(),
    )
    loss = _series(losses, keys, f"losses of {what}")
    seconds = _series({} if times is None else times, keys, f"seconds of {what}")
    return Curve(np.minimum(accuracy, 100), loss, seconds)


def _series(values: Any, keys: Collection[Any], what: str) -> Values:
    """Recorded non-negative numbers in the order of `keys`; nan where none was recorded."""
    _demand(isinstance(values, dict) and values.keys() <= set(keys), f"{what}, one per epoch", _short(values))
    kinds = {type(value) for value in values.values()}
    sound = all(issubclass(kind, (int, float, np.floating, np.integer)) and kind is not bool for kind in kinds)
    _demand(sound, f"numbers as {what}", sorted(kind.__name__ for kind in kinds))
    try:
        series = np.array([values.get(key, np.nan) for key in keys], dtype=np.float64)
    except OverflowError as error:
        raise BadInput(f"data: {what} must be finite (got numbers beyond float64)") from error
    lowest = series[~np.isnan(series)].min(initial=0.0)
    _demand(bool(lowest >= 0), f"{what} of at least 0", lowest)
    return series


def _demand(holds: bool, wanted: str, value: object) -> None:
    demand(holds, "data", wanted, value)


def _short(value: object) -> str:
    """A short description of any value of a file."""
    if isinstance(value, (dict, list, set, tuple)) and len(value) > 3:
        return f"{type(value).__name__} of {len(value)}"
    return f"{value!r:.60}" if isinstance(value, (str, int, float, tuple, type(None))) else type(value).__name__
