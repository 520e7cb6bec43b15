"""Which settings differ between jobs, and a short readable name for the setting of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REPLICATE = "seed"
"""Runs that differ by this key alone are repetitions of one setting."""

NO_SETTING = frozenset({
    REPLICATE, "results", "reports", "data", "report", "engine", "named", "automatic", "only", "hydra",
})  # fmt: skip
"""Keys, with all below them, that change no number of a run, or change it as a repetition does."""

LONGEST = 60
"""Characters of one "key=value" before it is cut."""

Values = Mapping[str, str]


def swept(overrides: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    """What differs between the overrides of jobs of one sweep: for each job the keys, in the order given, and values.

    Keys of NO_SETTING are left out; a plus or tilde before a key is not part of it.
    """
    return _differing([dict(_pair(text) for text in each) for each in overrides])


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
    return [{key: each.get(key, "null") for key in kept} for each in facts]


def _pair(override: str) -> tuple[str, str]:
    key, equals, value = override.partition("=")
    return key.lstrip("+~"), value.strip("'\"") if equals else "left out"


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", "null" if value is None else str(value)


def _preference(key: str) -> tuple[bool, int, bool, str]:
    return key not in ("bench.name", "dataset.name"), key.count("."), key.rpartition(".")[2][:1] == "_", key


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
