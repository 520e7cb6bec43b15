"""Parquet tables of encoded images, as Hugging Face and others publish them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.schema import demand, digest

from .archives import damage_refused
from .pixel_cache import cached_pixels
from .pixels import Form, Pixels
from .subset import Labelled, Places

IMAGES = ("img", "image", "jpeg")  # names that the column of images may have: bytes, or {bytes, path}
LABELS = ("fine_label", "label", "labels")
PLACE = "orig_index"  # index in the original order, where a table has it
LONGEST = 200  # characters of a class name
BATCH = 512  # encoded images in memory at a time


def read(paths: Sequence[Path], form: Form, most: int) -> tuple[Labelled, Places | None]:
    """Images in this `form` and labels of all rows of `paths`, and their original indices if the tables have them.

    The first existing columns of `IMAGES` and `LABELS` are read. The pixels are cached in the user's cache folder.
    Raises BadInput for damaged tables and images, and for more than `most` rows.
    """
    wanted = f"a Parquet table with a column of images ({', '.join(IMAGES)}) and one of labels ({', '.join(LABELS)})"
    with damage_refused(paths[0], wanted, pa.ArrowException):
        tables = [pq.ParquetFile(path) for path in paths]
        schema, rows = tables[0].schema_arrow, sum(table.metadata.num_rows for table in tables)
        image, label = (next((n for n in names if n in schema.names), "") for names in (IMAGES, LABELS))
        demand(bool(image and label), "data", wanted, f"{paths[0]} with {', '.join(schema.names)[:200]}")
        demand(0 < rows <= most, "data", f"a table of 1 to {most} images", f"{paths[0]} of {rows}")
        numbers = [name for name in (label, PLACE) if name in schema.names]
        for table, name in ((table, name) for table in tables for name in numbers):
            kind = table.schema_arrow.field(name).type  # before reading: text could have any length
            demand(pa.types.is_integer(kind), "data", f"a table with integers in {name}", f"{paths[0]} with {kind}")
        few = pa.concat_tables([table.read(columns=numbers) for table in tables])
        demand(
            all(column.null_count == 0 for column in few.columns),
            "data",
            "a table with a label for every row",
            str(paths[0]),
        )
        labels, *places = (few[name].to_numpy().astype(np.int64) for name in numbers)
        key = digest([*(pooch.file_hash(str(path)) for path in paths), image, vars(form)])
        shape = (rows, form.size, form.size, form.colours)
        pixels = cached_pixels(key, shape, lambda: np.concatenate([_pixels(table, image, form) for table in tables]))
    return (pixels, labels), places[0] if places else None


@dataclass(frozen=True)
class Categories:
    """A column of classes: the distinct `values` (integers or text), and in `codes` (n,) the index of each row's value.

    A code of -1 is a row without a value.
    """

    values: NDArray[Any]
    codes: NDArray[np.int64]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Whether a row has a value, (n,)."""
        return self.codes >= 0

    def at(self, rows: Places) -> NDArray[Any]:
        """The values of these rows, each of which has one."""
        return self.values[self.codes[rows]]

    def equal(self, value: object) -> NDArray[np.bool_]:
        """Whether a row's value reads as `value`, (n,)."""
        codes = [code for code, known in enumerate(self.values.tolist()) if str(known) == str(value)]
        return np.isin(self.codes, codes)


def table_columns(path: Path, keys: Mapping[str, str | None]) -> dict[str, Categories]:
    """The columns of the Parquet table at `path` that the settings `keys` name (None: none).

    Raises BadInput for a damaged table, and for a column that is missing or holds neither integers nor text.
    """
    with damage_refused(path, "a Parquet table", pa.ArrowException):
        schema = pq.ParquetFile(path).schema_arrow
        named = {key: name for key, name in keys.items() if name is not None}
        for key, name in named.items():
            listed = ", ".join(schema.names)[:200]
            demand(name in schema.names, f"dataset.{key}", f"a column of {path.name} ({listed})", name)
            kind = schema.field(name).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            plain = pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
            demand(plain, f"dataset.{key}", "a column of integers or text", f"{name} with {kind}")
        # read as dictionaries: a long text in many rows is in memory once
        text = [name for name in named.values() if not pa.types.is_integer(schema.field(name).type)]
        table = pq.ParquetFile(path, read_dictionary=text).read(columns=[*named.values()])
        return {key: _categories(table[name], f"dataset.{key}") for key, name in named.items()}


def _categories(column: pa.ChunkedArray, key: str) -> Categories:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    chunk = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    values = chunk.dictionary.to_pylist()
    longest = max((len(str(value)) for value in values), default=0)
    demand(longest <= LONGEST, key, f"a column of texts of at most {LONGEST} characters", longest)
    codes = chunk.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return Categories(np.array(values, dtype=None if values else np.int64), codes)


def decoded_rows(path: Path, column: str | None, form: Form, rows: Places) -> Pixels:
    """The images of these `rows` (ascending) in this `form`, from `column` (None: the first existing of `IMAGES`).

    The pixels are cached in the user's cache folder. Raises BadInput for a missing column and for damaged images.
    """
    with damage_refused(path, "a Parquet table of encoded images", pa.ArrowException):
        table = pq.ParquetFile(path)
        names = table.schema_arrow.names
        found = next((name for name in ([column] if column else IMAGES) if name in names), "")
        wanted = f"a column of {path.name} with images ({', '.join(names)[:200]})"
        demand(bool(found), "dataset.image_column", wanted, column)
        key = digest([pooch.file_hash(str(path)), found, vars(form), hashlib.sha256(rows.tobytes()).hexdigest()])
        shape = (len(rows), form.size, form.size, form.colours)
        return cached_pixels(key, shape, lambda: _pixels(table, found, form, rows))


def _pixels(table: pq.ParquetFile, column: str, form: Form, rows: Places | None = None) -> Pixels:
    """The decoded images of one table, or of these `rows` of it (ascending), in the order of its rows."""
    parts, first = [np.empty((0, form.size, form.size, form.colours), np.uint8)], 0
    for batch in table.iter_batches(batch_size=BATCH, columns=[column]):
        after = first + batch.num_rows
        wanted = np.arange(first, after) if rows is None else rows[(rows >= first) & (rows < after)]
        given = batch[column].take(pa.array(wanted - first)).to_pylist()
        cells: list[Any] = [cell.get("bytes") if isinstance(cell, dict) else cell for cell in given]
        demand(
            all(isinstance(cell, bytes) for cell in cells),
            "data",
            f"a table with bytes in {column}",
            f"others from row {first}",
        )
        parts.append(form.decode(cells, [f"row {row}" for row in wanted]))
        first = after
    return np.concatenate(parts)
