"""What of a single run can be refused before anything heavy is imported."""

from __future__ import annotations

import re
from collections.abc import Callable

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from harness.config.components import build_all
from harness.config.composition import PLUGIN_GROUPS, without_hydra
from harness.schema import DataSet


def check_run(config: DictConfig, check: Callable[[DictConfig], object]) -> None:
    """Raise BadInput where `check` does, or where a plug-in with settings on the command line cannot be built.

    `config` has Hydra's own part; `check` gets the configuration without it.
    """
    HydraConfig.instance().set_config(config)
    own = without_hydra(config)
    check(own)
    for text in config.hydra.overrides.task:
        found = re.match(rf"\+*({'|'.join(PLUGIN_GROUPS)})\.(\w+)\.", text)
        if found:
            group, name = found.groups()
            build_all(DictConfig({name: own[group][name]}), group)


def check_images(dataset: DataSet, data: str | None) -> None:
    """Download the files of the data set that the folder `data` lacks. Raises BadInput where that is impossible."""
    from harness.files import present

    if any(present(source, data) is None for source in getattr(dataset, "sources", tuple)()):
        dataset.load(data)
