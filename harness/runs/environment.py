"""The machine, the versions and the code that a run's numbers came from."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import __version__
from harness.train.machine import processor
from harness.train.native.library import maker

JUDGING = ("schema", "train", "measures", "predictors", "evaluate", "benches", "datasets", "runs")
"""Rooms whose source decides what tables hold; drawing and the command line do not."""

PACKAGES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "pyarrow", "hydra-core", "nats-bench")


def environment(device: str, kernels: str) -> dict[str, str]:
    """Versions, commit and machine, as far as they are known; `kernels` computed the updates on `device`."""
    return software() | {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "device": device,
        "kernels": f"{kernels}, {maker()}" if kernels.startswith("native") else kernels,
    }


def software() -> dict[str, str]:
    """Versions of this package, its commit, Python and the packages that compute, and the system."""
    found = {"harness": __version__, "commit": _commit(), "python": platform.python_version()}
    return found | versions_of(PACKAGES) | {"system": f"{platform.system()} {platform.machine()}"}


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """The version of each package, "not installed" where it is not."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _commit() -> str:
    """The commit of the checkout this code lies in, with a + where files differ from it; "unknown" outside one."""
    folder = Path(__file__).parent
    try:
        inside = subprocess.run(
            ["git", "ls-files", "--error-unmatch", "environment.py"], cwd=folder, capture_output=True, text=True
        )
        if inside.returncode:
            return "unknown"
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain", "."], cwd=folder, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def code_fingerprint(components: Iterable[object]) -> str:
    """SHA-256 (hex) of the source that tables are made by, and of the modules that define `components`."""
    modules = {type(component).__module__ for component in components}
    others = {getattr(sys.modules.get(module), "__file__", None) for module in modules}
    return code_of(JUDGING, [Path(file) for file in others if file])


def code_of(rooms: Iterable[str], others: Iterable[Path] = ()) -> str:
    """SHA-256 (hex) of the source of these rooms, and of other files."""
    package = Path(__file__).parents[1]
    own = (file for room in rooms for ending in ("py", "c") for file in (package / room).rglob(f"*.{ending}"))
    sha = hashlib.sha256()
    for file in sorted({*own, *others}):
        sha.update(file.name.encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()
