"""Workers of a dask cluster: processes of this machine, Slurm jobs, or whatever a scheduler at an address has."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.resource_tracker import ensure_running
from typing import TYPE_CHECKING, Any, TypeVar

import cloudpickle

from harness.processes.cluster_task import OtherCode, carry_out, package_digest, unpack
from harness.processes.cores import usable_cores
from harness.processes.killed import Killed
from harness.processes.signals import WorkerKilled, blocked_for_children, no_more_signals
from harness.schema import BadInput
from harness.schema.progress import Count, uncounted

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
R = TypeVar("R")

SETTINGS = {
    "distributed.scheduler.worker-saturation": 1.0,  # one task at a worker: where it dies, no waiting task is suspected
    "distributed.scheduler.work-stealing": False,  # nothing waits at a worker
    "distributed.admin.large-graph-warning-threshold": "1TiB",  # what tasks share is sent once, however large
}
"""Of the schedulers that are started here."""

LOOPBACK = "127.0.0.1"

PATIENCE = 10  # seconds that a scheduler has to answer


class ClusterWorkers:
    """Workers of a dask cluster, which see no file of this process. Made by `opened_cluster`; started at first use.

    What tasks share is pickled once and is itself the input of a task: the scheduler keeps it, so that it is made again
    where the only worker that had it is lost. A task whose worker is lost is carried out by another one; one that loses
    four in a row is given up as Killed.
    """

    same_files = False

    def __init__(self, name: str, start: Callable[[], Client], workers: int | None) -> None:
        self.name, self._start, self._workers = name, start, workers
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The connection to the scheduler."""
        if self._client is None:
            self._client = self._start()
        return self._client

    def count(self, tasks: int) -> int:
        """How many of so many tasks are carried out at a time, at least 1."""
        there = self._workers or len(self.client.scheduler_info(n_workers=-1)["workers"])
        return max(1, min(tasks, there))

    def as_completed(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | Killed]]:
        """See Workers."""
        return ((tasks[number], result) for number, result in self._numbered(function, tasks))

    def in_order(self, function: Callable[[T], R], tasks: Sequence[T], progress: Count = uncounted) -> list[R]:
        """See Workers."""
        found: dict[int, R] = {}
        progress(0, len(tasks))
        for number, result in self._numbered(function, tasks):
            if isinstance(result, Killed):
                raise WorkerKilled(result.reason)
            found[number] = result
            progress(len(found), len(tasks))
        return [found[number] for number in range(len(tasks))]

    def _numbered(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R | Killed]]:
        """Each result with the number of its task, in any order. Tasks that are not needed any more are cancelled."""
        if not tasks:
            return
        from distributed import as_completed

        client, code = self.client, package_digest()
        if not client.scheduler_info(n_workers=1)["workers"]:
            print(f"engine.cluster={self.name}: waiting for the first worker", file=sys.stderr)
        shared = client.submit(unpack, cloudpickle.dumps(function), pure=False)
        futures = {client.submit(carry_out, shared, task, code, pure=False): n for n, task in enumerate(tasks)}
        try:
            for future in as_completed(list(futures), loop=client.loop):
                yield futures.pop(future), self._result(future)
        finally:
            if futures:
                with suppress(OSError, TimeoutError):  # the connection may be what was lost
                    client.cancel([*futures, shared], force=True)

    def _result(self, future: Any) -> Any:
        from distributed import CancelledError, KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            times = error.allowed_failures + 1
            return Killed(f"the worker was lost {times} times in a row; it may have run out of memory")
        except OtherCode as error:
            raise BadInput(f"engine.cluster: must be workers with this machine's harness (got {error})") from error
        except CancelledError as error:
            raise WorkerKilled(f"the scheduler of the cluster {self.name} was lost") from error

    def release(self) -> None:
        """See Workers: their memory is the cluster's."""

    def close(self) -> None:
        """End what was started; the workers of a scheduler that was there before stay."""
        if self._client is not None:
            client, self._client = self._client, None
            cluster = client.cluster
            with no_more_signals(), suppress(OSError, TimeoutError):
                client.close(timeout=2)
                if cluster is not None:
                    cluster.close(timeout=10)


@contextmanager
def opened_cluster(
    cluster: str, workers: int | None, threads: int, settings: Mapping[str, Any]
) -> Iterator[ClusterWorkers]:
    """The workers of `cluster`, an address or a key of KINDS, ended at the end of the block. Raises BadInput."""
    start = partial(KINDS[cluster], workers, threads, settings) if cluster in KINDS else partial(_connected, cluster)
    made = ClusterWorkers(cluster, start, workers)
    try:
        yield made
    finally:
        made.close()


def _connected(address: str) -> Client:
    """A connection to a scheduler that is there. Raises BadInput without one, and for workers of several threads."""
    from distributed import Client

    _silence()
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"engine.cluster: must be the address of a scheduler that answers (got {address})") from error
    there = client.scheduler_info(n_workers=-1)["workers"]
    several = sorted({each["nthreads"] for each in there.values()} - {1})
    if several:
        client.close()
        raise BadInput(
            f"engine.cluster: must have workers of one thread each (got {several[0]}); start them with "
            "dask worker --nthreads 1 --nworkers COUNT"
        )
    return client


def _local(workers: int | None, threads: int, settings: Mapping[str, Any]) -> Client:
    from distributed import LocalCluster

    fixed = {"n_workers": workers or usable_cores(), "threads_per_worker": 1, "processes": True}
    usual = {
        "host": LOOPBACK,
        "dashboard_address": f"{LOOPBACK}:0",
        "memory_limit": 0,
        "silence_logs": logging.CRITICAL,
    }
    client = _started(LocalCluster, {**usual, **settings, **fixed})
    assert client.cluster is not None
    # dask's guard of a worker gives up where one dies while it starts: then a new one takes its place
    client.cluster.adapt(minimum=fixed["n_workers"], maximum=fixed["n_workers"])
    return client


def _slurm(workers: int | None, threads: int, settings: Mapping[str, Any]) -> Client:
    """Each worker a Slurm job; one that ends is replaced."""
    from dask_jobqueue.slurm import SLURMCluster

    usual: dict[str, Any] = {"memory": "4GB", "job_cpu": threads}
    usual["worker_extra_args"] = ["--dashboard-address", f"{LOOPBACK}:0"]
    usual["scheduler_options"] = {"dashboard_address": ":0"}
    client = _started(SLURMCluster, {**usual, **settings, "cores": 1, "processes": 1})
    assert client.cluster is not None
    client.cluster.adapt(minimum_jobs=workers, maximum_jobs=workers)
    return client


def _started(kind: Callable[..., Any], settings: Mapping[str, Any]) -> Client:
    """A connection to a new cluster. Raises BadInput for settings that it does not have."""
    import dask
    from distributed import Client

    dask.config.set(SETTINGS)
    _silence()
    with blocked_for_children():
        ensure_running()  # started below, it would unblock signals in the thread that starts the workers
    try:
        with blocked_for_children():  # its thread starts the workers, later ones too
            cluster = kind(**settings)
            return Client(cluster, set_as_default=False)
    except (TypeError, ValueError, RuntimeError) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        said = " ".join(str(cause).split())[:300]
        raise BadInput(
            f"engine.cluster_settings: must be settings of {kind.__name__} (got {settings}: {said})"
        ) from error


def _silence() -> None:
    """dask tells of each worker that comes and goes."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


KINDS: Mapping[str, Callable[[int | None, int, Mapping[str, Any]], Client]] = {"local": _local, "slurm": _slurm}
"""Clusters that are started and ended by this process."""
