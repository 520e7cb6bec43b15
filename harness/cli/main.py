"""Where a command begins: its help, what is refused at once, one run or a sweep."""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Callable, Sequence

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from harness.config.components import components, conf_folder
from harness.config.composition import PLUGIN_GROUPS, completed, composed, configured, options, overridden, plug, swept
from harness.schema import BadInput, DataSet
from harness.sweep import launch as multirun
from harness.sweep.job_files import JobResult


def start(config_name: str, task: Callable[[DictConfig], JobResult], refuse: Callable[[DictConfig], object]) -> int:
    """Run `task` on each job that the command line describes; returns the exit code, 2 for bad input.

    `refuse` raises BadInput for what can be refused of a single run before anything heavy is imported. A sweep goes on
    after a job that failed, and ends in one report on all its jobs, those before a failure or an interrupt too; its
    exit code is the highest of its jobs'.
    """
    typed = sys.argv[1:]
    parsed = get_args_parser().parse_args(typed)
    elsewhere = parsed.config_dir or parsed.config_name or parsed.config_path
    sweep = None
    try:
        if parsed.help and not elsewhere:
            print(_help(config_name, parsed.overrides, parsed.resolve))
            return 0
        if not (parsed.help or parsed.hydra_help or parsed.shell_completion):
            sys.argv[1:], config = completed(typed, config_name)
            shown = "--cfg" if parsed.cfg else "--info" if parsed.info else ""
            if shown and parsed.multirun:
                raise BadInput(f"{shown}: must be a single run (got -m)")
            if not shown:
                sweep = _sweep(config, sys.argv[1:], typed)
                if sweep is None and not elsewhere:
                    _refuse(config, refuse)
    except BadInput as error:
        return _complain(error)
    codes = [0]

    def job(config: DictConfig) -> None:  # a launcher may carry it to another process: `codes` counts in a single run
        try:
            codes.append(multirun.job(config, task, sweep.keys if sweep else ()).code)
        except BadInput as error:
            codes.append(_complain(error))

    run = hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name=config_name)(job)
    if sweep is None:
        run()
        return max(codes)
    sys.argv.append(sweep.override())
    return multirun.swept(run, sweep)


def _help(config_name: str, given: Sequence[str], resolve: bool) -> str:
    """The text of --help, as the configuration's template has it.

    Hydra's own does the same, but lists every group of Hydra's too, whether the template wants them or not.
    """
    overrides = overridden(given)
    with configured(config_name):
        config = composed(config_name, [text for o in overrides for text in plug(o)], whole=True)
        HydraConfig.instance().set_config(config)
        template, lines = config.hydra.help.template, [o.input_line or "" for o in overrides]
        groups = sorted(set(GlobalHydra.instance().config_loader().list_groups("")) - {"hydra"})
        choices = "".join(f"{group}: {', '.join(sorted(options(group, lines, config_name)))}\n" for group in groups)
        shown = OmegaConf.to_yaml(_without_hydra(config), resolve=resolve)
    return string.Template(template).safe_substitute(APP_CONFIG_GROUPS=choices, CONFIG=shown)


def _refuse(config: DictConfig, refuse: Callable[[DictConfig], object]) -> None:
    """Raise BadInput for what `refuse` does, or for a plug-in that has settings on the command line."""
    HydraConfig.instance().set_config(config)
    own = _without_hydra(config)
    refuse(own)
    for text in config.hydra.overrides.task:
        found = re.match(rf"\+*({'|'.join(PLUGIN_GROUPS)})\.(\w+)\.", text)
        if found:
            group, name = found.groups()
            components(DictConfig({name: own[group][name]}), group)


def demand_images(dataset: DataSet, data: str | None) -> None:
    """Load what is missing in the folder `data`: it is fetched, or refused by BadInput. What is there is not read."""
    from harness.files import present

    if any(present(source, data) is None for source in getattr(dataset, "sources", tuple)()):
        dataset.load(data)


def _without_hydra(config: DictConfig) -> DictConfig:
    own = config.copy()
    with open_dict(own):
        del own["hydra"]
    return own


def _sweep(config: DictConfig, arguments: Sequence[str], typed: Sequence[str]) -> multirun.Sweep | None:
    """The sweep of which `config` is the first job and `arguments` are complete, its folder made; None for a run."""
    parsed = get_args_parser().parse_args(list(arguments))
    overrides = OverridesParser.create().parse_overrides(parsed.overrides)
    if not (parsed.multirun or config.hydra.mode == RunMode.MULTIRUN):
        return None
    values = {o.key_or_group: len(swept(o)) for o in overrides if o.is_sweep_override()}
    return multirun.begun(config, values, any(o.key_or_group == "hydra.sweep.dir" for o in overrides), typed)


def _complain(error: BadInput) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2
