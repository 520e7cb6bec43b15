"""`svhn`: Street View House Numbers, cropped digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness import files
from harness.files import Download, Source
from harness.schema import ImageSet, demand

from . import archives
from .described import described
from .pixels import Form
from .subset import Labelled, Places, parted, take

SITE = "http://ufldl.stanford.edu/housenumbers"
TRAIN, TEST, EXTRA = (
    Download(name, f"md5:{md5}", (f"{SITE}/{name}",))
    for name, md5 in (
        ("train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"),
        ("test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"),
        ("extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7"),
    )
)
COUNTS = {TRAIN.name: 73_257, TEST.name: 26_032, EXTRA.name: 531_131}  # images
PADDING = 4  # pixels, at the full size of 32


@dataclass(frozen=True)
class Svhn:
    """SVHN (Netzer et al. 2011), format 2: 10 digits, 3 colours, `size` x `size` pixels (averaged down from 32).

    73,257 training images, of which `valid_images`, drawn by `seed` regardless of class, are for validation, and
    26,032 test images; `extra` adds the 531,131 easier images to the training images. Random crop after a padding of 4
    pixels, which shrinks with the size, and no flip: digits are not symmetric. Mean and deviation are those of the
    training images in use. NAS-Bench-201 has no accuracies on this data set.
    """

    kind: ClassVar[str] = "dataset/svhn"

    name: str = "svhn"
    size: int = 32  # pixels
    extra: bool = False
    train_images: int | None = None
    valid_images: int = 10_000
    test_images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        demand(self.size in (8, 16, 32), "dataset.size", "8, 16 or 32 pixels", self.size)
        self._places()  # validates the limits before any file is opened

    def sources(self) -> tuple[Source, ...]:
        """The needed files."""
        return (Source("images", ((TRAIN, TEST, *([EXTRA] if self.extra else [])),)),)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from the files in the folder `data` (see docs/data.md), downloaded if missing.

        Raises BadInput for missing files and for checksum mismatches.
        """
        paths = files.obtain(self.sources()[0], data, "svhn")
        train, test, *extra = (read(path, COUNTS[path.name]) for path in paths)
        if extra:
            train = (np.concatenate([train[0], extra[0][0]]), np.concatenate([train[1], extra[0][1]]))
        form = Form(self.size, 3)
        parts = {}
        for part, (source, places) in self._places().items():
            images, labels = take(test if source == "test" else train, places)
            parts[part] = (form.of(images), labels)
        return described(self.name, parts, 10, flip=False, crop=PADDING * self.size // 32)

    def _places(self) -> dict[str, tuple[str, Places]]:
        counts = {"train": COUNTS[TRAIN.name] + self.extra * COUNTS[EXTRA.name], "test": COUNTS[TEST.name]}
        limits = {"train": self.train_images, "valid": self.valid_images, "test": self.test_images}
        return parted(counts, limits, self.seed)


def read(path: Path, count: int) -> Labelled:
    """The `count` images (n, 32, 32, 3) and labels 0..9 of a .mat file with X and y, where 10 stands for digit 0.

    SciPy may crash on a damaged file: call it only on one whose checksum was verified, as `files.obtain` does. Raises
    BadInput for a file of another format, and for one with other contents.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with archives.damage_refused(path, "a MATLAB 5 file", MatReadError):
        found = loadmat(path, variable_names=["X", "y"])
    arrays = {name: (found[name].shape, str(found[name].dtype)) for name in ("X", "y") if name in found}
    sound = [shape for shape, _ in arrays.values()] == [(32, 32, 3, count), (count, 1)]
    wanted = f"a file with uint8 X (32, 32, 3, {count}) and numbers y ({count}, 1)"
    demand(sound and found["X"].dtype == np.uint8, "data", wanted, f"{path} with {arrays}")
    labels = found["y"].ravel()
    demand(
        bool(np.isin(labels, np.arange(11)).all()),
        "data",
        "a file with labels up to 10",
        f"{path} with {labels[:10].tolist()}",
    )
    return np.ascontiguousarray(found["X"].transpose(3, 0, 1, 2)), labels.astype(np.int64) % 10
