"""Decoded pixels kept in the user's cache folder, so that images are decoded once."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch

from .pixels import Pixels


def remembered(key: str, shape: tuple[int, ...], decode: Callable[[], Pixels]) -> Pixels:
    """What `decode` gives, an array of this `shape`, from the cache where it was kept under `key` before.

    `key` has to change with everything that decides the pixels. A cache that cannot be read or written is only slower.
    """
    path = Path(pooch.os_cache("harness")) / "decoded" / f"{key}.npy"
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
    """Store `pixels` at `path`, whole or not at all."""
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
        logging.getLogger(__name__).warning("%s: the decoded images could not be kept", path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)
