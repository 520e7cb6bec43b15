"""`folder`: any directory of images, one folder per class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness import files
from harness.files import Source
from harness.files.cache import expanded
from harness.schema import ImageSet, demand, digest

from .described import demand_own_name, described
from .image_files import classes, state, warn_of_skipped
from .pixel_cache import cached_pixels
from .pixels import Form
from .subset import Labelled, demand_limits, parted

PARTS = {"train": ("train", "training"), "valid": ("valid", "val", "validation"), "test": ("test", "testing")}


@dataclass(frozen=True)
class ImageFolder:
    """Images in `path` (in the data folder, or absolute), as `size` x `size` pixels in 1 or 3 `colours`.

    Class folders either directly in `path`, or in its folders train, val (valid, validation) and test. A part without
    a folder is held out of the training images: `valid_images` or `test_images` of them (null: a fifth), drawn by
    `seed` regardless of class. Otherwise those two and `train_images` limit a part to a random choice of that many.
    Classes are the training images' folders in the order of their names.

    See `pixels.Form` for `size`, `colours` and `aspect`. `flip` and `crop` (pixels of padding) are the augmentation;
    mean and deviation are those of the training images in use. `name` identifies the data set in results and tables. No
    benchmark has accuracies on it: make them with `python -m harness.tabulate`.
    """

    kind: ClassVar[str] = "dataset/image_folder"

    name: str = "folder"
    path: str | None = None
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
        Form(self.size, self.colours, self.aspect)
        demand(0 <= self.crop <= self.size, "dataset.crop", f"a count from 0 to {self.size} pixels", self.crop)
        demand_limits(self.train_images, self.valid_images, self.test_images)

    def sources(self) -> tuple[Source, ...]:
        """The folder, once `path` is set."""
        return (Source("images", ((str(expanded(self.path)),),), "a folder of your own"),) if self.path else ()

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from `path`; the decoded images are cached in the user's cache folder.

        They are decoded again if a file's name, size or modification time changes. Raises BadInput for a missing folder
        and for damaged images.
        """
        demand(bool(self.path), "dataset.path", "the path of a folder of images", self.path)
        folder = files.folder(data) / expanded(str(self.path))
        demand(folder.is_dir(), "dataset.path", "an existing folder of images", str(folder))
        places = part_folders(folder)
        named = {part: classes(place) for part, place in places.items()}
        warn_of_skipped(places.values())
        known = [*named["train"]]
        demand(len(known) >= 2, "dataset.path", "a folder with at least two classes of training images", known)
        for part, found in named.items():
            others = [*(found.keys() - set(known))]
            demand(not others, "dataset.path", f"a folder whose {part} classes are training classes", others[:3])
        every = {
            part: [(path, known.index(name)) for name, paths in found.items() for path in paths]
            for part, found in named.items()
        }
        limits = {"train": self.train_images, "valid": self.valid_images, "test": self.test_images}
        chosen = parted({part: len(listed) for part, listed in every.items()}, limits, self.seed)
        parts = {
            part: self._decoded([every[source][number] for number in numbers])
            for part, (source, numbers) in chosen.items()
        }
        return described(self.name, parts, len(known), self.flip, self.crop)

    def _decoded(self, listed: list[tuple[Path, int]]) -> Labelled:
        form, paths = Form(self.size, self.colours, self.aspect), [path for path, _ in listed]
        images = cached_pixels(
            digest([state(paths), vars(form)]),
            (len(paths), self.size, self.size, self.colours),
            lambda: form.decode(paths, [str(path) for path in paths]),
        )
        return images, np.array([label for _, label in listed], dtype=np.int64)


def part_folders(folder: Path) -> dict[str, Path]:
    """Folder of each part: `folder` itself holds the training part if it has no folder of that name."""
    found = {}
    for part, names in PARTS.items():
        present = [folder / name for name in names if (folder / name).is_dir()]
        demand(len(present) < 2, "dataset.path", f"a folder with one folder of {part} images", list(map(str, present)))
        if present:
            found[part] = present[0]
    return found if "train" in found else {"train": folder}
