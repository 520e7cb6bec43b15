"""Errors of the machine, not of the program: no space, no permission, no device."""

from __future__ import annotations

import errno
import os

NUMBERS = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "EFBIG", "EMFILE", "ENFILE", "ENAMETOOLONG")
    if hasattr(errno, name)
}


def is_machine_error(error: BaseException) -> bool:
    """Whether the machine refused, so that the same command may succeed elsewhere or later."""
    return isinstance(error, OSError) and error.errno in NUMBERS


def described(error: OSError) -> str:
    """The path and the reason, in one line."""
    reason = (
        os.strerror(error.errno) if error.errno else " ".join(str(error).split())[:200]
    )  # Arrow has words of its own
    return f"cannot use {error.filename}: {reason}" if error.filename else f"cannot write: {reason}"
