"""Cells and networks that the compiled step and its passes are tried on."""

from __future__ import annotations

import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network

EVERY_OPERATION = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
POOLS = "|avg_pool_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2|"
MERGED = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_1x1~2|"
OF_ZEROS = "|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|avg_pool_3x3~2|"
ONLY_CONSTANTS = "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|"
DEAD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|none~2|"
SKIPS = "|skip_connect~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
CELLS = [EVERY_OPERATION, POOLS, MERGED, OF_ZEROS, ONLY_CONSTANTS, DEAD, SKIPS]


def network(text: str, channels: int = 4, cells: int = 1, size: int = 8) -> Network:
    torch.manual_seed(0)
    model = Network(parse(text), Shape(channels, cells, size, 3, 5))
    return model.to(memory_format=torch.channels_last)


def blurred(model: nn.Module) -> nn.Module:
    """With BatchNorms that are not at their initial values, in float64."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 1:
                weight += 0.3 * torch.randn_like(weight)
    return model.double()
