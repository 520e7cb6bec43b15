"""Trials of docs/reliability.md: runs that are killed, interrupted, started twice, or short of disk space.

python -m perf.reliability [signals] [kills] [pairs] [sweeps] [disk] [--repeat N]

Each trial starts a small run of two workers in a session of its own, disturbs it once it has stored a trace, and counts
what of the session is alive after 5 s. The same command is then run again, and its tables are compared with those of
an undisturbed run. `disk` mounts a small tmpfs and needs root.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

SMALL = ["+bench=nasbench201", "bench.channels=4", "train.epochs=null", "predictor=[flops,movement]",
         "report.figures=[]"]  # fmt: skip
STEPS = ["architectures=16", "train.steps=120"]
PARALLEL = ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
SWEEP = [*PARALLEL, "seed=0,1,2", "engine.workers=1"]
SHARED = Path("/dev/shm")
LIMIT = 400.0
"""Seconds after which a trial has failed."""


@dataclass
class Run:
    """A command in a session of its own, with its folder."""

    folder: Path
    process: subprocess.Popen[str]

    def alive(self) -> list[int]:
        """Numbers of the processes of the session, without the trackers of joblib that only tidy up."""
        return [pid for pid in _pids() if _session(pid) == self.process.pid]

    def workers(self) -> list[int]:
        """Numbers of the processes that train."""
        return [pid for pid in self.alive() if "popen_loky" in _command(pid)]

    def traces(self) -> int:
        """Number of traces that are stored."""
        return len(list(self.folder.glob("results/traces/*/*.parquet")))

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, or the command has ended."""
        begin = time.monotonic()
        while not holds() and self.process.poll() is None:
            if time.monotonic() - begin > LIMIT:
                raise TimeoutError(f"{self.folder}: nothing happened in {LIMIT:.0f} s")
            time.sleep(0.05)

    def end(self) -> tuple[int, list[str]]:
        """Exit code and the lines on stderr."""
        _, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, [line for line in err.splitlines() if line.strip()]


@dataclass(frozen=True)
class Trial:
    """What is seen of one trial."""

    name: str
    code: int
    lines: Sequence[str]
    alive: int
    resumed: str

    def __str__(self) -> str:
        said = " / ".join(self.lines)[:160]
        return f"| {self.name} | {self.code} | {len(self.lines)} | {self.alive} | {self.resumed} | {said} |"


def begin(folder: Path, words: Sequence[str]) -> Run:
    """Start the command; its results and reports lie in `folder`."""
    places = [f"results={folder}/results", f"reports={folder}/reports"]
    command = [sys.executable, "-m", "harness", *SMALL, *words, *places]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    return Run(folder, process)


def disturbed(name: str, words: Sequence[str], disturb: Callable[[Run], None], known: pd.DataFrame | None) -> Trial:
    """Start, disturb after the first trace, count what is alive 5 s later, run again, compare."""
    with tempfile.TemporaryDirectory() as place:
        run = begin(Path(place), words)
        run.wait_for(lambda: run.traces() >= 1 and len(run.workers()) >= 2)
        time.sleep(random.uniform(0.0, 0.3))
        disturb(run)
        code, lines = run.end()
        time.sleep(5)
        alive = len(run.alive())
        again, _ = begin(Path(place), words).end()
        same = "same tables" if known is not None and known.equals(scores(Path(place))) else f"code {again}"
        return Trial(name, code, lines, alive, same)


WORKER = "kill -9 of a worker"


def scores(folder: Path) -> pd.DataFrame:
    """The scores of all runs in the folder."""
    paths = sorted(folder.glob("results/nasbench201-digits/*/scores.parquet"))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def undisturbed(words: Sequence[str]) -> pd.DataFrame:
    """The scores of a run that nothing disturbs."""
    with tempfile.TemporaryDirectory() as place:
        begin(Path(place), words).end()
        return scores(Path(place))


def signals(known: pd.DataFrame) -> list[Trial]:
    """SIGINT, SIGTERM and SIGHUP to the command, and to its whole group as a terminal sends them."""
    words = [*STEPS, "engine.workers=2"]
    trials = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for whom, send in (("command", os.kill), ("group", os.killpg)):
            name = f"{number.name} to the {whom}"
            trials.append(disturbed(name, words, lambda run, n=number, s=send: s(run.process.pid, n), known))  # type: ignore[misc]
            print(trials[-1], flush=True)
    return trials


def kills(known: pd.DataFrame) -> list[Trial]:
    """kill -9 of the command, of a worker, of all at once."""
    words = [*STEPS, "engine.workers=2"]
    ways: dict[str, Callable[[Run], None]] = {
        "kill -9 of the command": lambda run: os.kill(run.process.pid, signal.SIGKILL),
        WORKER: lambda run: os.kill(random.choice(run.workers()), signal.SIGKILL),
        "kill -9 of the group": lambda run: os.killpg(run.process.pid, signal.SIGKILL),
    }
    trials = []
    for name, way in ways.items():
        trials.append(disturbed(name, words, way, known))
        print(trials[-1], f"left in shared memory: {len(list(SHARED.glob('*loky-*')))}", flush=True)
    return trials


def sweeps() -> list[Trial]:
    """A sweep of three jobs in two processes: interrupted, ended, one job killed."""
    words = [*STEPS, *SWEEP]
    known = undisturbed(words)
    ways: dict[str, Callable[[Run], None]] = {
        "SIGINT to the group of a sweep": lambda run: os.killpg(run.process.pid, signal.SIGINT),
        "SIGTERM to a sweep": lambda run: os.kill(run.process.pid, signal.SIGTERM),
        "kill -9 of a job of a sweep": lambda run: os.kill(random.choice(run.workers()), signal.SIGKILL),
    }
    trials = []
    for name, way in ways.items():
        trials.append(disturbed(name, words, way, known))
        print(trials[-1], flush=True)
    return trials


def pairs(known: pd.DataFrame) -> list[Trial]:
    """Two identical commands at once."""
    words = [*STEPS, "engine.workers=1", "train.steps=32"]
    with tempfile.TemporaryDirectory() as place:
        both = [begin(Path(place), words) for _ in range(2)]
        ends = [run.end() for run in both]
        lines = [line for _, said in ends for line in said]
        trial = Trial("two identical commands", max(code for code, _ in ends), lines, 0, f"{len(scores(Path(place)))}")
        print(trial, flush=True)
        return [trial]


def disk(kilobytes: Sequence[int]) -> list[Trial]:
    """Disks of these sizes; then, with space freed, the same command again."""
    words = ["architectures=12", "train.steps=16", "engine.workers=2"]
    known, trials = undisturbed(words), []
    for size in kilobytes:
        with tempfile.TemporaryDirectory() as place:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", place]
            subprocess.run(mount, check=True)
            try:
                run = begin(Path(place), words)
                code, lines = run.end()
                time.sleep(5)
                alive = len(run.alive())
                subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
                again, _ = begin(Path(place), words).end()
                whole = not again and known.equals(scores(Path(place))) and _is_whole(Path(place))
                trials.append(Trial(f"disk of {size} kB", code, lines, alive, "same tables" if whole else "differs"))
                print(trials[-1], flush=True)
            finally:
                subprocess.run(["umount", "-l", place], check=True)
    return trials


def _is_whole(place: Path) -> bool:
    (page,) = place.glob("reports/nasbench201-digits/*/index.html")
    return page.read_text(encoding="utf-8").rstrip().endswith("</html>")


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid) if "(" in _stat(pid) and ") Z " not in _stat(pid) else None
    except OSError:
        return None


def _stat(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except OSError:
        return ""


def main() -> None:
    """Print a row of the table per trial."""
    parser = argparse.ArgumentParser()
    parser.add_argument("which", nargs="*", help="signals, kills, pairs, sweeps, disk; default: all")
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    which = given.which or ["signals", "kills", "pairs", "sweeps", "disk"]
    needs = {"signals", "kills", "pairs"} & set(which)
    known = undisturbed([*STEPS, "engine.workers=2"]) if needs else pd.DataFrame()
    print("| trial | exit code | lines on stderr | alive after 5 s | the same command again | lines |")
    print("|---|---|---|---|---|---|", flush=True)
    for _ in range(given.repeat):
        for name, trial in {"signals": signals, "kills": kills, "pairs": pairs}.items():
            if name in which:
                trial(known)
        if "sweeps" in which:
            sweeps()
        if "disk" in which:
            disk([60, 120, 190, 260, 400])


if __name__ == "__main__":
    main()
