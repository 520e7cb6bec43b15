"""The program of step.c for one network: its updates and scores, without torch."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_double, c_int64, c_void_p
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.schema.dataflow import Dataflow
from harness.train.batches import Draw
from harness.train.native import structures as c
from harness.train.native.dropout import Dropout
from harness.train.native.memory import GROUP, Memory
from harness.train.native.order import Order
from harness.train.native.parts import Parts


@dataclass(frozen=True)
class Descent:
    """One step of SGD: learning rate, momentum, whether it is Nesterov's, weight decay."""

    rate: float
    momentum: float
    nesterov: bool
    decay: float


class Program:
    """The updates of one network on batches of at most `batch` square images of `size` pixels, without torch.

    `made` counts what has been made in its memory.

    It writes on the weights and the running statistics of the network, whose memory must stay where it is. Weights that
    the loss does not reach stay as they are, as with autograd. `lib` is the compiled step, `real` what it counts in,
    which the network's tensors must be of.
    """

    def __init__(
        self, lib: ctypes.CDLL, flow: Dataflow, size: int, batch: int, real: torch.dtype = torch.float32
    ) -> None:
        assert flow.head is not None
        self.lib, self.flow, self.batch, self.real, self.head = lib, flow, batch, real, flow.head
        self.begun, self.made = False, 0
        lanes = lib.lanes_in_vector()
        self.memory = Memory(real, lanes, -(-batch // lanes))
        self.parts = Parts(flow, size, self.memory)
        self.order = Order(flow.maps, flow.head, self.parts, self.memory)
        of_head = Dropout(flow.dropout, flow.maps[-1].channels, self.memory)
        self.order.ops[self.order.head].factors = of_head.address
        self.dropouts = [*self.order.dropouts.values(), of_head]
        self.struct = self._whole(self.order, flow.maps[0].channels)

    @property
    def observable(self) -> bool:
        """Whether `Passes` knows what the network computes: not dropout, dense layers or biases before the head."""
        return not (self.flow.dropout or self.parts.dense or self.parts.biased)

    def update(self, images: Tensor, drawn: Draw, labels: Tensor, descent: Descent) -> tuple[float, Tensor]:
        """One update on what was drawn of images (n, side, side, colours), and their labels (B,); returns the loss
        (nats) and the logits (B, classes) from before the weights moved."""
        logits = self._logits(len(labels))
        for dropout in self.dropouts:
            dropout.draw(len(labels))
        batch, held = _batch(images, drawn, labels)
        loss: float = self.lib.update(
            byref(self.struct),
            byref(batch),
            c_void_p(logits.data_ptr()),
            c_double(descent.rate),
            c_double(descent.momentum),
            c_double(descent.decay),
            c_int64(descent.nesterov),
            c_int64(self.begun),
        )
        del held
        self.begun, self.made = True, self.made + 1
        if self.parts.counts:
            torch._foreach_add_(self.parts.counts, 1)
        return loss, logits

    def scores(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, colours, size, size), with the running statistics of BatchNorm; nothing
        moves."""
        self.struct.still = 1
        parts = []
        images = images.permute(0, 2, 3, 1).contiguous()
        for rows in torch.arange(len(images)).split(self.batch):
            logits = self._logits(len(rows))
            batch, held = whole_batch(images[rows[0] : rows[-1] + 1])
            self.lib["pass"](byref(self.struct), byref(batch), c_void_p(logits.data_ptr()))
            del held
            parts.append(logits)
        self.struct.still, self.made = 0, self.made + 1
        return torch.cat(parts)

    def gradients(self) -> list[tuple[Tensor, Tensor]]:
        """Every weight that the loss reaches, with its gradient of the last update."""
        known = self.memory.slopes.values()
        return [(weight, torch.as_strided(slope, weight.shape, weight.stride())) for weight, slope in known]

    def _logits(self, count: int) -> Tensor:
        assert count <= self.batch
        return torch.empty(count, self.head.out_features, dtype=self.real)

    def _whole(self, order: Order, colours: int) -> c.Program:
        parts, memory, scratch, lanes = self.parts, self.memory, order.scratch, self.memory.lanes
        last = parts.norms[-1] if parts.norms else nn.BatchNorm2d(1)
        assert last.momentum is not None
        weights = [
            c.Weight(
                value=weight.data_ptr(),
                slope=slope.data_ptr(),
                momentum=memory.reals(weight.numel()),
                count=weight.numel(),
            )
            for weight, slope in memory.slopes.values()
        ]
        return c.Program(
            ops=memory.array(c.Op, order.ops),
            weights=memory.array(c.Weight, weights),
            op_count=len(order.ops),
            weight_count=len(weights),
            images=parts.values[0],
            channels=colours,
            height=parts.size,
            width=parts.size,
            tile_in=memory.reals(scratch.read * lanes),
            tile_out=memory.reals(scratch.made * lanes),
            tile_back=memory.reals(scratch.back * lanes),
            scratch=memory.reals(scratch.sums, torch.float64),
            norm_momentum=last.momentum,
            epsilon=last.eps,
            group_pixels=GROUP,
        )


def whole_batch(images: Tensor) -> tuple[c.Batch, tuple[Tensor, ...]]:
    """All of these images (n, side, side, colours), as they are; see `_batch`."""
    none = torch.zeros(2, len(images), dtype=torch.long)
    return _batch(images, Draw(torch.arange(len(images)), none, none[0].bool()), None)


def _batch(images: Tensor, drawn: Draw, labels: Tensor | None) -> tuple[c.Batch, tuple[Tensor, ...]]:
    """The structure, and the tensors that it points to, which must live as long."""
    assert images.is_contiguous()
    held = (images, *(part.contiguous() for part in (drawn.rows, drawn.corner[0], drawn.corner[1], drawn.mirrored)))
    source, rows, top, left, mirrored = (tensor.data_ptr() for tensor in held)
    target = None if labels is None else labels.data_ptr()
    batch = c.Batch(source, images.shape[1], images.shape[2], len(drawn.rows), rows, top, left, mirrored, target)
    return batch, held
