"""Locks between processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.schema import demand


@contextmanager
def exclusive_lock(lock: Path, name: str, doing: str, keep: bool = False) -> Iterator[None]:
    """Hold the lock file `lock` during the block, and delete it afterwards unless it is to be kept.

    Of three processes that use a deleted file two may work at once; keep it where that would matter. If another process
    holds it, print a line that it is `doing` ("fetching", say) `name`, and wait.
    """
    demand(not lock.is_symlink(), "lock", "a file and no symbolic link, which would be emptied", str(lock))
    file_lock = FileLock(lock)
    try:
        file_lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: waiting for another process that is {doing} it", file=sys.stderr)
        file_lock.acquire()
    try:
        yield
    finally:
        if not keep:
            lock.unlink(missing_ok=True)
        file_lock.release()
