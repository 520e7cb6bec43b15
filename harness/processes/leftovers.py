"""What joblib keeps in shared memory for a pool, cleared after a process that was killed.

A pool's semaphores and folders of arrays carry the number of its process. Other programs use joblib too, and a process
of another container may look dead from here. So each process with a pool leaves a mark, and only what belongs to
a marked, dead process of this user and of this space of process numbers is deleted.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

SHARED = Path("/dev/shm")
MARK = "harness-pool-"


def mark() -> None:
    """Leave the mark of this process, deleted when it ends by itself."""
    _mark_of(os.getpid())


@cache
def _mark_of(pid: int) -> None:
    path = SHARED / f"{MARK}{pid}"
    with suppress(OSError):  # without shared memory there is nothing to clear
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        os.write(handle, _space().encode())
        os.close(handle)
        atexit.register(_unmark, path, pid)


def _unmark(path: Path, pid: int) -> None:
    if os.getpid() == pid:
        with suppress(OSError):
            path.unlink()


def clear() -> list[str]:
    """Delete what marked, dead processes left in shared memory; its names."""
    gone: list[str] = []
    if not SHARED.is_dir() or not hasattr(os, "getuid"):
        return gone
    for path in SHARED.glob(f"{MARK}*"):
        number = path.name.removeprefix(MARK)
        with suppress(OSError):
            if number.isdecimal() and _is_own(path) and path.read_text() == _space() and _is_dead(int(number)):
                gone += _clear_of(number)
                path.unlink()
    return gone


def _clear_of(number: str) -> list[str]:
    """Delete what the process of this number left; the names."""
    folders = {SHARED, Path(tempfile.gettempdir()), Path(os.environ.get("JOBLIB_TEMP_FOLDER") or SHARED)}
    patterns = (f"sem.loky-{number}-*", f"joblib_memmapping_folder_{number}_*")
    found = [path for folder in folders for pattern in patterns for path in folder.glob(pattern) if _is_own(path)]
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return [path.name for path in found]


def _is_own(path: Path) -> bool:
    """Whether this user owns a file or folder that is no link."""
    about = path.lstat()
    return about.st_uid == os.getuid() and not stat.S_ISLNK(about.st_mode)


def _is_dead(pid: int) -> bool:
    """Whether there is no such process. A number that was given to another process counts as alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _space() -> str:
    """The space of process numbers, which containers have of their own, and the boot it is of."""
    with suppress(OSError):
        return f"{os.readlink('/proc/self/ns/pid')} {Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"
    return "one space"
