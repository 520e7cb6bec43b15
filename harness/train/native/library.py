"""The compiled step, made once on each machine by the C compiler that is there.

What lies in the cache is executed, so it is used only where nobody else can have written it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from filelock import FileLock

from harness.files.cache import user_cache
from harness.schema import BadInput

SOURCE = Path(__file__).with_name("step.c")
FLAGS = ("-O3", "-fno-math-errno", "-shared", "-fPIC", "-w")
REALS = {"float": (), "double": ("-DREAL=double", "-DBITS=int64_t")}
"""What the step can count in, and the flags for it; double is for checks."""

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
"""Permissions of what is cached: of this user alone."""

UNMAPPED = 65534
"""Owner, as containers without root see it, of the folders that belong to the machine's root."""


class CannotCompile(RuntimeError):
    """Why there is no compiled step here, in one line."""


class UnsafeCache(CannotCompile):
    """Where compiled code would be kept, somebody else may have put theirs."""


def compiler() -> str | None:
    """The C compiler: $CC if set, else the first of cc, gcc and clang on the path; None without any."""
    named = os.environ.get("CC")
    if named:
        return shutil.which(named.split()[0]) and named
    return next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)


@cache
def library(real: str = "float") -> ctypes.CDLL:
    """The step that counts in `real`, compiled if this machine has not compiled this source before (2 to 4 s).

    Raises CannotCompile where there is no compiler, where it fails, and where others may write to the cache; BadInput
    where the user has no home folder to keep it in.
    """
    return _declared(compiled(SOURCE, REALS[real]))


def compiled(source: Path, more: tuple[str, ...] = ()) -> ctypes.CDLL:
    """The library of one C file, by a caller that keeps it, with these further flags. Raises as `library` does."""
    found = compiler()
    if found is None:
        raise CannotCompile(_missing())
    here = (source.read_text(encoding="utf-8"), found, _version(found), FLAGS, more, platform.machine(), _processor())
    name = hashlib.sha256(repr(here).encode()).hexdigest()[:24]
    try:
        folder = user_cache() / "native"
    except BadInput as error:
        raise BadInput(f"{error}, or engine.kernels=torch, which compiles nothing") from error
    path = folder / f"{name}.so"
    try:
        _make_private(folder)
        with FileLock(folder / f"{name}.lock", mode=PRIVATE_FILE):
            if not os.path.lexists(path):
                _compile(found, source, more, path)
        _demand_own(path, stat.S_ISREG, "a file")
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise CannotCompile(f"the compiled step cannot be kept in {folder}: {error}") from error


def _make_private(folder: Path) -> None:
    """Make the folder, for this user alone whatever the umask. Raises UnsafeCache where others may write to it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=PRIVATE_FOLDER)
        os.chmod(folder, PRIVATE_FOLDER)  # the umask may have taken more away
    except FileExistsError:
        pass
    _demand_own(folder, stat.S_ISDIR, "a folder")
    for lock in folder.glob("*.lock"):  # taking a lock truncates the file that a link leads to
        _demand_own(lock, stat.S_ISREG, "a file")
    for above in folder.absolute().parents:  # whoever writes there can exchange the folder
        found = above.stat()
        foreign = found.st_uid not in (0, os.geteuid(), UNMAPPED)
        if foreign or (found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX):
            raise UnsafeCache(f"the cache {folder} is not used: others may write to {above}, the folder above it")


def _demand_own(path: Path, is_kind: Callable[[int], bool], kind: str) -> None:
    """Raise UnsafeCache unless the path is such a file or folder, no link, of this user, that no other may write."""
    found = path.lstat()
    if not is_kind(found.st_mode):
        raise UnsafeCache(f"the cache {path} is not used: it must be {kind} and no link. Remove it")
    if found.st_uid != os.geteuid():
        raise UnsafeCache(f"the cache {path} is not used: it belongs to another user. Set XDG_CACHE_HOME")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnsafeCache(f"the cache {path} is not used: others may write to it. Remove it")


def _missing() -> str:
    named = os.environ.get("CC")
    return f"$CC names no compiler: {named!r}" if named else "no C compiler (cc, gcc or clang) is on the path"


def _compile(found: str, source: Path, more: tuple[str, ...], path: Path) -> None:
    """Under another name first, then renamed: a killed compiler leaves no file that looks complete."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / "step.so"
        for processor in (["-march=native"], ["-mcpu=native"], []):  # not every compiler knows each
            command = [*found.split(), *FLAGS, *processor, *more, "-o", str(made), str(source), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o077)
            if not done.returncode:
                break
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip()[:200])
            raise CannotCompile(f"{found} failed with status {done.returncode}: {reason}")
        os.chmod(made, PRIVATE_FILE)
        made.replace(path)


def maker() -> str:
    """The compiler and its version, in one line."""
    found = compiler()
    return _version(found).partition("\n")[0] if found else _missing()


def _version(found: str) -> str:
    done = subprocess.run([*found.split(), "--version"], capture_output=True, text=True, check=False)
    return done.stdout


@cache
def _processor() -> str:
    """What the compiler may use of this processor: a folder may be shared by machines of several kinds."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8", errors="replace").splitlines() if cpu.exists() else []
    described = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    return "\n".join(sorted(described)) or platform.processor()


def _declared(lib: ctypes.CDLL) -> ctypes.CDLL:
    lib["pass"].restype = ctypes.c_double
    lib.update.restype = ctypes.c_double
    lib.run.restype = ctypes.c_double
    lib.lanes_in_vector.restype = ctypes.c_int64
    lib.pays.restype = ctypes.c_int64
    return lib
