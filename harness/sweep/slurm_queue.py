"""States of jobs by squeue, for a Slurm without accounts, where sacct does not answer."""

from __future__ import annotations

import os

from submitit.slurm.slurm import SlurmInfoWatcher, SlurmJob

ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}
"""States in which squeue still lists a job that has ended, for some minutes."""

GONE = "ENDED"
"""The state of a job that squeue lists no more."""

DELAY = 60
"""Most seconds from one question to squeue to the next."""


class QueueWatcher(SlurmInfoWatcher):
    """Of submitit's jobs: one that squeue lists no more has ended. Where squeue fails nothing is concluded."""

    def _make_command(self) -> list[str] | None:
        """All jobs of the user, an element of an array a line: with the number of one that is gone squeue fails."""
        if not self._registered - self._finished:
            return None
        return ["squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}", "--format=%i|%T"]

    def read_info(self, string: bytes | str) -> dict[str, dict[str, str]]:
        """The state of each job that is waited for."""
        text = string if isinstance(string, str) else string.decode()
        listed = dict(line.strip().split("|", 1) for line in text.splitlines() if "|" in line)
        states = {name: listed.get(name, GONE) for name in self._registered - self._finished}
        return {
            name: {"JobID": name, "State": state if state in {*ENDED, GONE} else "RUNNING"}  # waits, runs, is requeued
            for name, state in states.items()
        }


def watch_queue() -> None:
    """Let submitit ask squeue for the states of all jobs of this process."""
    SlurmJob.watcher = QueueWatcher(DELAY)
