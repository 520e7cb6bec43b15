"""Zero-cost proxies from their papers' formulas, slowly: plain autograd, one module an edge, loops over layers.

Nothing of the harness is imported. `python -m tests.oracle.slow_proxies COUNT` prints a table, one row an architecture;
that of 20 is committed. Networks have C = 4, N = 1, 8 x 8 pixels, float64; weights, images and labels come from NumPy,
so that the table does not depend on the version of torch.
"""

from __future__ import annotations

import itertools
import sys
import zlib

import numpy as np
import torch
from torch.nn import functional

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
TAPS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
CHANNELS, SIZE, COLOURS, CLASSES, IMAGES = 4, 8, 3, 10, 16
EDGES = [(target, source) for target in (1, 2, 3) for source in range(target)]


def architectures(count):
    """`count` of the 15,625 cells, spread evenly, as tuples of six operations."""
    every = list(itertools.product(OPERATIONS, repeat=6))
    return [every[(7 + 2_741 * i) % len(every)] for i in range(count)]


def text(cell):
    """The benchmark's string of a cell."""
    nodes = [
        "|" + "".join(f"{op}~{s}|" for (t, s), op in zip(EDGES, cell, strict=True) if t == node) for node in (1, 2, 3)
    ]
    return "+".join(nodes)


def weight(cell, slot, shape):
    """The weights of the layer `slot`: uniform within 1 / sqrt(fan in), as torch draws them."""
    random = np.random.default_rng(zlib.crc32(f"{text(cell)} {slot}".encode()))
    return random.uniform(-1, 1, shape) / np.sqrt(np.prod(shape[1:]))


def batch():
    """Images (IMAGES, COLOURS, SIZE, SIZE) and labels."""
    random = np.random.default_rng(0)
    images = random.standard_normal((IMAGES, COLOURS, SIZE, SIZE))
    return torch.from_numpy(images), torch.from_numpy(random.integers(CLASSES, size=IMAGES))


class Slow:
    """One network. `layers` are those that the forward pass calls, `idle` convolutions that no output needs."""

    def __init__(self, cell):
        self.cell, self.absolute = cell, False
        self.layers, self.idle, self.outputs, self.rectified = {}, {}, [], []
        with torch.no_grad():
            self.forward(torch.zeros(2, COLOURS, SIZE, SIZE, dtype=torch.float64))

    def live(self):
        """Indices of the edges on a path from node 0 to node 3."""
        found = set()
        for path in ((0, 3), (0, 1, 3), (0, 2, 3), (0, 1, 2, 3)):
            steps = [EDGES.index((t, s)) for s, t in itertools.pairwise(path)]
            if all(self.cell[step] != "none" for step in steps):
                found.update(steps)
        return found

    def useful(self, node):
        """Whether the value of a node reaches node 3."""
        ways = [EDGES.index((target, node)) for target in range(node + 1, 4)]
        return node == 3 or any(self.cell[w] != "none" and self.useful(EDGES[w][0]) for w in ways)

    def tensor(self, slot, shape, where=None):
        where = self.layers if where is None else where
        if slot not in where:
            where[slot] = torch.from_numpy(weight(self.cell, slot, shape)).requires_grad_()
        return where[slot].abs() if self.absolute else where[slot]

    def convolve(self, slot, x, wide, side, stride=1, norm=True):
        out = functional.conv2d(x, self.tensor(slot, (wide, x.shape[1], side, side)), stride=stride, padding=side // 2)
        self.outputs.append((slot, out))
        if not norm or self.absolute:
            return out
        mean = out.mean((0, 2, 3), keepdim=True)
        variance = (out - mean).square().mean((0, 2, 3), keepdim=True)
        return (out - mean) / (variance + 1e-5).sqrt()

    def relu(self, x):
        self.rectified.append((x > 0).detach())
        return functional.relu(x)

    def block(self, name, x):
        nodes = [x]
        for node in (1, 2, 3):
            total = torch.zeros_like(x)
            for source in range(node):
                operation, slot = self.cell[EDGES.index((node, source))], f"{name}.{node}<{source}"
                if not self.useful(node):
                    if operation in TAPS:
                        side = TAPS[operation]
                        self.tensor(slot, (x.shape[1], x.shape[1], side, side), self.idle)
                elif operation == "skip_connect":
                    total = total + nodes[source]
                elif operation == "avg_pool_3x3":
                    total = total + functional.avg_pool2d(nodes[source], 3, 1, 1, count_include_pad=False)
                elif operation in TAPS:
                    total = total + self.convolve(slot, self.relu(nodes[source]), x.shape[1], TAPS[operation])
            nodes.append(total)
        return nodes[3]

    def reduction(self, name, x):
        wide = 2 * x.shape[1]
        inner = self.convolve(f"{name}.first", self.relu(x), wide, 3, stride=2)
        inner = self.convolve(f"{name}.second", self.relu(inner), wide, 3)
        return inner + self.convolve(f"{name}.shortcut", functional.avg_pool2d(x, 2), wide, 1, norm=False)

    def forward(self, images):
        self.outputs, self.rectified = [], []
        x = self.convolve("stem", images, CHANNELS, 3)
        for stage in range(3):
            if stage:
                x = self.reduction(f"reduction{stage - 1}", x)
            x = self.block(f"cell{stage}", x)
        if not self.absolute:
            mean = x.mean((0, 2, 3), keepdim=True)
            x = (x - mean) / ((x - mean).square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
        logits = self.relu(x).mean((2, 3)) @ self.tensor("head", (CLASSES, x.shape[1])).T
        self.outputs.append(("head", logits))
        return logits

    def loss(self, images, labels):
        return -functional.log_softmax(self.forward(images), 1)[torch.arange(len(labels)), labels].mean()

    def slopes(self, images, labels, graph=False):
        """dL/dW of every layer by its slot; 0 where the loss does not depend on it."""
        found = torch.autograd.grad(
            self.loss(images, labels), list(self.layers.values()), create_graph=graph, allow_unused=True
        )
        pairs = zip(self.layers.items(), found, strict=True)
        return {slot: torch.zeros_like(w) if g is None else g for (slot, w), g in pairs}


def params(net):
    """Weights, two numbers a BatchNorm and the head's bias, idle convolutions too."""
    convolutions = {slot: w for slot, w in (net.layers | net.idle).items() if slot != "head"}
    norms = sum(2 * len(w) for slot, w in convolutions.items() if "shortcut" not in slot)
    head = net.layers["head"]
    return sum(w.numel() for w in convolutions.values()) + norms + 2 * head.shape[1] + head.numel() + CLASSES


def multiplies(net, live):
    """Multiply-adds of one image: all convolutions and the head, or of the cells' only those on a path."""
    total = net.layers["head"].numel() + CLASSES
    for slot, w in (net.layers | net.idle).items():
        place, _, edge = slot.partition(".")
        if slot == "head":
            continue
        stage = 0 if place == "stem" else int(place[-1]) + place.startswith("reduction")
        if live and place.startswith("cell"):
            target, source = map(int, edge.split("<"))
            if EDGES.index((target, source)) not in net.live():
                continue
        total += w.numel() * (SIZE >> stage) ** 2
    return total


def fisher(net, images, labels):
    """Of each weight its channel's sum over images of (sum over positions of a dL/da)^2 / (2 B)."""
    loss = net.loss(images, labels)
    found = torch.autograd.grad(loss, [out for _, out in net.outputs], allow_unused=True)
    total = 0.0
    for (slot, out), slope in zip(net.outputs, found, strict=True):
        if slope is None:
            continue
        for channel in range(out.shape[1]):
            value = sum(float((out[n, channel].detach() * slope[n, channel]).sum()) ** 2 for n in range(len(images)))
            total += net.layers[slot][channel].numel() * value / (2 * len(images))
    return total


def grasp(net, images, labels):
    """-sum W (H g)."""
    slopes = net.slopes(images, labels, graph=True)
    product = sum((g * g.detach()).sum() for g in slopes.values())
    turned = torch.autograd.grad(product, list(net.layers.values()), allow_unused=True)
    pairs = zip(net.layers.values(), turned, strict=True)
    return -sum(float((w.detach() * h).sum()) for w, h in pairs if h is not None)


def synflow(net):
    """Sum of |w dR/dw| through the absolute weights, of an image of ones."""
    net.absolute = True
    out = net.forward(torch.ones(1, COLOURS, SIZE, SIZE, dtype=torch.float64)).sum()
    found = torch.autograd.grad(out, list(net.layers.values()), allow_unused=True)
    net.absolute = False
    return sum(
        float((w.detach() * g).abs().sum()) for w, g in zip(net.layers.values(), found, strict=True) if g is not None
    )


def jacov(net, images):
    """-sum of log(v + k) + 1 / (v + k) over the eigenvalues of the rows' correlation."""
    images = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(net.forward(images).sum(), images, allow_unused=True)
    if slope is None:
        return np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.corrcoef(slope.reshape(len(images), -1).numpy())
    if not np.isfinite(correlation).all():
        return np.nan
    v = np.linalg.eigvalsh(correlation).clip(0) + 1e-5
    return float(-(np.log(v) + 1 / v).sum())


def naswot(net, images):
    """log |det K|, K counted pair by pair over one ReLU an edge."""
    with torch.no_grad():
        net.forward(images)
    codes = np.concatenate([on.reshape(len(images), -1).numpy() for on in net.rectified], 1)
    kernel = np.array([[np.sum(a == b) for b in codes] for a in codes], dtype=float)
    if np.linalg.matrix_rank(kernel, hermitian=True) < len(kernel):
        return np.nan
    return float(np.linalg.slogdet(kernel)[1])


def zico(net, images, labels):
    """Sum over layers of ln sum over weights of mean |g| / std g, over the two halves of the batch."""
    half = len(images) // 2
    one, two = (net.slopes(images[part], labels[part]) for part in (slice(half), slice(half, None)))
    total, layers = 0.0, 0
    for slot in net.layers:
        pair = np.stack([one[slot].numpy(), two[slot].numpy()])
        spread = pair.std(0)
        kept = spread > 0
        if kept.any():
            total, layers = total + np.log((np.abs(pair).mean(0)[kept] / spread[kept]).sum()), layers + 1
    return float(total) if layers else np.nan


def proxies(cell):
    """Every proxy of a cell's network, by the name of its column."""
    net, (images, labels) = Slow(cell), batch()
    slopes = net.slopes(images, labels)
    return {
        "params": params(net),
        "flops": multiplies(net, live=False),
        "live_flops": multiplies(net, live=True),
        "grad_norm": sum(float(g.norm()) for g in slopes.values()),
        "snip": sum(float((net.layers[slot].detach() * g).abs().sum()) for slot, g in slopes.items()),
        "fisher": fisher(net, images, labels),
        "grasp": grasp(net, images, labels),
        "synflow": np.log1p(synflow(net)),
        "jacov": jacov(net, images),
        "naswot": naswot(net, images),
        "zico": zico(net, images, labels),
        "l2_norm": sum(float(w.detach().norm()) for w in net.layers.values()),
    }


def table(count):
    """Rows of a CSV file: architecture and proxies."""
    rows = [{"architecture": text(cell), **proxies(cell)} for cell in architectures(count)]
    lines = [",".join(rows[0])]
    lines += [",".join(v if isinstance(v, str) else f"{v:.8g}" for v in row.values()) for row in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(sys.argv[1])))
