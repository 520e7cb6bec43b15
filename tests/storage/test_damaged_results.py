"""Mutated files of every kind that a results folder or a sweep has: each a right result or one line.

A case damages one file, and SHA256SUMS is left as it was (damage), removed (a folder that nothing vouches for) or made
anew (foreign content). Damage is always found: what is read then is what was written.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.report.run_files import read as read_run
from harness.report.run_tables import RunTables
from harness.report.sentences import write_all
from harness.report.sweep import sentences as summary
from harness.report.sweep import sweep_tables
from harness.schema import BadInput
from harness.schema.columns import RUN_TABLES
from harness.storage.files import SUMS, write_sums
from harness.sweep.gather import write_gathered_tables
from harness.sweep.job_files import JobResult, record_job
from tests.report.conftest import build

CONFIG = """seed: {seed}
reports: reports
bench: {{name: nasbench201}}
dataset: {{name: digits}}
evaluate: {{level: 0.9, bootstrap: 5, seed: 0}}
report: {{dpi: 50}}
"""

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**70,
    1e308,
    "",
    "x",
    "a\nb",
    "\u0000",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    [None, "x"],
    0.5,
]

FOREIGN = [b"", b"\x00" * 64, b"\xff\xfe\xfd", b"[" * 4000, b'{"a":' * 2000, b"a: &a [*a, *a]", b"PAR1PAR1", b"- 1",
           b'"x"', b"a: !!python/name:os.system", b"9" * 6000]  # fmt: skip


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two runs, gathered, and its two runs below runs/."""
    place = tmp_path_factory.mktemp("damaged") / "sweep"
    for number in (0, 1):
        run = build(place.parent / "runs" / str(number), n=8, k=3, seeds=2, steps=(0, 8), seed=number)
        config = CONFIG.format(seed=number)
        (run / "config.yaml").write_text(config)
        write_sums(run)
        record_job(place / str(number), number, [f"seed={number}"], config, lambda run=run: JobResult(0, run, run))
    (place / "sweep.json").write_text('{"command": "python -m harness -m", "jobs": 2}')
    write_gathered_tables([place], place)
    return place


def mutated(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Other bytes than `content`: a flipped bit, a cut, a hole, an insertion, another file's or foreign content."""
    at = int(rng.integers(max(len(content), 1)))
    kind = rng.integers(7)
    if kind == 0 and content:
        return content[:at] + bytes([content[at] ^ 1 << int(rng.integers(8))]) + content[at + 1 :]
    if kind == 1 and content:
        return content[:at]
    if kind == 2 and content:
        return content[:at] + bytes(len(content[at : at + 16])) + content[at + 16 :]
    if kind == 3:
        return content[:at] + rng.bytes(int(rng.integers(1, 9))) + content[at:]
    if kind == 4:
        return others[int(rng.integers(len(others)))]
    if kind == 5 and content[:1] == b"{":
        return json.dumps(replaced(json.loads(content), rng)).encode()
    return FOREIGN[int(rng.integers(len(FOREIGN)))]


def replaced(value: Any, rng: np.random.Generator) -> Any:
    """The document with one value, however deep, replaced by one of another type."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = list(value)[int(rng.integers(len(value)))]
        if rng.random() < 0.15:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: replaced(value[key], rng)}
    return ODD[int(rng.integers(len(ODD)))]


@contextmanager
def damaged(path: Path, content: bytes, vouching: str) -> Iterator[None]:
    """`path` with other content, and a SHA256SUMS that is as it was, removed or made anew; all restored afterwards."""
    sums = path.parent / SUMS
    before = {file: file.read_bytes() for file in (path, sums) if file.is_file()}
    path.write_bytes(content)
    if sums.is_file() and path != sums and vouching != "as it was":
        sums.unlink()
        if vouching == "made anew":
            write_sums(path.parent)
    try:
        yield
    finally:
        for file, old in before.items():
            file.write_bytes(old)


def outcome(read: Any, seen: dict[str, int]) -> Any:
    """What `read` gives, or None for one line of BadInput."""
    line = ""
    try:
        found = read()
    except BadInput as error:
        found, line = None, str(error)
    seen["one line" if line else "a result"] += 1
    assert "\n" not in line and len(line) < 1500, line
    return found


def texts_of_run(tables: RunTables) -> None:
    """Every sentence of the report."""
    assert write_all(tables) and tables.basis() and tables.final is not None


def texts_of_sweep(tables: sweep_tables.SweepTables) -> None:
    """Every sentence of the report of a sweep."""
    assert summary.counts(tables) and summary.question(tables) and summary.answer(tables) and tables.basis()
    assert not tables.settings or summary.cautions(tables)


def try_run(run: Path, path: Path, vouching: str, seen: dict[str, int], whole: dict[str, Any]) -> None:
    """The report reads a run with a damaged file."""
    found = outcome(lambda: read_run(run), seen)
    if found is None:
        return
    if vouching == "as it was" or path.name == SUMS:
        for name in RUN_TABLES:
            pd.testing.assert_frame_equal(getattr(found, name), whole[name])
        assert found.status == whole["status"]
    elif path.suffix != ".parquet":
        texts_of_run(found)


def try_sweep(place: Path, path: Path, seen: dict[str, int], out: Path) -> None:
    """A sweep with a damaged file is gathered, the other run all the same."""
    found = outcome(lambda: write_gathered_tables([place], out) or sweep_tables.read(out), seen)
    assert found is not None or path.name == "sweep.json"
    if found is not None:
        other = found.jobs[found.jobs["job"] != int(path.parent.name)] if path.parent.name.isdecimal() else found.jobs
        assert other["n"].notna().all(), found.jobs["reason"].tolist()
        texts_of_sweep(found)


def try_tables_of_sweep(place: Path, path: Path, vouching: str, seen: dict[str, int]) -> None:
    """The report reads the gathered tables of a sweep, one of which is damaged."""
    found = outcome(lambda: sweep_tables.read(place), seen)
    if found is not None and vouching != "as it was" and path.suffix != ".parquet":
        texts_of_sweep(found)


def try_cases(sweep: Path, cases: range, out: Path) -> dict[str, int]:
    """How often damage ended in one line and in a result; any other end is an error of the test."""
    runs = sorted((sweep.parent / "runs").iterdir())
    whole = [vars(read_run(run)) for run in runs]
    files = [file for folder in (*runs, sweep, sweep / "0", sweep / "1") for file in sorted(folder.iterdir())]
    files = [file for file in files if file.is_file()]
    contents = [file.read_bytes() for file in files]
    seen = {"one line": 0, "a result": 0}
    for case in cases:
        rng = np.random.default_rng(case)
        path = files[case % len(files)]
        vouching = ("as it was", "removed", "made anew")[int(rng.integers(3))]
        content = mutated(path.read_bytes(), contents, rng)
        if content == path.read_bytes():
            continue
        with damaged(path, content, vouching):
            try:
                if path.parent in runs:
                    at = runs.index(path.parent)
                    try_run(path.parent, path, vouching, seen, whole[at])
                    if case % 8 == 0:
                        try_sweep(sweep, path, seen, out)
                elif path.parent == sweep and path.name != "sweep.json":
                    try_tables_of_sweep(sweep, path, vouching, seen)
                else:
                    try_sweep(sweep, path, seen, out)
            except Exception as error:
                error.add_note(f"case {case}: {path}, SHA256SUMS {vouching}, {content[:300]!r}")
                raise
    return seen


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_a_right_result_or_one_line(sweep: Path, tmp_path: Path) -> None:
    seen = try_cases(sweep, range(120), tmp_path)
    assert min(seen.values()) > 10, seen


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_damaged_files_are_right_results_or_one_line(sweep: Path, tmp_path: Path) -> None:
    print(try_cases(sweep, range(1000, 6000), tmp_path))


def test_a_copied_run_is_read_as_it_was(sweep: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(sweep.parent / "runs" / "0", tmp_path / "copy"))
    pd.testing.assert_frame_equal(read_run(run).metrics, read_run(sweep.parent / "runs" / "0").metrics)
