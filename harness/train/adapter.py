"""Any network as measures read one: logits as a tensor, and the features before its last dense layer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.flop_counter import FlopCounterMode

from harness.schema import BadInput, Connection, GraphProvider, demand

FEW = 2
"""Images in a pass that only looks: BatchNorm needs more than one value per channel."""


class HeadedNetwork(nn.Module):
    """A network with `features`, from images to the input (B, n) of its head, and `head`, the layer of this name.

    `head` is None where the network has none that is known: `features` then raises ValueError. The network is neither
    copied nor changed; what else a measure asks of it (`stem`, `body`) is its own. Logits are those of `logits_of`.
    Attention is computed by operations that have second
    derivatives, which some measures take.
    """

    def __init__(self, network: nn.Module, head: str | None) -> None:
        super().__init__()
        self.network, self.head_name = network, head

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("__"):
                raise
            return getattr(super().__getattr__("network"), name)

    @property
    def head(self) -> nn.Module | None:
        """The layer from features to logits."""
        return None if self.head_name is None else self.network.get_submodule(self.head_name)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images."""
        with sdpa_kernel(SDPBackend.MATH):
            return logits_of(self.network(images))

    def features(self, images: Tensor) -> Tensor:
        """What the head reads, (B, n): maps (B, n, height, width) are averaged over their positions [derived]."""
        if self.head is None:
            raise ValueError("network: has no layer that yields its logits; head= names the layer to read before")
        seen: list[Tensor] = []
        hook = self.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            self(images)
        finally:
            hook.remove()
        if not seen:
            raise ValueError(f"head: is never called by the forward pass ({self.head_name})")
        found = seen[-1]
        if found.dim() not in (2, 4):
            raise ValueError(f"head: must read features (B, n) or maps (B, n, height, width), not {tuple(found.shape)}")
        return found if found.dim() == 2 else found.mean((2, 3))


class HeadedGraph(HeadedNetwork):
    """The same of a network that lists its own connections."""

    def connections(self) -> list[Connection]:
        """Those of the network."""
        assert isinstance(self.network, GraphProvider)
        return self.network.connections()


def adapt(network: nn.Module, images: Tensor, head: str | None = None) -> HeadedNetwork:
    """A private copy of a network, made ready to be measured, that is only passed a few of the images (B, ...).

    The copy computes in float32, in training mode without dropout, and every weight takes gradients: what is measured
    is the architecture with its weights, not how it is being trained. `head` names the layer before which features are
    read; None: see `_find_head`. Raises BadInput where the network cannot be copied, gives no logits (B, classes), or
    has no layer of this name.
    """
    try:
        private = copy.deepcopy(network).float()
    except (RuntimeError, TypeError) as error:  # what deepcopy raises for tensors of a graph, and for locks
        raise BadInput(f"network: must be a network that can be copied (got {str(error).splitlines()[0]})") from error
    private.train().requires_grad_(True)
    switch_off_dropout(private)
    names = [name for name, _ in private.named_modules()]
    demand(head is None or head in names, "head", "the name of a layer (see network.named_modules())", head)
    kind = HeadedGraph if isinstance(private, GraphProvider) else HeadedNetwork
    return kind(private, head or _find_head(private, images))


def width_of(network: HeadedNetwork, images: Tensor) -> int:
    """Number of features n; 1 where the network has none, so that measures fail when they read them."""
    try:
        with torch.no_grad():
            return int(network.features(images[:FEW]).shape[1])
    except ValueError:
        return 1


def logits_of(output: object) -> Tensor:
    """The logits in what a network returns: a tensor, or the `logits` of a mapping or object, or the first of a tuple.

    Raises TypeError for anything else.
    """
    found = output
    if isinstance(output, Mapping):
        found = output.get("logits")
    elif not isinstance(output, Tensor):
        found = getattr(output, "logits", output[0] if isinstance(output, tuple | list) and output else None)
    if not isinstance(found, Tensor):
        raise TypeError(f"network: must return logits (got {type(output).__name__})")
    return found


def switch_off_dropout(network: nn.Module) -> None:
    """Set every rate of dropout or stochastic depth to 0: the parts of two passes must be the same.

    Rates are `p` of torch's dropout layers and of other layers without weights whose class is named Stochastic…, and
    numbers from 0 to 1 in attributes with "drop" in their name, as attention and DropPath have them.
    """
    for module in network.modules():
        drops = isinstance(module, _DropoutNd) or "stochastic" in type(module).__name__.lower()
        for name, value in vars(module).items():
            is_rate = isinstance(value, float) and 0 <= value <= 1
            if is_rate and ("drop" in name or (drops and name == "p")):
                setattr(module, name, 0.0)


@torch.no_grad()
def size_of(network: HeadedNetwork, images: Tensor) -> dict[str, float]:
    """`params`, `flops` (multiply-adds of one image: convolutions, dense layers, products of attention), `layers`
    (calls of a convolution or dense layer) of a network."""
    calls: list[None] = []
    kinds = (nn.modules.conv._ConvNd, nn.Linear)
    layers = [module for module in network.modules() if isinstance(module, kinds)]
    hooks = [layer.register_forward_hook(lambda *_: calls.append(None)) for layer in layers]
    try:
        with FlopCounterMode(display=False) as counter:
            network(images[:FEW])
    finally:
        for hook in hooks:
            hook.remove()
    flops = counter.get_total_flops() / 2 / len(images[:FEW])
    params = sum(weight.numel() for weight in network.parameters())
    return {"params": float(params), "flops": float(flops), "layers": float(len(calls))}


@torch.no_grad()
def _find_head(network: nn.Module, images: Tensor) -> str | None:
    """The name of the last dense layer called that yields (B, classes), else of the last convolution called that yields
    a map for each class; None without either."""
    called: list[tuple[str, torch.Size]] = []

    def note(name: str, output: Tensor) -> None:
        called.append((name, output.shape))

    hooks = [
        module.register_forward_hook(lambda _, __, output, name=name: note(name, output))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    try:
        logits = logits_of(network(images[:FEW]))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"network: must classify images of shape {tuple(images.shape)} (got an error: {line})"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    demand(logits.dim() == 2, "network", "a classifier with logits (images, classes)", tuple(logits.shape))
    dense = [name for name, shape in called if shape == logits.shape]
    maps = [name for name, shape in called if len(shape) == 4 and shape[:2] == logits.shape]
    return next(reversed(dense or maps), None)
