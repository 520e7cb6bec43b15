"""`parquet`: any image set in a Parquet table of encoded images."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness import files
from harness.files import Source
from harness.files.cache import expanded
from harness.schema import ImageSet, demand

from .described import demand_checksum, demand_own_name, described, numbered, own_file
from .encoded import Categories, decoded_rows, table_columns
from .pixels import Form
from .subset import Places, demand_limits, parted

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class ParquetImages:
    """Encoded images (see `pixels.FORMATS`) in the Parquet table `path` (in the data folder, or absolute).

    `image_column` holds the bytes of an image or Hugging Face's {bytes, path} (null: the first of img, image and jpeg),
    `label_column` the class as an integer or text. Rows without a label are left out, and a warning counts them.
    `part_column` says by the `part_values` [train, valid, test] to which part a row belongs; a null among these is a
    part without rows. Rows of other parts are left out, too. Without `part_column` all rows are training images. A part
    without rows of its own is held out of the training images: `valid_images` or `test_images` of them (null: a fifth),
    drawn by `seed` regardless of class. Otherwise those two and `train_images` limit a part to a random choice of that
    many. Classes are the training labels in their order.

    See `pixels.Form` for `size`, `colours` and `aspect`. `flip` and `crop` (pixels of padding) are the augmentation;
    mean and deviation are those of the training images in use. `name` identifies the data set in results and tables.
    `checksum` ("sha256:...") refuses any other file (null: any), and `origin` states where the file comes from. No
    benchmark has accuracies on it: make them with `python -m harness.tabulate`.
    """

    kind: ClassVar[str] = "dataset/parquet_images"

    name: str = "parquet"
    path: str | None = None
    checksum: str | None = None
    origin: str = ""
    image_column: str | None = None
    label_column: str = "label"
    part_column: str | None = None
    part_values: list[str | None] = field(default_factory=lambda: [*PARTS])
    size: int = 32  # pixels
    colours: int = 3
    aspect: str = "crop"
    train_images: int | None = None
    valid_images: int | None = None
    test_images: int | None = None
    flip: bool = True
    crop: int = 4  # pixels
    seed: int = 0

    def __post_init__(self) -> None:
        demand_own_name(self.name)
        demand_checksum(self.checksum)
        Form(self.size, self.colours, self.aspect)
        demand(0 <= self.crop <= self.size, "dataset.crop", f"a count from 0 to {self.size} pixels", self.crop)
        demand_limits(self.train_images, self.valid_images, self.test_images)
        values = self.part_values
        distinct = len(values) == 3 and values[0] is not None and len({*values} - {None}) == 3 - values.count(None)
        wanted = "three different values of dataset.part_column for train, valid and test (null: a part without rows)"
        demand(distinct, "dataset.part_values", wanted, self.part_values)

    def sources(self) -> tuple[Source, ...]:
        """The table, once `path` is set."""
        if not self.path:
            return ()
        return (Source("images", ((own_file(self.path, self.checksum),),), self.origin or "a table of your own"),)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from `path`; the decoded images are cached in the user's cache folder.

        Raises BadInput for a missing or damaged table, a missing column, a part without rows and damaged images.
        """
        demand(bool(self.path), "dataset.path", "the path of a Parquet table", self.path)
        path = files.folder(data) / expanded(str(self.path))
        if self.checksum:
            files.obtain(self.sources()[0], data, self.name)
        demand(path.is_file(), "dataset.path", "an existing Parquet table", str(path))
        columns = table_columns(path, {"label_column": self.label_column, "part_column": self.part_column})
        labels, rows = columns["label_column"], self._rows(path, columns)
        numbers, known = numbered({part: labels.at(places) for part, places in rows.items()})
        limits = {"train": self.train_images, "valid": self.valid_images, "test": self.test_images}
        chosen = parted({part: len(places) for part, places in rows.items()}, limits, self.seed)
        form, kept = Form(self.size, self.colours, self.aspect), np.sort(np.concatenate([*rows.values()]))
        images = decoded_rows(path, self.image_column, form, kept)
        parts = {
            part: (images[np.searchsorted(kept, rows[source][places])], numbers[source][places])
            for part, (source, places) in chosen.items()
        }
        return described(self.name, parts, len(known), self.flip, self.crop)

    def _rows(self, path: Path, columns: dict[str, Categories]) -> dict[str, Places]:
        """Rows with a label of each part that has any; a warning counts those that are left out."""
        labelled = columns["label_column"].present
        if self.part_column is None:
            rows = {"train": np.flatnonzero(labelled)}
        else:
            parts, names = columns["part_column"], dict(zip(PARTS, self.part_values, strict=True))
            given = {part: value for part, value in names.items() if value is not None}
            rows = {part: np.flatnonzero(labelled & parts.equal(value)) for part, value in given.items()}
        for part, places in rows.items():
            which = f"a table with rows of part {part} that have a label"
            demand(len(places) > 0, "dataset.part_values", which, f"none in {path}")
        kept = sum(map(len, rows.values()))
        if kept < len(labelled):
            logging.getLogger(__name__).warning(
                "%s: leaving out %d of %d rows: %d without %s, %d of no part",
                path.name, len(labelled) - kept, len(labelled), int((~labelled).sum()), self.label_column,
                int(labelled.sum()) - kept,
            )  # fmt: skip
        return rows
