"""Size and colours of images against slow loops and Pillow, and images that are refused."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.datasets import pixels
from harness.datasets.pixels import Form, coloured, decoded, moments, resized, squared
from harness.schema import BadInput
from tests.datasets.formats import encoded


def _images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("size", [32, 16, 8])
def test_a_smaller_image_is_the_mean_of_its_blocks(size: int) -> None:
    images = _images(3, 32, 32, 3)
    small, factor = resized(images, size), 32 // size
    assert small.dtype == np.uint8
    for n, y, x, c in np.ndindex(small.shape):
        block = images[n, y * factor : (y + 1) * factor, x * factor : (x + 1) * factor, c].astype(float)
        assert small[n, y, x, c] == np.floor(block.mean() + 0.5)


def _linear(side: int, size: int) -> np.ndarray:
    """Weights (size, side) of linear interpolation: a triangle about the new pixel's centre, as wide as it is."""
    step, weights = side / size, np.zeros((size, side))
    for new in range(size):
        for old in range(side):
            weights[new, old] = max(0.0, 1 - abs(old + 0.5 - (new + 0.5) * step) / max(step, 1))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("size", [8, 6, 4, 15, 20])
def test_another_size_is_interpolated_linearly(colours: int, size: int) -> None:
    images = _images(2, 10, 10, colours)
    weights = _linear(10, size)
    expected = np.einsum("ab,nbdc,ed->naec", weights, images.astype(float), weights)
    assert np.abs(resized(images, size) - expected).max() <= 1.01  # two roundings, one for each direction


def test_a_rectangle_is_cut_to_its_central_square_or_pressed_into_one() -> None:
    images = _images(2, 12, 8, 3)
    np.testing.assert_array_equal(squared(images, "crop"), images[:, 2:10])
    np.testing.assert_array_equal(squared(np.swapaxes(images, 1, 2), "crop"), np.swapaxes(images[:, 2:10], 1, 2))
    cropped, stretched = (Form(4, 3, aspect).of(images) for aspect in ("crop", "stretch"))
    np.testing.assert_array_equal(cropped, resized(images[:, 2:10], 4))
    expected = np.einsum("ab,nbdc,ed->naec", _linear(12, 4), images.astype(float), _linear(8, 4))
    assert np.abs(stretched - expected).max() <= 1.01


def test_grey_is_pillows_grey_and_grey_becomes_three_equal_colours() -> None:
    images = _images(1, 64, 64, 3)
    grey = np.asarray(Image.fromarray(images[0]).convert("L"))
    np.testing.assert_array_equal(coloured(images, 1)[0, ..., 0], grey)
    three = coloured(images[..., :1], 3)
    assert three.shape == images.shape
    assert (three == images[..., :1]).all()
    assert coloured(images, 3) is images


def test_mean_and_deviation_are_those_of_all_pixels_of_a_colour() -> None:
    images = _images(2500, 4, 4, 3) // np.array([1, 2, 4], dtype=np.uint8)
    mean, deviation = moments(images)
    np.testing.assert_allclose(mean, images.mean(axis=(0, 1, 2)) / 255, atol=0.5e-4)
    np.testing.assert_allclose(deviation, images.std(axis=(0, 1, 2)) / 255, atol=0.5e-4)
    images[..., 1] = 7
    with pytest.raises(BadInput, match="vary in every colour"):
        moments(images)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("PPM", {}), ("WEBP", {"lossless": True})])
def test_images_of_every_format_are_read_from_bytes_and_files(tmp_path: Path, kind: str, options: dict) -> None:
    images = _images(3, 12, 12, 3)
    written = [encoded(image, kind, **options) for image in images]
    for number, content in enumerate(written):
        (tmp_path / str(number)).write_bytes(content)
    form, told = Form(12, 3), list("abc")
    np.testing.assert_array_equal(form.decode(written, told), images)
    np.testing.assert_array_equal(form.decode([tmp_path / str(n) for n in range(3)], told), images)


def test_a_jpeg_image_is_read_as_pillow_reads_it() -> None:
    image = resized(_images(1, 4, 4, 3), 32)[0]
    written = encoded(image, "JPEG", quality=90)
    np.testing.assert_array_equal(decoded(written, 3, "x"), np.asarray(Image.open(io.BytesIO(written))))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_other_modes_become_the_colours_asked_for(mode: str) -> None:
    picture = Image.fromarray(_images(6, 6, 3)).convert(mode)
    stream = io.BytesIO()
    picture.save(stream, "JPEG" if mode == "CMYK" else "PNG", **({"quality": 100} if mode == "CMYK" else {}))
    expected = np.asarray(Image.open(io.BytesIO(stream.getvalue())).convert("RGB"))
    np.testing.assert_array_equal(decoded(stream.getvalue(), 3, "x"), expected)
    assert decoded(stream.getvalue(), 1, "x").shape == (6, 6, 1)


def _declared(width: int, height: int, bits: int = 8) -> bytes:
    """A PNG file that declares this size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def _declared_jpeg(width: int, height: int) -> bytes:
    whole = encoded(_images(8, 8, 3), "JPEG")
    at = whole.index(b"\xff\xc0") + 5
    return whole[:at] + struct.pack(">HH", height, width) + whole[at + 4 :]


@pytest.mark.parametrize("image", [_declared(2**15, 2**15), _declared(9000, 9000), _declared_jpeg(65_000, 65_000)])
def test_a_bomb_is_refused_by_its_declared_size_before_it_is_decoded(
    image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(BadInput, match="the third"):
        Form(32, 3).decode([image], ["the third"])


def test_an_image_of_the_largest_size_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    image = encoded(_images(8, 8, 3))
    monkeypatch.setattr(pixels, "MOST", 64)
    assert decoded(image, 3, "x").shape == (8, 8, 3)
    monkeypatch.setattr(pixels, "MOST", 63)
    with pytest.raises(BadInput, match="8x8"):
        decoded(image, 3, "x")


def test_deep_and_foreign_images_are_refused() -> None:
    deep = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000).save(deep, "PNG")
    with pytest.raises(BadInput, match="8 bits"):
        decoded(deep.getvalue(), 3, "x")
    gif = encoded(_images(8, 8, 1), "GIF")
    for content in (gif, b"", b"not an image", encoded(_images(8, 8, 3))[:60]):
        with pytest.raises(BadInput, match="the one"):
            decoded(content, 3, "the one")


@pytest.mark.parametrize(
    ("settings", "key"),
    [((3, 3), "size"), ((513, 3), "size"), ((32, 2), "colours"), ((32, 3, "fit"), "aspect")],
)
def test_a_form_that_cannot_be_is_refused(settings: tuple, key: str) -> None:
    with pytest.raises(BadInput, match=rf"dataset\.{key}"):
        Form(*settings)
