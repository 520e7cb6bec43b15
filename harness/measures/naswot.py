"""How differently the ReLUs of a network fire on different images."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.schema import Observer, Scene, Wired, demand

RELUS = ("relu", "relu_")


@dataclass(frozen=True)
class Naswot:
    """NASWOT: log |det K|, K_ij the ReLU units that agree on images i and j (Mellor et al. 2021, arXiv 2006.04647).

    A unit is one entry of one ReLU layer's output; it agrees where it is on for both images or off for both. K is
    summed over all ReLU calls of a forward pass with the batch statistics of BatchNorm; the determinant is in float64.
    Higher, taken as better: the images fall into linear regions that lie further apart. nan where K is singular: two
    images with one code, or a network whose codes do not depend on its input.

    The benchmark's network has a ReLU of its own before each convolution of a cell. Where one ReLU serves several
    (`Wired` networks tell), it counts once for each convolution that reads it, and once where none does [derived,
    docs/methods.md]. As in the authors' code, a ReLU whose output reaches nothing does not count; unlike there, nor
    does the constant code of a cell's node that holds nothing, which adds the same number to all entries of K.

    `images`: the first so many of the batch. `every`: observations between two readings.
    """

    images: int = 64
    every: int = 4

    def __post_init__(self) -> None:
        demand(self.images >= 2, "measure.naswot.images", "a count of at least 2", self.images)
        demand(self.every >= 1, "measure.naswot.every", "a count of at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """Trace columns that are written."""
        return ("naswot",)

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the score of whatever model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            return {"naswot": log_determinant(kernel(model, batch[0][: self.images]))}

        return observe


def kernel(model: nn.Module, images: Tensor) -> NDArray[np.float64]:
    """K (B, B) of the `images` (B, ...): how many ReLU units agree on each pair."""
    edges: Counter[int] = Counter()
    if isinstance(model, Wired):
        edges.update(_place(edge.weight) for edge in model.connections() if edge.weight is not None)
    with torch.no_grad(), _Rectifiers(len(images), edges) as rectifiers:
        getattr(model, "features", model)(images)  # a probe in the place of the head has rectifiers of its own
    total = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    for layer in rectifiers.layers:
        total += max(1, layer.edges) * layer.agreement
    return total.cpu().numpy()


def log_determinant(matrix: NDArray[np.float64]) -> float:
    """log |det| of a symmetric matrix, nan where it is singular."""
    if np.linalg.matrix_rank(matrix, hermitian=True) < len(matrix):
        return float("nan")
    return float(np.linalg.slogdet(matrix).logabsdet)


@dataclass
class _Rectified:
    """One call of a ReLU: its output while it lives, `agreement` (B, B), and the convolution edges that read it."""

    output: weakref.ref[Tensor]
    agreement: Tensor
    edges: int = 0


class _Rectifiers(TorchFunctionMode):
    """Notes every ReLU called on `batch` images, in any spelling, and which weights its output meets.

    `edges` counts the connections whose weights lie at each place in memory.
    """

    def __init__(self, batch: int, edges: Mapping[int, int]) -> None:
        super().__init__()
        self.batch, self.edges = batch, edges
        self.layers: list[_Rectified] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in RELUS:
            if isinstance(result, Tensor) and result.dim() > 1 and len(result) == self.batch:
                self.layers.append(_Rectified(weakref.ref(result), agreement(result)))
        else:
            tensors = [value for value in (*args, *(kwargs or {}).values()) if isinstance(value, Tensor)]
            self._read(tensors)
        return result

    def _read(self, tensors: list[Tensor]) -> None:
        if len(tensors) < 2:
            return
        for layer in self.layers:
            if layer.output() is tensors[0]:
                layer.edges += sum(self.edges.get(_place(weight), 0) for weight in tensors[1:])


def agreement(outputs: Tensor) -> Tensor:
    """How many of the n units of ReLU `outputs` (B, ...) are on for both images or off for both: (B, B), float64.

    With codes s = 1 (on) and -1 (off), s_i . s_j is agreements less disagreements: (n + s_i . s_j) / 2 agree.
    """
    codes = (outputs.reshape(len(outputs), -1) > 0).float() * 2 - 1
    return (codes.shape[1] + (codes @ codes.T).double()) / 2


def _place(tensor: Tensor) -> int:
    """Where in memory the tensor that this one is a part of begins."""
    return tensor.untyped_storage().data_ptr()
