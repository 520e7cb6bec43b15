"""What of a single run can be refused before anything heavy is imported."""

from __future__ import annotations

import re
from collections.abc import Callable

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from harness.config.components import build_all
from harness.config.composition import PLUGIN_GROUPS, compose_job, groups, without_hydra
from harness.config.refusals import demand_resolved
from harness.schema import BadInput, DataSet, suggestion


def check_run(config: DictConfig, check: Callable[[DictConfig], object]) -> None:
    """Raise BadInput where `check` does, for a value that cannot be resolved, a new key that nothing reads, and a
    plug-in with settings on the command line that cannot be built.

    `config` has Hydra's own part; `check` gets the configuration without it.
    """
    HydraConfig.instance().set_config(config)
    own = without_hydra(config)
    demand_resolved(own)
    demand_read(config, own)
    for text in config.hydra.overrides.task:
        found = re.match(rf"\+*({'|'.join(PLUGIN_GROUPS)})\.(\w+)\.", text)
        if found:
            group, name = found.groups()
            build_all(DictConfig({name: own[group][name]}), group)
    check(own)


def demand_read(config: DictConfig, own: DictConfig) -> None:
    """Raise BadInput for a key that the command line adds and that nothing reads, e.g. +seeds=1."""
    texts: list[str] = config.hydra.overrides.task
    added = [(match[1], text) for text in texts if (match := re.match(r"\+(\w+)=", text))]
    parts = groups()
    added = [(key, text) for key, text in added if key not in parts]
    known = [*parts, *(compose_job(config.hydra.job.config_name, []) if added else ())]  # composing takes time
    for key, text in added:
        read = key in known or f"${{{key}" in OmegaConf.to_yaml(own)
        if not read:
            raise BadInput(f"+{key}: must be a known key (got {text!r}){suggestion(key, map(str, known))}")


def check_images(dataset: DataSet, data: str | None) -> None:
    """Download the files of the data set that the folder `data` lacks. Raises BadInput where that is impossible."""
    from harness.files import present

    if any(present(source, data) is None for source in getattr(dataset, "sources", tuple)()):
        dataset.load(data)
