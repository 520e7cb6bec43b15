"""The settings that differ between jobs, and a short label for the setting of each job."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.schema.flat import flat

REPLICATE = "seed"
"""Runs that differ by this key alone are repetitions of one setting."""

NO_SETTING = frozenset({
    REPLICATE, "results", "reports", "data", "report", "engine", "named", "automatic", "unasked", "only", "hydra",
    "stage",
})  # fmt: skip
"""Keys, with all below them, that are no part of a setting: they change no number, or are the seed of a replicate."""

LONGEST = 60
"""Characters of one "key=value" before it is cut."""

LEFT_OUT = "left out"
"""The value of a key that a configuration does not have."""

Values = Mapping[str, str]


def differing_overrides(
    overrides: Sequence[Sequence[str]], configs: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """For each job of one sweep its differing overrides, as a mapping from key to value in the order given.

    Keys of NO_SETTING are excluded; a plus or tilde before a key is not part of it. If some job does not override a
    key, all jobs get its value from their composed configurations (of a component its `name`; "default" if unset).
    """
    facts = [dict(_pair(text) for text in each) for each in overrides]
    keys = list(dict.fromkeys(key for each in facts for key in each))
    for key in (key for key in keys if not all(key in each for each in facts)):
        for each, config in zip(facts, configs, strict=True):
            each[key] = _value(config, key) or each.get(key, "default")
    return _differing(facts)


def differing_values(configs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """For each composed configuration its values of the fewest keys that distinguish all of them.

    `bench` and `dataset` by their names come first, then keys by depth and name. A key whose value is determined by
    the keys chosen before it (the recipe that belongs to a data set) is excluded.
    """
    values_of = [dict(flat(config)) for config in configs]
    differing = _differing(values_of)
    chosen: list[str] = []
    for key in sorted(differing[0] if differing else (), key=_preference):
        known = [tuple(values[other] for other in chosen) for values in differing]
        if len(set(known)) < len({(*before, values[key]) for before, values in zip(known, differing, strict=True)}):
            chosen.append(key)
    return [{key.removesuffix(".name"): values[key] for key in chosen} for values in differing]


def dependent_keys(configs: Sequence[Mapping[str, Any]], named: Collection[str]) -> list[str]:
    """Keys that differ between composed configurations, sorted, except the `named` ones and all below them."""
    differing = _differing([dict(flat(config)) for config in configs])
    return sorted(key for key in (differing[0] if differing else ())
                  if not any(f"{key}.".startswith(f"{name}.") for name in named))  # fmt: skip


def setting_labels(settings: Sequence[Values], fallback: Sequence[str]) -> list[str]:
    """A label for the setting of each job, "dataset=digits, train.steps=20"; equal exactly for equal settings.

    A job without differing `values` gets its text of `fallback`.
    """
    names: dict[str, tuple[tuple[str, str], ...]] = {}
    found = []
    for values, plain in zip(settings, fallback, strict=True):
        text = ", ".join(_cut(f"{key}={value}") for key, value in values.items()) or plain
        identity, number, name = tuple(values.items()), 1, text
        while names.setdefault(name, identity) != identity:  # two long values that begin alike
            number += 1
            name = f"{text} ({number})"
        found.append(name)
    return found


def _differing(facts: Sequence[Values]) -> list[dict[str, str]]:
    keys = [key for key in dict.fromkeys(key for each in facts for key in each) if key.split(".")[0] not in NO_SETTING]
    kept = [key for key in keys if len({each.get(key) for each in facts}) > 1]
    return [{key: each.get(key, LEFT_OUT) for key in kept} for each in facts]


def _pair(override: str) -> tuple[str, str]:
    key, equals, value = override.partition("=")
    return key.lstrip("+~"), value.strip("'\"") if equals else LEFT_OUT


def _value(config: Mapping[str, Any], key: str) -> str:
    """The value of a dotted key, of a component its `name`; empty if the configuration has neither."""
    values = dict(flat(config))
    return values.get(key) or values.get(f"{key}.name", "")


def _preference(key: str) -> tuple[bool, int, bool, str]:
    return key not in ("bench.name", "dataset.name"), key.count("."), key.rpartition(".")[2][:1] == "_", key


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
