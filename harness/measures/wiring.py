"""The connections of any network, as schema.GraphProvider gives them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from harness.schema import Connection, GraphProvider, demand

from .layers import WEIGHTED, layers_at_work

IMAGE, LOGITS = "image", "logits"
"""Names of the first and the last feature map, common to all networks."""


def wires(model: nn.Module, images: Tensor) -> list[Connection]:
    """The connections of a network, inputs first: its own if it is a `GraphProvider`, else those of a chain of layers.

    The chain consists of the convolutions and dense layers that a forward pass of `images` (B, colours, ...) calls, in
    the order of their first call. A branched network that is no `GraphProvider` goes unnoticed if its widths happen to
    fit a chain. The feature maps are "image", the layers' names, and "logits"; a slot is the layer's name. A dense
    layer after a flattened map of c channels has the weight (out, c, space), any other (out, in); a convolution with
    groups has the full weight (out, in, ...), zero where a group does not read.

    Raises BadInput if the width of a layer does not fit the one before it, and for transposed convolutions.
    """
    if isinstance(model, GraphProvider):
        return model.connections()
    names = layers_at_work(model, images, WEIGHTED)
    found = []
    source, channels = IMAGE, int(images.shape[1])
    for name in names:
        weight = _weight(name, model.get_submodule(name), channels)
        target = LOGITS if name == names[-1] else name
        found.append(Connection(name, source, target, weight))
        source, channels = target, len(weight)
    return found


def strengths(connection: Connection) -> Tensor:
    """Edge weights (out, in) of a connection that has a weight: |w|, or its L2 norm over the kernel or the space."""
    assert connection.weight is not None
    weight = connection.weight.detach()
    return weight.abs() if weight.dim() == 2 else torch.linalg.vector_norm(weight.flatten(2), dim=2)


def _weight(name: str, layer: nn.Module, channels: int) -> Tensor:
    """The weight of a layer that reads a map of `channels`, its second dimension the channels."""
    weight: Tensor = layer.get_parameter("weight").detach()
    if isinstance(layer, nn.Linear):
        space, rest = divmod(layer.in_features, channels)
        _demand(not rest, name, layer, channels)
        return weight if space == 1 else weight.reshape(len(weight), channels, space)
    assert isinstance(layer, _ConvNd)
    _demand(not isinstance(layer, _ConvTransposeNd) and layer.in_channels == channels, name, layer, channels)
    if layer.groups == 1:
        return weight
    full = weight.new_zeros(layer.out_channels, channels, *weight.shape[2:])
    for group, rows in enumerate(weight.chunk(layer.groups)):
        high, wide = rows.shape[:2]
        full[group * high : (group + 1) * high, group * wide : (group + 1) * wide] = rows
    return full


def _demand(holds: bool, name: str, layer: nn.Module, channels: int) -> None:
    wanted = "applied to a chain of convolutions and dense layers, or to a GraphProvider"
    demand(holds, "measure.temporal_graph", wanted, f"{name} = {layer} after {channels} channels")
