"""What a command prints of its configuration instead of running: --help, --cfg, --info, --shell-completion."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import Container, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.cli.arguments import Arguments
from harness.config.comments import Keys, comments
from harness.config.composition import (
    as_hydra_wants,
    compose_arguments,
    compose_job,
    options,
    parse_overrides,
    without_hydra,
)
from harness.schema import BadInput, demand

SHELLS = "install=SHELL, uninstall=SHELL or query=SHELL, SHELL one of bash, fish, zsh"


def print_configuration(given: Arguments, config_name: str) -> None:
    """Print what `given` asks for. Raises BadInput where that does not exist."""
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None  # the caller has opened it
    if given.help:
        print(_help(given, config_name))
    elif given.completion:
        try:
            hydra.shell_completion(config_name, list(given.overrides))
        except ValueError as error:
            raise BadInput(f"--shell-completion: must be {SHELLS} (got {' '.join(given.overrides)!r})") from error
    else:
        composition = compose_arguments(given.overrides, config_name)
        if given.info:
            hydra.show_info(given.info, config_name, list(composition.overrides))
        else:
            print(_selected(composition.config, given), end="")


def _help(given: Arguments, config_name: str) -> str:
    """The text of --help, as the configuration's template has it.

    Hydra's own lists all groups of Hydra as well, whether the template asks for them or not.
    """
    overrides = parse_overrides(given.overrides)
    config = compose_job(config_name, [text for o in overrides for text in as_hydra_wants(o)])
    HydraConfig.instance().set_config(config)
    lines = [o.input_line or "" for o in overrides]
    groups = sorted(set(GlobalHydra.instance().config_loader().list_groups("")) - {"hydra"})
    choices = "".join(f"{group}: {', '.join(sorted(options(group, lines, config_name)))}\n" for group in groups)
    own = OmegaConf.to_container(without_hydra(config), resolve=given.resolve)
    assert isinstance(own, dict)
    values = "\n".join(_explained(own, comments(config)))
    return string.Template(config.hydra.help.template).safe_substitute(APP_CONFIG_GROUPS=choices, CONFIG=values)


BEHIND = 36
"""Column in which the explanation of a key begins, where the key and its value leave room."""


def _explained(values: Mapping[Any, Any], said: Mapping[Keys, str], above: Keys = ()) -> Iterator[str]:
    """A line for each key: its value as YAML on one line, and what the configuration files say of it."""
    flat = {key: value for key, value in values.items() if not isinstance(value, dict)}
    nested = {key: value for key, value in values.items() if isinstance(value, dict)}
    for key, value in flat.items():
        if key != "_target_":
            written = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True)
            line = f"{'  ' * len(above)}{key}: " + written.removesuffix("...\n").strip()
            comment = said.get((*above, str(key)), "")
            yield f"{line:{BEHIND - 2}}  {comment}" if comment else line
    for key, value in nested.items():
        comment = said.get((*above, str(key)), "")
        yield f"\n{'  ' * len(above)}{key}:{f'  {comment}' if comment else ''}"
        yield from _explained(value, said, (*above, str(key)))


def _selected(config: DictConfig, given: Arguments) -> str:
    """The part of the configuration that --cfg and --package name, as YAML."""
    HydraConfig.instance().set_config(config)
    OmegaConf.set_readonly(config.hydra, None)
    part = without_hydra(config) if given.show == "job" else config
    package = "" if given.package == "_global_" else given.package
    wanted = package or "hydra" * (given.show == "hydra")
    found = OmegaConf.select(part, wanted) if wanted else part
    demand(found is not None, "--package", f"a part of the configuration, e.g. one of {', '.join(map(str, part))}",
           package)  # fmt: skip
    if not isinstance(found, Container):
        return f"{found}\n"
    if given.resolve:
        try:
            OmegaConf.resolve(found)
        except OmegaConfBaseException as error:
            unknown = str(error).splitlines()[0]
            raise BadInput(f"--resolve: must be used where every value is known (got {unknown})") from error
    if given.show == "hydra" and not package:
        found = OmegaConf.create({"hydra": found})
    return (f"# @package {package}\n" if package else "") + OmegaConf.to_yaml(found)
