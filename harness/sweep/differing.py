"""Which settings differ between jobs, and a short readable name for the setting of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

REPLICATE = "seed"
"""Runs that differ by this key alone are repetitions of one setting."""

NO_SETTING = frozenset({
    REPLICATE, "results", "reports", "data", "report", "engine", "named", "automatic", "only", "hydra",
})  # fmt: skip
"""Keys, with all below them, that change no number of a run, or change it as a repetition does."""

LONGEST = 60
"""Characters of one "key=value" before it is cut."""

LEFT_OUT = "left out"
"""The value of a key that a configuration does not have."""

Values = Mapping[str, str]


def swept(overrides: Sequence[Sequence[str]], configs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What differs between the overrides of jobs of one sweep: for each job the keys, in the order given, and values.

    Keys of NO_SETTING are left out; a plus or tilde before a key is not part of it. A key that some job does not name
    has in all of them the value of its composed configuration, of a part its `name`; "default" where it has none.
    """
    facts = [dict(_pair(text) for text in each) for each in overrides]
    keys = list(dict.fromkeys(key for each in facts for key in each))
    for key in (key for key in keys if not all(key in each for each in facts)):
        for each, config in zip(facts, configs, strict=True):
            each[key] = _value(config, key) or each.get(key, "default")
    return _differing(facts)


def configured(configs: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What differs between composed configurations: for each the fewest keys that tell all of them apart.

    `bench` and `dataset` by their names come first, then keys by depth and name. A key whose value follows from those
    chosen before it (the recipe that belongs to a data set) is left out.
    """
    flat = [dict(_flat(config)) for config in configs]
    differing = _differing(flat)
    chosen: list[str] = []
    for key in sorted(differing[0] if differing else (), key=_preference):
        told = [tuple(values[other] for other in chosen) for values in differing]
        if len(set(told)) < len({(*before, values[key]) for before, values in zip(told, differing, strict=True)}):
            chosen.append(key)
    return [{key.removesuffix(".name"): values[key] for key in chosen} for values in differing]


def followed(configs: Sequence[Mapping[str, Any]], named: Collection[str]) -> list[str]:
    """Keys that differ between composed configurations beside the `named` ones and all below these, sorted."""
    differing = _differing([dict(_flat(config)) for config in configs])
    return sorted(key for key in (differing[0] if differing else ())
                  if not any(f"{key}.".startswith(f"{name}.") for name in named))  # fmt: skip


def labels(varied: Sequence[Values], otherwise: Sequence[str]) -> list[str]:
    """A name for the setting of each job, "dataset=digits, train.steps=20"; equal exactly for equal settings.

    Where nothing varied it is the text of `otherwise`.
    """
    names: dict[str, tuple[tuple[str, str], ...]] = {}
    found = []
    for values, plain in zip(varied, otherwise, strict=True):
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
    """The value of a dotted key, the `name` of a part; empty where the configuration does not know one."""
    flat = dict(_flat(config))
    return flat.get(key) or flat.get(f"{key}.name", "")


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: object) -> str:
    """A value as it is written on the command line."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _preference(key: str) -> tuple[bool, int, bool, str]:
    return key not in ("bench.name", "dataset.name"), key.count("."), key.rpartition(".")[2][:1] == "_", key


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
