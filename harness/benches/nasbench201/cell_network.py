"""The networks of both spaces: stem, cells in three stages, two residual reductions, BatchNorm + ReLU, pooling.

The function is the benchmark's (Dong & Yang 2020, figure 1, and their code), computed with less work: edges that do not
reach the output are kept but never computed, the ReLU of a node is computed once, and convolutions of one kind that
read one node run as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn import functional

from harness.benches.nasbench201.space import CONVOLUTION_TAPS, Cell, needed_nodes
from harness.schema import Connection
from harness.schema.dataflow import Average, Constant, Convolution, Dataflow, Norm, Skip, Term

from .pooling import average


class ConvBN(nn.Sequential):
    """Convolution without bias and BatchNorm; the ReLU before it belongs to the node it reads."""

    def __init__(self, taps: int, wide_in: int, wide_out: int, stride: int = 1) -> None:
        side = 3 if taps == 9 else 1
        super().__init__(
            nn.Conv2d(wide_in, wide_out, side, stride, padding=side // 2, bias=False), nn.BatchNorm2d(wide_out)
        )

    def parts(self) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        """The convolution and the BatchNorm."""
        convolution, norm = self
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        return convolution, norm


class CellBlock(nn.Module):
    """One cell; maps (B, C, H, W) to (B, `channels`, H, W), where C is `wide_in`, or `channels` itself.

    Where the widths differ, a skip from the cell's input is the benchmark's 1 x 1 convolution with BatchNorm, without
    a ReLU before it.
    """

    def __init__(self, cell: Cell, channels: int, wide_in: int | None = None) -> None:
        super().__init__()
        needed = needed_nodes(cell)
        self.channels = channels
        wide_in = channels if wide_in is None else wide_in
        self.projects = wide_in != channels
        pools = any(
            (source, operation) == (0, "avg_pool_3x3") for node in (1, 2, 3) for source, operation in cell.into(node)
        )
        if self.projects and pools:
            raise NotImplementedError("average pooling of an input of another width: no network of NATS-Bench has it")
        self.joins: list[list[tuple[int, str, int]]] = []  # a node's inputs: (source, operation, place in its group)
        groups: dict[str, int] = defaultdict(int)
        idle: dict[str, int] = defaultdict(int)
        for node in (1, 2, 3):
            join = []
            for source, operation in cell.into(node):
                key = f"{operation}_from_{source}"
                used = node in needed
                if self._weighted(source, operation):
                    (groups if used else idle)[key] += 1
                if used and operation != "none":
                    join.append((source, operation, groups.get(key, 0) - 1))
            self.joins.append(join)
        plain = {source for join in self.joins for source, op, _ in join if not self._weighted(source, op)}
        self.rectified_only = {1, 2} - plain  # nodes that are read only through a ReLU
        self.convolutions = nn.ModuleDict({k: _group(k, wide_in, channels, n) for k, n in groups.items()})
        self.idle = nn.ModuleDict({k: _group(k, wide_in, channels, n) for k, n in idle.items()})

    def forward(self, x: Tensor) -> Tensor:
        nodes: list[Tensor | None] = [x]
        outputs: dict[str, tuple[Tensor, ...]] = {}
        rectified: dict[int, Tensor] = {}
        shape = (len(x), self.channels, *x.shape[2:])
        pooled: dict[int, Tensor] = {}
        for node, join in enumerate(self.joins, start=1):
            total: Tensor | None = None
            owned = False  # whether this sum has no other reader, so that it may be updated in place
            for source, operation, place in join:
                term, fresh = nodes[source], False
                if self._weighted(source, operation):
                    key = f"{operation}_from_{source}"
                    if key not in outputs:
                        together = self._convolve(key, source, nodes, rectified)
                        single = together.shape[1] == self.channels
                        outputs[key] = (together,) if single else together.split(self.channels, dim=1)
                    term = outputs[key][place]
                    fresh = len(outputs[key]) == 1 and term.shape == shape
                elif operation == "avg_pool_3x3" and term is not None:
                    if source not in pooled:
                        pooled[source] = average(term)
                    term = pooled[source]
                if term is None:
                    continue
                if total is None:
                    total, owned = term, fresh
                elif owned:
                    total += term
                elif fresh:
                    total, owned = term.add_(total), True
                else:
                    total = total + term
                    owned = total.shape == shape
            if total is not None and total.shape != shape:
                total, owned = total.expand(shape), False
            if total is not None and owned and node in self.rectified_only:
                rectified[node] = functional.relu(total, inplace=True)
            nodes.append(total)
        output = nodes[3]
        return x.new_zeros(shape) if output is None else output

    def connections(self, name: str, source: str) -> list[Connection]:
        """The computed edges, from the feature map `source` to `name`; slots are those of the full cell."""
        found = []
        maps = (source, f"{name}.1", f"{name}.2", name)
        for node, join in enumerate(self.joins, start=1):
            for start, operation, place in join:
                weight, norm = None, None
                if self._weighted(start, operation):
                    rows = slice(place * self.channels, (place + 1) * self.channels)
                    whole, (scale, shift) = _tensors(self.convolutions[f"{operation}_from_{start}"])
                    weight, norm = whole[rows], (scale[rows], shift[rows])
                found.append(Connection(f"{name}.{node}<{start}", maps[start], maps[node], weight, norm))
        return found

    def write(self, flow: Dataflow, here: int) -> int:
        """Append the forward pass from map `here` to `flow`; returns the index of the output map."""
        maps: list[int | None] = [here]
        shrink = flow.maps[here].shrink
        for join in self.joins:
            terms = [term for edge in join if (term := self._term(*edge, maps))]
            maps.append(flow.add(self.channels, shrink, *terms) if terms else None)
        return flow.add(self.channels, shrink) if maps[-1] is None else maps[-1]

    def _term(self, source: int, operation: str, place: int, maps: list[int | None]) -> Term | None:
        """One edge of the cell; None where it adds zeros."""
        value = maps[source]
        if not self._weighted(source, operation):
            if value is None:
                return None
            return Average(value, 3) if operation == "avg_pool_3x3" else Skip(value)
        group = self.convolutions[f"{operation}_from_{source}"]
        assert isinstance(group, ConvBN)
        convolution, norm = group.parts()
        rows = slice(place * self.channels, (place + 1) * self.channels)
        if value is None:
            return Constant(convolution, rows, norm)
        return Convolution(value, convolution, rows, norm, rectified=operation != "skip_connect")

    def _weighted(self, source: int, operation: str) -> bool:
        return operation in CONVOLUTION_TAPS or (self.projects and (source, operation) == (0, "skip_connect"))

    def _convolve(self, key: str, source: int, nodes: list[Tensor | None], rectified: dict[int, Tensor]) -> Tensor:
        """The group's output; for a node that is all zeros, its BatchNorm's bias as (1, C, 1, 1)."""
        value = nodes[source]
        if value is None:
            first = nodes[0]
            assert first is not None
            constant: Tensor = self.convolutions[key](first.new_zeros(2, self.channels, 1, 1))[:1]
            return constant
        if key.startswith("skip_connect"):
            projected: Tensor = self.convolutions[key](value)
            return projected
        if source not in rectified:
            rectified[source] = functional.relu(value)
        output: Tensor = self.convolutions[key](rectified[source])
        return output


def _group(key: str, wide_in: int, channels: int, count: int) -> ConvBN:
    """Convolutions of one kind that read one node, of width `wide_in` if it is the cell's input."""
    operation, _, source = key.partition("_from_")
    return ConvBN(CONVOLUTION_TAPS.get(operation, 1), wide_in if source == "0" else channels, channels * count)


def _tensors(pair: nn.Module) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Weight of a convolution, and scale and shift of the BatchNorm behind it."""
    tensors = pair.state_dict(keep_vars=True)
    return tensors["0.weight"], (tensors["1.weight"], tensors["1.bias"])


class Reduction(nn.Module):
    """Residual block that halves the side and widens: (B, C, H, W) to (B, C', H/2, W/2)."""

    def __init__(self, wide_in: int, wide_out: int) -> None:
        super().__init__()
        self.first = ConvBN(9, wide_in, wide_out, stride=2)
        self.second = ConvBN(9, wide_out, wide_out)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(wide_in, wide_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first(functional.relu(x))
        output: Tensor = self.second(functional.relu(inner, inplace=True))
        return output.add_(self.shortcut(x))

    def write(self, flow: Dataflow, here: int) -> int:
        """Append the forward pass from map `here` to `flow`; returns the index of the output map."""
        halved = 2 * flow.maps[here].shrink
        (first, norm), (second, last), short = self.first.parts(), self.second.parts(), self.shortcut[1]
        assert isinstance(short, nn.Conv2d)
        wide = slice(0, short.out_channels)
        inner = flow.add(short.out_channels, halved, Convolution(here, first, wide, norm))
        pooled = flow.add(short.in_channels, halved, Average(here, 2))
        joined = (Convolution(inner, second, wide, last), Convolution(pooled, short, wide, None, rectified=False))
        return flow.add(short.out_channels, halved, *joined)

    def connections(self, name: str, source: str) -> list[Connection]:
        """Its three convolutions, from the feature map `source` to `name`."""
        first, second = self.first, self.second
        short: Tensor = self.shortcut.get_parameter("1.weight")
        return [
            Connection(f"{name}.first", source, f"{name}.1", *_tensors(first)),
            Connection(f"{name}.second", f"{name}.1", name, *_tensors(second)),
            Connection(f"{name}.shortcut", source, name, short),
        ]


class Staged(nn.Module):
    """A whole network: images (B, colours, size, size) to logits (B, classes).

    `blocks` are its cells and reductions, built in order after the stem of width `first`. `features` returns the input
    of the head, (B, `last`); `head` may be replaced by any module on such features.
    """

    def __init__(self, colours: int, first: int, blocks: Iterable[nn.Module], last: int, classes: int) -> None:
        super().__init__()
        self.stem = ConvBN(9, colours, first)
        self.body = nn.Sequential(*blocks)
        self.last_norm = nn.BatchNorm2d(last)
        self.head: nn.Module = nn.Linear(last, classes)

    def features(self, images: Tensor) -> Tensor:
        x = functional.relu(self.last_norm(self.body(self.stem(images))), inplace=True)
        return x.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits

    def dataflow(self) -> Dataflow | None:
        """The whole forward pass in training mode; None if the head is not a dense layer."""
        if not isinstance(self.head, nn.Linear):
            return None
        convolution, norm = self.stem.parts()
        flow = Dataflow(convolution.in_channels)
        whole = slice(0, convolution.out_channels)
        here = flow.add(convolution.out_channels, 1, Convolution(0, convolution, whole, norm, rectified=False))
        flow.blocks.append(here)
        for block in self.body:
            assert isinstance(block, CellBlock | Reduction)
            here = block.write(flow, here)
            flow.blocks.append(here)
        last = flow.maps[here]
        flow.add(last.channels, last.shrink, Norm(here, self.last_norm))
        flow.head = self.head
        return flow

    def connections(self) -> list[Connection]:
        """Every connection of the forward pass; the head's only if it is one dense layer."""
        found = [Connection("stem", "image", "stem", *_tensors(self.stem))]
        here, cells, reductions = "stem", 0, 0
        for block in self.body:
            if isinstance(block, CellBlock):
                name, cells = f"cell{cells}", cells + 1
            else:
                name, reductions = f"reduction{reductions}", reductions + 1
            found += block.connections(name, here)  # type: ignore[operator]
            here = name
        if isinstance(self.head, nn.Linear):
            found.append(Connection("head", here, "logits", self.head.weight))
        return found
