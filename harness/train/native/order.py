"""The operations of an update in their order: forward, the head, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from torch import nn

from harness.schema.dataflow import Average, Convolution, Dense, Largest, Map, Norm, Skip
from harness.train.native import structures as c
from harness.train.native.dropout import Dropout
from harness.train.native.memory import Memory, Scratch
from harness.train.native.parts import Parts, Place


class Order:
    """`ops`, the operations of a network of these `maps` and this dense layer; `scratch` is what they need at the most,
    and `dropouts` are those of dense layers in the order in which they are drawn.

    The rest are places in `ops`: `head` that of the dense layer, `arrived` for each map where its gradient is complete
    and not used yet, `to_images` those that could give a gradient of the images, which no training wants.
    """

    def __init__(self, maps: Sequence[Map], dense: nn.Linear, parts: Parts, memory: Memory) -> None:
        self.maps, self.parts, self.memory = maps, parts, memory
        self.scratch = Scratch(memory.blocks)
        self.ops: list[c.Op] = []
        self.dropouts: dict[Place, Dropout] = {}
        self.arrived: dict[int, int] = {}
        self.to_images: list[int] = []
        self.slopes = slopes = _Slopes(maps, parts, memory)
        self._forward()
        self._head(dense, slopes)
        self._backward(slopes)

    def _forward(self) -> None:
        parts = self.parts
        for place, this in enumerate(self.maps):
            self.scratch.node(parts.side(this), this.channels)
            if place:
                terms = [parts.term((place, rank), term) for rank, term in enumerate(this.terms)]
                for rank, term in enumerate(this.terms):
                    if isinstance(term, Norm):
                        statistics = self._add(c.DO_STATISTICS, this, parts.values[term.source])
                        self._on_terms(statistics, terms[rank : rank + 1])
                self._on_terms(self._add(c.DO_NODE, this, parts.values[place]), terms)
            for rectified, convolutions in parts.groups[place].items():
                convs = [parts.convs[at] for at in convolutions]
                self.scratch.convolutions(this.channels, parts.side(this), convs)
                self._on_convolutions(self._add(c.DO_CONVS, this, parts.values[place]), convs, rectified)
            for at in parts.dense.get(place, ()):
                self._dense(c.DO_DENSE, place, at)

    def _head(self, head: nn.Linear, slopes: _Slopes) -> None:
        last, self.head = len(self.maps) - 1, len(self.ops)
        op = self._add(c.DO_HEAD, self.maps[last], self.parts.values[last], slopes.of(last)[0])
        whole = slice(0, 1)
        self._on_terms(op, ())
        op.weight, op.weight_slope = head.weight.data_ptr(), self.memory.slope(head.weight, whole)
        if head.bias is not None:
            op.bias, op.bias_slope = head.bias.data_ptr(), self.memory.slope(head.bias, whole)
        op.classes = head.out_features

    def _backward(self, slopes: _Slopes) -> None:
        """From the head back; a map's gradient is complete once all that read it have been passed."""
        for place, this in reversed(list(enumerate(self.maps))):
            self._backward_convolutions(place, this, slopes)
            self._backward_terms(place, this, slopes)
            slopes.release(place)

    def _backward_convolutions(self, place: int, this: Map, slopes: _Slopes) -> None:
        parts = self.parts
        for rectified, convolutions in parts.groups[place].items():
            chosen = [at for at in convolutions if at[0] in parts.reached]
            for at in chosen:
                parts.convs[at].arriving = slopes.of(at[0])[0]
            if chosen:
                slope, first = slopes.of(place)
                if not place:
                    self.to_images.append(len(self.ops))
                op = self._add(c.DO_CONVS_BACK, this, parts.values[place], slope if place else None)
                op.first = first
                self._on_convolutions(op, [parts.convs[at] for at in chosen], rectified)
        for at in parts.dense.get(place, ()):
            if at[0] in parts.reached:
                parts.convs[at].arriving = slopes.of(at[0])[0]
                slope, first = slopes.of(place)
                op = self._dense(c.DO_DENSE_BACK, place, at, slope if place else None)
                op.first = first

    def _dense(self, kind: int, source: int, at: Place, slope: int | None = None) -> c.Op:
        """A dense layer, which reads the map `source` as one pixel of many channels."""
        this, conv = self.maps[source], self.parts.convs[at]
        term = self.maps[at[0]].terms[at[1]]
        assert isinstance(term, Dense)
        inputs = term.module.in_features
        assert inputs == this.channels * self.parts.side(this) ** 2
        if at not in self.dropouts:
            self.dropouts[at] = Dropout(term.dropout, inputs, self.memory)
            self.scratch.dense(inputs)
        op = self._add(kind, Map(inputs, 1, side=1), self.parts.values[source], slope)
        op.factors = self.dropouts[at].address
        self._on_convolutions(op, [conv], term.rectified)
        return op

    def _backward_terms(self, place: int, this: Map, slopes: _Slopes) -> None:
        parts = self.parts
        if place not in parts.reached:
            return
        terms = []
        for rank, term in enumerate(this.terms):
            terms.append(parts.term((place, rank), term))
            if isinstance(term, Skip | Average | Largest | Norm):
                terms[-1].slope, terms[-1].first = slopes.of(term.source)
        self.arrived[place] = len(self.ops)
        self._on_terms(self._add(c.DO_NODE_BACK, this, parts.values[place], slopes.of(place)[0]), terms)

    def _add(self, kind: int, this: Map, value: int, slope: int | None = None) -> c.Op:
        """One more operation, on the map `value` with its gradient `slope`."""
        side = self.parts.side(this)
        self.ops.append(c.Op(kind=kind, channels=this.channels, height=side, width=side, map=value, slope=slope))
        return self.ops[-1]

    def _on_convolutions(self, op: c.Op, convs: Sequence[c.Conv], rectified: bool) -> None:
        op.rectify, op.count = rectified, len(convs)
        op.convs, op.terms = self.memory.array(c.Conv, convs), self.memory.array(c.Term, ())

    def _on_terms(self, op: c.Op, terms: Sequence[c.Term]) -> None:
        op.count = len(terms)
        op.convs, op.terms = self.memory.array(c.Conv, ()), self.memory.array(c.Term, terms)


class _Slopes:
    """Where the maps' gradients lie: the memory of one is free for another once all convolutions into it are done."""

    def __init__(self, maps: Sequence[Map], parts: Parts, memory: Memory) -> None:
        self.maps, self.parts, self.memory = maps, parts, memory
        self.at: dict[int, int] = {}
        self.free: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.last_read: dict[int, list[int]] = defaultdict(list)
        for place in parts.reached:
            sources = [term.source for term in maps[place].terms if isinstance(term, Convolution | Dense)]
            self.last_read[min([place, *sources])].append(place)

    def of(self, place: int) -> tuple[int, bool]:
        """Where a map's gradient lies, and whether nothing has been written there yet."""
        first = place not in self.at
        if first:
            shape = self._shape(place)
            old = self.free[shape]
            self.at[place] = old.pop() if old else self.memory.map(*shape)
        return self.at[place], first

    def release(self, place: int) -> None:
        """No later operation reads this map."""
        for done in self.last_read[place]:
            self.free[self._shape(done)].append(self.at[done])

    def _shape(self, place: int) -> tuple[int, int]:
        return self.maps[place].channels, self.parts.side(self.maps[place])
