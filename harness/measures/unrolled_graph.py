"""The unrolled graph of a small network, units joined by single weights: a reference for tests."""

from __future__ import annotations

import torch
from scipy.sparse import block_array, csr_array
from torch import nn

from harness.schema import demand

ELEMENTWISE = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Identity, nn.Flatten, nn.BatchNorm1d, nn.BatchNorm2d)
"""Element-wise layers: they add no edges."""


def unrolled_graph(model: nn.Sequential, shape: tuple[int, ...]) -> csr_array:
    """Directed adjacency (n, n) of a sequential network that reads images of this shape (colours, height, width).

    A node is a unit at a position (Vahedian et al. 2022, arXiv 2111.05410: a convolution expanded as im2col),
    numbered from the image to the logits, within a layer channel by channel and row by row. The entry [i, j] is |w| of
    the weight by which unit j reads unit i, 0 if it does not: an acyclic graph. Takes (units of a layer) x
    (units of the next) numbers: for networks of a few hundred units.

    Raises BadInput for any layer except convolutions, dense layers and element-wise ones.
    """
    blocks = []
    units = torch.ones(shape).numel()
    for layer in model:
        known = isinstance(layer, (nn.Conv2d, nn.Linear, *ELEMENTWISE))
        demand(known, "unrolled_graph", "a convolution, a dense layer or an element-wise layer", layer)
        if isinstance(layer, ELEMENTWISE):
            shape = (units,) if isinstance(layer, nn.Flatten) else shape
            continue
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        with torch.no_grad():
            basis = torch.eye(units, dtype=layer.weight.dtype).reshape(units, *shape)
            response = _linear(layer, basis)
        shape, units = tuple(response.shape[1:]), response[0].numel()
        blocks.append(csr_array(response.abs().reshape(len(basis), units).double().numpy()))
    return _chain(blocks)


def _linear(layer: nn.Conv2d | nn.Linear, basis: torch.Tensor) -> torch.Tensor:
    """The layer's output without the bias."""
    if isinstance(layer, nn.Linear):
        return nn.functional.linear(basis, layer.weight)
    response: torch.Tensor = layer._conv_forward(basis, layer.weight, None)
    return response


def _chain(blocks: list[csr_array]) -> csr_array:
    """The blocks (from, to) of consecutive layers above the diagonal of one matrix."""
    sizes = [blocks[0].shape[0], *(block.shape[1] for block in blocks)]
    rows = [[csr_array((high, wide)) for wide in sizes] for high in sizes]
    for place, block in enumerate(blocks):
        rows[place][place + 1] = block
    return csr_array(block_array(rows))
