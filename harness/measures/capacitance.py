"""Neural capacitance: beta_eff of a random probe on the features of a network in training.

Jiang et al., "Network properties determine neural network performance" (arXiv 2201.04194; Nat. Commun. 15:5718, 2024):
training is a dynamical system on the line graph whose nodes are the weights; with its coupling matrix P,
delta_in = P 1 and delta_out = 1' P, the mean field gives beta_eff = (delta_out . delta_in) / (1' delta_in). The neural
capacitance probe (NCP) is a randomly initialised, frozen multi-layer unit that replaces the output layer, and P is
that of the probe only. The entries of P are [derived] for this project, see docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import inf, sqrt
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import ADDED_LATER, Observer, Scene, demand

from .passes import compiled

ACTIVATIONS = ("relu", "tanh")
INITIALISATIONS = ("he", "glorot")


@dataclass(frozen=True)
class Capacitance:
    """Neural capacitance beta_eff of a frozen random probe on the features (Jiang et al. 2022, arXiv 2201.04194).

    Mean and standard deviation over `probes` random probes, shared by all architectures.
    `mode`: "detached", the network trains with an ordinary linear head and the probe only reads the features; "head",
    as in the paper, the frozen probe is the head and the network trains through it (through the mean loss of all
    probes). `coupling`: "absolute" uses |P|, "signed" uses P. `output_delta`: "softmax" uses p - y, which sums to 0
    over the classes; "diagonal" the element-wise dC/da s'(z), which does not. `widths` are those of the hidden layers:
    the numerator needs at least three weight layers, four where it is signed with softmax: with three it is 0 but for
    rounding, which is nan here, with that reason. `normalise` divides each image's features by their root mean
    square, so that a detached probe does not read their scale; without it the features are multiplied by `scale`, to
    test the influence of the scale. Only the first `images` of the batch are read (None: all), with their own BatchNorm
    statistics. `every`: observations between two readings. `initialisation` of the probe: "he" is normal with variance
    2 / n_in (1 / n_in for tanh), "glorot" uniform with variance 2 / (n_in + n_out); the paper says "randomly
    initialised". Time scale alpha = 1. nan where the denominator is 0 or not finite. Lower means closer to convergence.
    """

    kind: ClassVar[str] = "measure/capacitance"

    mode: str = "detached"
    coupling: str = "absolute"
    output_delta: str = "softmax"
    activation: str = "relu"
    widths: list[int] = field(default_factory=lambda: [256, 128])
    probes: int = 4
    normalise: bool = True
    column: str = "beta_eff"
    every: int = 1
    images: int | None = None
    scale: float = 1.0
    initialisation: str = field(default="he", metadata=ADDED_LATER)

    family: ClassVar[str] = "capacitance"

    def __post_init__(self) -> None:
        choices = {
            "mode": ("detached", "head"),
            "coupling": ("absolute", "signed"),
            "output_delta": ("softmax", "diagonal"),
            "activation": ACTIVATIONS,
            "initialisation": INITIALISATIONS,
        }
        for key, values in choices.items():
            value = getattr(self, key)
            demand(value in values, f"measure.capacitance.{key}", " or ".join(map(repr, values)), value)
        demand(
            len(self.widths) >= 2 and min(self.widths) >= 1,
            "measure.capacitance.widths",
            "a list of at least two widths of at least 1 (the numerator needs three weight layers)",
            self.widths,
        )
        demand(self.every >= 1, "measure.capacitance.every", "at least 1", self.every)
        demand(self.probes >= 1, "measure.capacitance.probes", "at least 1", self.probes)
        demand(
            self.images is None or self.images >= 2, "measure.capacitance.images", "at least 2 (or null)", self.images
        )
        demand(0 < self.scale < inf, "measure.capacitance.scale", "a finite number above 0", self.scale)
        demand(
            self.scale == 1 or not self.normalise,
            "measure.capacitance.scale",
            "1 if normalise is true (which removes any scale)",
            self.scale,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, f"{self.column}_sd")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads beta_eff of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float | np.ndarray]:
            if self.degenerate:
                raise ArithmeticError(self.degenerate)
            images, labels = batch[0][: self.images], batch[1][: self.images]
            made = compiled(scene.shared, batch, self.images)
            with torch.no_grad():
                features: Tensor = model.features(images) if made is None else made.features()  # type: ignore[operator]
                values = self.read(self._frozen(scene, features), features, labels)
            finite = values[torch.isfinite(values)]
            mean = float(finite.mean()) if len(finite) else float("nan")
            spread = float(finite.std()) if len(finite) > 1 else float("nan")
            return {self.column: mean, f"{self.column}_sd": spread}

        return observe

    @property
    def degenerate(self) -> str:
        """Why these settings give no number, for any network; empty where they do."""
        if self.coupling == "signed" and self.output_delta == "softmax" and len(self.widths) == 2:
            return (
                "the signed beta_eff of three weight layers is 0 with output_delta=softmax, whose sum over the classes "
                "is 0; use output_delta=diagonal, coupling=absolute or a third hidden layer"
            )
        return ""

    @property
    def replaces_head(self) -> bool:
        """Whether the network is trained through the probe."""
        return self.mode == "head"

    def head(self, scene: Scene) -> nn.Module | None:
        """The module that replaces the network's head in training, or None."""
        return self._probe(scene) if self.replaces_head else None

    def read(self, probe: Probe, features: Tensor, labels: Tensor) -> Tensor:
        """beta_eff (K,) of K probes on features (B, n_0) with labels (B,), in the features' precision.

        The signed form, whose terms nearly cancel, is computed in float64. nan for the settings that `degenerate`
        names.
        """
        if self.degenerate:
            return torch.full((len(probe.weight(1)),), float("nan"))
        states = probe.states(features, self._precision(features))
        deltas = probe.deltas(states, labels, self.output_delta)
        return beta_eff(states.activations, states.slopes, deltas, self.coupling)

    def _precision(self, features: Tensor) -> torch.dtype:
        return torch.float64 if self.coupling == "signed" else features.dtype

    def _probe(self, scene: Scene) -> Probe:
        return Probe(*self._drawn_as(scene))

    def _frozen(self, scene: Scene, features: Tensor) -> Probe:
        """The same, which all trainings of this process may share, for reading such features."""
        return _frozen(*self._drawn_as(scene), self._precision(features), features.device)

    def _drawn_as(self, scene: Scene) -> tuple[tuple[int, ...], int, Form, int]:
        sizes = (scene.features, *self.widths, scene.classes)
        form = Form(self.activation, self.normalise, self.scale, self.initialisation)
        return sizes, self.probes, form, scene.probe_seed


@dataclass(frozen=True)
class Form:
    """How a probe computes: its activation, what becomes of its features, how its weights are drawn."""

    activation: str = "relu"
    normalise: bool = True
    scale: float = 1.0
    initialisation: str = "he"


@dataclass(frozen=True)
class States:
    """Forward values of L dense layers: a^0 .. a^(L-1) and s'^1 .. s'^(L-1), each (K, B, n), and logits z^L."""

    activations: list[Tensor]
    slopes: list[Tensor]
    logits: Tensor


class Probe(nn.Module):
    """K frozen random multi-layer units of `sizes` n_0 .. n_L, evaluated in parallel.

    Weights are drawn as `Capacitance.initialisation` says, biases are 0 [derived: the paper says "randomly
    initialised"]. They are buffers: no optimiser updates them, the gradient passes through. Features are normalised, or
    else multiplied by the form's scale.
    """

    def __init__(self, sizes: tuple[int, ...], probes: int, form: Form, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.activation, self.normalise, self.scale = form.activation, form.normalise, form.scale
        self.depth = len(sizes) - 1
        for layer, (before, after) in enumerate(pairwise(sizes), start=1):
            self.register_buffer(f"weight_{layer}", _drawn((probes, after, before), form, generator))

    def weight(self, layer: int) -> Tensor:
        """W^l of every probe, (K, n_l, n_(l-1)) in float64."""
        weight: Tensor = getattr(self, f"weight_{layer}")
        return weight

    def forward(self, features: Tensor) -> Tensor:
        """Logits (K, B, classes) of features (B, n_0), in the features' precision."""
        return self.states(features, features.dtype).logits

    def states(self, features: Tensor, precision: torch.dtype = torch.float64) -> States:
        """The values of the forward pass that the closed form needs, in `precision`."""
        first = features.to(precision)
        per_image = (first.square().mean(1, keepdim=True) + 1e-12).rsqrt()  # 1e-12: features may be all 0
        first = first * (per_image if self.normalise else self.scale)
        activations, slopes = [first.expand(len(self.weight(1)), -1, -1)], []
        for layer in range(1, self.depth):
            z = activations[-1] @ self.weight(layer).to(precision).mT
            activations.append(z.relu() if self.activation == "relu" else z.tanh())
            slopes.append((z > 0).to(precision) if self.activation == "relu" else 1 - activations[-1].square())
        return States(activations, slopes, activations[-1] @ self.weight(self.depth).to(precision).mT)

    def deltas(self, states: States, labels: Tensor, output_delta: str) -> list[Tensor]:
        """d^1 .. d^L of the cross-entropy, each (K, B, n): d^l = s'^l * (W^(l+1)' d^(l+1))."""
        p = states.logits.softmax(-1)
        y = functional.one_hot(labels, p.shape[-1]).to(p.dtype)
        deltas = [p - y if output_delta == "softmax" else -y * (1 - p)]
        for layer in range(self.depth - 1, 0, -1):
            deltas.insert(0, states.slopes[layer - 1] * (deltas[0] @ self.weight(layer + 1).to(p.dtype)))
        return deltas


@lru_cache(maxsize=4)
def _frozen(
    sizes: tuple[int, ...], probes: int, form: Form, seed: int, precision: torch.dtype, device: torch.device
) -> Probe:
    """The probe with its weights in `precision`, as `Probe.states` would convert them at every call."""
    return Probe(sizes, probes, form, seed).to(device, precision)


def _drawn(shape: tuple[int, int, int], form: Form, generator: torch.Generator) -> Tensor:
    """Weights (K, n_l, n_(l-1)) of one layer, in float64."""
    _, after, before = shape
    if form.initialisation == "glorot":
        uniform = torch.rand(shape, generator=generator, dtype=torch.float64)
        return (2 * uniform - 1) * sqrt(6 / (before + after))
    gain = 2.0 if form.activation == "relu" else 1.0
    return torch.randn(shape, generator=generator, dtype=torch.float64) * sqrt(gain / before)


def beta_eff(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor], coupling: str) -> Tensor:
    """beta_eff (K,) of L consecutive dense layers, by the closed form [derived, docs/methods.md, "P of a mini-batch"].

        Din^l  = -(1/B) [s'^l S^(l+1)]' a^(l-1)      l = 1 .. L-1,  S^l = sum_k d_k^l
        Dout^l = -(1/B) [d^l]' [s'^(l-1) A^(l-2)]    l = 2 .. L,    A^l = sum_j a_j^l
        beta_eff = sum_l <Din^l, Dout^l> / sum_l sum Din^l

    `activations` a^0 .. a^(L-1), `slopes` s'^1 .. s'^(L-1) and `deltas` d^1 .. d^L are (K, B, n); alpha = 1, P is the
    mean over the B images, of |P| where `coupling` is "absolute". nan where the denominator is 0 or not finite.
    """
    if coupling == "absolute":
        activations, slopes, deltas = ([x.abs() for x in xs] for xs in (activations, slopes, deltas))
        sign = 1.0
    else:
        sign = -1.0
    scale = sign / activations[0].shape[-2]
    numerator, denominator = torch.zeros(()), torch.zeros(())
    for layer in range(1, len(deltas)):
        passed = slopes[layer - 1] * deltas[layer].sum(-1, keepdim=True)
        into = scale * (passed.mT @ activations[layer - 1])
        denominator = denominator + into.sum((-2, -1))
        if layer >= 2:
            before = slopes[layer - 2] * activations[layer - 2].sum(-1, keepdim=True)
            out = scale * (deltas[layer - 1].mT @ before)
            numerator = numerator + (into * out).sum((-2, -1))
    usable = (denominator != 0) & denominator.isfinite() & numerator.isfinite()
    return torch.where(usable, numerator / denominator, float("nan"))
