"""Evaluation harness for early-training performance predictors of neural architectures.

The functions named in `__all__` are the public API (docs/library.md). Each is imported when it is first used, so that
`import harness` costs nothing; `__init__.pyi` shows them to type checkers.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "BadInput": "harness.schema",
    "Compared": "harness.api.compare",
    "Results": "harness.api.results",
    "Trace": "harness.schema",
    "Tracker": "harness.api.networks",
    "compare": "harness.api.compare",
    "predict": "harness.api.predict",
    "read": "harness.api.results",
    "run": "harness.api.run",
    "score": "harness.api.networks",
    "track": "harness.api.networks",
}
"""The module of each public name."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
