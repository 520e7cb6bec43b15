"""What a worker of a cluster does for one task."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cloudpickle

ONE_AT_A_TIME = threading.Lock()
"""Random states and numbers of threads are those of a process: a worker with several threads works with one."""


class OtherCode(RuntimeError):
    """Raised at a worker whose package differs from that of the process which asks."""


def unpack(packed: bytes) -> Any:
    """What was pickled."""
    return cloudpickle.loads(packed)


def carry_out(function: Callable[[Any], Any], task: Any, code: str) -> Any:
    """The result of a task, by a worker whose package has the digest `code`. Raises OtherCode at another."""
    if code != package_digest():
        raise OtherCode(f"another one at {socket.gethostname()}")
    with ONE_AT_A_TIME:
        return function(task)


@cache
def package_digest() -> str:
    """SHA-256 (hex) of every source file of the package: keys and numbers follow from them."""
    root = Path(__file__).parents[1]
    found = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".c")):
        found.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()
