"""beta_eff of a whole network against the line graph built path by path with dense matrices."""

from __future__ import annotations

import gc
from itertools import product
from math import isfinite, isnan

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch import nn
from torch.nn import functional

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.capacitance import Form, Probe, beta_eff
from harness.measures.capacitance_network import Call, CapacitanceNetwork, beta_eff_of, line_graph_sums
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
COUPLINGS, DELTAS = ("absolute", "signed"), ("softmax", "diagonal")


class Tiny(nn.Module):
    """A cell with every kind of edge between two maps, then a strided convolution with a shortcut; 4 x 4 images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(1, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2)
        self.wide, self.wide_norm = nn.Conv2d(2, 2, 3, padding=1, bias=False), nn.BatchNorm2d(2)
        self.thin, self.thin_norm = nn.Conv2d(2, 2, 1, bias=False), nn.BatchNorm2d(2)
        self.down, self.down_norm = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(3)
        self.short = nn.Conv2d(2, 3, 1)
        self.last_norm = nn.BatchNorm2d(3)
        self.head = nn.Linear(3, 3)

    def forward(self, images):
        node0 = self.stem_norm(self.stem(images))
        rectified = functional.relu(node0)
        node1 = self.wide_norm(self.wide(rectified)) + node0
        node2 = functional.avg_pool2d(node1, 3, 1, 1, count_include_pad=False) + self.thin_norm(self.thin(rectified))
        node3 = self.down_norm(self.down(functional.relu(node2))) + self.short(functional.avg_pool2d(node2, 2))
        return self.head(functional.relu(self.last_norm(node3)).mean((2, 3)))


LAYERS = ("stem", "wide", "thin", "down", "short", "head")


@pytest.fixture
def tiny():
    torch.manual_seed(3)
    model = Tiny().double()
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight)  # of both signs
        nn.init.normal_(norm.bias, std=0.3)
    return model


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 1, 4, 4, generator=generator, dtype=torch.float64), torch.tensor([2, 0])


def looked_into(model, batch, output_delta):
    """Per layer: inputs a, deltas d and weight gradients; inputs and gains of BatchNorm. Its statistics are held."""
    seen: dict[str, torch.Tensor] = {}
    gains: dict[str, torch.Tensor] = {}
    outputs: dict[str, torch.Tensor] = {}

    def hold(name):
        def hook(norm, inputs, _):
            x = inputs[0]
            variance, mean = torch.var_mean(x.detach(), (0, 2, 3), correction=0)
            gains[name] = norm.weight.detach() / (variance + norm.eps).sqrt()
            shift = norm.bias.detach() - mean * gains[name]
            return x * gains[name][:, None, None] + shift[:, None, None]

        return hook

    def keep(name):
        def hook(layer, inputs, output):
            seen[name], outputs[name] = inputs[0].detach(), output

        return hook

    hooks = [
        m.register_forward_hook(hold(n) if isinstance(m, nn.BatchNorm2d) else keep(n))
        for n, m in model.named_children()
    ]
    logits = model(batch[0])
    for hook in hooks:
        hook.remove()
    p, y = logits.detach().softmax(1), torch.eye(3, dtype=torch.float64)[batch[1]]
    delta = (p - y if output_delta == "softmax" else -y * (1 - p)) / len(y)
    deltas = torch.autograd.grad(logits, [outputs[n] for n in LAYERS], delta, retain_graph=True)
    slopes = torch.autograd.grad(logits, [getattr(model, n).weight for n in LAYERS], delta)
    return seen, dict(zip(LAYERS, deltas, strict=True)), dict(zip(LAYERS, slopes, strict=True)), gains, outputs


def image_by_entry(layer, image, entry):
    """(n_out, n_weights): how each output of a layer moves with each weight, and (n_in, n_weights), one `entry` d for
    each output: what each weight sends back to each input if it is 1. Slow loops."""
    o, c, *window = layer.weight.shape
    if not window:
        forward, back = np.zeros((o, o * c)), np.zeros((c, o * c))
        for i, j in product(range(o), range(c)):
            forward[i, i * c + j] = image[j]
            back[j, i * c + j] = entry[i]
        return forward, back
    (step, _), (pad, _) = layer.stride, layer.padding
    side, small = image.shape[1], entry.shape[1]
    size = o * c * window[0] * window[1]
    forward, back = np.zeros((entry.size, size)), np.zeros((image.size, size))
    for number, (i, j, u, v) in enumerate(product(range(o), range(c), range(window[0]), range(window[1]))):
        for r, s in product(range(small), range(small)):
            down, across = r * step + u - pad, s * step + v - pad
            if 0 <= down < side and 0 <= across < side:
                forward[(i * small + r) * small + s, number] = image[j, down, across]
                back[(j * side + down) * side + across, number] += entry[i, r, s]
    return forward, back


def pooling(channels, side, size, stride, pad):
    """Average pooling as a matrix, the padding left out of the mean."""
    small = (side + 2 * pad - size) // stride + 1
    matrix = np.zeros((channels * small * small, channels * side * side))
    for c, r, s in product(range(channels), range(small), range(small)):
        inside = [
            (r * stride + u - pad, s * stride + v - pad)
            for u, v in product(range(size), range(size))
            if 0 <= r * stride + u - pad < side and 0 <= s * stride + v - pad < side
        ]
        for u, v in inside:
            matrix[(c * small + r) * small + s, (c * side + u) * side + v] = 1 / len(inside)
    return matrix


def between(gains, nodes, image, absolute):
    """{(l, m): N}, (inputs of m, outputs of l), of one image: the sum over the paths of Tiny that meet no layer."""

    def gain(name, side):
        values = np.repeat(gains[name].numpy(), side * side)
        return np.diag(np.abs(values) if absolute else values)

    mask = {n: np.diag((nodes[n][image].numpy().ravel() > 0).astype(float)) for n in nodes}
    pool, half = pooling(2, 4, 3, 1, 1), pooling(2, 4, 2, 2, 0)
    mean = np.kron(np.eye(3), np.full((1, 4), 1 / 4))
    end = mean @ mask["last"] @ gain("last_norm", 2)
    to_node2 = {
        "stem": pool @ gain("stem_norm", 4),
        "wide": pool @ gain("wide_norm", 4),
        "thin": gain("thin_norm", 4),
    }
    found = {("stem", m): mask["node0"] @ gain("stem_norm", 4) for m in ("wide", "thin")}
    for name, path in to_node2.items():
        found[name, "down"], found[name, "short"] = mask["node2"] @ path, half @ path
    found["down", "head"], found["short", "head"] = end @ gain("down_norm", 2), end
    return found


def line_graph(model, batch, coupling, output_delta):
    """P (weights, weights) from its definition, and the weights and gradients (weights,) in the order of LAYERS."""
    seen, deltas, slopes, gains, outputs = looked_into(model, batch, output_delta)
    with torch.no_grad():
        z = {n: outputs[n].detach() for n in LAYERS}

        def bend(name, norm):
            mean = z[name].mean((0, 2, 3))[:, None, None]
            return (z[name] - mean) * gains[norm][:, None, None] + getattr(model, norm).bias[:, None, None]

        node0 = bend("stem", "stem_norm")
        node2 = functional.avg_pool2d(bend("wide", "wide_norm") + node0, 3, 1, 1, count_include_pad=False)
        node2 = node2 + bend("thin", "thin_norm")
        z["node3"] = bend("down", "down_norm") + z["short"]
        gains_of = {"node0": node0, "node2": node2, "last": bend("node3", "last_norm")}
    sizes = [getattr(model, n).weight.numel() for n in LAYERS]
    start = dict(zip(LAYERS, np.cumsum([0, *sizes[:-1]]), strict=True))
    graph = np.zeros((sum(sizes), sum(sizes)))
    size = np.abs if coupling == "absolute" else np.asarray
    for image in range(len(batch[1])):
        sides = {n: image_by_entry(getattr(model, n), seen[n][image].numpy(), deltas[n][image].numpy()) for n in LAYERS}
        for (before, after), path in between(gains, gains_of, image, coupling == "absolute").items():
            block = size(sides[before][0]).T @ path.T @ size(sides[after][1])
            rows, columns = (slice(start[n], start[n] + getattr(model, n).weight.numel()) for n in (before, after))
            graph[rows, columns] += block if coupling == "absolute" else -block
    weights = np.concatenate([getattr(model, n).weight.detach().numpy().ravel() for n in LAYERS])
    return csr_array(graph), weights, np.concatenate([slopes[n].numpy().ravel() for n in LAYERS])


@pytest.mark.parametrize("output_delta", DELTAS)
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_the_sums_are_those_of_the_line_graph_built_path_by_path(tiny, batch, coupling, output_delta) -> None:
    graph, _, _ = line_graph(tiny, batch, coupling, output_delta)
    sums = line_graph_sums(tiny, batch, coupling, output_delta)
    rows, columns = (np.concatenate([sums[f"{n}.weight"][i].numpy().ravel() for n in LAYERS]) for i in (0, 1))
    inward, outward = graph.sum(axis=1), graph.sum(axis=0)
    np.testing.assert_allclose(rows, inward, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(columns, outward, rtol=1e-8, atol=1e-12)
    assert beta_eff_of(sums) == pytest.approx(outward @ inward / inward.sum(), rel=1e-8)
    assert np.count_nonzero(rows) > 50 and np.count_nonzero(columns) > 50


@pytest.mark.parametrize("output_delta", DELTAS)
def test_the_line_graph_moves_the_weights_as_gradient_descent_does(tiny, batch, output_delta) -> None:
    """P w = -dL/dw for every weight but those of the last layer: what makes P the coupling of the training."""
    graph, weights, slopes = line_graph(tiny, batch, "signed", output_delta)
    inner = len(weights) - tiny.head.weight.numel()
    np.testing.assert_allclose((graph @ weights)[:inner], -slopes[:inner], rtol=1e-8, atol=1e-12)
    assert np.abs(slopes[:inner]).max() > 1e-3


@pytest.mark.parametrize("output_delta", DELTAS)
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_of_dense_layers_it_is_the_closed_form(coupling, output_delta) -> None:
    probe = Probe((5, 4, 6, 4, 3), 1, Form("relu", False), 2)
    features = torch.rand(7, 5, dtype=torch.float64) + 0.1
    labels = torch.arange(7) % 3
    model = nn.Sequential(*[m for i in range(4) for m in (nn.Linear(*probe.weight(i + 1)[0].shape[::-1]), nn.ReLU())])
    model = model[:-1].double()
    for i in range(4):
        model[2 * i].weight.data = probe.weight(i + 1)[0].clone()
        nn.init.zeros_(model[2 * i].bias)
    states = probe.states(features)
    expected = beta_eff(states.activations, states.slopes, probe.deltas(states, labels, output_delta), coupling)
    found = beta_eff_of(line_graph_sums(model, (features, labels), coupling, output_delta))
    assert found == pytest.approx(float(expected[0]), rel=1e-8)


def network(text: str = CELL, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network(parse(text), SHAPE)


IMAGES = (torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3)


def read(model, batch=IMAGES, **settings) -> float:
    (value,) = CapacitanceNetwork(**settings).observer(SCENE)(model, batch, 0).values()
    return float(value)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_the_order_and_the_repetition_of_the_images_do_not_matter(coupling) -> None:
    model = network().double()
    images = IMAGES[0].double()
    value = read(model, (images, IMAGES[1]), coupling=coupling)
    assert read(model, (images.flip(0), IMAGES[1].flip(0)), coupling=coupling) == pytest.approx(value, rel=1e-9)
    twice = (images.repeat(2, 1, 1, 1), IMAGES[1].repeat(2))
    assert read(model, twice, coupling=coupling) == pytest.approx(value, rel=1e-9)


def test_convolutions_that_run_as_one_count_as_those_that_run_apart(tiny, batch) -> None:
    """The weights are the nodes, so that a layer cut into groups of output channels is the same graph."""

    class Apart(nn.Module):
        def __init__(self, whole):
            super().__init__()
            self.parts = nn.ModuleList([nn.Conv2d(2, 1, 3, padding=1, bias=False).double() for _ in range(2)])
            for i, part in enumerate(self.parts):
                part.weight.data = whole.weight.data[i : i + 1].clone()

        def forward(self, x):
            return torch.cat([part(x) for part in self.parts], 1)

    value = beta_eff_of(line_graph_sums(tiny, batch, "absolute", "softmax"))
    tiny.wide = Apart(tiny.wide)
    assert beta_eff_of(line_graph_sums(tiny, batch, "absolute", "softmax")) == pytest.approx(value, rel=1e-10)


def test_a_layer_that_is_called_twice_is_one_set_of_nodes() -> None:
    torch.manual_seed(0)
    once = nn.Linear(4, 4, bias=False).double()
    batch = torch.rand(5, 4, dtype=torch.float64), torch.arange(5) % 4
    sums = line_graph_sums(nn.Sequential(once, nn.ReLU(), once), batch, "absolute", "softmax")
    other = nn.Linear(4, 4, bias=False).double()
    other.weight.data = once.weight.data.clone()
    apart = line_graph_sums(nn.Sequential(once, nn.ReLU(), other), batch, "absolute", "softmax")
    assert list(sums) == ["0.weight"]
    for mine, first, second in zip(sums["0.weight"], apart["0.weight"], apart["2.weight"], strict=True):
        torch.testing.assert_close(mine, first + second)


@pytest.mark.parametrize("groups", [1, 2])
def test_grouped_dilated_and_strided_convolutions_are_followed(groups) -> None:
    """Under absolute coupling of positive weights, inputs and deltas P1 and 1'P are the sums that ones give."""
    torch.manual_seed(0)
    first = nn.Conv2d(2, 4, 3, stride=2, padding=2, dilation=2, groups=groups, bias=False).double()
    second = nn.Conv2d(4, 2, (1, 3), padding=(0, 1), groups=groups, bias=False).double()
    model = nn.Sequential(first, second, nn.Flatten(), nn.Linear(2 * 4 * 4, 3).double())
    batch = torch.rand(3, 2, 7, 7, dtype=torch.float64), torch.tensor([0, 1, 2])
    signed = line_graph_sums(model, batch, "signed", "diagonal")
    twin = nn.Sequential(*[nn.Conv2d(2, 4, 3, 2, 2, 2, groups, bias=False), second, model[2], model[3]]).double()
    nn.init.ones_(twin[0].weight)
    tangent = twin[0](batch[0])  # leaves the first layer if its weights are ones
    second_out = model[1](model[0](batch[0])).detach().requires_grad_()
    logits = model[3](second_out.flatten(1))
    delta = -torch.eye(3, dtype=torch.float64)[batch[1]] * (1 - logits.softmax(1)) / 3
    (d,) = torch.autograd.grad(logits, second_out, delta.detach())
    (column,) = torch.autograd.grad((second(tangent.detach()) * d).sum(), second.weight)
    torch.testing.assert_close(signed["1.weight"][1], -column)
    ones = torch.nn.Conv2d(4, 2, (1, 3), padding=(0, 1), groups=groups, bias=False).double()
    nn.init.ones_(ones.weight)
    (row,) = torch.autograd.grad((ones(first(batch[0])) * d).sum(), first.weight)
    torch.testing.assert_close(signed["0.weight"][0], -row)


@pytest.mark.slow
def test_it_falls_towards_zero_as_the_training_converges() -> None:
    """The promise of the paper: beta_eff goes to 0 as training converges."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    start = read(model)
    for _ in range(60):
        loss = functional.cross_entropy(model(IMAGES[0]), IMAGES[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.02
    assert 0 < read(model) < 0.1 * start


def test_only_the_first_images_are_read() -> None:
    model = network()
    few = IMAGES[0][:4], IMAGES[1][:4]
    seen = CapacitanceNetwork(images=4).observer(SCENE)(model, IMAGES, 0)
    assert seen == {"beta_eff_network": read(model, few)}
    assert read(model) != read(model, few)


@pytest.mark.parametrize(("coupling", "output_delta"), [(c, d) for c in COUPLINGS for d in DELTAS])
def test_a_dead_cell_gives_a_number_or_nan_and_never_fails(coupling, output_delta) -> None:
    model = network(DEAD)
    assert isnan(read(model, coupling=coupling, output_delta=output_delta))
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.normal_(norm.bias)  # constants arrive at the head
    value = read(model, coupling=coupling, output_delta=output_delta)
    assert isnan(value) or isfinite(value)


def test_a_convolution_of_a_node_that_holds_nothing_is_read_without_fail() -> None:
    lonely = "|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|"
    assert isfinite(read(network(lonely)))


def test_the_network_is_left_as_it_was() -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    output = model(IMAGES[0])
    after = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first = read(model)
    assert read(model) == first
    assert all(torch.equal(tensor, after[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model(IMAGES[0]), output) and set(before) == set(after)
    assert all("forward" not in vars(module) for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("text", [CELL, DEAD])
def test_nothing_is_kept_after_a_look(text) -> None:
    """The autograd graph and the record of the calls point at each other; the collector does not see such circles."""
    read(network(text))
    gc.collect()
    assert not any(type(thing) is Call for thing in gc.get_objects())


def test_work_in_place_does_not_change_what_is_read(batch) -> None:
    class Block(nn.Module):
        def __init__(self, in_place):
            super().__init__()
            self.first, self.norm, self.second = nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3, padding=1)
            self.relu, self.in_place, self.head = nn.ReLU(inplace=in_place), in_place, nn.Linear(2, 3)

        def forward(self, x):
            a = self.relu(self.norm(self.first(x)))
            z = self.second(a)
            z = z.add_(a) if self.in_place else z + a
            return self.head(self.relu(z).mean((2, 3)))

    torch.manual_seed(0)
    plain, sly = Block(False).double(), Block(True).double()
    sly.load_state_dict(plain.state_dict())
    one, other = (line_graph_sums(model, batch, "absolute", "softmax") for model in (plain, sly))
    for name in one:
        torch.testing.assert_close(one[name], other[name])


def test_a_head_without_layers_belongs_to_the_loss() -> None:
    model = network()
    model.head = Probe((16, 6, 5, 3), 2, Form("relu", True), 0)
    sums = line_graph_sums(model, IMAGES, "absolute", "softmax")
    assert "stem.0.weight" in sums and not any(name.startswith("head") for name in sums)
    assert isfinite(beta_eff_of(sums)) and beta_eff_of(sums) > 0


def test_a_network_without_layers_has_none() -> None:
    assert isnan(read(nn.Flatten()))


def test_layers_of_another_kind_are_refused_not_passed_over() -> None:
    with pytest.raises(BadInput, match=r"a network of Conv2d .*got Conv1d"):
        read(nn.Sequential(nn.Conv1d(1, 1, 1)))
    with pytest.raises(BadInput, match="padding_mode=circular"):
        read(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")))


@pytest.mark.parametrize(
    ("key", "value"), [("coupling", "both"), ("output_delta", ""), ("images", 0), ("every", 0), ("column", "")]
)
def test_a_wrong_setting_is_named(key: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"measure\.capacitance_network\.{key}: must be .*\(got {value!r}"):
        CapacitanceNetwork(**{key: value})
