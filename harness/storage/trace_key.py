"""The identity of one training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.schema import Measure, settings
from harness.storage.source_digest import source_digest

TRACE_VERSION = 3
"""Version of the key and of what a trace file holds. Version 2 named classes by their place (storage/legacy.py)."""


@dataclass(frozen=True)
class TraceKey:
    """All that decides what a trace holds; two keys are the same training exactly when their names are equal.

    `network` and `recipe` are plain settings, `measures` what `describe` gives, `stream` the source of randomness (runs
    and ground truth draw from different ones), `device` cpu or cuda, `kernels` native, native_watch or torch, which
    round differently, as do `threads`, between which the sums of one product are shared. `gpu` is the type of GPU and
    the version of torch of a training on one, empty on a CPU. Not in it are the versions of other libraries and, for a
    CPU, the machine: a trace names those that it was made with.
    """

    architecture: str
    dataset: str
    network: Mapping[str, Any]
    recipe: Mapping[str, Any]
    measures: Mapping[str, Any]
    seed: int
    stream: str
    device: str
    kernels: str
    threads: int = 1
    gpu: str = ""

    def content(self) -> dict[str, Any]:
        """All fields as plain values; `gpu` only where it is not empty: keys made before it stay what they are."""
        return {name: value for name, value in vars(self).items() if name != "gpu" or value}

    def name(self) -> str:
        """SHA-256 (hex) of the key and its version."""
        return names_of([self])[0]

    def kind(self) -> dict[str, Any]:
        """What trainings have in common whose traces have the same columns: all but architecture, network and seed."""
        own = ("architecture", "network", "seed")
        return {name: value for name, value in self.content().items() if name not in own}


def names_of(keys: Sequence[TraceKey]) -> list[str]:
    """The name of each key; mappings that several keys share are turned into text once.

    It is `digest([TRACE_VERSION, key.content()])`, whose text is put together of its parts.
    """
    texts: dict[int, str] = {}

    def text(value: Any) -> str:
        if not isinstance(value, Mapping):
            return json.dumps(value, default=str)
        if id(value) not in texts:
            texts[id(value)] = json.dumps(value, sort_keys=True, default=str)
        return texts[id(value)]

    names = []
    for key in keys:
        fields = ", ".join(f'"{name}": {text(value)}' for name, value in sorted(key.content().items()))
        names.append(hashlib.sha256(f"[{TRACE_VERSION}, {{{fields}}}]".encode()).hexdigest())
    return names


def describe(measures: Mapping[str, Measure]) -> dict[str, dict[str, Any]]:
    """The settings of every measure by name, with the digest of what it computes."""
    return {name: settings(m) | {"source": source_digest(type(m))} for name, m in sorted(measures.items())}
