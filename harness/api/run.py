"""The main job, as the command line carries it out."""

from __future__ import annotations

from collections.abc import Sequence

from harness.api.results import Results, read
from harness.cli.checks import check_run
from harness.cli.run import build_spec, check
from harness.config.command import command_of
from harness.config.composition import compose_arguments, hydra_open
from harness.schema import BadInput, demand
from harness.schema.progress import silent


def run(bench: str, architectures: int | None = None, overrides: Sequence[str] = ()) -> Results:
    """Train, score and judge as `python -m harness +bench=NAME` does; what was done before is not done again.

    `architectures` are drawn (None: as the configuration says, 80); `overrides` are further words of the command line,
    KEY=VALUE: `["dataset=cifar10", "seed=1", "predictor=[beta_eff,flops]"]`. Tables and traces lie in the folder
    `results`, unless `results=FOLDER` is among them. Prints nothing and draws no page: see `Results.page`. Trainings
    that failed are rows of the table `failures`. Raises BadInput before anything is trained.

    Examples:
        >>> run("nope")
        Traceback (most recent call last):
            ...
        harness.schema.base.BadInput: bench: must be one of cnn_zoo, ...
    """
    if isinstance(overrides, str):
        raise BadInput(f"overrides: must be a list of KEY=VALUE (got {overrides!r})")
    given = [] if architectures is None else [f"architectures={architectures}"]
    with hydra_open("config"):
        composition = compose_arguments([f"+bench={bench}", *given, *overrides], "config")
        check_run(composition.config, check)
        demand(composition.own.stage == "all", "stage", "all (without tables there is nothing to read)", "train")
        spec = build_spec(composition.own, command=command_of(composition.overrides))
    from harness.runs.run import run as carry_out

    return read(carry_out(spec, silent).folder)
