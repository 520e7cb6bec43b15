"""The terms of a network as structures of step.c: where their weights, gradients and results lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.schema.dataflow import Average, Constant, Convolution, Dataflow, Dense, Largest, Map, Norm, Term
from harness.train.native import structures as c
from harness.train.native.memory import Memory

Place = tuple[int, int]
"""A term: (map, place among its terms)."""


class Parts:
    """The maps (`values`) and terms of a network on images of `size` pixels.

    `reached` are the maps that the loss depends on through weights or images, the images themselves left out; weights
    of others have no gradient. `groups` are the convolutions of a map, apart those that read its ReLU; `dense` its
    dense layers.
    """

    def __init__(self, flow: Dataflow, size: int, memory: Memory) -> None:
        self.size, self.memory, self.maps = size, memory, flow.maps
        self.reached = _reached(flow.maps)
        self.biased = False  # whether a bias stands before the head
        self.norms: list[nn.BatchNorm2d] = []
        self.counts: list[Tensor] = []  # of batches, each BatchNorm's
        self.convs: dict[Place, c.Conv] = {}
        self.norm_terms: dict[Place, c.Norm] = {}
        self.groups: dict[int, dict[bool, list[Place]]] = defaultdict(lambda: defaultdict(list))
        self.dense: dict[int, list[Place]] = defaultdict(list)
        self.values = [memory.map(this.channels, self.side(this)) for this in flow.maps]
        for place, this in enumerate(flow.maps):
            for rank, term in enumerate(this.terms):
                self._prepare((place, rank), term, this)

    def side(self, this: Map) -> int:
        """Pixels of a map's side."""
        return self.size // this.shrink if this.side is None else this.side

    def term(self, at: Place, term: Term) -> c.Term:
        """The term as a node reads it."""
        if isinstance(term, Convolution | Dense):
            return c.Term(kind=c.TERM_CONV, map=self.convs[at].raw, norm=self.convs[at].norm)
        if isinstance(term, Constant):
            return c.Term(kind=c.TERM_CONSTANT, norm=self.norm_terms[at])
        value = self.values[term.source]
        if isinstance(term, Norm):
            return c.Term(kind=c.TERM_NORM, map=value, norm=self.norm_terms[at])
        if isinstance(term, Average):
            return c.Term(kind={3: c.TERM_POOL3, 2: c.TERM_POOL2}[term.side], map=value)
        if isinstance(term, Largest):
            side = self.side(self.maps[term.source])
            return c.Term(kind=c.TERM_MAX, map=value, window=term.window, stride=term.stride, height=side, width=side)
        return c.Term(kind=c.TERM_MAP, map=value)

    def _prepare(self, at: Place, term: Term, this: Map) -> None:
        trained = at[0] in self.reached
        if isinstance(term, Convolution):
            self.convs[at] = self._convolution(term, this, trained)
            self.groups[term.source][term.rectified].append(at)
        elif isinstance(term, Dense):
            self.convs[at] = self._dense(term, this, trained)
            self.dense[term.source].append(at)
        elif isinstance(term, Norm):
            self.norm_terms[at] = self._norm(term.norm, slice(0, this.channels), trained)
        elif isinstance(term, Constant):
            self.norm_terms[at] = self._norm(term.norm, term.rows, trained)
            if trained:
                self.memory.slope(term.module.weight, term.rows)  # stays 0: weight decay alone moves the weight

    def _convolution(self, term: Convolution, this: Map, trained: bool) -> c.Conv:
        module = term.module
        k, padding = module.weight.shape[2], int(module.padding[0])
        side = self.side(self.maps[term.source])
        assert padding < k
        assert (side + 2 * padding - k) // module.stride[0] + 1 == self.side(this)
        assert module.bias is None or term.norm is None
        norm = self._bias(module, trained) if term.norm is None else self._norm(term.norm, term.rows, trained)
        kernel = c.Conv(k=k, stride=module.stride[0], padding=padding, norm=norm)
        return self._kernel(kernel, module.weight, term.rows, this, trained)

    def _dense(self, term: Dense, this: Map, trained: bool) -> c.Conv:
        """A dense layer is a 1 × 1 convolution of as many channels as it reads numbers."""
        kernel = c.Conv(k=1, stride=1, norm=self._bias(term.module, trained))
        return self._kernel(kernel, term.module.weight, slice(0, this.channels), this, trained)

    def _kernel(self, conv: c.Conv, weight: Tensor, rows: slice, this: Map, trained: bool) -> c.Conv:
        """With where its weight, its gradient and its result lie."""
        self.memory.kept.append(weight)
        conv.so, conv.si, conv.sy, conv.sx = (*weight.stride(), 0, 0)[:4]
        size = this.channels * weight.shape[1] * conv.k**2
        conv.out = this.channels
        conv.weight = weight.data_ptr() + rows.start * conv.so * weight.element_size()
        conv.slope = self.memory.slope(weight, rows) if trained and weight.requires_grad else None
        conv.packed, conv.turned = self.memory.reals(size), self.memory.reals(size)
        conv.raw = self.memory.map(this.channels, self.side(this))
        conv.salience = self.memory.map(this.channels, 1)
        return conv

    def _bias(self, module: nn.Conv2d | nn.Linear, trained: bool) -> c.Norm:
        """A norm that only adds the bias; none without one."""
        bias = module.bias
        if bias is None:
            return c.Norm()
        self.biased = True
        self.memory.kept.append(bias)
        slope = self.memory.slope(bias, slice(0, 1)) if trained and bias.requires_grad else None
        return c.Norm(shift=bias.data_ptr(), shift_slope=slope, channels=len(bias))

    def _norm(self, norm: nn.BatchNorm2d, rows: slice, trained: bool) -> c.Norm:
        count = rows.stop - rows.start
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        offset = rows.start * mean.element_size()
        if not any(norm is known for known in self.norms):
            self.norms.append(norm)
            if norm.num_batches_tracked is not None:
                self.counts.append(norm.num_batches_tracked)
        return c.Norm(
            scale=norm.weight.data_ptr() + offset,
            shift=norm.bias.data_ptr() + offset,
            mean=mean.data_ptr() + offset,
            variance=variance.data_ptr() + offset,
            scale_slope=self.memory.slope(norm.weight, rows) if trained else None,
            shift_slope=self.memory.slope(norm.bias, rows) if trained else None,
            **{name: self.memory.reals(count) for name in "abpqr"},
            **{name: self.memory.reals(count, torch.float64) for name in ("centre", "spread")},
            channels=count,
        )


def _reached(maps: Sequence[Map]) -> set[int]:
    found = {len(maps) - 1}
    for place in range(len(maps) - 1, 0, -1):
        if place in found:
            found.update(source for source in maps[place].sources() if source)
    return found
