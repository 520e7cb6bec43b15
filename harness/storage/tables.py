"""The tables of a results folder: written against the declared schema, read without trust.

A folder has tables (Parquet), config.yaml, environment.json, status.json and, written last, SHA256SUMS, which vouches
for all of them. While a folder is written it has neither SHA256SUMS nor status.json, so a half-written one is never
taken for whole.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.schema import SCHEMA_VERSION, BadInput, demand
from harness.schema.columns import OPTIONAL_TABLES, RUN_TABLES, SWEEP_TABLES
from harness.schema.table import Column, Table
from harness.schema.visible import visible
from harness.storage.documents import MISSING, read_json, read_text, read_yaml, unreadable
from harness.storage.files import SUMS, read_sums, sums_faults, write_atomically, write_json, write_sums, write_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES = RUN_TABLES | OPTIONAL_TABLES | SWEEP_TABLES

STATUS, ENVIRONMENT, CONFIG = "status.json", "environment.json", "config.yaml"

AGAIN = "run the same command again"

MOST_ROWS = 10**8

FURTHER = "a number column of the traces"
"""The meaning of columns that no table declares."""


class SchemaMismatch(Exception):
    """A table that this program made is not the declared one: a mistake in the code, never in a user's input."""


@dataclass(frozen=True)
class Results:
    """What a results folder holds: tables by name, the three documents, and config.yaml as text."""

    tables: dict[str, pd.DataFrame]
    status: dict[str, Any]
    environment: dict[str, Any]
    config: str


def write_results(
    folder: Path, tables: Mapping[str, pd.DataFrame], texts: Mapping[str, str], status: Mapping[str, Any]
) -> None:
    """Store `tables`, `texts` by file name, and status.json with the schema version; SHA256SUMS vouches for all.

    Each file is on the disk before the next is begun. Raises SchemaMismatch, before anything is replaced, for a table
    that is not as declared in schema/columns.py.
    """
    made = {name: conform(TABLES[name], frame) for name, frame in tables.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name in (SUMS, STATUS):
        (folder / name).unlink(missing_ok=True)
    for name, table in made.items():
        _write_parquet(folder / f"{name}.parquet", table)
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / STATUS, {**status, "schema_version": SCHEMA_VERSION})
    write_sums(folder)


def write_table(path: Path, table: Table, frame: pd.DataFrame) -> None:
    """Store one table as Parquet. Raises SchemaMismatch where it is not as declared."""
    _write_parquet(path, conform(table, frame))


def conform(table: Table, frame: pd.DataFrame) -> pa.Table:
    """The frame as declared: columns in order, of the declared types.

    Raises SchemaMismatch, naming table and column, for a column that is missing, undeclared, of another type, or null
    where it must not be. An empty frame has no types of its own and gets the declared ones.
    """
    import pyarrow as pa

    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise SchemaMismatch(f"table {table.name}: a column occurs twice")
    for missing in [name for name in table.required if name not in names]:
        raise SchemaMismatch(f"table {table.name}: column {missing} is missing")
    extra = [name for name in names if name not in table.names]
    if extra and not table.further:
        raise SchemaMismatch(f"table {table.name}: column {extra[0]} is not declared in schema/columns.py")
    columns = [column for column in table if column.name in names] + [_further(name) for name in extra]
    arrays = [_array(table, column, frame[[column.name]]) for column in columns]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def _array(table: Table, column: Column, values: pd.DataFrame) -> pa.ChunkedArray:
    """The one column of `values` as declared; `conform` says what is raised."""
    import pyarrow as pa

    if not len(values):
        return pa.chunked_array([], type=arrow_type(column))
    where, dtype = f"table {table.name}: column {column.name}", values.dtypes.iloc[0]
    try:
        found = pa.Table.from_pandas(values, preserve_index=False).column(0)
        if not _alike(found.type, column):
            raise SchemaMismatch(f"{where} must be {column.dtype} (got {dtype})")
        if found.null_count and not column.nullable:
            raise SchemaMismatch(f"{where} must have a value in every row (got {found.null_count} without)")
        return found.cast(arrow_type(column))
    except pa.ArrowException as error:
        raise SchemaMismatch(f"{where} must be {column.dtype} (got {dtype}: {error})") from error


def _further(name: str) -> Column:
    """A number column that the traces brought along; whole numbers become real ones."""
    return Column(name, "float64", FURTHER, nullable=True)


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column in a Parquet file."""
    import pyarrow as pa

    return {
        "str": pa.large_string(), "bool": pa.bool_(), "int64": pa.int64(), "int16": pa.int16(),
        "float64": pa.float64(), "float32": pa.float32(),
    }[column.dtype]  # fmt: skip


def _alike(found: pa.DataType, column: Column) -> bool:
    """Whether a type is of the declared kind, of whatever width; a column of nulls alone may have no type."""
    import pyarrow as pa

    kinds = pa.types
    if column.nullable and kinds.is_null(found):
        return True
    if column.dtype == "str":
        return bool(kinds.is_string(found) or kinds.is_large_string(found))
    if column.dtype == "bool":
        return bool(kinds.is_boolean(found))
    whole, real = bool(kinds.is_integer(found)), bool(kinds.is_floating(found))
    return whole if column.dtype.startswith("int") else real or (whole and column.meaning == FURTHER)


def _write_parquet(path: Path, table: pa.Table) -> None:
    import pyarrow.parquet as pq

    made = table.replace_schema_metadata({b"schema_version": str(SCHEMA_VERSION).encode()})
    write_atomically(path, lambda file: pq.write_table(made, file, write_page_checksum=True))


def read_table(path: Path, table: Table, only: Collection[str] = ()) -> pd.DataFrame:
    """A stored table, its columns in the declared order and types; `only` those, where any are named.

    Raises BadInput, in one line that names file and column, for any other content.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    faults = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, MemoryError)
    demand(path.is_file(), str(path), "an existing table", MISSING)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            rows = file.metadata.num_rows
            columns = _columns(path, table, file.schema_arrow, only, empty=rows == 0)
            demand(0 <= rows <= MOST_ROWS, str(path), f"a table of at most {MOST_ROWS} rows", rows)
            found = file.read([column.name for column in columns])
        found = found.select([column.name for column in columns]).replace_schema_metadata(None)
        found.validate(full=True)
        demand(found.num_rows == rows, str(path), f"a table of {rows} rows", found.num_rows)
        for column in (column for column in columns if not column.nullable):
            nulls = found[column.name].null_count
            demand(not nulls, str(path), f"a table with {column.name} in every row", f"{nulls} rows without; {AGAIN}")
        schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
        frame: pd.DataFrame = found.cast(schema).to_pandas()
        return frame.astype({column.name: column.pandas for column in columns})
    except BadInput:
        raise
    except faults as error:
        raise unreadable(path, "an undamaged Parquet file", error) from error


def _columns(path: Path, table: Table, schema: pa.Schema, only: Collection[str], empty: bool) -> list[Column]:
    """The declared columns that the file has, further numbers behind them; an `empty` table may lack types.

    Raises BadInput as `read_table` does.
    """
    import pyarrow as pa

    wanted = [column for column in table if not only or column.name in only]
    names = list(schema.names)
    missing = [column.name for column in wanted if column.name not in names and not column.optional]
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    asked = f"a table with the column {', '.join(missing[:3])}{more}"
    demand(not missing, str(path), asked, f"{len(names)} columns, made by an earlier version: {AGAIN}")
    wanted = [column for column in wanted if column.name in names]
    if table.further and not only:
        others = [_further(name) for name in names if name not in table.names]
        wanted += [column for column in others if _alike(schema.field(names.index(column.name)).type, column)]
    for column in wanted:
        demand(names.count(column.name) == 1, str(path), f"a table with one column {column.name}", "several")
        kind = schema.field(column.name).type
        fits = _alike(kind, column) or (empty and pa.types.is_null(kind))
        demand(fits, str(path), f"a table with {column.name} as {column.dtype}", str(kind))
    return wanted


def verify(folder: Path, names: Collection[str] = ()) -> dict[str, str]:
    """Each damaged or missing file of a results folder, with the reason; empty where all is whole.

    `names` are files that SHA256SUMS has to list. Never raises.
    """
    faults = sums_faults(folder)
    if SUMS not in faults:
        listed = read_sums(folder / SUMS)
        faults |= {name: f"not listed in {SUMS}" for name in names if name not in listed}
    return faults


def is_current(folder: Path, identity: str) -> bool:
    """Whether a run's folder is whole, of this schema version, and made from just what `identity` names."""
    if verify(folder, [f"{name}.parquet" for name in RUN_TABLES] + [STATUS, ENVIRONMENT, CONFIG]):
        return False
    try:
        status = read_json(folder / STATUS)
    except BadInput:
        return False
    return status.get("identity") == identity and status.get("schema_version") == SCHEMA_VERSION


def is_stored(folder: Path, name: str) -> bool:
    """Whether a results folder has the table of this name, which only some have."""
    return (folder / f"{name}.parquet").is_file()


def read_results(
    folder: Path, names: Mapping[str, Collection[str]] | Collection[str], texts: Collection[str] = (ENVIRONMENT, CONFIG)
) -> Results:
    """The tables `names` of a results folder, and its documents; a mapping names the columns that are read of each.

    A folder without SHA256SUMS is read, with a warning, where its status.json says that it is complete. Raises
    BadInput, in one line, for any file that is missing, damaged, or of an earlier version.
    """
    demand(folder.is_dir(), "results", "a folder with stored tables", str(folder))
    files = [STATUS, *texts, *(f"{name}.parquet" for name in names)]
    faults = verify(folder, files)
    unchecked = faults.get(SUMS) == MISSING
    if not unchecked:
        for name in [SUMS, *files]:
            if name in faults:
                wanted = "an existing file" if faults[name] == MISSING else "undamaged"
                raise BadInput(f"{folder / name}: must be {wanted} (got {faults[name]}); {AGAIN}")
    status = read_json(folder / STATUS)
    version = status.get("schema_version")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise unreadable(folder / STATUS, f"of schema version {SCHEMA_VERSION}", f"{version!r:.40}, earlier: {AGAIN}")
    if unchecked:
        demand(
            status.get("state") in ("complete", "partial"), str(folder / STATUS), "of a complete run", "no such state"
        )
        line = f"warning: {folder} has no {SUMS}; damage may go unnoticed. To be sure, {AGAIN}"
        print(visible(line), file=sys.stderr)
    environment = read_json(folder / ENVIRONMENT) if ENVIRONMENT in texts else {}
    if CONFIG in texts:
        read_yaml(folder / CONFIG)
    only = names if isinstance(names, Mapping) else {}
    tables = {name: read_table(folder / f"{name}.parquet", TABLES[name], only.get(name, ())) for name in names}
    return Results(tables, status, environment, read_text(folder / CONFIG) if CONFIG in texts else "")
