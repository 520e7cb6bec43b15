"""`npz`: any image set in NumPy's .npz files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import files
from harness.files import Source
from harness.files.cache import expanded
from harness.schema import ImageSet, demand

from . import archives
from .described import demand_checksum, demand_own_name, described, numbered, own_file
from .pixels import Form, Pixels
from .subset import demand_limits, parted

SEVERAL = {  # names of images and labels where one file holds several parts
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y")),
    "valid": (
        ("x_valid", "y_valid"),
        ("x_val", "y_val"),
        ("valid_images", "valid_labels"),
        ("val_images", "val_labels"),
        ("valid_x", "valid_y"),
        ("val_x", "val_y"),
    ),
    "test": (("x_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y")),
}
ONE = (("x", "y"), ("images", "labels"), ("data", "labels"), ("X", "y"))  # where a file holds one part


@dataclass(frozen=True)
class Npz:
    """Images and labels in the .npz file `path` (in the data folder, or absolute), and in others for its parts.

    One file with x_train, y_train and perhaps x_valid, y_valid, x_test, y_test (or train_images, train_labels, ...),
    or with x, y (or images, labels): then `valid_path` and `test_path` may name files of the same kind. Give other
    names as [images, labels] in `train_keys`, `valid_keys` and `test_keys`. A missing part is held out of the
    training images: `valid_images` or `test_images` of them (null: a fifth), drawn by `seed` regardless of class.
    Otherwise those two and `train_images` limit a part to a random choice of that many.

    Images are (n, height, width), (n, height, width, 1 or 3) or (n, 1 or 3, height, width): integers 0..255, or
    floats 0..1. Labels are integers or text, (n,) or (n, 1); classes are the training labels in their order.
    `size` and `colours` null keep what the file has; see `pixels.Form`. `flip` and `crop` (pixels of padding) are the
    augmentation; mean and deviation are those of the training images in use. `name` identifies the data set in results
    and tables. `checksum` ("sha256:...") refuses any other file at `path` (null: any), and `origin` states where the
    file comes from. No benchmark has accuracies on it: make them with `python -m harness.tabulate`.
    """

    kind: ClassVar[str] = "dataset/npz"

    name: str = "npz"
    path: str | None = None
    checksum: str | None = None
    origin: str = ""
    valid_path: str | None = None
    test_path: str | None = None
    train_keys: list[str] | None = None
    valid_keys: list[str] | None = None
    test_keys: list[str] | None = None
    size: int | None = None  # pixels
    colours: int | None = None
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
        Form(self.size or 32, 3 if self.colours is None else self.colours, self.aspect)
        demand(self.size != 0, "dataset.size", "a number of pixels (or null)", self.size)
        demand(0 <= self.crop <= (self.size or 512), "dataset.crop", "a count of pixels up to the size", self.crop)
        demand_limits(self.train_images, self.valid_images, self.test_images)
        for key in ("train_keys", "valid_keys", "test_keys"):
            names = getattr(self, key)
            demand(names is None or len(names) == 2, f"dataset.{key}", "[images, labels] (or null)", names)

    def sources(self) -> tuple[Source, ...]:
        """The files, once they are named."""
        if not self.path:
            return ()
        first = own_file(self.path, self.checksum)
        others = tuple(str(expanded(path)) for path in (self.valid_path, self.test_path) if path)
        return (Source("images", ((first, *others),), self.origin or "files of your own"),)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set. Raises BadInput if a file or array is missing, damaged, or does not hold images or labels."""
        demand(bool(self.path), "dataset.path", "the path of an .npz file", self.path)
        if self.checksum:
            files.obtain(self.sources()[0], data, self.name)
        arrays = self._arrays(files.folder(data))
        labels, known = numbered({part: given for part, (_, given) in arrays.items()})
        if known.dtype.kind == "i" and known[0] < 0:
            negative = ", ".join(map(str, known[known < 0].tolist()))
            text = "%s: the label %s, which often marks images without a label, counts as a class of its own"
            logging.getLogger(__name__).warning(text, self.path, negative)
        form = Form(self.size or side(arrays["train"][0]), self.colours or arrays["train"][0].shape[3], self.aspect)
        demand(self.crop <= form.size, "dataset.crop", f"a count of up to {form.size} pixels", self.crop)
        limits = {"train": self.train_images, "valid": self.valid_images, "test": self.test_images}
        chosen = parted({part: len(found) for part, found in labels.items()}, limits, self.seed)
        parts = {
            part: (form.of(arrays[source][0][places]), labels[source][places])
            for part, (source, places) in chosen.items()
        }
        return described(self.name, parts, len(known), self.flip, self.crop)

    def _arrays(self, folder: Path) -> dict[str, tuple[Pixels, NDArray[Any]]]:
        """Images (n, height, width, 1 or 3) and labels (n,) of the available parts."""
        found = {}
        for part, own in (("train", self.path), ("valid", self.valid_path), ("test", self.test_path)):
            given: Sequence[str] | None = getattr(self, f"{part}_keys")
            path = folder / expanded(own or str(self.path))
            demand(path.is_file(), "dataset.path", "an existing .npz file", str(path))
            names = archives.npz_names(path)
            likely = (*SEVERAL[part], *(ONE if own else ()))
            pair = given or next((pair for pair in likely if {*pair} <= {*names}), None)
            if pair is None and not own:
                continue
            wanted = f"names of {part} images and labels in {path} (which has {', '.join(names)[:200]})"
            demand(pair is not None and {*pair} <= {*names}, f"dataset.{part}_keys", wanted, given)
            first, second = pair or ("", "")
            where = f"{path}, {first} and {second}"
            found[part] = (
                pixels(archives.npz_array(path, first), where),
                numbers(archives.npz_array(path, second), where),
            )
            same = len(found[part][0]) == len(found[part][1]) > 0
            demand(same, "data", "one label per image", f"{where}: {[len(a) for a in found[part]]}")
        return found


def pixels(array: NDArray[Any], where: str) -> Pixels:
    """An array of images as (n, height, width, 1 or 3) of 0..255. Raises BadInput for any other array."""
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 3:
        array = array[..., None]
    shaped = array.ndim == 4 and array.shape[3] in (1, 3) and min(array.shape) > 0
    demand(shaped, "data", "images (n, height, width) in 1 or 3 colours", f"{where}: {array.shape}")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    demand(array.dtype.kind in "uif", "data", "images as numbers", f"{where}: {array.dtype}")
    low, high = float(array.min()), float(array.max())  # nan where there is one
    fractions = array.dtype.kind == "f"
    wanted = "images of integers 0..255 or floats 0..1"
    demand(0 <= low <= high <= (1 if fractions else 255), "data", wanted, f"{where}: {array.dtype} {low} to {high}")
    return (np.rint(array * 255) if fractions else array).astype(np.uint8)


def numbers(array: NDArray[Any], where: str) -> NDArray[Any]:
    """An array of labels as (n,). Raises BadInput for any other array."""
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    fits = flat.ndim == 1 and flat.dtype.kind in "iubU"
    demand(fits, "data", "labels (n,) as integers or text", f"{where}: {flat.shape} of {flat.dtype}")
    return flat


def side(images: Pixels) -> int:
    """The shorter side in pixels."""
    return int(min(images.shape[1:3]))
