"""Passes of the network that a program trains, for those that observe it (`schema.CompiledPasses`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ctypes import byref, c_int64, c_void_p

import torch
from torch import Tensor

from harness.schema.compiled_passes import BlockSlope, LossSlopes
from harness.schema.dataflow import Convolution
from harness.train.native import structures as c
from harness.train.native.program import Program, whole_batch


class Passes:
    """Passes through the memory of `program`, whose momenta, weights and running statistics stay as they are.

    `parameters` are those of its network by name. A network with dropout is none of its.
    """

    def __init__(self, program: Program, parameters: Mapping[str, Tensor]) -> None:
        self.program, self.parameters = program, dict(parameters)
        self.held: Pass | None = None  # whose results the memory holds
        self.made = 0  # what the program had made then

    def reads(self, images: Tensor) -> bool:
        """See `schema.CompiledPasses`."""
        program = self.program
        shape = (program.flow.maps[0].channels, program.parts.size, program.parts.size)
        fits = tuple(images.shape[1:]) == shape and 1 <= len(images) <= program.batch
        return fits and images.dtype == program.real and images.device.type == "cpu"

    def forward(self, images: Tensor) -> Pass:
        """See `schema.CompiledPasses`."""
        return Pass(self, images.detach().permute(0, 2, 3, 1).contiguous())


class Pass:
    """One forward pass (`schema.CompiledPass`); it is made again where another one has used the memory since."""

    def __init__(self, owner: Passes, images: Tensor) -> None:
        self.owner, self.program, self.images, self.count = owner, owner.program, images, len(images)
        self.blocks = -(-self.count // self.program.memory.lanes)
        self.last = len(self.program.flow.maps) - 1
        self.logits = torch.empty(self.count, self.program.head.out_features, dtype=self.program.real)
        self._hold()

    def features(self) -> Tensor:
        """See `schema.CompiledPass`."""
        self._hold()
        return self._images_first(self._map(self.last).relu().mean(dim=2, keepdim=True)).flatten(1)

    def codes(self) -> list[tuple[int, Tensor]]:
        """See `schema.CompiledPass`."""
        self._hold()
        groups = self.program.parts.groups
        readers = {place: len(groups[place][True]) for place in list(groups) if groups[place][True]}
        readers[self.last] = max(1, readers.get(self.last, 0))
        return [(count, self._images_first(self._map(place) > 0).flatten(1)) for place, count in readers.items()]

    def slopes(self, labels: Tensor) -> LossSlopes:
        """See `schema.CompiledPass`."""
        self._hold()
        features, head, order = self.features(), self.program.head, self.program.order
        delta = (self.logits.softmax(1) - torch.nn.functional.one_hot(labels, self.logits.shape[1])) / self.count
        self._send(delta)
        self._run(order.head + 1, len(order.ops), salient=True)
        found = {id(weight): slope for weight, slope in self.program.gradients()}
        found[id(head.weight)] = delta.T @ features
        if head.bias is not None:
            found[id(head.bias)] = delta.sum(0)
        weights = {
            name: found[id(weight)].clone() if id(weight) in found else torch.zeros_like(weight)
            for name, weight in self.owner.parameters.items()
        }
        return LossSlopes(weights, [*self._saliences(), (head.in_features, self.logits * delta)])

    def image_slopes(self) -> Tensor:
        """See `schema.CompiledPass`."""
        self._hold()
        order, ops = self.program.order, self.program.struct.ops
        if not order.to_images:
            return torch.zeros(self.count, self.images[0].numel(), dtype=self.program.real)
        address = order.slopes.at[0]
        self._send(torch.ones_like(self.logits))
        for place in order.to_images:
            ops[place].slope = address
        self._run(order.head + 1, len(order.ops))
        for place in order.to_images:
            ops[place].slope = None
        return self._images_first(self._view(address, 0)).flatten(1)

    def block_slopes(self, draw: Callable[[torch.Size], Tensor]) -> list[BlockSlope] | None:
        """See `schema.CompiledPass`."""
        self._hold()
        flow, order = self.program.flow, self.program.order
        if not flow.blocks or any(place not in order.arrived for place in flow.blocks):
            return None
        outputs = [self._square(self._map(place), place) for place in flow.blocks]
        sent = [None, *(draw(output.shape) for output in outputs[1:])]
        self._send(torch.zeros_like(self.logits))
        begin, arrived = order.head + 1, dict[int, Tensor]()
        ways = dict(reversed(list(zip(flow.blocks, sent, strict=True))))  # an identity has the place of its input
        for place, signs in sorted(ways.items(), reverse=True):
            self._run(begin, order.arrived[place])
            slope = self._view(order.slopes.at[place], place)
            arrived[place] = self._square(slope, place)
            if signs is not None:
                slope.copy_(self._lanes_last(signs.flatten(2)))
            begin = order.arrived[place]
        places = [None, *flow.blocks[:-1]]
        return [
            BlockSlope(output, signs, None if place is None else signs if place == own else arrived[place])
            for output, signs, place, own in zip(outputs, sent, places, flow.blocks, strict=True)
        ]

    def _hold(self) -> None:
        """Have the results of this pass in memory."""
        if self.owner.held is self and self.owner.made == self.program.made:
            return
        self.owner.held, self.owner.made = self, self.program.made
        batch, kept = whole_batch(self.images)
        self._still(lambda struct: self.program.lib["pass"](byref(struct), byref(batch), self._logits()))
        del kept

    def _send(self, delta: Tensor) -> None:
        """Write what `delta` at the logits brings to the last map."""
        values = self._map(self.last)
        back = self._lanes_last((delta @ self.program.head.weight.detach()).unsqueeze(2)) / values.shape[2]
        at = self.program.order.slopes.at[self.last]
        torch.where(values > 0, back, back.new_zeros(()), out=self._view(at, self.last))

    def _saliences(self) -> list[tuple[int, Tensor]]:
        parts, found = self.program.parts, []
        for (place, rank), conv in parts.convs.items():
            term = self.program.flow.maps[place].terms[rank]
            if place in parts.reached and isinstance(term, Convolution):
                view = self.program.memory.view(conv.salience, conv.out)[: self.blocks]
                found.append((term.module.weight[0].numel(), self._images_first(view).flatten(1)))
        return found

    def _run(self, begin: int, end: int, salient: bool = False) -> None:
        """Carry out the operations from `begin` to before `end`."""
        batch, kept = whole_batch(self.images)
        places = c_int64(begin), c_int64(end)
        self.program.struct.salient = salient
        self._still(lambda struct: self.program.lib.run(byref(struct), byref(batch), self._logits(), *places))
        self.program.struct.salient = 0
        del kept

    def _still(self, act: Callable[[c.Program], object]) -> None:
        """Act while no running statistic moves."""
        struct = self.program.struct
        momentum, struct.norm_momentum = struct.norm_momentum, 0.0
        act(struct)
        struct.norm_momentum = momentum

    def _logits(self) -> c_void_p:
        return c_void_p(self.logits.data_ptr())

    def _map(self, place: int) -> Tensor:
        """The values of a map, (blocks, channels, pixels, lanes)."""
        return self._view(self.program.parts.values[place], place)

    def _view(self, address: int, place: int) -> Tensor:
        return self.program.memory.view(address, self.program.flow.maps[place].channels)[: self.blocks]

    def _images_first(self, lanes: Tensor) -> Tensor:
        """(blocks, channels, pixels, lanes) to (B, channels, pixels)."""
        return lanes.permute(0, 3, 1, 2).flatten(0, 1)[: self.count]

    def _lanes_last(self, images: Tensor) -> Tensor:
        """(B, channels, pixels) to (blocks, channels, pixels, lanes), with zeros where there is no image."""
        lanes = self.program.memory.lanes
        padded = images.new_zeros(self.blocks * lanes, *images.shape[1:])
        padded[: self.count] = images
        return padded.view(self.blocks, lanes, *images.shape[1:]).permute(0, 2, 3, 1)

    def _square(self, lanes: Tensor, place: int) -> Tensor:
        side = self.program.parts.side(self.program.flow.maps[place])
        found = self._images_first(lanes)
        return found.reshape(*found.shape[:2], side, side)
