"""A dask cluster of processes of this machine: lost workers, tasks that kill, other code, schedulers of others."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.resource_tracker import ensure_running
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster

from harness.processes.cluster import ClusterWorkers, opened_cluster
from harness.processes.killed import Killed
from harness.processes.signals import WorkerKilled
from harness.schema import BadInput
from tests.noticed import Noticed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workers():
    with opened_cluster("local", 2, 1, {}) as made:
        yield made


def square(task: int) -> tuple[int, int]:
    time.sleep(0.05)
    return task * task, os.getpid()


def dies_of_three(task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task * task


def test_results_have_the_order_of_the_tasks_and_progress_counts_them(workers: ClusterWorkers) -> None:
    seen: list[tuple[int, int]] = []
    found = workers.in_order(square, [3, 1, 2], lambda done, total: seen.append((done, total)))
    assert [value for value, _ in found] == [9, 1, 4]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert workers.in_order(square, []) == []


def test_what_a_lost_worker_had_is_carried_out_by_others_and_the_worker_is_replaced(workers: ClusterWorkers) -> None:
    found: dict[int, int] = {}
    pids: list[int] = []
    for task, result in workers.as_completed(square, range(30)):
        assert not isinstance(result, Killed)
        found[task] = result[0]
        pids.append(result[1])
        if len(pids) == 1:
            os.kill(pids[0], signal.SIGKILL)
    assert found == {task: task * task for task in range(30)}
    workers.client.wait_for_workers(2, timeout=120)
    assert pids[0] not in workers.client.run(os.getpid).values()


def test_a_task_that_loses_every_worker_is_given_up_and_costs_no_other(workers: ClusterWorkers, monkeypatch) -> None:
    found = dict(workers.as_completed(dies_of_three, range(6)))
    assert found.pop(3) == Killed("the worker was lost 4 times in a row; it may have run out of memory")
    assert found == {task: task * task for task in range(6) if task != 3}
    monkeypatch.setattr(ClusterWorkers, "_numbered", lambda *_: iter([(1, 1), (0, Killed("lost 4 times"))]))
    with pytest.raises(WorkerKilled, match="lost 4 times"):  # where every result is needed
        workers.in_order(dies_of_three, [3, 1])


def test_an_error_of_a_task_is_raised_here_as_it_was(workers: ClusterWorkers) -> None:
    with pytest.raises(ZeroDivisionError):
        workers.in_order(lambda task: 1 / task, [1, 0])


def test_workers_with_another_code_are_refused(workers: ClusterWorkers, monkeypatch) -> None:
    monkeypatch.setattr("harness.processes.cluster.package_digest", lambda: "another")
    with pytest.raises(
        BadInput, match=r"^engine.cluster: must be workers with this machine's harness \(got another one"
    ):
        workers.in_order(square, [1])


def queued(dask_scheduler) -> int:
    """How many tasks no worker has yet."""
    return len(dask_scheduler.queued)


def test_tasks_that_nobody_waits_for_are_cancelled(workers: ClusterWorkers, tmp_path: Path) -> None:
    def note(task: int) -> None:
        (tmp_path / str(task)).touch()
        while task and not (tmp_path / "on").exists():
            time.sleep(0.01)

    results = workers.as_completed(note, range(60))
    next(results)
    results.close()  # type: ignore[attr-defined]  # a generator
    end = time.monotonic() + 60
    while workers.client.run_on_scheduler(queued):
        assert time.monotonic() < end
    (tmp_path / "on").touch()
    workers.in_order(square, range(4))  # asked for later than those, and so carried out after any that is left of them
    assert len(list(tmp_path.iterdir())) < 10


def test_of_a_scheduler_that_was_there_before_the_workers_stay(workers: ClusterWorkers) -> None:
    workers.client.wait_for_workers(2, timeout=120)  # an earlier test may have killed one
    address = workers.client.scheduler.address  # type: ignore[union-attr]
    with opened_cluster(address, None, 1, {}) as guest:
        assert guest.count(10) == 2
        assert [value for value, _ in guest.in_order(square, [2, 3])] == [4, 9]
    assert [value for value, _ in workers.in_order(square, [2])] == [4]


def test_a_cluster_without_workers_is_waited_for_and_a_line_says_so(monkeypatch) -> None:
    empty = {"n_workers": 0, "threads_per_worker": 1, "processes": False, "protocol": "tcp", "host": "127.0.0.1"}
    with (
        LocalCluster(**empty, dashboard_address="127.0.0.1:0") as cluster,
        opened_cluster(cluster.scheduler_address, None, 1, {}) as workers,
    ):
        said = Noticed("waiting for the first worker", lambda: cluster.scale(1))
        monkeypatch.setattr(sys, "stderr", said)
        assert workers.in_order(abs, [-2, 3]) == [2, 3]
    assert said.getvalue() == f"engine.cluster={cluster.scheduler_address}: waiting for the first worker\n"


def test_workers_of_several_threads_are_refused() -> None:
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", host="127.0.0.1",
                      dashboard_address="127.0.0.1:0") as cluster:  # fmt: skip
        refused = pytest.raises(BadInput, match=r"^engine.cluster: must have workers of one thread each \(got 2\)")
        with refused, opened_cluster(cluster.scheduler_address, None, 1, {}) as workers:
            workers.count(1)


def test_a_scheduler_that_does_not_answer_and_a_setting_that_there_is_not_are_one_line(monkeypatch) -> None:
    monkeypatch.setattr("harness.processes.cluster.PATIENCE", 1)
    refused = pytest.raises(
        BadInput, match=r"^engine.cluster: must be the address of a scheduler that answers \(got tcp"
    )
    with refused, opened_cluster("tcp://127.0.0.1:9", None, 1, {}) as workers:
        workers.count(1)
    refused = pytest.raises(BadInput, match=r"^engine.cluster_settings: must be settings of LocalCluster \(got .*wings")
    with refused, opened_cluster("local", 1, 1, {"wings": 2}) as workers:
        workers.in_order(square, [1])


def test_nothing_starts_before_it_is_used_and_everything_listens_on_loopback_and_ends() -> None:
    def children() -> set[psutil.Process]:
        return set(psutil.Process().children(recursive=True))

    ensure_running()  # Python's own, which stays as long as this process
    before = children()
    with opened_cluster("local", 1, 1, {}) as workers:
        assert children() == before
        workers.in_order(square, [1])
        started = children() - before
        open_ports = [
            connection
            for process in (psutil.Process(), *started)
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        assert open_ports and {connection.laddr.ip for connection in open_ports} == {"127.0.0.1"}
    assert started and not psutil.wait_procs(started, timeout=60)[1]
