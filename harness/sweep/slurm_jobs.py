"""Jobs of a sweep that Slurm runs (hydra-submitit-launcher), waited for until none of them runs or waits any more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUBMITTED = "_submitted.pkl"
"""How the file ends that submitit writes for each job; its number stands before."""


@dataclass(frozen=True)
class SlurmJobs:
    """The jobs whose files lie in or below `folder`, submitted after the file `since` was written."""

    folder: Path
    since: Path

    def wait(self) -> None:
        """Wait until Slurm has ended every job, whichever was cancelled; a job that is requeued is waited for too."""
        from submitit import SlurmJob

        for name, place in self._submitted().items():
            SlurmJob[object](folder=place, job_id=name).wait()

    def numbers(self) -> list[str]:
        """Slurm's numbers of the arrays and jobs, for scancel."""
        return list(dict.fromkeys(name.partition("_")[0] for name in self._submitted()))

    def tidy(self) -> None:
        """Delete the empty folder %j that submitit makes in the name of no job."""
        with suppress(OSError):
            (self.folder / "%j").rmdir()

    def _submitted(self) -> dict[str, Path]:
        """The folder of each job's files by its number; one of an earlier sweep in the same folder is none."""
        begun = self.since.stat().st_mtime
        files = sorted(path for path in self.folder.rglob(f"*{SUBMITTED}") if path.stat().st_mtime >= begun)
        return {path.name.removesuffix(SUBMITTED): path.parent for path in files}


def slurm_jobs(launcher: Mapping[str, Any], sweep: Path) -> SlurmJobs | None:
    """The jobs of the sweep in this folder by the settings of its launcher; None where Slurm does not run it."""
    if not str(launcher.get("_target_", "")).endswith("submitit_launcher.SlurmLauncher"):
        return None
    from submitit.core.utils import JobPaths

    return SlurmJobs(JobPaths.get_first_id_independent_folder(str(launcher["submitit_folder"])), sweep / "sweep.json")


def watch_without_sacct() -> None:
    """Where Slurm keeps no accounts, let submitit read the states of jobs from squeue, and print a line."""
    try:
        done = subprocess.run(["sacct", "--noheader", "-j", "1"], capture_output=True, text=True)
        said = "" if done.returncode == 0 else " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    except OSError as error:
        said = str(error)
    if said:
        from harness.sweep.slurm_queue import watch_queue

        watch_queue()
        print(f"sacct does not answer ({said}): states of jobs are read from squeue", file=sys.stderr)


def is_lost(error: RuntimeError) -> bool:
    """Whether the error says that a job left no result, as one that was cancelled."""
    from submitit.core.utils import FailedJobError, UncompletedJobError

    return isinstance(error, UncompletedJobError) and not isinstance(error, FailedJobError)
