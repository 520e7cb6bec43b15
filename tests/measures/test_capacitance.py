"""beta_eff by the closed form against the line graph built edge by edge."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array

from harness.measures.capacitance import Capacitance, Form, Probe
from harness.schema import BadInput, Scene

COUPLINGS, DELTAS, ACTIVATIONS = ("absolute", "signed"), ("softmax", "diagonal"), ("relu", "tanh")


def line_graph(weights, images, labels, activation, output_delta, coupling) -> coo_array:
    """P, entry by entry from its definition, one image at a time: slow, and independent of the closed form."""
    sizes = [weights[0].shape[1]] + [w.shape[0] for w in weights]
    depth = len(weights)
    number: dict = {}
    for layer in range(1, depth + 1):
        for i, j in product(range(sizes[layer]), range(sizes[layer - 1])):
            number[layer, i, j] = len(number)
    entries: dict[tuple[int, int], float] = {}
    for x, label in zip(images, labels, strict=True):
        a, z = [x], []
        for w in weights:
            z.append(w @ a[-1])
            a.append(np.maximum(z[-1], 0) if activation == "relu" else np.tanh(z[-1]))
        slope = [(v > 0).astype(float) if activation == "relu" else 1 - np.tanh(v) ** 2 for v in z]
        p = np.exp(z[-1] - z[-1].max())
        p /= p.sum()
        y = np.eye(len(p))[label]
        d = {depth: p - y if output_delta == "softmax" else -y * (1 - p)}
        for layer in range(depth - 1, 0, -1):
            d[layer] = slope[layer - 1] * (weights[layer].T @ d[layer + 1])
        for layer in range(1, depth):
            for i, j, k in product(range(sizes[layer]), range(sizes[layer - 1]), range(sizes[layer + 1])):
                value = -a[layer - 1][j] * slope[layer - 1][i] * d[layer + 1][k] / len(images)
                key = number[layer, i, j], number[layer + 1, k, i]
                entries[key] = entries.get(key, 0.0) + (abs(value) if coupling == "absolute" else value)
    rows, columns = zip(*entries, strict=True)
    return coo_array((list(entries.values()), (rows, columns)), shape=(len(number), len(number)))


@given(
    sizes=st.lists(st.integers(1, 5), min_size=4, max_size=6),
    batch=st.integers(1, 4),
    coupling=st.sampled_from(COUPLINGS),
    output_delta=st.sampled_from(DELTAS),
    activation=st.sampled_from(ACTIVATIONS),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None)
def test_the_closed_form_is_the_line_graph(sizes, batch, coupling, output_delta, activation, seed) -> None:
    probe = Probe(tuple(sizes), 1, Form(activation, False), seed)
    random = np.random.default_rng(seed)
    images = random.standard_normal((batch, sizes[0])) + 0.1
    labels = random.integers(sizes[-1], size=batch)
    weights = [probe.weight(layer + 1)[0].numpy() for layer in range(len(sizes) - 1)]
    graph = line_graph(weights, images, labels, activation, output_delta, coupling)
    inward, outward = graph.sum(axis=1), graph.sum(axis=0)
    measure = Capacitance(
        coupling=coupling, output_delta=output_delta, activation=activation, normalise=False, widths=sizes[1:-1]
    )
    value = float(measure.read(probe, torch.from_numpy(images), torch.from_numpy(labels))[0])
    total = inward.sum()
    size = np.abs(graph.data).sum()
    if measure.degenerate:
        assert np.isnan(value) and abs(outward @ inward) <= 1e-12 * size**2
        return
    if abs(total) <= 1e-9 * size or size == 0:
        return  # 0/0: the signed form of few layers, or a dead probe
    assert value == pytest.approx((outward @ inward) / total, rel=1e-10 * max(1, size / abs(total)), abs=1e-12)


def test_a_signed_probe_of_three_layers_under_softmax_has_no_capacitance() -> None:
    """The output deltas p - y sum to 0, so the only term of the numerator vanishes: 1e-17 would be ranked."""
    probe = Probe((6, 5, 4, 3), 2, Form("relu", False), 0)
    features, labels = torch.rand(8, 6, dtype=torch.float64), torch.arange(8) % 3
    signed = Capacitance(coupling="signed", widths=[5, 4])
    assert signed.read(probe, features, labels).isnan().all()
    diagonal = Capacitance(coupling="signed", output_delta="diagonal").read(probe, features, labels)
    assert diagonal.abs().min() > 1e-6
    deep = Capacitance(coupling="signed", widths=[5, 5, 4])
    assert deep.read(Probe((6, 5, 5, 4, 3), 2, Form("relu", False), 0), features, labels).abs().min() > 1e-9
    model = torch.nn.Module()
    model.features = lambda images: images.flatten(1)  # type: ignore[assignment]
    with pytest.raises(ArithmeticError, match=r"is 0 with output_delta=softmax.*use output_delta=diagonal"):
        signed.observer(Scene(7, 3, 6))(model, (torch.rand(8, 1, 2, 3), labels), 0)


def test_a_dead_probe_gives_nan_not_a_number() -> None:
    probe = Probe((4, 3, 3, 2), 1, Form("relu", True), 0)
    assert Capacitance().read(probe, torch.zeros(5, 4), torch.zeros(5, dtype=torch.long)).isnan().all()


def test_normalised_features_hide_their_scale() -> None:
    probe = Probe((6, 5, 4, 3), 2, Form("relu", True), 0)
    features, labels = torch.rand(8, 6, dtype=torch.float64), torch.arange(8) % 3
    one, ten = (Capacitance().read(probe, features * scale, labels) for scale in (1, 10))
    assert torch.allclose(one, ten, rtol=1e-6)


def test_without_normalisation_a_probe_reads_the_scale_of_the_features() -> None:
    probe, ten = (Probe((6, 5, 4, 3), 2, Form("relu", False, scale), 0) for scale in (1.0, 10.0))
    features, labels = torch.rand(8, 6, dtype=torch.float64), torch.arange(8) % 3
    measure = Capacitance(normalise=False)
    assert torch.equal(measure.read(ten, features, labels), measure.read(probe, 10 * features, labels))
    assert not torch.allclose(measure.read(ten, features, labels), measure.read(probe, features, labels), rtol=0.5)


def test_a_probe_reads_as_many_images_as_it_is_told() -> None:
    model = torch.nn.Module()
    model.features = lambda images: images.flatten(1)  # type: ignore[assignment]
    images, labels = torch.rand(8, 1, 2, 3), torch.arange(8) % 3
    scene = Scene(7, 3, 6)
    few = Capacitance(widths=[5, 4], images=3).observer(scene)(model, (images, labels), 0)
    whole = Capacitance(widths=[5, 4]).observer(scene)
    assert few == whole(model, (images[:3], labels[:3]), 0) != whole(model, (images, labels), 0)


def test_a_scale_of_normalised_features_is_refused() -> None:
    with pytest.raises(BadInput, match=r"measure\.capacitance\.scale: must be 1 if normalise is true .*got 10"):
        Capacitance(scale=10.0)


def test_more_probes_begin_with_the_mean_over_each() -> None:
    model = torch.nn.Module()
    model.features = lambda images: images.flatten(1)  # type: ignore[assignment]
    batch = torch.rand(8, 1, 2, 3), torch.arange(8) % 3
    measure = Capacitance(widths=[5, 4], probes=3)
    seen = measure.observer(Scene(7, 3, 6))(model, batch, 0)
    each = measure.read(Probe((6, 5, 4, 3), 3, Form("relu", True), 7), batch[0].flatten(1), batch[1])
    assert seen["beta_eff"] == pytest.approx(float(each.mean()))
    assert seen["beta_eff_sd"] == pytest.approx(float(each.std()))


def test_a_probe_as_head_passes_the_gradient_and_is_never_trained() -> None:
    head = Capacitance(mode="head", probes=2).head(Scene(0, 10, 16))
    assert head is not None and not list(head.parameters())
    features = torch.zeros(4, 16, requires_grad=True)
    head(features).sum().backward()
    assert features.grad is not None and features.grad.isfinite().all()
    assert Capacitance(mode="detached").head(Scene(0, 10, 16)) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mode", "none"),
        ("coupling", "both"),
        ("output_delta", ""),
        ("activation", "gelu"),
        ("widths", [3]),
        ("probes", 0),
        ("images", 1),
        ("scale", 0.0),
    ],
)
def test_a_wrong_setting_is_named(key: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"measure\.capacitance\.{key}: must be .*\(got {value!r}".replace("[", r"\[")):
        Capacitance(**{key: value})


@pytest.mark.parametrize(("initialisation", "variance"), [("he", 2 / 400), ("glorot", 2 / (400 + 300))])
def test_the_probe_is_drawn_as_its_initialisation_says(initialisation: str, variance: float) -> None:
    measure = Capacitance(widths=[300, 50], probes=2, initialisation=initialisation)
    weight = measure._probe(Scene(3, 10, 400)).weight(1)
    assert weight.shape == (2, 300, 400) and float(weight.var()) == pytest.approx(variance, rel=0.02)
    assert (float(weight.abs().max()) <= (3 * variance) ** 0.5) == (initialisation == "glorot")  # uniform: bounded
