"""Components from their configuration: a class named by `_target_`, every setting checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, ValidationError

from harness.files.installed import entry_points_of
from harness.schema import BadInput, demand, suggestion

T = TypeVar("T")


def conf_folder() -> Path:
    """The configuration that comes with the package: inside an installed wheel, next to it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def build(node: Mapping[str, Any] | DictConfig, key: str) -> Any:
    """The component that `node` configures: the class at its `_target_`, a dataclass whose fields are its settings.

    Raises BadInput naming `key`, the constraint and the value, for unknown, ill-typed or refused settings.
    """
    target = node.get("_target_")
    if not isinstance(target, str) or "." not in target:
        raise BadInput(f"{key}._target_: must be the dotted path of a class (got {target!r})")
    module, _, name = target.rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise BadInput(f"{key}._target_: must be an importable class (got {target!r}: {error})") from error
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise BadInput(f"{key}._target_: must be a class whose settings are the fields of a dataclass (got {target!r})")
    return fill(kind, {str(k): v for k, v in node.items() if k != "_target_"}, f"{key}.")


def installed_benchmark(name: str, target: str) -> Any:
    """The benchmark of this class, or else of this name, among ours and those that installed packages offer as entry
    points of the group `harness.benches`; with the settings of its YAML file, or its own. None without one.

    `target` is compared, never imported.
    """
    nodes = [OmegaConf.load(path) for path in sorted((conf_folder() / "bench").glob("*.yaml"))]
    settings = [node.get("bench", node) for node in nodes if isinstance(node, DictConfig)]
    ours = {str(node["name"]): node for node in settings if "_target_" in node}  # others change one of these
    theirs = {key: OmegaConf.create({"_target_": path}) for key, path in entry_points_of("harness.benches").items()}
    known: dict[str, DictConfig] = {**theirs, **ours}
    by_class = {str(node["_target_"]): node for node in known.values()}
    node = by_class.get(target, known.get(name))
    return None if node is None else build(node, "bench")


def fill(kind: type[T], given: Mapping[str, Any], prefix: str) -> T:
    """A `kind`, a dataclass, of the values `given`; `prefix` stands before its field names in messages.

    Raises BadInput naming the field, the constraint and the value, for unknown, missing or ill-typed values.
    """
    schema = OmegaConf.structured(kind)
    try:
        filled = OmegaConf.unsafe_merge(schema, OmegaConf.create(dict(given)))  # into the schema: no copy of it is made
        return cast(T, OmegaConf.to_object(filled))
    except BadInput as error:  # its key here may differ from the one its author wrote
        raise BadInput(re.sub(r"^(measure|predictor)\.\w+\.", prefix, str(error))) from error
    except ConfigKeyError as error:
        key, known = str(error.key), list(map(str, schema))
        near = suggestion(key, known).replace("mean ", f"mean {prefix}")
        raise BadInput(f"{prefix}{key}: must be a known key (got {key}){near}; known: {', '.join(known)}") from error
    except MissingMandatoryValue as error:
        raise BadInput(f"{prefix}{error.key!s}: must be a value (got none)") from error
    except ValidationError as error:
        field = str(error.full_key or error.key)
        wanted = get_type_hints(kind).get(field.partition("[")[0])
        wanted = getattr(wanted, "__name__", "") if isinstance(wanted, type) and not get_args(wanted) else wanted
        wanted = str(wanted).replace(" | None", " or null")
        raise BadInput(f"{prefix}{field}: must be a value of type {wanted} (got {given.get(field)!r})") from error


def shipped(group: str, names: Collection[str] | None = None) -> dict[str, Any]:
    """The plug-ins of the files that come with the package, by name; `names`: these alone. Raises BadInput."""
    nodes = shipped_settings(group)
    for name in names or ():
        demand(name in nodes, group, f"one of {', '.join(nodes)}", name)
    return {name: build(nodes[name], f"{group}.{name}") for name in (nodes if names is None else names)}


def shipped_settings(group: str) -> dict[str, DictConfig]:
    """The settings in these files, with their `_target_`."""
    files = sorted((conf_folder() / group).glob("*.yaml"))
    return {path.stem: cast(DictConfig, OmegaConf.load(path)) for path in files}


def build_all(nodes: DictConfig | None, group: str) -> dict[str, Any]:
    """The plug-ins of one group by name. Settings without a _target_, of a plug-in that is not chosen, are skipped."""
    for name, node in (nodes or {}).items():
        if not isinstance(node, DictConfig):
            raise BadInput(f"{group}.{name!s}: must be settings with a _target_ (got {node!r})")
    named = {str(name): node for name, node in (nodes or {}).items() if "_target_" in node}
    return {name: build(node, f"{group}.{name}") for name, node in named.items()}
