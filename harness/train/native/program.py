"""The program of step.c for one network: what is computed in which order, and where it lies."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Sequence
from ctypes import byref, c_double, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.dataflow import Average, Constant, Convolution, Dataflow, Map, Norm, Skip, Term
from harness.train.batches import Draw

from . import structures as c

GROUP = 256
"""Pixels of one channel that the way back works on at a time, over several blocks where a map is smaller."""

Place = tuple[int, int]
"""A term: (map, place among its terms)."""


@dataclass(frozen=True)
class Descent:
    """One step of SGD: learning rate, momentum, whether it is Nesterov's, weight decay."""

    rate: float
    momentum: float
    nesterov: bool
    decay: float


class Program:
    """The updates of one network on batches of at most `batch` square images of `size` pixels, without torch.

    It writes on the weights and the running statistics of the network, whose memory must stay where it is. Weights that
    the loss does not reach stay as they are, as with autograd. `lib` is the compiled step, `real` what it counts in,
    which the network's tensors must be of.
    """

    def __init__(
        self, lib: ctypes.CDLL, flow: Dataflow, size: int, batch: int, real: torch.dtype = torch.float32
    ) -> None:
        self.lib, self.flow, self.size, self.real = lib, flow, size, real
        self.batch = batch
        self.images = -(-batch // lib.lanes_in_vector()) * lib.lanes_in_vector()
        self.kept: list[Any] = []  # whatever the structures point to
        self.slopes: dict[int, tuple[Tensor, Tensor]] = {}  # weight and gradient, by identity of the weight
        self.norms: list[nn.BatchNorm2d] = []
        self.counts: list[Tensor] = []  # of batches, each BatchNorm's
        self.begun = False
        assert flow.head is not None
        self.head = flow.head
        self.reached = _reached(flow.maps)
        self.tiles = _Tiles()
        self.convs: dict[Place, c.Conv] = {}
        self.norm_terms: dict[Place, c.Norm] = {}
        self.groups: dict[int, dict[bool, list[Place]]] = defaultdict(lambda: defaultdict(list))
        self.values = [self._map(this.channels, self._side(this)) for this in flow.maps]
        for place, this in enumerate(flow.maps):
            for rank, term in enumerate(this.terms):
                self._prepare((place, rank), term, this)
        self.ops: list[c.Op] = []
        self._forward()
        self._backward()
        self.struct = self._whole()

    def update(self, images: Tensor, drawn: Draw, labels: Tensor, descent: Descent) -> tuple[float, Tensor]:
        """One update on what was drawn of images (n, side, side, colours), and their labels (B,); returns the loss
        (nats) and the logits (B, classes) from before the weights moved."""
        logits = self._logits(len(labels))
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
        self.begun = True
        torch._foreach_add_(self.counts, 1)
        return loss, logits

    def scores(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, colours, size, size), with the running statistics of BatchNorm; nothing
        moves."""
        self.struct.still = 1
        parts = []
        images = images.permute(0, 2, 3, 1).contiguous()
        for rows in torch.arange(len(images)).split(self.batch):
            logits = self._logits(len(rows))
            none = torch.zeros(2, len(rows), dtype=torch.long)
            batch, held = _batch(images, Draw(rows, none, none[0].bool()), None)
            self.lib["pass"](byref(self.struct), byref(batch), c_void_p(logits.data_ptr()))
            del held
            parts.append(logits)
        self.struct.still = 0
        return torch.cat(parts)

    def gradients(self) -> list[tuple[Tensor, Tensor]]:
        """Every weight that the loss reaches, with its gradient of the last update."""
        return [(weight, torch.as_strided(slope, weight.shape, weight.stride())) for weight, slope in self._slopes()]

    def _slopes(self) -> list[tuple[Tensor, Tensor]]:
        return list(self.slopes.values())

    def _logits(self, count: int) -> Tensor:
        assert count <= self.batch
        return torch.empty(count, self.head.out_features, dtype=self.real)

    # ------------------------------------------------------------ memory

    def _memory(self, count: int, real: torch.dtype | None = None) -> int:
        tensor = torch.zeros(count, dtype=real or self.real)
        self.kept.append(tensor)
        return tensor.data_ptr()

    def _map(self, channels: int, side: int) -> int:
        return self._memory(channels * side * side * self.images)

    def _side(self, this: Map) -> int:
        return self.size // this.shrink

    def _slope(self, weight: Tensor, rows: slice) -> int:
        """Where the gradient of some rows of a weight goes, laid out in memory as the weight."""
        if id(weight) not in self.slopes:
            self.slopes[id(weight)] = weight, torch.zeros(weight.numel(), dtype=self.real)
        slope = self.slopes[id(weight)][1]
        offset: int = rows.start * weight.stride(0) * slope.element_size()
        return slope.data_ptr() + offset

    # ------------------------------------------------------------ parts

    def _prepare(self, at: Place, term: Term, this: Map) -> None:
        trained = at[0] in self.reached
        if isinstance(term, Convolution):
            self.convs[at] = self._convolution(term, this, trained)
            self.groups[term.source][term.rectified].append(at)
        elif isinstance(term, Norm):
            self.norm_terms[at] = self._norm(term.norm, slice(0, this.channels), trained)
        elif isinstance(term, Constant):
            self.norm_terms[at] = self._norm(term.norm, term.rows, trained)
            if trained:
                self._slope(term.module.weight, term.rows)  # stays 0: weight decay alone moves the weight

    def _convolution(self, term: Convolution, this: Map, trained: bool) -> c.Conv:
        weight = term.module.weight
        steps = weight.stride()
        k, inputs = weight.shape[2], weight.shape[1]
        size = this.channels * inputs * k * k
        return c.Conv(
            k=k,
            stride=term.module.stride[0],
            out=this.channels,
            weight=weight.data_ptr() + term.rows.start * steps[0] * weight.element_size(),
            slope=self._slope(weight, term.rows) if trained else None,
            so=steps[0],
            si=steps[1],
            sy=steps[2],
            sx=steps[3],
            packed=self._memory(size),
            turned=self._memory(size) if term.source else None,
            raw=self._map(this.channels, self._side(this)),
            norm=c.Norm() if term.norm is None else self._norm(term.norm, term.rows, trained),
        )

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
            scale_slope=self._slope(norm.weight, rows) if trained else None,
            shift_slope=self._slope(norm.bias, rows) if trained else None,
            **{name: self._memory(count) for name in "abpqr"},
            **{name: self._memory(count, torch.float64) for name in ("centre", "spread")},
            channels=count,
        )

    # ------------------------------------------------------------ order

    def _forward(self) -> None:
        for place, this in enumerate(self.flow.maps):
            self.tiles.node(self._side(this), this.channels, self.images)
            if place:
                terms = [self._term((place, rank), term) for rank, term in enumerate(this.terms)]
                for rank, term in enumerate(this.terms):
                    if isinstance(term, Norm):
                        self._do(c.DO_STATISTICS, this, self.values[term.source], terms=terms[rank : rank + 1])
                self._do(c.DO_NODE, this, self.values[place], terms=terms)
            for rectified, convolutions in self.groups[place].items():
                convs = [self.convs[at] for at in convolutions]
                self.tiles.convolutions(this, self._side(this), convs, self.images)
                self._do(c.DO_CONVS, this, self.values[place], convs=convs, rectify=rectified)

    def _backward(self) -> None:
        """From the head back; a map's gradient is whole once all that read it have been gone through, and its memory is
        free once all convolutions into it have."""
        maps = self.flow.maps
        slopes: dict[int, int] = {}
        free: dict[tuple[int, int], list[int]] = defaultdict(list)
        last_read: dict[int, list[int]] = defaultdict(list)
        for place in self.reached:
            sources = [term.source for term in maps[place].terms if isinstance(term, Convolution)]
            last_read[min([place, *sources])].append(place)

        def shape(place: int) -> tuple[int, int]:
            return maps[place].channels, self._side(maps[place])

        def slope(place: int) -> tuple[int, bool]:
            """Where a map's gradient lies, and whether nothing has been written there yet."""
            first = place not in slopes
            if first:
                old = free[shape(place)]
                slopes[place] = old.pop() if old else self._map(*shape(place))
            return slopes[place], first

        last = len(maps) - 1
        self._do_head(maps[last], slope(last)[0])
        for place in range(last, -1, -1):
            this = maps[place]
            for rectified, convolutions in self.groups[place].items():
                chosen = [at for at in convolutions if at[0] in self.reached]
                for at in chosen:
                    self.convs[at].arriving = slopes[at[0]]
                if chosen:
                    to, first = slope(place) if place else (None, False)
                    convs = [self.convs[at] for at in chosen]
                    value = self.values[place]
                    self._do(c.DO_CONVS_BACK, this, value, to, convs=convs, rectify=rectified, first=first)
            if place in self.reached:
                terms = []
                for rank, term in enumerate(this.terms):
                    terms.append(self._term((place, rank), term))
                    if isinstance(term, Skip | Average | Norm):
                        terms[-1].slope, terms[-1].first = slope(term.source)
                self._do(c.DO_NODE_BACK, this, self.values[place], slopes[place], terms=terms)
            for done in last_read[place]:
                free[shape(done)].append(slopes[done])

    def _term(self, at: Place, term: Term) -> c.Term:
        if isinstance(term, Convolution):
            return c.Term(kind=c.TERM_CONV, map=self.convs[at].raw, norm=self.convs[at].norm)
        if isinstance(term, Constant):
            return c.Term(kind=c.TERM_CONSTANT, norm=self.norm_terms[at])
        value = self.values[term.source]
        if isinstance(term, Norm):
            return c.Term(kind=c.TERM_NORM, map=value, norm=self.norm_terms[at])
        if isinstance(term, Average):
            return c.Term(kind={3: c.TERM_POOL3, 2: c.TERM_POOL2}[term.side], map=value)
        return c.Term(kind=c.TERM_MAP, map=value)

    def _do(
        self,
        kind: int,
        this: Map,
        value: int,
        slope: int | None = None,
        convs: Sequence[c.Conv] = (),
        terms: Sequence[c.Term] = (),
        rectify: bool = False,
        first: bool = False,
    ) -> None:
        side = self._side(this)
        op = c.Op(kind=kind, channels=this.channels, height=side, width=side, map=value, slope=slope)
        op.rectify, op.first, op.count = rectify, first, len(convs) or len(terms)
        op.convs, op.terms = self._array(c.Conv, convs), self._array(c.Term, terms)
        self.ops.append(op)

    def _do_head(self, this: Map, slope: int) -> None:
        weight, bias = self.head.weight, self.head.bias
        self._do(c.DO_HEAD, this, self.values[-1], slope)
        op = self.ops[-1]
        op.weight, op.weight_slope = weight.data_ptr(), self._slope(weight, slice(0, 1))
        if bias is not None:
            op.bias, op.bias_slope = bias.data_ptr(), self._slope(bias, slice(0, 1))
        op.classes = self.head.out_features

    def _array(self, kind: Any, parts: Sequence[Any]) -> Any:
        array = (kind * max(1, len(parts)))(*parts)
        self.kept.append(array)
        return array

    def _whole(self) -> c.Program:
        last, lanes = self.norms[-1], self.lib.lanes_in_vector()
        assert last.momentum is not None
        weights = [
            c.Weight(
                value=weight.data_ptr(),
                slope=slope.data_ptr(),
                momentum=self._memory(weight.numel()),
                count=weight.numel(),
            )
            for weight, slope in self._slopes()
        ]
        return c.Program(
            ops=self._array(c.Op, self.ops),
            weights=self._array(c.Weight, weights),
            op_count=len(self.ops),
            weight_count=len(weights),
            images=self.values[0],
            channels=self.flow.maps[0].channels,
            height=self.size,
            width=self.size,
            tile_in=self._memory(self.tiles.read * lanes),
            tile_out=self._memory(self.tiles.made * lanes),
            tile_back=self._memory(self.tiles.back * lanes),
            scratch=self._memory(self.tiles.sums, torch.float64),
            norm_momentum=last.momentum,
            epsilon=last.eps,
            group_pixels=GROUP,
        )


def _batch(images: Tensor, drawn: Draw, labels: Tensor | None) -> tuple[c.Batch, tuple[Tensor, ...]]:
    """The structure, and the tensors that it points to, which must live as long."""
    assert images.is_contiguous()
    held = (images, *(part.contiguous() for part in (drawn.rows, drawn.corner[0], drawn.corner[1], drawn.mirrored)))
    source, rows, top, left, mirrored = (tensor.data_ptr() for tensor in held)
    target = None if labels is None else labels.data_ptr()
    batch = c.Batch(source, images.shape[1], images.shape[2], len(drawn.rows), rows, top, left, mirrored, target)
    return batch, held


class _Tiles:
    """The largest scratch that any operation needs, in vectors or, for `sums`, altogether."""

    def __init__(self) -> None:
        self.read = self.made = self.back = self.sums = 1

    def node(self, side: int, channels: int, images: int) -> None:
        self.back = max(self.back, 3 * side * side)
        self.sums = max(self.sums, 2 * channels * images)

    def convolutions(self, this: Map, side: int, convs: Sequence[c.Conv], images: int) -> None:
        together = max(1, GROUP // (side * side))
        self.read = max(self.read, together * this.channels * (side + 2) ** 2)
        self.sums = max(self.sums, len(convs) * 2 * images * max(conv.out for conv in convs))
        for conv in convs:
            self.made = max(self.made, together * conv.out * (side // conv.stride) ** 2)
            self.back = max(self.back, together * this.channels * side**2 + conv.out * (side + 2) ** 2)


def _reached(maps: Sequence[Map]) -> set[int]:
    """The maps that the loss depends on through weights or images; the images themselves left out."""
    found = {len(maps) - 1}
    for place in range(len(maps) - 1, 0, -1):
        if place in found:
            found.update(source for source in maps[place].sources() if source)
    return found
