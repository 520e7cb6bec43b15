"""A real Slurm of one node: shards of which one is cancelled and others requeued, and a run over dask workers.

Marked `cluster`: needs root and `apt-get install slurm-wlm munge`; minutes. Run by `make check-cluster`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]

TINY = ["+bench=nasbench201", "bench.channels=2", "train.batch=32", "train.epochs=null", "train.steps=3000",
        "train.observe_every=300", "train.watch_images=64", "evaluate.bootstrap=20", "report.figures=[]",
        "predictor=[flops,valacc,movement,lcsvr]", "measure=[movement]"]  # fmt: skip

LOOPBACK = (
    'engine.cluster_settings={memory: 2GB, walltime: "00:30:00", interface: lo, log_directory: log, '
    'local_directory: scratch, scheduler_options: {host: "127.0.0.1", dashboard_address: "127.0.0.1:0"}}'
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not shutil.which("slurmctld") or os.geteuid() != 0, reason="needs Slurm, as root"),
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    script, changes = str(HERE / "one_node_slurm.sh"), pytest.MonkeyPatch()
    changes.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    changes.setenv("PATH", f"{HERE / 'bin'}:{os.environ['PATH']}")
    changes.setenv("PYTHONPATH", str(ROOT))
    subprocess.run(["bash", script, "up", str(folder), "4"], check=True, timeout=60)
    yield
    subprocess.run(["scancel", "--user=root"], check=False)
    end = time.monotonic() + 30
    while subprocess.run(["squeue", "-h"], capture_output=True).stdout and time.monotonic() < end:
        time.sleep(1)  # without their controller jobs would go on
    subprocess.run(["bash", script, "down", str(folder)], check=True)
    changes.undo()


class Command:
    """A command that runs in a folder of its own; interrupted at the end of a `with` block that it outlives."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.out, self.err = folder / "out.txt", folder / "err.txt"
        command = [sys.executable, "-m", "harness", *words]
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def traces(self) -> int:
        return len(list(self.folder.glob("results/traces/*/*.parquet")))

    def wait_for(self, holds, seconds: float = 300.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None and time.monotonic() < end, self.err.read_text()
            time.sleep(0.5)


def scores(folder: Path) -> pd.DataFrame:
    (path,) = folder.glob("results/nasbench201-digits/*/scores.parquet")
    return pd.read_parquet(path)


def run(folder: Path, *words: str) -> str:
    folder.mkdir()
    done = subprocess.run([sys.executable, "-m", "harness", *TINY, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("one") / "run"
    run(folder, "architectures=12", "engine.workers=1")
    return scores(folder)


@pytest.mark.usefixtures("slurm")
def test_of_three_shards_one_is_cancelled_one_requeued_and_one_preempted(tmp_path: Path, one_machine) -> None:
    words = ["-m", *TINY, "architectures=4", "skip=0,4,8", "stage=train", "engine.workers=2",
             "hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=30",
             "hydra.sweep.dir=sweep"]  # fmt: skip

    def states() -> list[str]:
        return [json.loads(path.read_text())["state"] for path in sorted(tmp_path.glob("sweep/*/job.json"))]

    with Command(tmp_path, *words) as sweep:
        sweep.wait_for(lambda: states() == ["started"] * 3 and sweep.traces() >= 1)
        (array,) = {path.name.partition("_")[0] for path in tmp_path.glob("sweep/.submitit/[0-9]*_*")}
        subprocess.run(["scancel", f"{array}_0"], check=True)
        subprocess.run(["scontrol", "requeue", f"{array}_1"], check=True)
        subprocess.run(["scancel", f"{array}_2", "--signal", "SIGTERM"], check=True)  # what comes before a preemption
        subprocess.run(["scancel", f"{array}_2", "--signal", "USR2"], check=True)
        assert sweep.process.wait(900) == 3
    assert sweep.err.read_text() == "failed job 0: cancelled or killed by Slurm\n"
    assert states() == ["failed", "complete", "complete"]
    assert not (tmp_path / "sweep/.submitit/%j").exists()
    assert 8 <= sweep.traces() < 12
    with Command(tmp_path, *TINY, "architectures=12", "engine.workers=1") as gathering:
        assert gathering.process.wait(600) == 0 and gathering.traces() == 12
    pd.testing.assert_frame_equal(scores(tmp_path), one_machine)


@pytest.mark.usefixtures("slurm")
def test_without_accounts_a_cancelled_job_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"].removeprefix(f"{HERE / 'bin'}:"))  # the sacct that has no accounts
    words = ["-m", *TINY, "architectures=4", "skip=0,4", "stage=train", "engine.workers=1",
             "hydra/launcher=submitit_slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=30",
             "hydra.sweep.dir=sweep"]  # fmt: skip
    with Command(tmp_path, *words) as sweep:
        sweep.wait_for((tmp_path / "sweep" / "0" / "job.json").is_file)
        (array,) = {path.name.partition("_")[0] for path in tmp_path.glob("sweep/.submitit/[0-9]*_*")}
        subprocess.run(["scancel", f"{array}_0"], check=True)
        assert sweep.process.wait(300) == 3
    first, second = sweep.err.read_text().splitlines()
    assert first.startswith("sacct does not answer (") and first.endswith("states of jobs are read from squeue")
    assert second == "failed job 0: cancelled or killed by Slurm"


@pytest.mark.usefixtures("slurm")
def test_a_sweep_of_one_job_leaves_no_stray_folder(tmp_path: Path) -> None:
    words = ["-m", *TINY, "train.steps=300", "architectures=2", "stage=train", "hydra/launcher=submitit_slurm"]
    with Command(tmp_path, *words, "hydra.launcher.timeout_min=30", "hydra.sweep.dir=sweep") as sweep:
        assert sweep.process.wait(600) == 0
    assert [path.name for path in tmp_path.rglob("*%j*")] == []


@pytest.mark.usefixtures("slurm")
def test_a_run_over_dask_workers_that_are_slurm_jobs_survives_the_loss_of_one(tmp_path: Path, one_machine) -> None:
    def workers() -> list[str]:
        said = subprocess.run(["squeue", "-h", "-o", "%i %j %t"], capture_output=True, text=True, check=True).stdout
        return [line.split()[0] for line in said.splitlines() if "dask" in line and line.endswith(" R")]

    words = [*TINY, "architectures=12", "engine.cluster=slurm", "engine.workers=2", LOOPBACK]
    with Command(tmp_path, *words) as over:
        over.wait_for(lambda: over.traces() >= 2)
        first = workers()
        subprocess.run(["scancel", first[0]], check=True)
        over.wait_for(lambda: set(workers()) - set(first) or over.traces() == 12)
        assert over.process.wait(900) == 0, over.err.read_text()
    assert over.err.read_text() == "engine.cluster=slurm: waiting for the first worker\n"
    pd.testing.assert_frame_equal(scores(tmp_path), one_machine)
    time.sleep(10)
    assert not workers()
