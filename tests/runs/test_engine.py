"""Kernels follow from what all trainings share, never from how many there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.benches.nasbench201.bench import NasBench201
from harness.measures.capacitance import Capacitance
from harness.measures.movement import Movement
from harness.runs import engine
from harness.runs.engine import Engine
from harness.schema import BadInput
from harness.train.native.library import compiler, library
from harness.train.recipe import Recipe

needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler: cc, gcc or clang")
BENCH, RECIPE = [NasBench201(channels=4, cells=1)], Recipe(steps=1)


class Unknown(NasBench201):
    """A benchmark that says nothing of its networks."""

    lowerable = False  # type: ignore[assignment]


def test_without_a_compiler_auto_is_torch_and_native_is_refused(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    library.cache_clear()
    assert Engine().resolve_kernels(RECIPE, BENCH, []) == "torch"
    with pytest.raises(
        BadInput, match=r"^engine\.kernels: must be 'torch' or 'auto' since .*no-such-compiler.* \(got 'native'\)$"
    ):
        Engine(kernels="native").resolve_kernels(RECIPE, BENCH, [])
    library.cache_clear()


@needs_compiler
@pytest.mark.parametrize("kernels", ["auto", "native"])
def test_a_user_without_a_home_folder_is_told_so_and_how_to_do_without(monkeypatch, kernels: str) -> None:
    def unknown(*_: object) -> None:
        raise KeyError("no such user")

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    library.cache_clear()
    with pytest.raises(BadInput, match=r"^HOME: must be a folder \(got none\); set HOME .*, or engine\.kernels=torch"):
        Engine(kernels=kernels).resolve_kernels(RECIPE, BENCH, [])
    assert Engine(kernels="torch").resolve_kernels(RECIPE, BENCH, []) == "torch"


@needs_compiler
def test_a_single_update_of_one_network_is_native_like_a_million(monkeypatch) -> None:
    assert Engine().resolve_kernels(Recipe(steps=1), BENCH, [Movement()]) == Engine().resolve_kernels(
        Recipe(steps=1_000_000), BENCH, [Movement()]
    )
    assert Engine(kernels="native").resolve_kernels(RECIPE, BENCH, []) == "native"
    assert Engine(kernels="native_watch").resolve_kernels(RECIPE, BENCH, []) == "native_watch"


@pytest.mark.parametrize(
    ("engine", "recipe", "benches", "measures", "reason"),
    [
        ({}, Recipe(steps=1, precision="bfloat16"), BENCH, [], "with train.precision=bfloat16"),
        ({"device": "cuda:1"}, RECIPE, BENCH, [], "on cuda:1"),
        ({}, Recipe(steps=0), BENCH, [], "where no update is made"),
        ({}, RECIPE, [*BENCH, Unknown(channels=4, cells=1)], [], "for networks of a benchmark that is not lowerable"),
        ({}, RECIPE, BENCH, [Capacitance(mode="head")], "where a measure replaces the network's head"),
    ],
)
def test_where_native_is_impossible_auto_is_torch_and_native_is_refused_with_the_reason(
    engine, recipe, benches, measures, reason
) -> None:
    assert Engine(**engine).resolve_kernels(recipe, benches, measures) == "torch"
    with pytest.raises(BadInput, match=rf"^engine\.kernels: must be 'torch' or 'auto' {reason} \(got 'native'\)$"):
        Engine(**engine, kernels="native").resolve_kernels(recipe, benches, measures)


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(
        BadInput, match=r"engine\.kernels: must be 'auto' or 'native' or 'native_watch' or 'torch' \(got 'fast'"
    ):
        Engine(kernels="fast")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"cluster": "mesos"},
            r"engine.cluster: must be local, slurm, or the address of a scheduler .* \(got 'mesos'\)",
        ),
        ({"cluster": "tcp://somewhere"}, r"engine.cluster: must be .* \(got 'tcp://somewhere'\)"),
        ({"cluster": "tcp://a:1", "workers": 2}, r"engine.workers: must be null where a scheduler has its workers"),
        ({"cluster": "slurm"}, r"engine.workers: must be a number of jobs for Slurm \(got None\)"),
        ({"cluster": "local", "device": "cuda"}, r"engine.device: must be cpu where engine.cluster is set"),
        ({"cluster_settings": {"queue": "main"}}, r"engine.cluster_settings: must be null without a cluster"),
        (
            {"cluster": "tcp://a:1", "cluster_settings": {"queue": "x"}},
            r"engine.cluster_settings: must be null for an addr",
        ),
    ],
)
def test_a_cluster_that_cannot_be_is_refused_in_one_line(settings, line: str) -> None:
    with pytest.raises(BadInput, match=f"^{line}"):
        Engine(**settings)


def test_without_dask_a_cluster_is_refused_with_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr("harness.runs.engine.find_spec", lambda name: None)
    with pytest.raises(
        BadInput, match=r"engine.cluster: must be null where distributed is not installed \(pip install"
    ):
        Engine(cluster="local")


def test_slurm_and_the_system_decide_how_many_workers_there_are(monkeypatch) -> None:
    def count(**environment: str) -> int:
        for name in ("SLURM_JOB_ID", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with Engine().opened() as workers:
            return workers.count(1000)

    monkeypatch.setattr("joblib.cpu_count", lambda: 6)  # affinity and the quota of the cgroup
    assert count() == 6
    assert count(SLURM_JOB_ID="1", SLURM_CPUS_PER_TASK="3", SLURM_CPUS_ON_NODE="12") == 3
    assert count(SLURM_JOB_ID="1", SLURM_CPUS_ON_NODE="2") == 2
    assert count(SLURM_JOB_ID="1", SLURM_CPUS_PER_TASK="64") == 6
    assert count(SLURM_CPUS_ON_NODE="2") == 6  # of a job that has ended
    with Engine(workers=9).opened() as workers:
        assert workers.count(1000) == 9


def test_a_gpu_for_networks_that_the_compiled_step_could_train_gets_one_line_why_not(capsys) -> None:
    Engine(device="cuda").resolve_kernels(RECIPE, BENCH, [])
    assert capsys.readouterr().err == f"{engine.SMALL}\n"
    Engine(device="cuda").resolve_kernels(replace(RECIPE, precision="tf32"), BENCH, [])
    assert capsys.readouterr().err == ""
