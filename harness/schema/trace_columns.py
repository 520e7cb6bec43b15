"""The columns of one trace, as rows of arrays that many traces share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Vectors:
    """A column of vectors: the cell of row i is `values[begin[i]:end[i]]`, None where `begin` is -1.

    Rows may share a vector, as those of one trace do a description.
    """

    values: NDArray[np.float64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    def cells(self, first: int, last: int) -> NDArray[Any]:
        """The cells of rows `first` to `last` as objects (rows,), each a view (d,) or None."""
        found = np.empty(last - first, dtype=object)
        for row, (begin, end) in enumerate(zip(self.begin[first:last], self.end[first:last], strict=True)):
            found[row] = None if begin < 0 else self.values[begin:end]
        return found


Cells = Any
"""A column of many traces: an array (rows,) of numbers or of objects, or Vectors."""


@dataclass(frozen=True)
class Columns:
    """The columns of one trace: rows `first` to `last` of arrays that others share, and columns of one value each.

    `shared` may read a column only when it is asked for. `names` are those of the shared columns that this trace has.
    """

    shared: Mapping[str, Cells]
    names: tuple[str, ...]
    first: int
    last: int
    constants: Mapping[str, Any] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.constants or name in self.names

    def __len__(self) -> int:
        return self.last - self.first

    def cells(self, name: str) -> NDArray[Any]:
        """A column (rows,) of its own type, vectors as objects. Raises KeyError for one that this trace has not."""
        if name in self.constants:
            return _repeated(self.constants[name], len(self))
        if name not in self.names:
            raise KeyError(name)
        column = self.shared[name]
        if isinstance(column, Vectors):
            return column.cells(self.first, self.last)
        found: NDArray[Any] = column[self.first : self.last]
        return found

    def frame(self) -> pd.DataFrame:
        """The columns as a table."""
        import pandas as pd

        return pd.DataFrame({name: self.cells(name) for name in (*self.names, *self.constants)})


def _repeated(value: Any, rows: int) -> NDArray[Any]:
    """One value for every row; an array is one object."""
    if not isinstance(value, np.ndarray):
        return np.full(rows, value)
    found = np.empty(rows, dtype=object)
    for row in range(rows):
        found[row] = value
    return found
