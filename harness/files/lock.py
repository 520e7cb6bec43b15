"""One process at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def alone(lock: Path, name: str, does: str) -> Iterator[None]:
    """No other process holds the file `lock` while the block runs; waits for one that does, and says so: it `does`
    ("fetches", say) what is called `name`. The file is gone afterwards."""
    mine = FileLock(lock)
    try:
        mine.acquire(timeout=0)
    except Timeout:
        print(f"{name}: waiting for another process that {does} it", file=sys.stderr)
        mine.acquire()
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        mine.release()
