"""Damaged archives, tables and curves, by the hundred: a right result or one clear line, nothing run."""

from __future__ import annotations

import bz2
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from harness.benches import tabulated
from harness.benches.nasbench201 import curves, table
from harness.benches.nats import archive, converted, spaces
from harness.benches.nats.convert import convert
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.benches.tabulated import write
from harness.schema import BadInput, StoredCurves, Truth
from tests.benches import nats_records
from tests.benches.nats_records import NAMES

GROWTH = 2**30
"""Bytes that all of it together may add to the memory of the process."""

Damage = tuple[str, float, int]
ABSURD = [0, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1]
DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "set", "drop", "double", "head", "tail"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(st.integers(0, 255), st.sampled_from(ABSURD)),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damage: list[Damage]) -> bytes:
    """The same bytes, damaged here and there; "head" and "tail" is where formats keep their sizes."""
    found = bytearray(content)
    for kind, where, value in damage:
        if not found:
            break
        span = min(len(found), 400)
        start = len(found) - span if kind == "tail" else 0
        place = start + int(where * span) if kind in ("head", "tail") else int(where * len(found))
        absurd = value.to_bytes(8, "little") if value > 255 else bytes([value])
        if kind == "flip":
            found[place] ^= 1 << (value % 8)
        elif kind == "cut":
            del found[place:]
        elif kind == "drop":
            del found[place : place + 1 + value % 16]
        elif kind == "double":
            found[place:place] = found[place : place + 1 + value % 64]
        else:
            found[place : place + len(absurd)] = absurd
    return bytes(found)


@dataclass(frozen=True)
class Reader:
    """A file, and what reads it; `pack` and `unpack` lay open what its packing would shield from damage."""

    path: Path
    use: Callable[[], None]
    unpack: Callable[[bytes], bytes] = bytes
    pack: Callable[[bytes], bytes] = bytes


def _sound(truth: Truth, names: list[str]) -> None:
    values = truth.accuracy.to_numpy()
    assert set(truth.accuracy.index) <= set(names) and not truth.accuracy.index.has_duplicates
    assert (np.isnan(values) | ((values >= 0) & (values <= 100))).all()


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    data = tmp_path_factory.mktemp("hostile")
    folder = nats_records.write(data, spaces.SSS, (0, 2))
    nats_records.put(folder, spaces.SSS, 2, {"01": nats_records.record(spaces.SSS, 2, NAMES["sss"][2])["01"]})
    out = convert("sss", folder, data).folder

    def record() -> None:
        for one in archive.opened(folder, spaces.SSS).read(2):
            assert one.train_set in spaces.TRAIN_SETS and one.epochs in spaces.SSS.schedules
            for curve in one.splits.values():
                assert len(curve.accuracy) == len(curve.loss) == len(curve.seconds) == one.epochs
                assert (np.isnan(curve.accuracy) | ((curve.accuracy >= 0) & (curve.accuracy <= 100))).all()

    def tables() -> None:
        found = converted.opened(out, spaces.SSS)
        _sound(found.truth("cifar100", "test", 1), NAMES["sss"])
        assert found.curve("cifar10", "train", 12, 0)["accuracy"].dropna().between(0, 100).all()

    own = data / "own.parquet"
    rows = [[name, s, e, 1.0, 1.0, 50.0, 1.0, 60.0] for name in NAMES["sss"] for s in (0, 1) for e in (1, 2)]
    about = {"dataset": "tiny", "dataset_fingerprint": "f", "made_by": "t", "network": {"space": "natsbench_sss"}}
    write(own, pd.DataFrame(rows, columns=list(tabulated.COLUMNS)), about)

    finals, columns = data / table.PARQUET, {"arch_index": range(6), "arch_str": NAMES["tss"]}
    columns |= {column: [50.0] * 6 for protocol in table.PARQUET_COLUMNS.values() for column in protocol.values()}
    pd.DataFrame(columns).to_parquet(finals)

    published = data / curves.CURVES
    half = np.full((3, 200), 50, np.float32)
    np.savez(published, arch_index=np.array([1, 3, 4]), train_acc=half, valid_acc=half)

    def stored() -> None:
        found = curves.stored_curves("cifar10-valid", StoredCurves("curves"), str(data))
        assert all(len(trace.table) == 201 for trace in found.traces.values())

    packed = folder / "000002.pickle.pbz2"
    return {
        "packed record": Reader(packed, record),
        "record": Reader(packed, record, bz2.decompress, bz2.compress),
        "list of architectures": Reader(folder / "meta.pickle.pbz2", record, bz2.decompress, bz2.compress),
        "converted finals": Reader(out / "finals.parquet", tables),
        "converted curves": Reader(out / "curves.parquet", tables),
        "table of one's own": Reader(
            own, lambda: _sound(NatsBenchSize(source=str(own)).truth("tiny", "f", None), NAMES["sss"])
        ),
        "table of finals": Reader(
            finals, lambda: _sound(table.from_parquet(finals, "cifar100", "test", 200), NAMES["tss"])
        ),
        "published curves": Reader(published, stored),
    }


READERS = ("packed record", "record", "list of architectures", "converted finals", "converted curves",
           "table of one's own", "table of finals", "published curves")  # fmt: skip


def _fuzz(reader: Reader, examples: int) -> dict[str, int]:
    """How many damaged files were refused, and how many read all the same."""
    content = reader.path.read_bytes()
    inside = reader.unpack(content)
    reader.use()
    counts = {"refused": 0, "read": 0}
    lines: list[str] = []

    @seed(0)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(DAMAGE)
    def attack(damage: list[Damage]) -> None:
        reader.path.write_bytes(reader.pack(damaged(inside, damage)))
        try:
            reader.use()
            counts["read"] += 1
        except BadInput as error:
            counts["refused"] += 1
            lines.append(str(error))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        attack()
    finally:
        reader.path.write_bytes(content)
    assert all("\n" not in line and len(line) < 2000 for line in lines)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < GROWTH
    return counts


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_refused_in_one_line_or_read_right(name: str, readers: dict[str, Reader]) -> None:
    counts = _fuzz(readers[name], 25)
    assert counts["refused"] > 3


@pytest.mark.real
@pytest.mark.parametrize("name", READERS)
def test_thousands_of_damaged_files(name: str, readers: dict[str, Reader]) -> None:
    counts = _fuzz(readers[name], 1200)
    assert sum(counts.values()) >= 1000 and counts["refused"] > 300


def test_the_damage_is_real() -> None:
    assert damaged(b"abcdef", [("flip", 0.5, 0)]) == b"abcef"[:3] + b"eef"
    assert damaged(b"abcdef", [("cut", 0.5, 0)]) == b"abc"
    assert damaged(b"abcdef", [("set", 0.0, 2**40)])[:8] == (2**40).to_bytes(8, "little")
