"""From KEY=VALUE arguments to a composed configuration: Hydra composes, every error becomes one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from harness.config.components import conf_folder
from harness.config.refusals import first_line, missing_choice, quoted, unknown_key, unreadable_override
from harness.schema import BadInput, demand, suggestion

PLUGIN_GROUPS = ("measure", "predictor")
"""Groups of which every file found is taken, unless the command line names some."""

SEARCH_PATH = "hydra.searchpath"


@dataclass(frozen=True)
class Composition:
    """What arguments ask for: overrides that name every plug-in, and the configuration of the first job.

    `config` has Hydra's own part, `own` has not. `swept` is the number of values of each key that is swept, and `jobs`
    are configurations that together show every such value, the first job's before all others. `combinations` are the
    overrides of every other job of the sweep; empty where a sweeper of the user's decides which jobs there are.
    """

    overrides: tuple[str, ...]
    config: DictConfig
    swept: Mapping[str, int]
    jobs: tuple[DictConfig, ...] = ()
    combinations: tuple[tuple[str, ...], ...] = ()

    @property
    def own(self) -> DictConfig:
        return without_hydra(self.config)


def compose_arguments(arguments: Sequence[str], config_name: str, sweep: bool = False) -> Composition:
    """What `arguments` (KEY=VALUE) ask for, every value of every `sweep` composed once; in `hydra_open` alone.

    Raises BadInput, one line, for whatever Hydra refuses.
    """
    overrides = parse_overrides(arguments)
    _demand_bench(overrides)
    complete = [
        *_plugins(overrides, config_name),
        *_recipe(overrides, config_name),
        *(text for o in overrides for text in as_hydra_wants(o, config_name)),
    ]
    complete.sort(key=lambda text: text.startswith("+experiment="))  # last: what it sets has the last word
    parsed = parse_overrides(complete)
    jobs = tuple(compose_job(config_name, job) for job in _jobs(parsed, sweep))
    swept = {o.key_or_group: len(sweep_values(o)) for o in parsed if o.is_sweep_override()}
    combinations = tuple(map(tuple, _combinations(parsed))) if sweep and tries_all(jobs[0]) else ()
    return Composition(tuple(complete), jobs[0], swept, jobs, combinations)


def tries_all(config: DictConfig) -> bool:
    """Whether the sweeper of `config`, which has Hydra's own part, tries every combination of the values."""
    return str(config.hydra.sweeper.get("_target_", "")).endswith("BasicSweeper")


def hydra_open(config_name: str) -> initialize_config_dir:
    """A context in which Hydra composes from the configuration that comes with the package."""
    return initialize_config_dir(str(conf_folder()), version_base="1.3", job_name=config_name)


def without_hydra(config: DictConfig) -> DictConfig:
    """A copy of the configuration without Hydra's own part."""
    own = config.copy()
    with open_dict(own):
        del own["hydra"]
    return own


def parse_overrides(texts: Sequence[str]) -> list[Override]:
    """Arguments KEY=VALUE as Hydra reads them. Raises BadInput."""
    try:
        found = OverridesParser.create().parse_overrides(list(texts))
    except OverrideParseException as error:
        raise unreadable_override(error.override) from error
    for override in found:
        demand(bool(override.key_or_group), "arguments", "KEY=VALUE", override.input_line)
    return found


def search_path(arguments: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The arguments with `folder` first among those in which Hydra looks for configuration files."""
    overrides = parse_overrides(arguments)
    given = [place for o in overrides if o.key_or_group == SEARCH_PATH for place in _list(o)]
    others = [o.input_line or "" for o in overrides if o.key_or_group != SEARCH_PATH]
    places = ",".join(quoted(place) for place in (f"file://{folder.absolute()}", *given))
    return f"{SEARCH_PATH}=[{places}]", *others


def options(group: str, overrides: Sequence[str] = (), config_name: str = "config") -> list[str]:
    """Names that may be given for `group`, those on the user's own search path included."""
    search = [o for o in overrides if o.startswith(SEARCH_PATH)]
    loader = GlobalHydra.instance().config_loader()
    found: list[str] = loader.get_group_options(group, config_name=config_name, overrides=search)
    return found


def groups() -> list[str]:
    """Names of all groups, that of Hydra's own included."""
    found: list[str] = GlobalHydra.instance().config_loader().list_groups("")
    return found


def as_hydra_wants(override: Override, config_name: str = "config") -> Iterator[str]:
    """The override for a configuration whose defaults list has neither plug-in groups nor an experiment.

    In the main job, plug-ins that are added are in the list that names all of them.
    """
    if override.key_or_group not in (*PLUGIN_GROUPS, "experiment") or override.is_delete():
        yield override.input_line or ""
    elif override.key_or_group == "experiment":
        yield f"+{(override.input_line or '').lstrip('+')}"
    elif override.is_add() and config_name != "config":
        yield override.input_line or ""
    elif not override.is_add():
        yield f"+{override.input_line}"


def sweep_values(override: Override) -> list[str]:
    """The values of a sweep as they are typed."""
    return list(override.sweep_string_iterator())


def compose_job(config_name: str, overrides: list[str]) -> DictConfig:
    """The configuration of one job, with Hydra's own part. Raises BadInput."""
    try:
        return compose(config_name, overrides=overrides, return_hydra_config=True)
    except MissingConfigException as error:
        raise _missing_file(str(error), overrides, config_name) from error
    except ConfigCompositionException as error:
        raise _unknown_key(error, config_name, overrides) from error
    except (HydraException, OmegaConfBaseException) as error:
        raise BadInput(f"arguments: must be values that fit together (got an error: {first_line(error)})") from error
    except ValueError as error:  # of a group, a value that is no name
        raise _no_name(overrides, config_name, error) from error


def _plugins(overrides: Sequence[Override], config_name: str) -> list[str]:
    """Overrides that name every plug-in of the groups of which the arguments do not name some themselves."""
    if config_name != "config":
        return []
    lines = [o.input_line or "" for o in overrides]
    named = {o.key_or_group for o in overrides if not o.is_add() and not o.is_delete()}
    added = {o.key_or_group: _values(o) for o in overrides if o.is_add() and o.key_or_group in PLUGIN_GROUPS}
    only = _plugins_of_experiment(overrides, config_name)
    result = []
    for group in (group for group in PLUGIN_GROUPS if group not in named):
        wanted = only.get(group)
        taken = options(group, lines, config_name) if wanted is None else wanted
        result.append(f"+{group}=[{','.join(sorted({*taken, *added.get(group, [])}))}]")
        if group == "measure" and wanted is None:
            result.append(f"unasked=[{','.join(sorted({*taken} - {*added.get(group, [])}))}]")
        if group == "predictor":
            result += ["automatic=true", f"named=[{','.join(added.get(group, []))}]"]
    return result


RECIPES = {"config": "brief_{}", "tabulate": "full_{}"}
"""Name of the recipe that a benchmark brings for itself, by main configuration."""


def _recipe(overrides: Sequence[Override], config_name: str) -> list[str]:
    """The override that takes the recipe named after the benchmark, where there is one and the arguments name none."""
    if config_name not in RECIPES or any(o.key_or_group == "train" for o in overrides):
        return []
    known = options("train", [o.input_line or "" for o in overrides], config_name)
    benches = [name for o in overrides if o.key_or_group == "bench" and o.is_add() for name in _swept(o)]
    own = {name: RECIPES[config_name].format(name) for name in benches}
    found = {recipe if recipe in known else "" for recipe in own.values()}
    if len(found) > 1:
        raise BadInput(f"train: must be named in a sweep over benchmarks with recipes of their own (got {benches})")
    return [f"train={recipe}" for recipe in found if recipe]


def _swept(override: Override) -> list[str]:
    """The values of an override, whether it is swept or not."""
    return sweep_values(override) if override.is_sweep_override() else _values(override)


def _plugins_of_experiment(overrides: Sequence[Override], config_name: str) -> Mapping[str, list[str] | None]:
    """The plug-ins that the experiment asks for, by group; None for all of a group."""
    lines = [o.input_line or "" for o in overrides]
    chosen = [o for o in overrides if o.key_or_group == "experiment" and not o.is_delete()]
    names = [name for o in chosen for name in (_values(o) if not o.is_sweep_override() else sweep_values(o))]
    search = [line for line in lines if line.startswith(SEARCH_PATH)]
    found = [compose_job(config_name, [*search, f"+experiment={name}"]).get("only") for name in names]
    plain = [{g: None if node is None else list(node) for g, node in only.items()} for only in found if only]
    if any(only != plain[0] for only in plain):
        raise BadInput(f"experiment: must be experiments with the same plug-ins in one sweep (got {names})")
    return plain[0] if plain else {}


def _values(override: Override) -> list[str]:
    value = override.value()
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _list(override: Override) -> list[str]:
    demand(isinstance(override.value(), list), override.key_or_group, "a list", override.value())
    return _values(override)


def _demand_bench(overrides: Sequence[Override]) -> None:
    names = ", ".join(options("bench", [o.input_line or "" for o in overrides]))
    for override in overrides:
        if override.key_or_group == "bench" and not override.is_add():
            raise BadInput(f"bench: must be +bench=NAME, with the plus (got {override.input_line!r}); NAME: {names}")
    if not any(o.key_or_group == "bench" for o in overrides):
        meant = any(suggestion(o.key_or_group, ["bench"]) for o in overrides)
        raise BadInput(f"bench: must be +bench=NAME (got none){'; did you mean +bench?' * meant}; NAME: {names}")


def _jobs(overrides: Sequence[Override], sweep: bool) -> Iterator[list[str]]:
    """Overrides of jobs that together show every value of every sweep once."""
    plain = [o.input_line or "" for o in overrides]
    sweeps = {i: sweep_values(o) for i, o in enumerate(overrides) if o.is_sweep_override()}
    if sweeps and not sweep:
        several = overrides[next(iter(sweeps))]
        key, _, given = (several.input_line or "").partition("=")
        raise BadInput(f"{key}: must be one value in a single run (got {given}); add -m for a sweep")
    first = {i: f"{overrides[i].get_key_element()}={values[0]}" for i, values in sweeps.items()}
    base = [first.get(i, text) for i, text in enumerate(plain)]
    yield base
    for i, values in sweeps.items():
        for value in values[1:]:
            yield [f"{overrides[i].get_key_element()}={value}" if i == j else text for j, text in enumerate(base)]


def _combinations(overrides: Sequence[Override]) -> Iterator[list[str]]:
    """Overrides of every job in which two keys or more have another value than in the first job."""
    values = [
        [f"{o.get_key_element()}={value}" for value in sweep_values(o)]
        if o.is_sweep_override()
        else [o.input_line or ""]
        for o in overrides
    ]
    for job in product(*values):
        if sum(text != each[0] for text, each in zip(job, values, strict=True)) > 1:
            yield list(job)


def _missing_file(text: str, overrides: list[str], config_name: str) -> BadInput:
    """The error for a configuration file that does not exist, e.g. dataset=nope."""
    found = re.search(r"(?:find|load) '([^']+)/([^'/]+)'", text)
    if not found:
        return BadInput(f"arguments: must be names of configuration files (got an error: {text.splitlines()[0]})")
    group, name = found.groups()
    return missing_choice(group, name, options(group, overrides, config_name))


def _no_name(overrides: list[str], config_name: str, error: ValueError) -> BadInput:
    """The error for a group whose value is no name, e.g. dataset=null."""
    for override in parse_overrides(overrides):
        group, value = override.key_or_group, None if override.is_sweep_override() else override.value()
        names = value if isinstance(value, list) else [value]
        if group.partition("/")[0] in groups() and not all(isinstance(name, str) for name in names):
            known = ", ".join(options(group, overrides, config_name))
            return BadInput(f"{group}: must be one of {known} (got {value})")
    return BadInput(f"arguments: must be values that fit together (got an error: {first_line(error)})")


def _unknown_key(error: ConfigCompositionException, config_name: str, overrides: list[str]) -> BadInput:
    """The error for an override that names no key."""
    found = re.search(r"override '([^']+)'|delete from config. '([^']+)'", str(error))
    name = (found.group(1) or found.group(2)) if found else ""
    value = next((o.partition("=")[2] for o in overrides if o.lstrip("+~").partition("=")[0] == name), None)
    if value is None:
        return BadInput(f"arguments: must be values that fit together (got an error: {first_line(error)})")
    whole = compose(config_name, overrides=[o for o in overrides if o.lstrip("+~").partition("=")[0] != name])
    if f"~{name}" in overrides:
        parent = OmegaConf.select(whole, name.rpartition(".")[0])
        keys = [str(key) for key in parent] if isinstance(parent, DictConfig) else []
        near = suggestion(name.rpartition(".")[2], keys).replace("mean ", f"mean ~{name.rpartition('.')[0]}.")
        known = f"; known: {', '.join(keys)}" if keys else ""
        return BadInput(f"~{name}: must be a known key (got ~{name}){near}{known}")
    return unknown_key(name, value, whole)
