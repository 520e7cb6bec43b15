"""A learning curve continued by a surrogate from a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

from harness.predictors.points import points
from harness.schema import BadInput, NoScore, Trace, demand


@dataclass(frozen=True)
class SurrogateCurve:
    """Accuracy by a surrogate such as LC-PFN, from a file of the user's (Adriaensen et al. 2023, arXiv 2310.20447).

    `file` names a TorchScript module, `surrogate(epochs, accuracies, horizon) -> (mean, sd)`: epochs (n,) and
    accuracies (n,) in 0..1 are those seen after step 0, horizon is one number, all float32 tensors, and so are mean and
    sd, of the accuracy in 0..1, of one element each. A module of the paper's is put into this form by the few lines
    that choose the mean and deviation of its output, and `torch.jit.script` or `trace`. The file is read by
    `torch.jit.load`, which runs no pickled program. No file comes with this package: take part with

        python -m harness +bench=nasbench201 +experiment=lc_surrogate predictor.lc_surrogate.file=FILE
    """

    kind: ClassVar[str] = "predictor/surrogate_curve"

    file: str
    horizon_epochs: float = 12.0
    column: str = "valid_accuracy"
    family: str = "learning_curve"

    def __post_init__(self) -> None:
        demand(
            self.horizon_epochs > 0, "predictor.lc_surrogate.horizon_epochs", "a number above 0", self.horizon_epochs
        )
        demand(Path(self.file).is_file(), "predictor.lc_surrogate.file", "a TorchScript file", self.file)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are read."""
        return (self.column,)

    def score(self, trace: Trace) -> float:
        """Accuracy in percent; higher is better. Raises NoScore and BadInput as `estimate`."""
        return self.estimate(trace)[0]

    def estimate(self, trace: Trace) -> tuple[float, float]:
        """(mean, standard deviation) in percent.

        Raises NoScore without a finite point after step 0 or where the surrogate's answer is not finite, BadInput where
        the file is no TorchScript module or its module does not take or give what the class says.
        """
        import torch  # only where a surrogate is asked: predictors do without

        epoch, accuracy = points(trace, "epoch", self.column, after_start=True)
        if not len(accuracy):
            raise NoScore(f"no finite {self.column} after the start")
        horizon = max(self.horizon_epochs, float(epoch[-1]))
        given = [torch.tensor(v, dtype=torch.float32) for v in (epoch, accuracy / 100, horizon)]
        wanted = "a module (epochs, accuracies, horizon) -> (mean, sd)"
        try:
            with torch.no_grad():
                mean, sd = (100 * float(value) for value in _load(self.file)(*given))
        except (RuntimeError, TypeError, ValueError) as error:
            fault = str(error).strip().splitlines() or [type(error).__name__]
            raise BadInput(f"predictor.lc_surrogate.file: must be {wanted} (got {self.file} ({fault[-1]}))") from error
        if not (isfinite(mean) and isfinite(sd)):
            raise NoScore("the surrogate's answer is not finite")
        return mean, sd


@lru_cache(maxsize=4)
def _load(file: str) -> Any:
    """The module in evaluation mode. Raises RuntimeError where the file holds none."""
    import torch

    return torch.jit.load(file, map_location="cpu").eval()
