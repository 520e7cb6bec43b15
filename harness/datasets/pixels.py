"""Pixels of image sets: decoding, cropping to squares, resizing, and conversion of colours."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.schema import BadInput, demand

Pixels = NDArray[np.uint8]
MOST = 2**26  # pixels of one encoded image, read from its header before decoding
FORMATS = ("JPEG", "PNG", "BMP", "PPM", "WEBP")
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm", ".webp")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # at most 8 bits per channel
ASPECTS = ("crop", "stretch")
CHUNK = 128  # images per task of a thread
SIZES = range(4, 513)  # allowed side in pixels
# raised by Pillow for damaged files; its UnidentifiedImageError is an OSError
DAMAGED = (OSError, SyntaxError, ValueError, LookupError, TypeError, EOFError, struct.error, zlib.error,
           Image.DecompressionBombError, OverflowError)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """The common shape of images, (`size`, `size`, `colours`), and how it is reached.

    `aspect` "crop" takes the central square of a rectangle, "stretch" resizes it to a square. A side that is a multiple
    of `size` is averaged down, rounding half up; for other sizes Pillow interpolates linearly (BILINEAR, with
    antialiasing). Colours are converted to grey by ITU-R 601, as in Pillow; grey becomes three equal colours.
    Transparency is dropped, and EXIF orientation is ignored.
    """

    size: int
    colours: int
    aspect: str = "crop"

    def __post_init__(self) -> None:
        demand(self.size in SIZES, "dataset.size", f"{SIZES[0]} to {SIZES[-1]} pixels", self.size)
        demand(self.colours in (1, 3), "dataset.colours", "1 or 3", self.colours)
        demand(self.aspect in ASPECTS, "dataset.aspect", " or ".join(map(repr, ASPECTS)), self.aspect)

    def of(self, images: Pixels) -> Pixels:
        """Images (n, height, width, 1 or 3), converted to this form."""
        return resized(squared(coloured(images, self.colours), self.aspect), self.size)

    def decode(self, encoded: Sequence[bytes | Path], where: Sequence[str]) -> Pixels:
        """Encoded images, or files that hold them, in this form; `where` names each in error messages.

        Raises BadInput for an image that is damaged, not in `FORMATS`, of more than `MOST` pixels or 8 bits a channel.
        """
        images = np.empty((len(encoded), self.size, self.size, self.colours), dtype=np.uint8)

        def some(start: int) -> None:
            for place in range(start, min(start + CHUNK, len(encoded))):
                images[place] = self.of(decoded(encoded[place], self.colours, where[place])[None])[0]

        with warnings.catch_warnings(), ThreadPoolExecutor() as pool:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `MOST` is stricter, and an error
            list(pool.map(some, range(0, len(encoded), CHUNK)))  # Pillow decodes without the GIL
        return images


def decoded(encoded: bytes | Path, colours: int, where: str) -> Pixels:
    """One image (height, width, colours), with its declared size checked before decoding. Raises BadInput."""
    try:
        with Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded, formats=FORMATS) as image:
            width, height = image.size
            demand(
                0 < width * height <= MOST, "data", f"an image of at most {MOST} pixels", f"{where}, {width}x{height}"
            )
            demand(image.mode in MODES, "data", "an image of at most 8 bits per channel", f"{where} ({image.mode})")
            pixels: Pixels = np.asarray(image.convert("RGB" if colours == 3 else "L"))
    except BadInput:
        raise
    except DAMAGED as error:
        raise BadInput(
            f"data: must be an intact image ({', '.join(FORMATS)}) (got {where}: {type(error).__name__}: {error})"
        ) from error
    return pixels.reshape(height, width, colours)


def coloured(images: Pixels, colours: int) -> Pixels:
    """Images (n, height, width, 1 or 3) with `colours` colours."""
    if images.shape[3] == colours:
        return images
    if colours == 3:
        return np.repeat(images, 3, axis=3)
    weights = np.array([19595, 38470, 7471], dtype=np.uint32)  # 0.299, 0.587, 0.114 in units of 2**-16
    grey: Pixels = ((images @ weights + 2**15) >> 16).astype(np.uint8)[..., None]
    return grey


def squared(images: Pixels, aspect: str) -> Pixels:
    """The central squares of rectangular images; unchanged for `aspect` "stretch", which resizes later."""
    _, height, width, _ = images.shape
    if height == width or aspect == "stretch":
        return images
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[:, top : top + side, left : left + side]


def resized(images: Pixels, size: int) -> Pixels:
    """Images (n, height, width, 1 or 3) with `size` x `size` pixels; see `Form`."""
    n, height, width, colours = images.shape
    if (height, width) == (size, size):
        return images
    if height == width and height % size == 0:
        factor = height // size
        blocks = images.reshape(n, size, factor, size, factor, colours)
        total = blocks.sum(axis=(2, 4), dtype=np.uint32)
        mean: Pixels = ((2 * total + factor**2) // (2 * factor**2)).astype(np.uint8)
        return mean
    result = np.empty((n, size, size, colours), dtype=np.uint8)
    for place, image in enumerate(images):
        picture = Image.fromarray(np.ascontiguousarray(image if colours == 3 else image[..., 0]))
        result[place] = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)).reshape(size, size, colours)
    return result


def moments(images: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each colour in units of 0..1, rounded to 4 decimals; exact before that.

    Raises BadInput if a colour is constant, since images are divided by its deviation.
    """
    counts = np.zeros((images.shape[3], 256))
    for start in range(0, len(images), 1000):  # bincount converts to 8 bytes per pixel
        for colour, values in enumerate(np.moveaxis(images[start : start + 1000], 3, 0)):
            counts[colour] += np.bincount(values.ravel(), minlength=256)
    share, value = counts / counts.sum(axis=1, keepdims=True), np.arange(256) / 255
    mean = share @ value
    deviation = np.sqrt((share * (value - mean[:, None]) ** 2).sum(axis=1))
    demand(
        bool((deviation >= 0.0001).all()),
        "data",
        "a set of training images that vary in every colour",
        deviation.tolist(),
    )
    return tuple(round(float(m), 4) for m in mean), tuple(round(float(d), 4) for d in deviation)
