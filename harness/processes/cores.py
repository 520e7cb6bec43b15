"""How many processes may compute here at a time."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Cores that this process may use: those of its affinity, of its cgroup's quota and of its Slurm task."""
    import joblib

    found: int = joblib.cpu_count()
    if "SLURM_JOB_ID" in os.environ:  # without cgroups Slurm confines no job to what it was given
        given = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE", "")
        if given.isdecimal() and int(given):
            return min(found, int(given))
    return found
