"""The training recipe and the network of a run in the words of captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.numbers import counted, equal
from harness.report.numbers import words as spaced

NETWORK_KEYS = ("channels", "cells", "width_divisor")
"""What captions say of a network."""


def recipe_words(status: Mapping[str, Any]) -> str:
    """Recipe and network of the run with this `status`; empty where it states neither."""
    recipe, network = status.get("recipe", {}), status.get("network", {})
    recorded = status.get("signal", {}).get("recorded")
    if recorded:
        return f"recorded curves: {recorded}; sample seed {status.get('seed')}"
    lengths = [(recipe[f"{unit}s"], unit) for unit in ("step", "epoch") if recipe.get(f"{unit}s") is not None]
    words = [f"trained for {counted(length, unit)}" if length else "not trained" for length, unit in lengths]
    words += [f"batch {recipe['batch']}"] if recipe.get("batch") is not None else []
    words += [f"annealed over {counted(recipe[f'schedule_{unit}s'], unit)}" for unit in ("step", "epoch")
              if recipe.get(f"schedule_{unit}s") is not None]  # fmt: skip
    words += [_key(key, network[key]) for key in NETWORK_KEYS if key in network]
    words += [f"run seed {status['seed']}"] if "seed" in status else []
    others = status.get("fit_on", [])
    return ", ".join(words) + (
        f"; learned predictors fitted on networks with {_differing(others, network)}" if others else ""
    )


def _differing(others: Sequence[Mapping[str, Any]], network: Mapping[str, Any]) -> str:
    """In what the networks that predictors were fitted on differ from those scored, or from one another."""
    known = [*NETWORK_KEYS, *sorted({key for other in others for key in other} - set(NETWORK_KEYS))]
    keys = [key for key in known if any(other.get(key, network.get(key)) != network.get(key) for other in others)]
    if not keys:
        return "the same shape"
    each = [" and ".join(_key(key, other.get(key, network.get(key))) for key in keys) for other in others]
    return (", and with " if len(keys) > 1 else " and ").join(each)


def _key(key: str, value: object) -> str:
    """One setting of a network in the letters that papers use."""
    shown = "none" if value is None else value
    letters = {"channels": "C", "cells": "N"}
    if key in letters:
        return equal(letters[key], shown)
    return f"widths divided by {shown}" if key == "width_divisor" else f"{spaced(key)} {shown}"
