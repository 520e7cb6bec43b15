"""Recording of the ReLU calls of a forward pass: modules, functions and methods."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.schema import GraphProvider

RELUS = ("relu", "relu_")


@dataclass
class Rectified:
    """One ReLU call: a weak reference to its output, which units are on (B, ...), and how many convolutions read it."""

    output: weakref.ref[Tensor]
    on: Tensor
    edges: int = 0


class Rectifiers(TorchFunctionMode):
    """Records every ReLU call on `batch` images, and which weights read its output.

    `edges` counts the connections whose weights lie at each place in memory (`edge_counts`).
    """

    def __init__(self, batch: int, edges: Mapping[int, int]) -> None:
        super().__init__()
        self.batch, self.edges, self.listens = batch, edges, True
        self.layers: list[Rectified] = []

    def stop(self) -> None:
        """Stop recording."""
        self.listens = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.listens:
            return result
        if getattr(func, "__name__", "") in RELUS:
            if isinstance(result, Tensor) and result.dim() > 1 and len(result) == self.batch:
                self.layers.append(Rectified(weakref.ref(result), result.detach() > 0))
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


def edge_counts(model: nn.Module) -> Counter[int]:
    """Number of connections of a `GraphProvider` whose weights share each storage."""
    connections = model.connections() if isinstance(model, GraphProvider) else []
    return Counter(_place(edge.weight) for edge in connections if edge.weight is not None)


def _place(tensor: Tensor) -> int:
    """Address of the tensor's storage."""
    return tensor.untyped_storage().data_ptr()
