"""The layers of a network as its search space counts them: one per edge, even if they are computed together."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from harness.schema import Connection, GraphProvider, Shared

from .layers import WEIGHTED, layers_at_work


@dataclass(frozen=True)
class Edge:
    """One layer: the rows `start` to `stop` (output channels) of the parameter of this name.

    `slot` is the edge's place in the search space, or the module's name if the network is no `GraphProvider`.
    """

    slot: str
    parameter: str
    start: int
    stop: int

    def cut(self, whole: Tensor) -> Tensor:
        """The edge's part, a view, of a tensor shaped as the parameter: the weight itself, its gradient."""
        return whole[self.start : self.stop]


def edges(model: nn.Module, images: Tensor, shared: Shared | None = None) -> list[Edge]:
    """Every convolution and dense layer that a forward pass of `images` (B, ...) computes.

    A `GraphProvider` lists its own: convolutions that run as one are listed separately. Any other layer counts as one,
    in the order of the first call. A sum over layers of a function that is not additive in the weights (a norm, a
    logarithm) then agrees with a network that has one module per edge. The pass updates BatchNorm's running statistics.

    Raises ValueError if the weight of a connection is not a block of rows of one parameter.
    """
    if shared is not None:
        return shared.get("edges", lambda: _edges(model, layers_at_work(model, images, WEIGHTED, shared)))
    return _edges(model, layers_at_work(model, images, WEIGHTED))


def _edges(model: nn.Module, at_work: list[str]) -> list[Edge]:
    connections = model.connections() if isinstance(model, GraphProvider) else []
    found = [_edge(model, connection) for connection in connections if connection.weight is not None]
    listed = {edge.parameter for edge in found}
    for name in at_work:
        if f"{name}.weight" not in listed:
            found.append(Edge(name, f"{name}.weight", 0, len(model.get_parameter(f"{name}.weight"))))
    return found


def weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weight of every convolution and dense layer by its name, including layers that are never called."""
    names = [name for name, module in model.named_modules() if isinstance(module, WEIGHTED)]
    places = [f"{name}.weight" if name else "weight" for name in names]
    return {place: model.get_parameter(place) for place in places}


def _edge(model: nn.Module, connection: Connection) -> Edge:
    """The rows of the parameter that share memory with the connection's weight."""
    weight = connection.weight
    assert weight is not None
    for name, parameter in model.named_parameters():
        if parameter.untyped_storage().data_ptr() == weight.untyped_storage().data_ptr():
            start = (weight.storage_offset() - parameter.storage_offset()) // parameter.stride(0)
            rows = parameter[start : start + len(weight)]
            if (rows.data_ptr(), rows.shape, rows.stride()) == (weight.data_ptr(), weight.shape, weight.stride()):
                return Edge(connection.slot, name, start, start + len(weight))
    raise ValueError(f"connection {connection.slot}: its weight is not a block of rows of one parameter")
