"""What is written beside a run's tables: its name, and the machine and versions it ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import __version__
from harness.evaluate.judge import Evaluation
from harness.fleet import Campaign
from harness.schema import Learned, Predictor, digest, settings

PACKAGES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "pyarrow", "hydra-core", "nats-bench")


def run_name(
    seed: int,
    architectures: int,
    campaign: Campaign,
    evaluation: Evaluation,
    predictors: Mapping[str, Predictor | Learned],
) -> str:
    """A folder name that is the same exactly for runs whose numbers must be the same."""
    identity = [
        settings(campaign.bench),
        campaign.fingerprint,
        settings(campaign.recipe),
        {name: settings(measure) for name, measure in campaign.measures.items()},
        {name: settings(predictor) for name, predictor in predictors.items()},
        settings(evaluation),
    ]
    return f"seed{seed}-n{architectures}-{digest(identity)[:8]}"


def environment(device: str) -> dict[str, str]:
    """Versions, commit and machine, as far as they can be told."""
    found = {"harness": __version__, "commit": _commit(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found | {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "device": device,
    }


def _commit() -> str:
    """The commit of the checkout this code lies in, with a + where files differ from it; "unknown" outside one."""
    folder = Path(__file__).parent
    try:
        inside = subprocess.run(
            ["git", "ls-files", "--error-unmatch", "schema.py"], cwd=folder, capture_output=True, text=True
        )
        if inside.returncode:
            return "unknown"
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain", "."], cwd=folder, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
