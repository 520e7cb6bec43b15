"""One line for each thing that Hydra or OmegaConf refuses: the key, the constraint, the value, the nearest name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import chain

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from harness.schema import BadInput, suggestion

EXTRAS = {"hydra/launcher": "sweeps"}
"""Groups of which some names come with an extra of this package."""


MOST_LISTED = 40
"""More names than this are not listed where one of them is meant."""


def quoted(text: str) -> str:
    """The text as a value on Hydra's command line, whatever letters are in it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def first_line(error: BaseException) -> str:
    """The first line of the error's text that is not empty; its type's name where it has none."""
    return next(chain(filter(None, map(str.strip, str(error).splitlines())), [type(error).__name__]))


def unreadable_override(text: str) -> BadInput:
    """The error for an argument that Hydra's grammar does not have, with how to quote its value where that helps."""
    key, equals, value = text.partition("=")
    if not equals:
        return BadInput(f"{text or 'arguments'}: must be KEY=VALUE (got {text!r})")
    better = f"{key}={quoted(value)}"
    try:
        OverridesParser.create().parse_overrides([better])
    except OverrideParseException:
        return BadInput(f"{key or 'arguments'}: must be KEY=VALUE (got {text!r})")
    typed = shlex.quote(better) if re.search(r'["$`\\!]', better) or "'" in value else f'"{better}"'
    return BadInput(f"{key}: must be quoted twice, for the shell and for Hydra (got {value!r}); type {typed}")


def missing_choice(group: str, name: str, known: Sequence[str]) -> BadInput:
    """The error for a configuration file that does not exist, e.g. dataset=nope."""
    extra = f"; more with: pip install -e '.[{EXTRAS[group]}]'" if group in EXTRAS else ""
    near = suggestion(name, known)
    if near and len(known) > MOST_LISTED:
        return BadInput(f"{group}: must be one of {len(known)} names, which --help lists (got {name!r}){near}{extra}")
    return BadInput(f"{group}: must be one of {', '.join(known)} (got {name!r}){near}{extra}")


def unknown_key(name: str, value: str, config: DictConfig) -> BadInput:
    """The error for a dotted key that the composed `config` does not have."""
    parent, _, last = name.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    while parent and not isinstance(node, DictConfig):
        parent, _, last = parent.rpartition(".")
        node = OmegaConf.select(config, parent) if parent else config
    keys = [str(key) for key in node if str(key)[0] != "_"]
    prefix = f"{parent}." if parent else ""
    near = suggestion(last, keys).replace("mean ", f"mean {prefix}")
    return BadInput(f"{name}: must be a known key (got {name}={value}){near}; known: {', '.join(keys)}")


def demand_resolved(config: DictConfig, key: str = "") -> None:
    """Raise BadInput for a value below `key` (default: all) that is missing or interpolates what is not there."""
    for path in sorted(_leaves(config, key)):
        try:
            OmegaConf.select(config, path, throw_on_missing=True, throw_on_resolution_failure=True)
        except MissingMandatoryValue as error:
            raise BadInput(f"{path}: must be a value (got none)") from error
        except OmegaConfBaseException as error:
            raise BadInput(
                f"{path}: must be a value that is known (got {_typed(config, path)!r}: {first_line(error)}); "
                "${KEY} is another key of the configuration, ${oc.env:NAME} a variable of the environment"
            ) from error


def _leaves(config: DictConfig, key: str) -> list[str]:
    """Dotted paths of all values below `key` that are no mappings; of lists with interpolations those of the items."""
    node = OmegaConf.to_container(config, resolve=False)
    for part in filter(None, key.split(".")):
        assert isinstance(node, dict)
        node = node[part]
    return list(_paths(node, key))


def _paths(node: object, path: str) -> list[str]:
    if isinstance(node, dict):
        return [
            found for name, child in node.items() for found in _paths(child, f"{path}.{name}" if path else str(name))
        ]
    if isinstance(node, list):
        return [found for place, child in enumerate(node) for found in _paths(child, f"{path}[{place}]")]
    return [path]


def _typed(config: DictConfig, path: str) -> object:
    node: object = OmegaConf.to_container(config, resolve=False)
    for part in re.findall(r"[^.\[\]]+", path):
        node = node[int(part)] if isinstance(node, list) else node[part]  # type: ignore[index]
    return node
