"""Ground truth: final accuracies of architectures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Truth:
    """Ground truth of one protocol: percent accuracy of architectures, one column a recorded seed.

    `accuracy` is indexed by architecture name; a missing seed is nan and stays so. Which training set, split, schedule
    and source the numbers come from is given by the next fields and shown in every report (None: not known).
    `index` is the benchmark's official place of an architecture, where the source gives it.
    """

    accuracy: pd.DataFrame
    train_set: str
    split: str
    epochs: int | None
    source: str
    index: Mapping[str, int] = field(default_factory=dict)

    def mean(self) -> pd.Series:
        """Mean over the recorded seeds, in percent, indexed by architecture name."""
        return self.accuracy.mean(axis=1)
