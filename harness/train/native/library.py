"""The compiled step, made once on each machine by the C compiler that is there."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pooch
from filelock import FileLock

SOURCE = Path(__file__).with_name("step.c")
FLAGS = ("-O3", "-fno-math-errno", "-shared", "-fPIC", "-w")
REALS = {"float": (), "double": ("-DREAL=double", "-DBITS=int64_t")}
"""What the step can count in, and the flags for it; double is for checks."""


class CannotCompile(RuntimeError):
    """Why there is no compiled step here, in one line."""


def compiler() -> str | None:
    """The C compiler: $CC if set, else the first of cc, gcc and clang on the path; None without any."""
    named = os.environ.get("CC")
    if named:
        return shutil.which(named.split()[0]) and named
    return next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)


@cache
def library(real: str = "float") -> ctypes.CDLL:
    """The step that counts in `real`, compiled if this machine has not compiled this source before (2 to 4 s).

    Raises CannotCompile where there is no compiler, or where it fails.
    """
    found = compiler()
    if found is None:
        raise CannotCompile(_missing())
    here = (SOURCE.read_text(encoding="utf-8"), found, _version(found), FLAGS, real, platform.machine(), _processor())
    name = hashlib.sha256(repr(here).encode()).hexdigest()[:24]
    folder = Path(pooch.os_cache("harness")) / "native"
    path = folder / f"{name}.so"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}.lock"):
            if not path.exists():
                _compile(found, REALS[real], path)
        return _declared(ctypes.CDLL(str(path)))
    except OSError as error:
        raise CannotCompile(f"the compiled step cannot be kept in {folder}: {error}") from error


def _missing() -> str:
    named = os.environ.get("CC")
    return f"$CC names no compiler: {named!r}" if named else "no C compiler (cc, gcc or clang) is on the path"


def _compile(found: str, more: tuple[str, ...], path: Path) -> None:
    """Under another name first, then renamed: a killed compiler leaves no file that looks complete."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / "step.so"
        for processor in (["-march=native"], ["-mcpu=native"], []):  # not every compiler knows each
            command = [*found.split(), *FLAGS, *processor, *more, "-o", str(made), str(SOURCE), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not done.returncode:
                break
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip()[:200])
            raise CannotCompile(f"{found} failed with status {done.returncode}: {reason}")
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
    lib.lanes_in_vector.restype = ctypes.c_int64
    lib.pays.restype = ctypes.c_int64
    return lib
