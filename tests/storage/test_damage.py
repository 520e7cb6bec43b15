"""Damaged files of the store and of the ground truth: each reading gives what was written, or one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benches import tabulated
from harness.schema import Architecture, BadInput, Trace
from harness.storage.files import sidecar, write_sidecar
from harness.storage.trace_key import TraceKey
from harness.storage.traces import TraceStore

KEY = TraceKey("a", "images", {"channels": 4}, {"steps": 2}, {"m": {"x": 1}}, 0, "run", "cpu", "torch")
KEYS = [KEY, replace(KEY, seed=1), replace(KEY, architecture="b")]
FOREIGN = (
    b"",
    b"\0",
    b"PAR1",
    b"PAR1" * 9,
    b"{}",
    b"[" * 5000,
    b"\xff\xfe" * 300,
    "é\n".encode() * 40,
    b"0" * 64 + b"  x\n",
)

Mutation = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch) -> None:
    monkeypatch.setattr("os.fsync", lambda handle: None)


def mutations(seed: int, count: int, other: bytes) -> Iterator[Mutation]:
    """Ways to damage a content: flipped bits, lost ends and parts, zeros, noise, another's content, foreign ones."""
    random = np.random.default_rng(seed)

    def flip(content: bytes, times: int) -> bytes:
        changed = bytearray(content)
        for _ in range(times if content else 0):
            changed[random.integers(len(changed))] ^= 1 << int(random.integers(8))
        return bytes(changed)

    def span(content: bytes) -> tuple[int, int]:
        start = int(random.integers(len(content) + 1))
        return start, min(len(content), start + int(random.integers(1, 200)))

    def replaced(content: bytes, fill: Callable[[int], bytes]) -> bytes:
        start, end = span(content)
        return content[:start] + fill(end - start) + content[end:]

    ways: tuple[Mutation, ...] = (
        lambda content: flip(content, 1),
        lambda content: flip(content, 1),
        lambda content: flip(content, 1),
        lambda content: flip(content, int(random.integers(2, 20))),
        lambda content: content[: span(content)[0]],
        lambda content: content[span(content)[0] :],
        lambda content: replaced(content, lambda n: b"\0" * n),
        lambda content: replaced(content, lambda n: b""),
        lambda content: replaced(content, lambda n: random.bytes(n)),
        lambda content: replaced(content, lambda n: random.bytes(2 * n)),
        lambda content: other,
        lambda content: content[: len(content) // 2] + other[len(other) // 2 :],
        lambda content: FOREIGN[random.integers(len(FOREIGN))],
    )
    for _ in range(count):
        yield ways[random.integers(len(ways))]


def trace(key: TraceKey) -> Trace:
    random = np.random.default_rng([key.seed, ord(key.architecture)])
    steps = np.arange(0, 40, 4)
    vectors = [random.normal(size=4) for _ in steps]
    table = pd.DataFrame({"step": steps, "train_loss": random.normal(size=len(steps)), "vector": vectors})
    return Trace(Architecture(key.architecture, "g"), key.seed, table, 7, {"train_loss": "seconds"})


def same(one: Trace, two: Trace) -> bool:
    return repr(replace(one, table=None)) == repr(replace(two, table=None)) and (
        one.table.to_json(double_precision=15) == two.table.to_json(double_precision=15)
    )


def damage_traces(folder: Path, seed: int, count: int, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Damage one file of the store after the other; how many readings gave the trace, and how many a line."""
    store, random = TraceStore(folder), np.random.default_rng(seed)
    wanted = {key.name(): trace(key) for key in KEYS}
    for key in KEYS:
        store.write(key, wanted[key.name()])
    tally = {"right": 0, "line": 0}
    for mutate in mutations(seed, count, store.path(KEYS[1]).read_bytes()):
        path = store.path(KEY)
        vouched = bool(random.integers(8) == 0)  # a whole other file that came with a checksum
        target = path if vouched else (path, path, sidecar(path))[random.integers(3)]
        before = target.read_bytes()
        strange = (store.path(KEYS[1]).read_bytes(), store.path(KEYS[2]).read_bytes(), *FOREIGN)
        target.write_bytes(strange[random.integers(len(strange))] if vouched else mutate(before))
        if vouched:
            write_sidecar(path)
        changed = target.read_bytes() != before
        found, line = store.get(KEY), capsys.readouterr().err
        if found is not None:
            assert not line and same(found, wanted[KEY.name()]) and (target != path or vouched or not changed)
            tally["right"] += 1
        else:
            assert line.count("\n") == 1 and line.startswith(f"{path}: ") and KEY not in store, line
            tally["line"] += 1
        store.write(KEY, wanted[KEY.name()])
    assert store.missing(KEYS) == []
    return tally


def damage_tables(folder: Path, seed: int, count: int, source: Path | None = None) -> dict[str, int]:
    """Damage a table of ground truth again and again; how many readings gave the table, and how many a line."""
    path = folder / "table.parquet"
    about = {"dataset": "digits", "dataset_fingerprint": "f", "made_by": "a test", "network": {"space": "nasbench201"}}
    random = np.random.default_rng(seed)
    rows = [{"architecture": f"|{n}~0|", "seed": s, "epoch": e} for n in range(5) for s in range(2) for e in (1, 2)]
    values = random.uniform(1, 99, (len(rows), len(tabulated.COLUMNS) - 3)).astype("float32")
    curves = pd.DataFrame(rows).assign(**dict(zip(tabulated.COLUMNS[3:], values.T, strict=True)))
    other = folder / "other.parquet"
    tabulated.write(other, curves.assign(test_accuracy=curves["valid_accuracy"]), about | {"dataset_fingerprint": "g"})
    if source is None:
        tabulated.write(path, curves, about)
    else:
        path.write_bytes(source.read_bytes())
    content, wanted, tally = path.read_bytes(), tabulated.read(path), {"right": 0, "line": 0, "other table": 0}
    lines: list[str] = []
    for mutate in mutations(seed, count, other.read_bytes()):
        path.write_bytes(mutate(content))
        try:
            found = tabulated.read(path)
        except BadInput as error:
            lines.append(str(error))
            tally["line"] += 1
        else:
            swapped = found.about == tabulated.read(other).about  # a whole table, of other images: refused as such
            if swapped:
                with pytest.raises(BadInput):
                    found.truth(None, "test", None, "f", "nasbench201")
            else:
                pd.testing.assert_frame_equal(found.curves, wanted.curves, check_exact=True)
                assert found.about == wanted.about
            tally["other table" if swapped else "right"] += 1
    assert all(line.startswith("bench.source: must be ") and "\n" not in line for line in lines)
    return tally


def test_a_damaged_trace_is_the_trace_or_one_line(tmp_path, capsys) -> None:
    tally = damage_traces(tmp_path, 0, 130, capsys)
    assert tally["line"] > 100


def test_a_damaged_table_of_ground_truth_is_the_table_or_one_line(tmp_path) -> None:
    tally = damage_tables(tmp_path, 0, 120)
    assert tally["line"] > 80


@pytest.mark.real
def test_thousands_of_damaged_files(tmp_path, capsys) -> None:
    embedded = Path(tabulated.__file__).parent / "nasbench201" / "digits.parquet"
    (tmp_path / "embedded").mkdir()
    found = {
        "traces": damage_traces(tmp_path / "store", 1, 2500, capsys),
        "tables": damage_tables(tmp_path, 2, 2000),
        "embedded table": damage_tables(tmp_path / "embedded", 3, 500, embedded),
    }
    with capsys.disabled():
        print(found)
