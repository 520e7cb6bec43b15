"""From the command line to checked objects: Hydra composes, every fault becomes one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.config.components import conf_folder
from harness.schema import BadInput

PLUGIN_GROUPS = ("measure", "predictor")
"""Groups of which every file found is taken, unless the command line names some."""


def complete(arguments: Sequence[str], config_name: str) -> list[str]:
    """`arguments` with every plug-in named, after each job they describe was composed once.

    Raises BadInput, one line, for whatever Hydra would refuse.
    """
    return completed(arguments, config_name)[0]


def completed(arguments: Sequence[str], config_name: str) -> tuple[list[str], DictConfig]:
    """The complete arguments, and the configuration of the first job, with Hydra's own part."""
    parsed = get_args_parser().parse_args(list(arguments))
    flags = [a for a in arguments if a not in parsed.overrides]
    overrides = overridden(parsed.overrides)
    with configured(config_name):
        _demand_bench(overrides)
        plugged = [*_all_plugins(overrides, config_name), *(text for o in overrides for text in plug(o))]
        plugged.sort(key=lambda text: text.startswith("+experiment="))  # last: what it sets has the last word
        jobs = _jobs(OverridesParser.create().parse_overrides(plugged), parsed.multirun)
        first, *_ = [composed(config_name, job, whole=True) for job in jobs]
    return [*flags, *plugged], first


def configured(config_name: str) -> initialize_config_dir:
    """While it stands, Hydra composes from the configuration that came with the package."""
    return initialize_config_dir(str(conf_folder()), version_base="1.3", job_name=config_name)


def overridden(texts: Sequence[str]) -> list[Override]:
    """What the arguments key=value ask for. Raises BadInput."""
    try:
        return OverridesParser.create().parse_overrides(list(texts))
    except OverrideParseException as error:
        raise BadInput(f"{error.override}: key=value is needed ({_first_line(error)})") from error


def options(group: str, overrides: Sequence[str] = (), config_name: str = "config") -> list[str]:
    """Names that may be given for `group`, those of the user's own search path included."""
    search = [o for o in overrides if o.startswith("hydra.searchpath")]
    loader = GlobalHydra.instance().config_loader()
    found: list[str] = loader.get_group_options(group, config_name=config_name, overrides=search)
    return found


def _all_plugins(overrides: Sequence[Override], config_name: str) -> list[str]:
    lines = [o.input_line or "" for o in overrides]
    named = {o.key_or_group for o in overrides if not o.is_add() and not o.is_delete()}
    added = {o.key_or_group: _values(o) for o in overrides if o.is_add() and o.key_or_group in PLUGIN_GROUPS}
    result = []
    only = _only(overrides, config_name) if config_name == "config" else {}
    for group in PLUGIN_GROUPS if config_name == "config" else ():
        if group not in named:
            wanted = only.get(group)
            taken = options(group, lines, config_name) if wanted is None else wanted
            result.append(f"+{group}=[{','.join(sorted({*taken, *added.get(group, [])}))}]")
            if group == "predictor":
                result += ["automatic=true", f"named=[{','.join(added.get(group, []))}]"]
    return result


def _only(overrides: Sequence[Override], config_name: str) -> Mapping[str, list[str] | None]:
    """The plug-ins that the experiment asks for, by group; None for all of a group."""
    lines = [o.input_line or "" for o in overrides]
    chosen = [o for o in overrides if o.key_or_group == "experiment" and not o.is_delete()]
    names = [name for o in chosen for name in (_values(o) if not o.is_sweep_override() else swept(o))]
    search = [line for line in lines if line.startswith("hydra.searchpath")]
    found = [composed(config_name, [*search, f"+experiment={name}"]).get("only") for name in names]
    plain = [{g: None if node is None else list(node) for g, node in only.items()} for only in found if only]
    if any(only != plain[0] for only in plain):
        raise BadInput(f"experiment: experiments of the same plug-ins are needed in one sweep, got {names}")
    return plain[0] if plain else {}


def swept(override: Override) -> list[str]:
    """The values of a sweep, as key=value has them."""
    return list(override.sweep_string_iterator())


def plug(override: Override) -> Iterator[str]:
    """The override as Hydra wants it, now that plug-in groups stand in no defaults list."""
    if override.key_or_group not in (*PLUGIN_GROUPS, "experiment") or override.is_delete():
        yield override.input_line or ""
    elif override.key_or_group == "experiment":
        yield f"+{(override.input_line or '').lstrip('+')}"
    elif not override.is_add():
        yield f"+{override.input_line}"


def _values(override: Override) -> list[str]:
    value = override.value()
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _demand_bench(overrides: Sequence[Override]) -> None:
    names = ", ".join(options("bench"))
    for override in overrides:
        if override.key_or_group == "bench" and not override.is_add():
            raise BadInput(
                f"bench: must be +bench=NAME (with the plus) (got {override.input_line!r}; there is: {names})"
            )
    if not any(o.key_or_group == "bench" for o in overrides):
        raise BadInput(f"bench: must be +bench=NAME (got none; there is: {names})")


def _jobs(overrides: Sequence[Override], multirun: bool) -> Iterator[list[str]]:
    """Overrides of jobs that together show every value of every sweep once."""
    plain = [o.input_line or "" for o in overrides]
    sweeps = {i: list(o.sweep_string_iterator()) for i, o in enumerate(overrides) if o.is_sweep_override()}
    if sweeps and not multirun:
        name = overrides[next(iter(sweeps))].input_line
        raise BadInput(f"{name}: -m (a sweep) is needed for several values, got a single run")
    first = {i: f"{overrides[i].get_key_element()}={values[0]}" for i, values in sweeps.items()}
    base = [first.get(i, text) for i, text in enumerate(plain)]
    yield base
    for i, values in sweeps.items():
        for value in values[1:]:
            yield [f"{overrides[i].get_key_element()}={value}" if i == j else text for j, text in enumerate(base)]


def composed(config_name: str, overrides: list[str], whole: bool = False) -> DictConfig:
    """The configuration of one job; the `whole` one has Hydra's own part."""
    try:
        return compose(config_name, overrides=overrides, return_hydra_config=whole)
    except MissingConfigException as error:
        raise BadInput(_missing(str(error), overrides)) from error
    except ConfigCompositionException as error:
        raise BadInput(_refused(error, config_name, overrides)) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise BadInput(_first_line(error)) from error


def _missing(text: str, overrides: list[str]) -> str:
    """One line for a config file that is not there, e.g. dataset=nope."""
    found = re.search(r"(?:find|load) '([^']+)/([^'/]+)'", text)
    if not found:
        return text.splitlines()[0]
    group, name = found.groups()
    return f"{group}: must be one of {', '.join(options(group, overrides))} (got {name!r})"


def _refused(error: ConfigCompositionException, config_name: str, overrides: list[str]) -> str:
    """One line for an override that names no key."""
    found = re.search(r"override '([^']+)'", str(error))
    name = found.group(1) if found else ""
    value = next((o.partition("=")[2] for o in overrides if o.lstrip("+~").partition("=")[0] == name), None)
    if value is None:
        return _first_line(error)
    whole = compose(config_name, overrides=[o for o in overrides if o.lstrip("+~").partition("=")[0] != name])
    parent = OmegaConf.select(whole, name.rpartition(".")[0]) if "." in name else whole
    keys = ", ".join(str(k) for k in (parent if isinstance(parent, DictConfig) else whole) if str(k)[0] != "_")
    return f"{name}: must be a known key (got an unknown one (= {value}); there is: {keys})"


def _first_line(error: BaseException) -> str:
    return next(chain(filter(None, map(str.strip, str(error).splitlines())), [type(error).__name__]))
