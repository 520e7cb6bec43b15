"""Facts of a network that is built, for search spaces without formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.schema import ImageSet


def counted(build: Callable[[], nn.Module], images: ImageSet) -> dict[str, float]:
    """`params`, `flops` (multiply-adds of convolutions and dense layers for one image), `live_flops` and `layers`.

    The network that `build` gives passes one image of zeros; layers that it holds and never calls are no part of
    `flops` and `layers`, so that `live_flops` is `flops`. Torch's global random state stays as it is.
    """
    import torch
    from torch.nn.modules.conv import _ConvNd

    flops: list[int] = []

    def count(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        weight = layer.get_parameter("weight")
        places = output[0, 0].numel() if isinstance(layer, _ConvNd) else output[0].numel() // output.shape[-1]
        flops.append(places * weight.numel())

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = build().eval()
        for layer in network.modules():
            if isinstance(layer, _ConvNd | torch.nn.Linear):
                layer.register_forward_hook(count)
        network(torch.zeros(1, images.colours, images.size, images.size))
    total = float(sum(flops))
    params = float(sum(weight.numel() for weight in network.parameters()))
    return {"params": params, "flops": total, "live_flops": total, "layers": float(len(flops))}
