"""A brief training of any network on the batches of a loader, observed."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from torch import Tensor

from harness.schema import Trace, demand, seed_of
from harness.train.adapter import HeadedNetwork
from harness.train.observatory import untouched_randomness
from harness.train.recipe import Recipe
from harness.train.tracker import NetworkTracker, on_device
from harness.train.updates import Plain, sgd

Loader = Iterable[tuple[Tensor, Tensor]]


def train_on(loader: Loader, recipe: Recipe, tracker: NetworkTracker) -> Trace:
    """The trace of a brief training: a copy of the tracker's network is trained for the steps of the recipe.

    SGD as in `Recipe`, in the network's own precision and with its dropout, on the loader's batches of images (B, ...)
    and labels (B,); the loader is read again where it ends. Its first batch is the one that is measured, before any
    update. Everything that is drawn follows from the tracker's seed, an order of the loader too if it has no generator
    of its own. The network and the global random states are left as they were. Raises BadInput.
    """
    original = tracker.network
    with untouched_randomness():
        torch.manual_seed(seed_of(tracker.seed, "track"))
        tracker.network = copy.deepcopy(original).train()
        try:
            _train(loader, recipe, tracker)
            return tracker.trace()
        finally:
            tracker.network = original


def _train(loader: Loader, recipe: Recipe, tracker: NetworkTracker) -> None:
    model = HeadedNetwork(tracker.network, None)
    steps = recipe.steps or 0
    device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
    horizon = recipe.annealing_steps(1)
    optimizer = sgd(model, recipe, recipe.learning_rate) if steps else None
    for step, batch in enumerate(islice(_endless(loader), max(steps, 1))):
        images, labels = on_device(batch, model)
        if step == 0:
            tracker.observe((images, labels), 0)
        if optimizer is None:
            break
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(step, horizon)
        loss, logits = Plain(model, optimizer, recipe.precision, device, recipe.clip_norm)(images, labels)
        right = 100 * (logits.argmax(-1) == labels).float().mean()
        tracker.observe((images, labels), step + 1, loss, right)
        if tracker.diverged is not None:
            break


def _endless(loader: Loader) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        empty = True
        for batch in loader:
            empty = False
            yield batch
        demand(not empty, "loader", "an iterable of batches that can be read again", "no batch")
