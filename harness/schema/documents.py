"""What status.json, job.json and sweep.json hold, key by key: readers demand it before they use a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.schema.base import demand


@dataclass(frozen=True)
class Kind:
    """A kind of value: `words` say after "must be" what `holds` asks."""

    words: str
    holds: Callable[[Any], bool]


def list_of(kind: Kind) -> Kind:
    """Lists whose every entry is of that kind."""
    return Kind(f"a list, each entry {kind.words}", lambda v: isinstance(v, list) and all(map(kind.holds, v)))


def or_null(kind: Kind) -> Kind:
    """That kind, or null."""
    return Kind(f"{kind.words} or null", lambda v: v is None or kind.holds(v))


def one_of(*texts: str) -> Kind:
    """One of a few texts."""
    return Kind(f"one of {', '.join(map(repr, texts))}", lambda v: isinstance(v, str) and v in texts)


TEXT = Kind("a text", lambda v: isinstance(v, str))
WHOLE = Kind("an integer", lambda v: isinstance(v, int) and not isinstance(v, bool) and abs(v) < 2**63)
COUNT = Kind("an integer of at least 0", lambda v: WHOLE.holds(v) and v >= 0)
NUMBER = Kind("a number", lambda v: WHOLE.holds(v) or (isinstance(v, float) and math.isfinite(v)))
LEVEL = Kind("a number between 0 and 1", lambda v: NUMBER.holds(v) and 0 < v < 1)
FLAG = Kind("true or false", lambda v: isinstance(v, bool))
MAPPING = Kind("a mapping", lambda v: isinstance(v, Mapping))


@dataclass(frozen=True)
class Key:
    """A key of a document, with dots where it lies deeper; `required` where a reader cannot do without."""

    path: str
    kind: Kind
    required: bool = False


RUN_STATUS = (
    Key("state", one_of("complete", "partial"), required=True),
    Key("bench", TEXT, required=True),
    Key("dataset", TEXT, required=True),
    Key("given", TEXT),
    Key("seed", WHOLE),
    Key("architectures", COUNT),
    Key("trained", COUNT),
    Key("diverged", COUNT),
    Key("truth", MAPPING, required=True),
    Key("truth.epochs", or_null(COUNT)),
    Key("evaluation", MAPPING, required=True),
    Key("evaluation.level", LEVEL, required=True),
    Key("evaluation.targets", list_of(NUMBER), required=True),
    Key("evaluation.folds", COUNT),
    Key("evaluation.bootstrap", COUNT),
    Key("evaluation.permutations", COUNT),
    Key("evaluation.seed", WHOLE),
    Key("made_with", list_of(MAPPING)),
    Key("kernels", TEXT),
    Key("device", TEXT),
    Key("signal", MAPPING),
    Key("signal.recorded", or_null(TEXT)),
    Key("recipe", MAPPING),
    *(Key(f"recipe.{name}", or_null(COUNT)) for name in ("steps", "epochs", "schedule_steps", "schedule_epochs")),
    Key("network", MAPPING),
    Key("fit_on", list_of(MAPPING)),
    Key("seconds", NUMBER),
    Key("command", TEXT),
)
"""What the report reads of a run's status.json."""

STATE = tuple(key for key in RUN_STATUS if key.path in ("state", "architectures", "trained"))
"""What a list of runs says of each."""

SWEEP_STATUS = (
    Key("level", LEVEL, required=True),
    Key("bootstrap", COUNT, required=True),
    Key("varied", list_of(TEXT), required=True),
    Key("followed", list_of(TEXT), required=True),
    Key("blocks", COUNT, required=True),
    Key("friedman", MAPPING, required=True),
    Key("friedman.statistic", or_null(NUMBER), required=True),
    Key("friedman.p", or_null(NUMBER), required=True),
    Key("critical_difference", or_null(NUMBER), required=True),
    Key("groups_by", one_of("", "friedman", "nemenyi", "wilcoxon-holm"), required=True),
    Key("note", TEXT, required=True),
    Key("left_out", list_of(TEXT), required=True),
    Key("dropped", list_of(TEXT), required=True),
    Key("ranked_runs", COUNT, required=True),
    Key("ranked_on", list_of(TEXT), required=True),
    Key("ranked_seeds", list_of(WHOLE), required=True),
    Key("asked", COUNT, required=True),
    Key("report", MAPPING, required=True),
    Key("report.font_size", NUMBER),
    Key("report.dpi", COUNT),
    Key("environment", MAPPING, required=True),
    Key("recipe", MAPPING, required=True),
    Key("network", MAPPING, required=True),
)
"""What the report reads of a sweep's status.json."""

JOB = (
    Key("number", COUNT, required=True),
    Key("overrides", list_of(TEXT), required=True),
    Key("state", one_of("started", "complete", "partial", "failed"), required=True),
    Key("code", WHOLE, required=True),
    Key("reason", TEXT, required=True),
    Key("folder", or_null(TEXT)),
    Key("report", or_null(TEXT)),
)
"""job.json."""

SWEEP = (
    Key("command", TEXT),
    Key("jobs", or_null(COUNT)),
)
"""sweep.json."""

JOB_CONFIG = (
    Key("seed", WHOLE, required=True),
    Key("bench", MAPPING),
    Key("dataset", MAPPING),
    Key("report", or_null(MAPPING)),
    Key("report.font_size", NUMBER),
    Key("report.dpi", COUNT),
    Key("evaluate", or_null(MAPPING)),
    Key("evaluate.level", LEVEL),
    Key("evaluate.bootstrap", Kind("an integer from 1 to 1000000", lambda v: COUNT.holds(v) and 1 <= v <= 10**6)),
    Key("evaluate.seed", COUNT),
)
"""What gathering reads of a run's config.yaml."""


def demand_keys(where: str, value: Mapping[str, Any], keys: Sequence[Key]) -> None:
    """Raise BadInput, naming `where` and the key, for one that is missing though required, or of another kind."""
    for key in keys:
        outer, _, name = key.path.rpartition(".")
        holder = _at(value, outer)
        there = isinstance(holder, Mapping) and name in holder
        demand(there or not key.required, where, f"a document with the key {key.path}", sorted(map(str, value))[:5])
        if there:
            demand(key.kind.holds(holder[name]), f"{where}: {key.path}", key.kind.words, shortened(holder[name]))


def shortened(value: Any) -> Any:
    """The value itself, or the beginning of its text where that is long."""
    text = repr(value)
    return value if len(text) <= 200 else f"{text[:200]}…"


def _at(value: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
