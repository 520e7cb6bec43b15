"""The main function of a command that Hydra configures: it prints the configuration, or carries out a run or a sweep.

Of Hydra's own command line nothing is used: it exists as `hydra.main` alone, which reads sys.argv. Runs and sweeps go
through the object that `initialize_config_dir` opens, so that Hydra's settings, launchers and callbacks still apply.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import configure_log, run_job
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, read_write

from harness import __version__
from harness.cli.arguments import parse_arguments
from harness.cli.checks import check_run
from harness.cli.configuration_text import print_configuration
from harness.cli.endings import carry_out
from harness.cli.terminal import first_word
from harness.config.composition import Composition, compose_arguments, compose_job, hydra_open, parse_overrides
from harness.config.refusals import demand_resolved, quoted
from harness.processes.leftovers import clear
from harness.schema import BadInput
from harness.sweep.job_files import JobResult
from harness.sweep.launch import SweepJob, finish_sweep, prepare_sweep

Task = Callable[[DictConfig], JobResult]


def main(
    config_name: str, task: Task, check: Callable[[DictConfig], object], arguments: Sequence[str] | None = None
) -> int:
    """Run `task` on each job that the `arguments` (default: those of the process) describe; the exit code.

    `carry_out` says which it is where the command does not end by itself. `check` raises BadInput for whatever
    can be refused of a single run before anything heavy is imported. A sweep continues after a failed job and ends in
    one report on all its jobs; its exit code is the highest of its jobs' codes.
    """
    typed = list(sys.argv[1:] if arguments is None else arguments)
    return carry_out(lambda: _main(config_name, task, check, typed))


def _main(config_name: str, task: Task, check: Callable[[DictConfig], object], typed: list[str]) -> int:
    given = parse_arguments(typed)
    if given.version:
        print(f"harness {__version__}")
        return 0
    with hydra_open(config_name):
        if given.only_prints:
            print_configuration(given, config_name)
            return 0
        with first_word():
            clear()
            composition = compose_arguments(given.overrides, config_name, given.sweep)
            is_sweep = given.sweep or composition.config.hydra.mode == RunMode.MULTIRUN
            if not is_sweep:
                check_run(composition.config, check)
        if is_sweep:
            return _run_sweep(composition, config_name, task, check, typed)
        return _run_once(composition, config_name, task)


def _run_once(composition: Composition, config_name: str, task: Task) -> int:
    """The exit code of the job whose configuration is composed already; `hydra.run` would compose it once more."""
    codes = []

    def job(config: DictConfig) -> None:  # Hydra would print all overrides with an error
        codes.append(carry_out(lambda: task(config).code))

    config = composition.config
    configure_log(config.hydra.hydra_logging, config.hydra.verbose)
    with read_write(config.hydra):
        config.hydra.mode = RunMode.RUN
    callbacks = Callbacks(config)
    callbacks.on_run_start(config=config, config_name=config_name)
    context = HydraContext(GlobalHydra.instance().config_loader(), callbacks)
    done = run_job(job, config, job_dir_key="hydra.run.dir", job_subdir_key=None, hydra_context=context)
    callbacks.on_run_end(config=config, config_name=config_name, job_return=done)
    _ = done.return_value  # raises what the job raised
    return max(codes)


def _run_sweep(
    composition: Composition, config_name: str, task: Task, check: Callable[[DictConfig], object], typed: Sequence[str]
) -> int:
    """The exit code of the sweep; every job's configuration is checked before the first job starts."""
    from harness.processes.pool import guard_pools

    given = any(o.key_or_group == "hydra.sweep.dir" for o in parse_overrides(composition.overrides))
    for config in composition.jobs:
        check_run(config, check)
    for overrides in composition.combinations:
        _check_combination(overrides, composition.swept, config_name, check)
    HydraConfig.instance().set_config(composition.config)
    demand_resolved(composition.config, "hydra.sweep.dir")
    sweep = prepare_sweep(composition.config, composition.swept, given, typed)
    arguments = [*composition.overrides, "hydra.mode=MULTIRUN", f"hydra.sweep.dir={quoted(str(sweep.folder))}"]
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None  # main has opened it
    guard_pools()  # those of launchers too
    return finish_sweep(lambda only: hydra.multirun(config_name, SweepJob(task, sweep.keys, only), arguments), sweep)


def _check_combination(
    overrides: Sequence[str], swept: Collection[str], config_name: str, check: Callable[[DictConfig], object]
) -> None:
    """Raise BadInput, which names the swept values, for a job whose values do not go together."""
    try:
        check_run(compose_job(config_name, list(overrides)), check)
    except BadInput as error:
        own = [text for text in overrides if text.lstrip("+~").partition("=")[0] in swept]
        raise BadInput(f"{error}; in the job {' '.join(own)}") from error
