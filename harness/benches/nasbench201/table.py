"""Ground truth from tables of the benchmark's final accuracies: `nb201.parquet`, and NASGraph's public CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from harness import files
from harness.benches import parquet
from harness.benches.nasbench201 import space
from harness.benches.nats.spaces import TSS
from harness.files import Download
from harness.schema import BadInput, Truth, demand

if TYPE_CHECKING:
    import pandas as pd

SEEDS = ("777", "888", "999")
Protocol = tuple[str, str, int]  # training set, split, epochs of the schedule
Value = TypeVar("Value")

PARQUET = "nb201.parquet"
_SHORT = {"cifar100": "c100", "imagenet16-120": "in16"}
PARQUET_COLUMNS: dict[Protocol, dict[str, str]] = {  # column of the truth: column of the file
    ("cifar10-valid", "valid", 200): {seed: f"c10v_valid_200_s{seed}" for seed in SEEDS},
    ("cifar10-valid", "test", 200): {"mean": "c10v_test_200_mean_v11"},
    ("cifar10-valid", "valid", 12): {"mean": "c10v_valid_12"},
    ("cifar10", "test", 200): {"mean": "c10_test_200_mean"},
    ("cifar10", "test", 12): {"mean": "c10_test_12"},
}
for _set, _name in _SHORT.items():
    PARQUET_COLUMNS |= {
        (_set, "valid", 200): {"mean": f"{_name}_valid_200_mean_v11"},
        (_set, "test", 200): {"mean": f"{_name}_test_200_mean"},
        (_set, "valtest", 200): {seed: f"{_name}_valtest_200_s{seed}" for seed in SEEDS},
        (_set, "valid", 12): {"mean": f"{_name}_valid_12"},
        (_set, "test", 12): {"mean": f"{_name}_test_12"},
    }

_COMMIT = "1f8fd621c60a48728fcc890818b6b94eee62e4dc"
_SITE = f"https://raw.githubusercontent.com/Zhenhan-Huang/NASGraph-Public/{_COMMIT}/data"
CSVS = {  # training set: file
    train_set: Download(name, f"sha256:{sha256}", (f"{_SITE}/{name}",))
    for train_set, name, sha256 in (
        (
            "cifar10-valid",
            "nasbench201_cifar10.csv",
            "c82e70b5ffb0dba0f09d88ecc8df5a6d3ce8da8a99ad223285104f4537314033",
        ),
        ("cifar100", "nasbench201_cifar100.csv", "87a42005d7005fdb5e4a938ed83dd306d907523f23e70af907dfd276dd5fe35d"),
        (
            "imagenet16-120",
            "nasbench201_ImageNet16-120.csv",
            "f5225573584977b283f473b0ded7fe51ae599a67063b3bd02b18de36b29fcd6b",
        ),
    )
}
_CSV_COLUMNS = {"valid": "validation accuracy", "test": "test accuracy"}


def find(train_set: str, split: str, epochs: int, data: str | None) -> Truth:
    """From `nb201.parquet` if it is in the data folder `data`, else from the public CSV file (see below)."""
    if path := files.find(data, PARQUET):
        return from_parquet(path, train_set, split, epochs)
    return from_csv(data, train_set, split, epochs)


def from_parquet(path: Path, train_set: str, split: str, epochs: int) -> Truth:
    """Accuracies in `nb201.parquet`: one column per seed where seeds are recorded separately, else one column "mean".

    The training set, the split ("valtest" is validation and test images together) and the schedule's epochs must be
    named exactly. Raises BadInput, with the recorded protocols, for a protocol that the file does not have.
    """
    columns = chosen(PARQUET_COLUMNS, (train_set, split, epochs), path.name)
    table = _parquet(path, [*columns.values()])
    accuracy = checked(table[[*columns.values()]].set_axis([*columns], axis=1), str(path))
    source = f"{path.name}, {', '.join(columns.values())}"
    return Truth(accuracy, train_set, split, epochs, source, indices(path))


def from_csv(data: str | None, train_set: str, split: str, epochs: int) -> Truth:
    """Final accuracies from NASGraph's CSV files, the mean over the recorded seeds (the files do not state which).

    The file is looked up in the data folder `data` and downloaded if missing (see harness/files). The
    file named cifar10 is the benchmark's cifar10-valid training. Raises BadInput for a protocol no file has.
    """
    known = {(name, split, 200): csv for name, csv in CSVS.items() for split in _CSV_COLUMNS}
    download = chosen(known, (train_set, split, epochs), "the NASGraph CSV files")
    (path,) = files.fetch([download], data, "nasbench201-table")
    column = _CSV_COLUMNS[split]
    accuracy = checked(_csv(path, [column]).set_axis(["mean"], axis=1), str(path))
    source = f"{path.name} (NASGraph-Public {_COMMIT[:7]}), {column}"
    return Truth(accuracy, train_set, split, epochs, source, indices(path))


def indices(path: Path) -> dict[str, int]:
    """Index in the benchmark's official order of every architecture string of such a file."""
    if path.suffix == ".csv":
        return {name: place for place, name in enumerate(_csv(path, []).index)}
    places = _parquet(path, ["arch_index"])["arch_index"]
    sound = places.notna().all() and (places == places.round()).all() and places.between(0, TSS.total - 1).all()
    demand(bool(sound), "bench.source", f"a table with official indices 0 to {TSS.total - 1} as arch_index", str(path))
    return dict(zip(places.index, places.astype(int), strict=True))


def chosen(known: dict[Protocol, Value], request: Protocol, source: str) -> Value:
    """The entry of `known` for the request. Raises BadInput, with the recorded protocols, where there is none."""
    protocols = "; ".join(f"{train_set} {split} {epochs}" for train_set, split, epochs in known)
    key = "bench.train_set, bench.target_split, bench.target_epochs"
    demand(request in known, key, f"a protocol of {source} ({protocols})", " ".join(map(str, request)))
    return known[request]


def checked(accuracy: pd.DataFrame, source: str) -> pd.DataFrame:
    """The same table, validated: every name a cell, each once, every value nan or a percentage above 0.

    Chance level is 0.83 % or more, so 0 is a failed or missing record and not an accuracy. Raises BadInput.
    """
    for name in accuracy.index:
        try:
            space.parse(name)
        except ValueError as error:
            raise BadInput(f"bench.source: {source}: {error}") from error
    twice = accuracy.index[accuracy.index.duplicated()]
    demand(
        not len(twice),
        "bench.source",
        "a table with each architecture once",
        f"{source} with duplicates of {list(twice[:1])}",
    )
    for column, values in accuracy.items():
        wrong = values[values.notna() & ~((values > 0) & (values <= 100))]
        wanted = f"a table of accuracies above 0 and up to 100 percent in column {column}"
        demand(wrong.empty, "bench.source", wanted, f"{source} with {wrong.head(1).to_dict()}")
    return accuracy


def _parquet(path: Path, columns: list[str]) -> pd.DataFrame:
    """These columns, indexed by architecture string."""
    table = parquet.read(path, ["arch_str", *columns], "bench.source")
    text = table.schema.field("arch_str").type
    numbers = all(_is_number(table.schema.field(column).type) for column in columns)
    sound = (
        len(table) <= TSS.total
        and not table["arch_str"].null_count
        and (pa.types.is_string(text) or pa.types.is_large_string(text))
        and numbers
    )
    demand(
        sound,
        "bench.source",
        f"a table of up to {TSS.total} architecture strings with numbers in {path}",
        f"{len(table)} rows",
    )
    frame: pd.DataFrame = table.to_pandas().set_index("arch_str")
    return frame


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """These columns, indexed by architecture string, in the official order, which `file id` has to state."""
    import pandas as pd

    try:
        table = pd.read_csv(path, usecols=["file id", "arch str", *columns])
        order = table["file id"].to_list()
        demand(
            order == list(range(len(table))),
            "bench.source",
            "a table with file ids 0, 1, ...",
            f"{path} with {order[:3]}",
        )
        return table.set_index("arch str")[columns].astype(float)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"bench.source: must be a NASGraph table (got {path} ({error}))") from error
