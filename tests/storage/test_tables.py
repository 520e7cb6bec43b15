"""Results folders: written against the declared schema, vouched for, read without trust."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from harness.schema import SCHEMA_VERSION, BadInput
from harness.schema.columns import ARCHITECTURES, METRICS, RUN_TABLES, SELECTION, TRAJECTORIES, TRUTH
from harness.schema.table import Table
from harness.storage import tables as room
from harness.storage.files import SUMS, write_sums
from harness.storage.tables import (
    SchemaMismatch,
    conform,
    is_current,
    read_results,
    read_table,
    verify,
    write_results,
    write_table,
)

TEXTS = {"config.yaml": "seed: 0\n", "environment.json": '{"python": "3.11"}'}

VALUES = {"str": "a", "bool": True, "int64": 3, "int16": 3, "float64": 0.5, "float32": 0.5}


def frame(table: Table, rows: int = 3) -> pd.DataFrame:
    """Any table as declared, optional columns left out."""
    made = {c.name: [VALUES[c.dtype]] * rows for c in table if not c.optional}
    return pd.DataFrame(made).astype(table.dtypes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tables = {name: frame(table) for name, table in RUN_TABLES.items()}
    write_results(tmp_path / "run", tables, TEXTS, {"state": "complete", "identity": "abc"})
    return tmp_path / "run"


@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("table", RUN_TABLES.values(), ids=lambda table: table.name)
def test_a_table_comes_back_as_it_was_written(table: Table, rows: int, tmp_path: Path) -> None:
    given = frame(table, rows)
    write_table(tmp_path / "a.parquet", table, given[given.columns[::-1]])
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet", table), given)


def test_an_empty_table_gets_the_declared_types(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", SELECTION, pd.DataFrame(columns=SELECTION.names))
    assert read_table(tmp_path / "a.parquet", SELECTION).dtypes.astype(str).to_dict() == SELECTION.dtypes


def test_optional_and_nullable_columns_may_be_there_or_not(tmp_path: Path) -> None:
    more = frame(METRICS).assign(pearson=0.1, pearson_low=np.nan, pearson_high=np.nan)
    write_table(tmp_path / "a.parquet", METRICS, more)
    there = [name for name in METRICS.names if name in METRICS.required or name.startswith("pearson")]
    assert list(read_table(tmp_path / "a.parquet", METRICS)) == there
    unnamed = frame(ARCHITECTURES).assign(index=pd.array([1, None, None], dtype="Int64"))
    write_table(tmp_path / "b.parquet", ARCHITECTURES, unnamed)
    assert read_table(tmp_path / "b.parquet", ARCHITECTURES)["index"].isna().tolist() == [False, True, True]


def test_further_number_columns_of_the_traces_are_let_through_others_are_not(tmp_path: Path) -> None:
    given = frame(TRAJECTORIES)
    write_table(tmp_path / "a.parquet", TRAJECTORIES, given.assign(beta_eff=1.5, params=7))
    assert list(read_table(tmp_path / "a.parquet", TRAJECTORIES))[-2:] == ["beta_eff", "params"]
    for table, extra in ((TRAJECTORIES, "text"), (TRUTH, 1.0)):
        with pytest.raises(SchemaMismatch, match=f"table {table.name}: column extra"):
            conform(table, frame(table).assign(extra=extra))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="seed"), "table truth: column seed is missing"),
        (lambda f: f.assign(seed=1), r"table truth: column seed must be str \(got int64"),
        (lambda f: f.assign(accuracy="80"), "table truth: column accuracy must be float64"),
        (lambda f: f.assign(accuracy=[1.0, np.nan, 2.0]), "column accuracy must have a value in every row"),
        (lambda f: f.assign(seed=[1, "a", None]), "table truth: column seed must be str"),
        (lambda f: pd.concat([f, f[["seed"]]], axis=1), "table truth: a column occurs twice"),
    ],
)
def test_a_table_that_is_not_as_declared_is_an_error_of_the_code_and_replaces_nothing(folder, change, said) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SchemaMismatch, match=said):
        write_results(folder, {"truth": change(frame(TRUTH))}, {}, {})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_sha256sum_finds_every_file_as_it_was_written(folder: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == len(RUN_TABLES) + 3
    assert verify(folder) == {}


def test_a_writer_that_is_killed_leaves_no_folder_that_passes_for_whole(folder: Path, monkeypatch) -> None:
    real, calls = room.write_text, []  # type: ignore[attr-defined]

    def killed(path: Path, text: str) -> None:
        calls.append(path.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(path, text)

    monkeypatch.setattr(room, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        write_results(folder, {"truth": frame(TRUTH)}, TEXTS, {"state": "complete", "identity": "abc"})
    assert not is_current(folder, "abc")
    with pytest.raises(BadInput, match=r"status\.json: must be an existing file"):
        read_results(folder, RUN_TABLES.keys())


def test_the_vouching_file_is_written_last(folder: Path, monkeypatch) -> None:
    order: list[str] = []
    for name in ("_write_parquet", "write_text", "write_json"):
        real = getattr(room, name)
        monkeypatch.setattr(room, name, lambda path, what, real=real: (order.append(path.name), real(path, what)))
    monkeypatch.setattr(room, "write_sums", lambda place: (order.append(SUMS), write_sums(place)))
    write_results(folder, {"truth": frame(TRUTH)}, TEXTS, {})
    assert order == ["truth.parquet", "config.yaml", "environment.json", "status.json", SUMS]


def test_results_are_current_for_their_own_identity_version_and_undamaged_files_alone(folder: Path) -> None:
    assert is_current(folder, "abc") and not is_current(folder, "abd") and not is_current(folder / "none", "abc")
    table = folder / "truth.parquet"
    content = table.read_bytes()
    for damaged in (content[:-1], content[:40] + bytes([content[40] ^ 1]) + content[41:]):
        table.write_bytes(damaged)
        assert not is_current(folder, "abc") and verify(folder) == {"truth.parquet": "checksum mismatch"}
    table.unlink()
    assert not is_current(folder, "abc") and verify(folder) == {"truth.parquet": "missing file"}
    table.write_bytes(content)
    assert is_current(folder, "abc")
    sums = (folder / SUMS).read_text()
    (folder / SUMS).write_text("".join(line for line in sums.splitlines(True) if "truth" not in line))
    assert not is_current(folder, "abc")
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"schema_version": SCHEMA_VERSION - 1}))
    write_sums(folder)
    assert verify(folder) == {} and not is_current(folder, "abc")
    with pytest.raises(BadInput, match=r"schema version .*earlier: run the same command again"):
        read_results(folder, ["truth"])


def test_two_tables_that_changed_places_are_found(folder: Path) -> None:
    first, second = folder / "differences.parquet", folder / "ablations.parquet"
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    with pytest.raises(BadInput, match=r"differences\.parquet: must be undamaged \(got checksum mismatch\); run the"):
        read_results(folder, ["differences"])


def test_a_folder_that_nothing_vouches_for_is_read_with_a_warning_if_it_is_complete(folder: Path, capsys) -> None:
    assert read_results(folder, ["truth"]).environment == {"python": "3.11"} and capsys.readouterr().err == ""
    (folder / SUMS).unlink()
    assert len(read_results(folder, ["truth"]).tables["truth"]) == 3
    assert capsys.readouterr().err.startswith("warning: ")
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"state": "started"}))
    with pytest.raises(BadInput, match="of a complete run"):
        read_results(folder, ["truth"])


def test_an_older_table_names_the_column_and_what_to_do(folder: Path) -> None:
    (folder / SUMS).unlink()
    frame(METRICS).drop(columns="front").to_parquet(folder / "metrics.parquet")
    with pytest.raises(BadInput, match=r"the column front .*earlier version: run the same command again"):
        read_results(folder, ["metrics"])
    assert list(read_results(folder, {"metrics": ["predictor", "tau"]}).tables["metrics"]) == ["predictor", "tau"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (pa.table({"architecture": ["a"], "seed": [1], "accuracy": [0.5]}), "seed as str"),
        (pa.table({"architecture": ["a"], "seed": ["0"], "accuracy": pa.array([None], pa.float64())}), "in every row"),
        (pa.Table.from_arrays([pa.array(["a"])] * 2 + [pa.array([0.5])], ["seed", "seed", "accuracy"]), "architecture"),
        (pa.Table.from_arrays([pa.array(["a"])] * 3 + [pa.array([0.5])], ["architecture", "seed", "seed", "accuracy"]),
         "one column seed"),
    ],
)  # fmt: skip
def test_a_foreign_table_is_one_line(made: pa.Table, said: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(made, tmp_path / "truth.parquet")
    with pytest.raises(BadInput, match=said):
        read_table(tmp_path / "truth.parquet", TRUTH)
