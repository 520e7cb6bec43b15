"""Protocols of what reads traces and gives scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.schema.trace import Trace


@runtime_checkable
class Predictor(Protocol):
    """Gives an architecture a score from its trace; higher means predicted to be better.

    A predictor is a frozen dataclass without torch. `columns` are the trace columns it reads, `family` groups it in
    tables and figures. `score` may raise NoScore, or return nan, where there is no score.

    Any predictor (a Collective or Learned one too) may have `at_initialization: bool`, absent = False: True says that
    it reads the observation at step 0 alone, as zero-cost proxies do. At every budget evaluation then shows it the
    trace until step 0, also of a training that diverged later, and charges it for no training (see
    `at_initialization`).
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...

    def score(self, trace: Trace) -> float: ...


@runtime_checkable
class Uncertain(Predictor, Protocol):
    """A predictor that also states how sure it is."""

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(score, standard deviation), both in the score's unit."""
        ...


@runtime_checkable
class Batched(Predictor, Protocol):
    """A predictor whose score is a function of an array of numbers, so that many traces are scored in one call.

    `score(trace)` is `scores([row(trace)])[0]`, but for rounding. Most fitted predictors are such.
    """

    def row(self, trace: Trace) -> NDArray[np.float64]:
        """The numbers that the score is a function of. Raises NoScore as `score` does."""
        ...

    def scores(self, rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """The scores (n,) of n rows, each as if it were alone."""
        ...


@runtime_checkable
class Collective(Protocol):
    """A predictor whose score depends on the other architectures' traces, but on no accuracy: a sum of ranks, say.

    `score_together` gives one score a trace, (n,), nan for no opinion. Evaluation gives it all usable traces at once.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...

    def score_together(self, traces: Sequence[Trace]) -> NDArray[np.float64]: ...


@runtime_checkable
class Explained(Collective, Protocol):
    """A collective predictor that also tells why it has no score of a trace."""

    def reason(self, trace: Trace) -> str:
        """Why `score_together` gives nan for this trace, in words as NoScore has them."""
        ...


@runtime_checkable
class Learned(Protocol):
    """A predictor that first has to see other architectures with their accuracies.

    `fit` returns a fitted predictor and leaves the receiver as it was; it may raise NoScore where it was given too
    little. Evaluation owns the split: no architecture is
    scored by a predictor that was fitted on one of its group.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def family(self) -> str: ...

    def fit(self, traces: Sequence[Trace], accuracies: NDArray[np.float64]) -> Predictor: ...


@runtime_checkable
class FromFile(Protocol):
    """A predictor whose scores are in a file, under architectures in any notation that the benchmark reads."""

    def read_file(self, name_of: Callable[[object], str]) -> FileScores:
        """The scores by the names that `name_of` gives. Raises BadInput for a row that is wrong."""
        ...


@dataclass(frozen=True)
class FileScores:
    """Scores of a file, higher is better, by architecture; rows that name no architecture of the benchmark, by number;
    and the predictor that reads from them."""

    scores: Mapping[str, float]
    unknown: Mapping[int, str]
    predictor: Predictor


def at_initialization(predictor: Predictor | Collective | Learned) -> bool:
    """Whether a predictor reads the observation at step 0 alone: its attribute of that name, False if it has none."""
    return bool(getattr(predictor, "at_initialization", False))
