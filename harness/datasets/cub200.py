"""`cub200`: Caltech-UCSD Birds-200-2011."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import files
from harness.files import Download, Source
from harness.schema import ImageSet, demand, digest

from . import archives
from .described import described
from .image_files import state
from .pixel_cache import cached_pixels
from .pixels import Form, Pixels
from .subset import parted

TRAIN, TEST, CLASSES = 5_994, 5_794, 200
FOLDER = "CUB_200_2011"
ARCHIVE = Download(
    f"{FOLDER}.tgz",
    "md5:97eceeb196236b17998738112f37df78",
    (
        f"https://data.caltech.edu/records/65de6-vp158/files/{FOLDER}.tgz",
        f"http://www.vision.caltech.edu/visipedia-data/CUB-200-2011/{FOLDER}.tgz",
    ),
)
SOURCE = Source("images", ((ARCHIVE,), (FOLDER,)))
NAMES, LABELS, SPLIT = LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt")
LONGEST = 2**24  # bytes of a list; the official ones have up to 1 MB
BATCH = 256  # encoded images in memory at a time


@dataclass(frozen=True)
class Cub200:
    """CUB-200-2011 (Wah et al. 2011): 200 species of birds, 3 colours, `size` x `size` pixels.

    The photographs have about 500 x 375 pixels: `aspect` "crop" takes the central square,
    "stretch" resizes to a square; see `pixels.Form`. The official split: 5,994 training images, of which
    `valid_images`, drawn by `seed` regardless of class, are for validation, and 5,794 test images. Random flip,
    random crop after a padding of an eighth of the size. Mean and deviation are those of the training images in use.
    NAS-Bench-201 has no accuracies on this data set.
    """

    kind: ClassVar[str] = "dataset/cub200"

    name: str = "cub200"
    size: int = 64  # pixels
    aspect: str = "crop"
    train_images: int | None = None
    valid_images: int = 994
    test_images: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        Form(self.size, 3, self.aspect)
        self._places()  # validates the limits before any file is opened

    def sources(self) -> tuple[Source, ...]:
        """The accepted files."""
        return (SOURCE,)

    def load(self, data: str | None = None) -> ImageSet:
        """The data set, from the archive or the folder in `data` (see docs/data.md), downloaded if missing.

        Raises BadInput for missing and damaged files. The decoded images are cached in the user's cache folder.
        """
        (path,) = files.obtain(SOURCE, data, "cub200")
        form = Form(self.size, 3, self.aspect)
        images, labels, training = (from_folder if path.is_dir() else from_archive)(path, form)
        found = (int(training.sum()), int((~training).sum()), len(np.unique(labels)))
        wanted = (TRAIN, TEST, CLASSES)
        demand(
            found == wanted,
            "data",
            f"CUB-200-2011 with {wanted} training images, test images and classes",
            f"{path} with {found}",
        )
        sources = {"train": np.flatnonzero(training), "test": np.flatnonzero(~training)}
        chosen = {part: sources[source][places] for part, (source, places) in self._places().items()}
        parts = {part: (images[places], labels[places]) for part, places in chosen.items()}
        return described(self.name, parts, CLASSES, flip=True, crop=self.size // 8)

    def _places(self) -> dict[str, tuple[str, NDArray[np.int64]]]:
        limits = {"train": self.train_images, "valid": self.valid_images, "test": self.test_images}
        return parted({"train": TRAIN, "test": TEST}, limits, self.seed)


Birds = tuple[Pixels, NDArray[np.int64], NDArray[np.bool_]]
"""Images in the order of images.txt, their labels 0..199, and which of them are for training."""


def from_folder(path: Path, form: Form) -> Birds:
    """The birds in the unpacked folder. Raises BadInput."""
    texts = {name: archives.content(path / name, LONGEST) for name in LISTS if (path / name).is_file()}
    names, labels, training = listed(texts, path)
    photographs = [path / "images" / name for name in names]
    images = cached_pixels(
        digest([state(photographs), vars(form)]),
        (len(names), form.size, form.size, 3),
        lambda: form.decode(photographs, names),
    )
    return images, labels, training


def from_archive(path: Path, form: Form) -> Birds:
    """The birds in the archive, which is read once, front to back, and not unpacked to disk. Raises BadInput."""
    texts: dict[str, bytes] = {}
    for member, content in archives.tarred(path, lambda name: name in [f"{FOLDER}/{file}" for file in LISTS]):
        texts[PurePosixPath(member).name] = content
        if len(texts) == len(LISTS):  # they come before the images
            break
    names, labels, training = listed(texts, path)

    def decode() -> Pixels:
        images = np.empty((len(names), form.size, form.size, 3), dtype=np.uint8)
        places = {f"{FOLDER}/images/{name}": place for place, name in enumerate(names)}
        batch: dict[str, bytes] = {}

        def store() -> None:
            images[[places.pop(name) for name in batch]] = form.decode([*batch.values()], [*batch])
            batch.clear()

        for member, content in archives.tarred(path, lambda name: name in places):
            batch[member] = content
            if len(batch) == BATCH:
                store()
        store()
        demand(not places, "data", "an archive with all listed images", f"{path} without {next(iter(places), '')}")
        return images

    key = digest([ARCHIVE.checksum, vars(form)])  # verified before
    return cached_pixels(key, (len(names), form.size, form.size, 3), decode), labels, training


def listed(texts: Mapping[str, bytes], path: Path) -> tuple[list[str], NDArray[np.int64], NDArray[np.bool_]]:
    """Names of the images, their labels 0..199 and which are for training, from the contents of the three lists.

    Raises BadInput if a list is missing or damaged, if the lists name different images, and for a name that leads out
    of the folder.
    """
    demand(
        set(texts) == set(LISTS), "data", f"a folder or archive with {', '.join(LISTS)}", f"{path} with {sorted(texts)}"
    )
    columns = {name: _column(text, f"{path}, {name}") for name, text in texts.items()}
    same = columns[NAMES].keys() == columns[LABELS].keys() == columns[SPLIT].keys()
    demand(same, "data", "three lists of the same images", f"{path} with { {n: len(c) for n, c in columns.items()} }")
    names = [*columns[NAMES].values()]
    inside = all(len(PurePosixPath(n).parts) == 2 and ".." not in n and not n.startswith("/") for n in names)
    demand(
        inside and len(set(names)) == len(names),
        "data",
        "a list of names folder/image, each once",
        f"{path} with {names[:1]}",
    )
    labels = [columns[LABELS][image] for image in columns[NAMES]]
    training = [columns[SPLIT][image] for image in columns[NAMES]]
    known = {str(label) for label in range(1, CLASSES + 1)}
    demand(
        known >= set(labels),
        "data",
        f"a list of labels from 1 to {CLASSES}",
        f"{path} with {sorted({*labels} - known)[:1]}",
    )
    demand({"0", "1"} >= set(training), "data", "a split of 0 and 1", f"{path} with {sorted(set(training))[:3]}")
    return names, np.array(labels, dtype=np.int64) - 1, np.array(training) == "1"


def _column(text: bytes, where: str) -> dict[str, str]:
    """The word of each number, of lines "number word"."""
    lines = [line.split() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    demand(all(len(line) == 2 for line in lines), "data", "a list of lines of two words", where)
    column = {line[0]: line[1] for line in lines}
    demand(
        len(column) == len(lines),
        "data",
        "a list with each image once",
        f"{where} with {len(lines) - len(column)} duplicates",
    )
    return column
