"""What a stored table is: its columns, their types, units and meanings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

DType = Literal["str", "bool", "int64", "int16", "float64", "float32"]


@dataclass(frozen=True)
class Column:
    """One column: `unit` is empty for names, counts without a unit and flags.

    `nullable` allows nan (of whole numbers: null); an `optional` column may be absent; `end_of` names the value of
    whose interval this column is the lower or upper end.
    """

    name: str
    dtype: DType
    meaning: str
    unit: str = ""
    nullable: bool = False
    optional: bool = False
    end_of: str = ""

    @property
    def pandas(self) -> str:
        """The pandas dtype: whole numbers that may be null are Int64."""
        return "Int64" if self.nullable and self.dtype == "int64" else self.dtype


@dataclass(frozen=True)
class Table:
    """One stored table: `row` says what one row is; `further` number columns are let through where it is set."""

    name: str
    row: str
    columns: tuple[Column, ...]
    further: bool = False

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> list[str]:
        """The names of all columns, in order."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """The names of the columns that are always there, in order."""
        return [column.name for column in self.columns if not column.optional]

    @property
    def dtypes(self) -> dict[str, str]:
        """The pandas dtype of each column, such as `astype` takes; optional columns left out."""
        return {column.name: column.pandas for column in self.columns if not column.optional}


def text(name: str, meaning: str) -> Column:
    """A column of names or sentences; empty where there is none."""
    return Column(name, "str", meaning)


def flag(name: str, meaning: str) -> Column:
    """A column of yes and no."""
    return Column(name, "bool", meaning)


def count(name: str, meaning: str, unit: str = "", nullable: bool = False) -> Column:
    """A column of whole numbers."""
    return Column(name, "int64", meaning, unit, nullable)


def number(name: str, meaning: str, unit: str = "", nullable: bool = True) -> Column:
    """A column of real numbers, by default nan where there is none."""
    return Column(name, "float64", meaning, unit, nullable)


def estimate(
    name: str, meaning: str, unit: str = "", ends: tuple[str, str] | None = None, optional: bool = False
) -> tuple[Column, Column, Column]:
    """A value and the two ends of its interval, by default `name`, `name`_low and `name`_high."""
    value = replace(number(name, meaning, unit), optional=optional)
    low, high = ends or (f"{name}_low", f"{name}_high")
    return (
        value,
        replace(value, name=low, meaning=f"lower end of the interval of {name}", end_of=name),
        replace(value, name=high, meaning=f"upper end of the interval of {name}", end_of=name),
    )
