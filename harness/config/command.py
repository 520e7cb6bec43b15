"""The command that a composed job can be run by again."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence

from hydra.core.override_parser.types import Override

from harness.config.composition import PLUGIN_GROUPS, SEARCH_PATH, parse_overrides

SET_BY_THE_COMMAND_LINE = frozenset({"automatic", "named", "unasked"})
"""Keys that `compose_arguments` sets itself, from which plug-ins the arguments name."""

PLACES = frozenset({"results", "reports"})
"""Keys that say where files are written: they change no number, and hold on one machine only."""


def command_of(overrides: Sequence[str]) -> str:
    """The command line, quoted for a shell, of the run that has these `overrides` (`Composition.overrides`).

    Its composition is that of the run, but for the folders that are written to. What `compose_arguments` adds for
    plug-ins is left out, a recipe that it chose is named, and the benchmark comes first.
    """
    parsed = [o for o in parse_overrides(overrides) if o.key_or_group not in PLACES and not _is_hydras(o)]
    set_here = {o.key_or_group: o.value() for o in parsed if o.key_or_group in SET_BY_THE_COMMAND_LINE}
    words = [word for o in parsed for word in _typed(o, set_here)]
    words.sort(key=lambda word: not word.startswith("+bench="))
    return f"python -m harness {shlex.join(words)}"


def _is_hydras(override: Override) -> bool:
    """Whether an override is of Hydra's own part; its search path decides which files there are and is kept."""
    name = str(override.key_or_group)
    return name.split(".")[0].split("/")[0] == "hydra" and name != SEARCH_PATH


def _typed(override: Override, set_here: Mapping[str, object]) -> Iterator[str]:
    """The words that were typed for an override; none where the command line added it."""
    group, line = override.key_or_group, override.input_line or ""
    if group in SET_BY_THE_COMMAND_LINE:
        return
    if group == "experiment" and not override.is_delete():
        yield line.lstrip("+")
    elif group in PLUGIN_GROUPS and override.is_add():
        added = _added(group, override.value(), set_here)
        if added is None:
            yield line.lstrip("+")
        elif added:
            yield f"+{group}=[{','.join(added)}]"
    else:
        yield line


def _added(group: str, names: object, set_here: Mapping[str, object]) -> Collection[str] | None:
    """The plug-ins of a group that were added to all, None where the arguments list those that take part."""
    taken = [str(name) for name in names] if isinstance(names, list) else [str(names)]
    if group == "predictor" and "automatic" in set_here:
        return _names(set_here.get("named"))
    if group == "measure" and "unasked" in set_here:
        unasked = _names(set_here["unasked"])
        return [name for name in taken if name not in unasked]
    return None


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
