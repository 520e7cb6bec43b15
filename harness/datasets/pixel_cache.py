"""Cache of decoded pixels in the user's cache folder."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.files.cache import user_cache

from .pixels import Pixels


def cached_pixels(key: str, shape: tuple[int, ...], decode: Callable[[], Pixels]) -> Pixels:
    """The result of `decode`, an array of this `shape`, from the cache if it is stored under `key`.

    `key` must depend on everything that determines the pixels. Without a readable and writable cache it is only slower.
    """
    path = user_cache() / "decoded" / f"{key}.npy"
    try:
        kept = np.load(path, mmap_mode="r")
        if kept.shape == shape and kept.dtype == np.uint8:
            return np.array(kept)
    except (OSError, ValueError, EOFError):
        pass
    pixels = decode()
    _keep(path, pixels)
    return pixels


def _keep(path: Path, pixels: Pixels) -> None:
    """Store `pixels` at `path`, atomically."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npy")
        os.close(handle)
    except OSError:
        return
    try:
        np.save(temporary, pixels)
        os.replace(temporary, path)
    except OSError:
        logging.getLogger(__name__).warning("%s: cannot cache the decoded images", path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)
