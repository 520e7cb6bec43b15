"""Neural capacitance of the whole network: beta_eff of the line graph of its own weights, without a probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import Observer, Scene, demand

from .checks import demand_counts
from .layers import NORMS, WEIGHTED
from .passes import Batch, first
from .signals import Layer, ones_backward, ones_forward, send_back, weight_gradient

Sums = dict[str, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class CapacitanceNetwork:
    """Neural capacitance beta_eff of all weights of the network, without a probe [derived, docs/methods.md].

    The nodes of the line graph are the weights of the convolutions and dense layers; a weight f of layer m is a
    neighbour of a weight e of layer l if a path from l to m contains no other such layer: only ReLU, BatchNorm,
    pooling, skips, sums, the global mean. With a the true input of l, d the true delta at the output of m, N the
    derivative of the operations between them, per image and position,

        P_ef = -mean over images sum over positions a_e N_ef d_f,   sum over f of P_ef w_f = -dL/dw_e,
        beta_eff = <1'P, P1> / sum P1        (frame: Jiang et al. 2022, arXiv 2201.04194)

    L is the mean cross-entropy of the first `images` of the batch. BatchNorm is a fixed diagonal map here, gamma/sigma
    with the statistics of these images held constant: images are not coupled. `coupling`: "absolute" sums the absolute
    values over images, positions and paths; "signed" sums the values. It assumes that operations without weights,
    except BatchNorm, have non-negative derivatives, as ReLU and average pooling do. `output_delta`: "softmax" is p - y
    at the logits, "diagonal" is -y (1 - p); the deltas of the other layers follow. Under signed softmax the layers
    before a dense head have P1 = 0 up to rounding. A head without layers (a probe) belongs to the loss. nan where the
    denominator is 0 or not finite: a network whose weights receive no signal. Lower means closer to convergence.
    """

    kind: ClassVar[str] = "measure/capacitance_network"

    coupling: str = "absolute"
    output_delta: str = "softmax"
    images: int = 32
    every: int = 4
    column: str = "beta_eff_network"

    family: ClassVar[str] = "capacitance"

    def __post_init__(self) -> None:
        for key, values in {"coupling": ("absolute", "signed"), "output_delta": ("softmax", "diagonal")}.items():
            value = getattr(self, key)
            demand(value in values, f"measure.capacitance_network.{key}", " or ".join(map(repr, values)), value)
        demand_counts("capacitance_network", self.images, self.every)
        demand(self.column != "", "measure.capacitance_network.column", "the name of a column (not empty)", self.column)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return (self.column,)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads beta_eff of the model it is shown."""

        def observe(model: nn.Module, batch: Batch, step: int) -> Mapping[str, float]:
            sums = line_graph_sums(model, first(batch, self.images), self.coupling, self.output_delta)
            return {self.column: beta_eff_of(sums)}

        return observe


def beta_eff_of(sums: Sums) -> float:
    """<1'P, P1> / sum P1 of the sums of every layer; nan where the denominator is 0 or the value not finite."""
    rows = [row.double() for row, _ in sums.values()]
    columns = [column.double() for _, column in sums.values()]
    numerator = sum(float((row * column).sum()) for row, column in zip(rows, columns, strict=True))
    denominator = sum(float(row.sum()) for row in rows)
    value = numerator / denominator if denominator else float("nan")
    return value if abs(value) < float("inf") else float("nan")


def line_graph_sums(model: nn.Module, batch: Batch, coupling: str, output_delta: str) -> Sums:
    """(P1, 1'P) of every weight at work, each in the weight's shape, by the parameter's name; alpha = 1.

    P1 is the weight gradient if every later layer m sends ones' d_m upstream instead of W' d; 1'P is the weight
    gradient of the true deltas and the tangent that leaves every earlier layer as ones applied to its true input. That
    tangent is the transpose of the upstream pass: one pass forward, two back, one through the second, no product with
    P. The model is left unchanged. Raises BadInput for a layer of another kind than Conv2d (zero padding, given in
    numbers) and Linear.
    """
    images, labels = batch
    tape = Tape(coupling == "absolute", images)
    with tape.recording(model):
        logits = model(images)
    if not tape.calls or not logits.requires_grad:
        return {}
    tape.send_deltas(logits, _output_delta(logits.detach(), labels, output_delta))
    tape.send_ones(logits)
    tape.send_tangents()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    sums: Sums = {}
    for call in tape.calls:
        name = names[id(call.module.weight)]
        row, column = tape.sums(call)
        before = sums.get(name)  # of a layer that was called already
        sums[name] = (row, column) if before is None else (before[0] + row, before[1] + column)
    return sums


def _output_delta(logits: Tensor, labels: Tensor, kind: str) -> Tensor:
    """Delta at the logits (B, classes), or (K, B, classes) of K parallel heads, of the mean loss; same shape."""
    p = logits.softmax(-1)
    y = functional.one_hot(labels, p.shape[-1]).to(p.dtype)
    count = logits.numel() // logits.shape[-1]
    return (p - y if kind == "softmax" else -y * (1 - p)).expand_as(logits) / count


@dataclass
class Call:
    """One call of a weight layer: its input a, and the signals of the passes.

    `delta` is d; `sent` is ones' d, the signal sent upstream; `upstream` is the sum of those received from later
    layers; `tangent` is received at the input from earlier layers. None where none is received.
    """

    module: Layer
    into: Tensor
    delta: Tensor | None = None
    sent: Tensor | None = None
    upstream: Tensor | None = None
    tangent: Tensor | None = None


class Tape:
    """Replaces the forward of every weight layer and BatchNorm of a network, and then propagates signals through it."""

    def __init__(self, absolute: bool, images: Tensor) -> None:
        self.absolute, self.sends_ones = absolute, False
        self.calls: list[Call] = []
        self.anchor = torch.zeros((), device=images.device, requires_grad=True)  # makes the first layer reachable

    def size(self, x: Tensor) -> Tensor:
        return x.abs() if self.absolute else x

    @contextmanager
    def recording(self, model: nn.Module) -> Iterator[None]:
        """Replace the forward of the modules during the block."""
        layers = [module for module in model.modules() if isinstance(module, WEIGHTED)]
        norms = [module for module in model.modules() if isinstance(module, NORMS)]
        for layer in layers:
            _demand_known(layer)
        try:
            for module in layers:
                module.forward = partial(self._layer, module)
            for module in norms:
                module.forward = partial(self._norm, module)
            yield
        finally:
            for module in [*layers, *norms]:
                vars(module).pop("forward", None)

    def send_deltas(self, logits: Tensor, delta: Tensor) -> None:
        """Back-propagation of `delta` at the logits."""
        torch.autograd.grad(logits, self.anchor, delta, retain_graph=True, allow_unused=True)

    def send_ones(self, logits: Tensor) -> None:
        """From every weight layer to those before it, through the operations between them: ones' d."""
        self.sends_ones = True
        none = torch.zeros_like(logits)
        torch.autograd.grad(logits, self.anchor, none, create_graph=True, allow_unused=True)

    def send_tangents(self) -> None:
        """From every weight layer to those after it: ones applied to its input, by the transpose of the pass before."""
        ends = [(c.upstream, c) for c in self.calls if c.upstream is not None and c.upstream.requires_grad]
        starts = [(c.sent, c) for c in self.calls if c.sent is not None]
        if ends:
            leaving = [torch.empty_like(u).copy_(ones_forward(c.module, self.size(c.into))) for u, c in ends]
            arrived = torch.autograd.grad([u for u, _ in ends], [s for s, _ in starts], leaving, allow_unused=True)
            for (_, call), tangent in zip(starts, arrived, strict=True):
                call.tangent = tangent
        for call in self.calls:  # break the cycle between graph and calls, so that both are freed
            call.upstream, call.sent = None if call.upstream is None else call.upstream.detach(), None

    @torch.no_grad()
    def sums(self, call: Call) -> tuple[Tensor, Tensor]:
        """Contribution of one call to P1 and 1'P, after all passes."""
        sign = 1.0 if self.absolute else -1.0
        delta = None if call.delta is None else self.size(call.delta)
        row = weight_gradient(call.module, self.size(call.into), call.upstream)
        return sign * row, sign * weight_gradient(call.module, call.tangent, delta)

    def _layer(self, module: Any, x: Tensor) -> Tensor:
        call = Call(module, x.detach())
        self.calls.append(call)
        out: Tensor = _Weights.apply(x, self.anchor, call, self)
        return out

    def _norm(self, module: Any, x: Tensor) -> Tensor:
        out: Tensor = _Diagonal.apply(x, module, self)
        return out


class _Weights(torch.autograd.Function):
    """A weight layer whose backward records the received signal, and sends W' d, or ones' d."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, anchor: Tensor, call: Call, tape: Tape) -> Tensor:
        ctx.call, ctx.tape = call, tape
        return _apply(call.module, x)

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> tuple[Tensor | None, None, None, None]:
        call, tape, wanted = ctx.call, ctx.tape, ctx.needs_input_grad[0]
        shape = call.into.shape
        if not tape.sends_ones:
            call.delta = arriving
            return send_back(call.module, arriving, shape) if wanted else None, None, None, None
        call.upstream = arriving
        if wanted:
            sent = ones_backward(call.module, tape.size(call.delta), shape).detach()
            call.sent = torch.empty_like(call.into).copy_(sent).requires_grad_()  # in the memory format of the input
        return call.sent, None, None, None


class _Diagonal(torch.autograd.Function):
    """BatchNorm with constant statistics: a gain per channel, its absolute value when ones are propagated."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, module: Any, tape: Tape) -> Tensor:
        gain, shift = module.weight, module.bias
        y, _, precision = torch.native_batch_norm(x, gain, shift, None, None, True, 0.0, module.eps)
        ctx.scale = (precision if gain is None else gain.detach() * precision).reshape(-1, *[1] * (x.dim() - 2))
        ctx.tape = tape
        return y

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> tuple[Tensor, None, None]:
        scale = ctx.tape.size(ctx.scale) if ctx.tape.sends_ones else ctx.scale
        return arriving * scale, None, None


def _apply(module: Any, x: Tensor) -> Tensor:
    out: Tensor = type(module).forward(module, x)
    return out


def _demand_known(module: nn.Module) -> None:
    dense = isinstance(module, nn.Linear)
    plain = isinstance(module, nn.Conv2d) and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    demand(dense or plain, "measure.capacitance_network", "a network of Conv2d (zero padding) and Linear", module)
