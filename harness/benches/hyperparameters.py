"""Hyper-parameters as architectures: a sample of such a space is a set of values, and their text is its identity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.schema import BadInput, demand

Value = str | float
Values = Mapping[str, Value]
"""Hyper-parameters by name, in the order of their space; one that does not apply is absent."""

DIGITS = 4
"""Significant digits that a drawn number keeps, so that its text is short and says it exactly."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, drawn uniformly, or with `log` uniformly in their logarithm.

    `where` lists values of other hyper-parameters without which this one does not exist.
    """

    low: float
    high: float
    log: bool = False
    where: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def draw(self, random: np.random.Generator) -> float:
        """One number of `DIGITS` significant digits."""
        ends = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = random.uniform(*ends)
        return float(f"{math.exp(value) if self.log else value:.{DIGITS}g}")

    def read(self, text: str) -> float | None:
        """The number that `text` is, None where it is none of the range."""
        try:
            value = float(text)
        except ValueError:
            return None
        return value if self.low <= value <= self.high else None

    def numbers(self, value: Value | None) -> list[float]:
        """The value, or its natural logarithm with `log`; nan where there is none."""
        if value is None:
            return [math.nan]
        return [math.log(float(value)) if self.log else float(value)]

    def names(self, name: str) -> list[str]:
        """What `numbers` holds."""
        return [f"log {name}" if self.log else name]


@dataclass(frozen=True)
class Choice:
    """One of `values`, all strings or all numbers, drawn with equal probability; `log`: read as their logarithm."""

    values: tuple[Value, ...]
    where: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    log: bool = False

    def draw(self, random: np.random.Generator) -> Value:
        """One of the values."""
        return self.values[int(random.integers(len(self.values)))]

    def read(self, text: str) -> Value | None:
        """The value that `text` is, None where it is none of them."""
        return next((value for value in self.values if _text(value) == text), None)

    def numbers(self, value: Value | None) -> list[float]:
        """A number, or its natural logarithm with `log`; a string as one 0 or 1 per value; nan where there is none."""
        if all(isinstance(each, float) for each in self.values):
            return [math.nan if value is None else math.log(float(value)) if self.log else float(value)]
        return [math.nan if value is None else float(value == each) for each in self.values]

    def names(self, name: str) -> list[str]:
        """What `numbers` holds."""
        if all(isinstance(each, float) for each in self.values):
            return [f"log {name}" if self.log else name]
        return [f"{name}={each}" for each in self.values]


@dataclass(frozen=True)
class Space:
    """Hyper-parameters by name; one that is conditional stands behind those it depends on."""

    parts: Mapping[str, Range | Choice]

    def draw(self, random: np.random.Generator) -> dict[str, Value]:
        """One set of values. Every part takes its random numbers, whether it applies or not."""
        drawn: dict[str, Value] = {name: part.draw(random) for name, part in self.parts.items()}
        values: dict[str, Value] = {}
        for name, part in self.parts.items():
            if _applies(part, values):
                values[name] = drawn[name]
        return values

    def write(self, values: Values) -> str:
        """The text of a set of values, e.g. `activation=relu,rate=0.003`, in the order of the space."""
        return ",".join(f"{name}={_text(values[name])}" for name in self.parts if name in values)

    def parse(self, text: str) -> dict[str, Value]:
        """The values that `text` writes. Raises BadInput where it is not exactly what `write` gives of a set."""
        pairs = dict(part.partition("=")[::2] for part in text.split(","))
        values: dict[str, Value] = {}
        for name, part in self.parts.items():
            if _applies(part, values):
                value = part.read(pairs.get(name, ""))
                demand(value is not None, f"architecture: {name}", _wanted(part), pairs.get(name))
                values[name] = value  # type: ignore[assignment]
        if self.write(values) != text:
            raise BadInput(f"architecture: must be written as {self.write(values)} (got {text!r})")
        return values

    def vector(self, values: Values) -> NDArray[np.float64]:
        """The values as numbers (d,), in the order of `feature_names`; nan where one does not apply."""
        return np.array([number for name, part in self.parts.items() for number in part.numbers(values.get(name))])

    def feature_names(self) -> list[str]:
        """Names of the entries of `vector`: numbers, natural logarithms of log-uniform ones, 0 or 1 per string."""
        return [entry for name, part in self.parts.items() for entry in part.names(name)]


def _applies(part: Range | Choice, values: Values) -> bool:
    return all(values.get(name) in allowed for name, allowed in part.where.items())


def _text(value: Value) -> str:
    return value if isinstance(value, str) else repr(float(value))


def _wanted(part: Range | Choice) -> str:
    if isinstance(part, Range):
        return f"a number from {part.low} to {part.high}"
    return " or ".join(_text(value) for value in part.values)
