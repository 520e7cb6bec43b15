"""What an engine does on a real card with a training that breaks it, and with one that cannot be recorded."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from harness.datasets.digits import Digits
from harness.processes.workers import OneMachine
from harness.runs.campaign import Campaign
from harness.runs.engine import Engine
from harness.runs.train_many import train_missing
from harness.schema import Architecture, ImageSet
from harness.storage.traces import TraceStore
from harness.train.recipe import Recipe
from perf.gpu_site import Cells, Note, Site


class Spoiling(nn.Module):
    """A network that reads a place that is not there, or asks the device for a number, at each forward pass."""

    def __init__(self, inner: nn.Module, how: str) -> None:
        super().__init__()
        self.inner, self.head, self.how = inner, inner.head, how

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Those of the network."""
        return self.inner.features(images)  # type: ignore[operator, no-any-return]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.how == "breaks" and self.training:
            images = images + images.flatten()[torch.tensor([images.numel() + 7], device=images.device)]
        if self.how == "asks":
            images.sum().item()
        return self.inner(images)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Spoilt(Cells):
    """Networks of which the second breaks the card's context and the fourth cannot be recorded."""

    kind: ClassVar[str] = "perf/spoilt"

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        names = [a.name for a in self.sample(6)]
        how = {names[1]: "breaks", names[3]: "asks"}.get(architecture.name)
        inner = super().build(architecture, images)
        return Spoiling(inner, how) if how else inner


def recovery(site: Site, note: Note) -> None:
    """Six trainings through the engine: one breaks the context, one cannot be recorded, four must not notice."""
    bench, images = Spoilt(), Digits().load()
    engine = Engine(device="cpu" if site.dry else "cuda:0")
    campaign = Campaign(
        bench,  # type: ignore[arg-type]  # what a training asks of one
        images,
        images.fingerprint(),
        Recipe(steps=16, batch=64),
        {},
        "run",
        engine.device,
        "torch",
        gpu=engine.gpu_type(),
    )
    drawn = bench.sample(6)
    if site.dry:
        drawn = [a for place, a in enumerate(drawn) if place != 1]
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(said):
        store = TraceStore(Path(folder))
        begin = time.perf_counter()
        failures = train_missing(
            campaign, [(a, 0) for a in drawn], store, OneMachine(), lambda done, total: None, engine.cards
        )
        note("s", round(time.perf_counter() - begin, 1))
        note("failures", [failure.reason for failure in failures])
        note("stored", [campaign.key(a.name, 0) in store for a in drawn])
        note("made_with", store.made_with([campaign.key(a.name, 0) for a in drawn]))
    note("lines", said.getvalue().splitlines())
