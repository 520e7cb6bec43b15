"""Versions, column names, errors, seeds and digests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields
from types import MappingProxyType
from typing import Any

from harness.schema.suggestion import suggestion

SCHEMA_VERSION = 2
"""Raised whenever a stored trace or table of an older version could be misread."""

BASE_COLUMNS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
"""Columns every trace has: losses in nats, accuracies in percent, at the end of each observation interval."""

COUNTED = ("params", "flops", "live_flops", "layers")
"""Facts that every benchmark states of an architecture, unless it has a `fact_columns` of its own."""

FACT_COLUMNS = (*COUNTED, "source_accuracy", "static_rank")
"""Columns that benchmarks may state of an architecture without any training, constant along the trace. They are not
stored with a trace: reading it adds those that its benchmark states, so that another one trains nothing again.
`source_accuracy` is the published accuracy (percent) on the data set that a network was trained on before,
`static_rank` how well it does on other data sets than the target (higher is better)."""


class BadInput(ValueError):
    """Something a user asked for cannot be had; the message is one line that names key, demand and value."""


class NoScore(Exception):
    """Raised by a predictor that cannot score a trace; the message is the reason that is reported."""


_LISTED = re.compile(r"'([^']+)'|([\w.-]+)(?=,)|(?:(?<=, )|(?<=\bor )|(?<=[(]))([\w.-]+)")
"""Names in what is wanted: those in quotes, and those in a list."""


def demand(holds: bool, key: str, wanted: str, value: object) -> None:
    """Raise BadInput unless `holds`: "`key`: must be `wanted` (got `value`)".

    Where `wanted` lists names and the value is nearly one of them, "did you mean" names it.
    """
    if not holds:
        raise BadInput(f"{key}: must be {wanted} (got {value!r}){_nearest(wanted, value)}")


def _nearest(wanted: str, value: object) -> str:
    names = [next(filter(None, found)) for found in _LISTED.findall(wanted)]
    given = value if isinstance(value, list | tuple) else [value]
    strangers = [text for text in given if isinstance(text, str) and text not in names]
    return suggestion(strangers[0], names) if strangers else ""


def seed_of(run_seed: int, *names: object) -> int:
    """A seed below 2**63 that depends on `run_seed` and `names` alone, never on order or on what ran before."""
    text = json.dumps([run_seed, *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def digest(value: Any) -> str:
    """SHA-256 (hex) of a value made of dicts, sequences, strings and numbers; key order does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


ADDED_LATER: Mapping[str, Any] = MappingProxyType({"identity": "unless default"})
"""Metadata of a field that a component did not have at first: identities leave it out while it has its default, so
that what was made before it existed is still the same."""

NO_IDENTITY: Mapping[str, Any] = MappingProxyType({"identity": "never"})
"""Metadata of a field that says where something lies and not what it is: identities leave it out."""


def settings(component: Any) -> dict[str, Any]:
    """The configuration of a component (a frozen dataclass) as plain values, with the kind of component it is.

    Fields marked by `ADDED_LATER` or `NO_IDENTITY` are left out as said there. A component that reads a file of a
    user's own has `content()`, what identifies that file as it is now.
    """
    values = asdict(component)
    kept = {each.name: values[each.name] for each in fields(component) if _identifies(each, values[each.name])}
    content = {"content": component.content()} if hasattr(component, "content") else {}
    return {"kind": kind_of(type(component)), **kept, **content}


def _identifies(field: Field[Any], value: Any) -> bool:
    rule = field.metadata.get("identity", "always")
    if rule == "unless default":
        default = field.default if field.default_factory is MISSING else field.default_factory()
        return bool(value != default)
    return bool(rule == "always")


def kind_of(component: type) -> str:
    """The stable name by which identities know a class of components: its own `kind`, else its dotted path.

    A class that declares one may be moved or renamed and nothing is trained again. It is not inherited: a subclass
    computes something else.
    """
    kind = vars(component).get("kind")
    return kind if isinstance(kind, str) else f"{component.__module__}.{component.__qualname__}"
