"""Parquet tables of encoded images, as Hugging Face and others publish them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pyarrow as pa
import pyarrow.parquet as pq

from harness.schema import demand, digest

from .archives import damage_refused
from .pixel_cache import cached_pixels
from .pixels import Form, Pixels
from .subset import Labelled, Places

IMAGES = ("img", "image", "jpeg")  # names that the column of images may have: bytes, or {bytes, path}
LABELS = ("fine_label", "label", "labels")
PLACE = "orig_index"  # index in the original order, where a table has it
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


def _pixels(table: pq.ParquetFile, column: str, form: Form) -> Pixels:
    """The decoded images of one table, in the order of its rows."""
    parts = [np.empty((0, form.size, form.size, form.colours), np.uint8)]
    for batch in table.iter_batches(batch_size=BATCH, columns=[column]):
        cells: list[Any] = [cell.get("bytes") if isinstance(cell, dict) else cell for cell in batch[column].to_pylist()]
        first = sum(map(len, parts))
        demand(
            all(isinstance(cell, bytes) for cell in cells),
            "data",
            f"a table with bytes in {column}",
            f"others from row {first}",
        )
        parts.append(form.decode(cells, [f"row {first + place}" for place in range(len(cells))]))
    return np.concatenate(parts)
