"""Updates that a device makes by itself: batches are cut there, and one recorded graph is replayed for each update."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.train.batches import Draw
from harness.train.gpu import layout_of
from harness.train.lane import Graph, Lane, Mark
from harness.train.recipe import Recipe
from harness.train.tally import Outcome, hits, means
from harness.train.updates import Plain, endless, scores_of, sgd

LONGEST = 256
"""Updates whose batches are sent to the device at a time."""

EAGER = 1
"""Updates of one size of batch that are made before one is recorded: they make what is made once, such as momenta."""


class DeviceUpdates:
    """The updates of `Updates` on a GPU, launched ahead of the device, with the same batches.

    Which images make up the next updates is drawn on the CPU as for every device, and sent in one copy from pinned
    memory. An update reads its row of that table and its learning rate, cuts and mirrors the batch from the images on
    the device, trains, and writes loss and hits into its place of a list; a counter on the device moves on to the next
    place. So the recorded update needs nothing from the CPU but to be launched. There is one recording for each size of
    batch: that of the last batch of a pass is another one.

    Where recording fails, these updates are made one by one on the same device, with one line on stderr that says so;
    `eager` is why.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, generator: torch.Generator, lane: Lane) -> None:
        self.model, self.recipe, self.lane, self.data = model, recipe, lane, lane.images.training()
        self.eager = lane.eager
        self.layout = layout_of(model, lane.device)
        self.horizon = recipe.annealing_steps(len(self.data))
        self.draws = endless(self.data, recipe.batch, generator)
        self.table = Table(min(LONGEST, max(1, recipe.total_steps(len(self.data)))), recipe.batch, lane.device)
        self.rate = torch.zeros((), device=lane.device)
        optimizer = sgd(model, recipe, self.rate)
        self.act = Plain(model, optimizer, recipe.precision, lane.device, recipe.clip_norm)
        self.graphs: dict[int, Graph] = {}
        self.eager_updates: dict[int, int] = {}
        self.launched: list[int] = []
        self.losses: list[float] = []
        self.images: list[int] = []
        self.right, self.seconds = 0, 0.0
        self.marks: tuple[Mark, Mark] | None = None

    def advance(self, steps: range) -> None:
        """Launch the updates of these numbers; the device may still be at work on the last of them."""
        longest = len(self.table.losses)
        for first in range(0, len(steps), longest):
            self._collect()
            self._launch(steps[first : first + longest])

    def outcome(self, step: int) -> Outcome:
        """What the updates since the last call left, up to `step`; waits for them."""
        self._collect()
        diverged, values = means(step, self.losses, self.right, self.images)
        seconds, self.losses, self.images = self.seconds, [], []
        self.right, self.seconds = 0, 0.0
        return diverged, values, seconds

    def scores(self, images: Tensor) -> Tensor:
        """As `Updates.scores`."""
        return scores_of(self.model, images, self.recipe.precision, self.lane.device)

    def _launch(self, steps: Sequence[int]) -> None:
        begin = self.lane.mark()
        drawn = [next(self.draws) for _ in steps]
        self.table.send(drawn, [self.recipe.rate(step, self.horizon) for step in steps])
        for each in drawn:
            self._update(len(each.rows))
        self.launched = [len(each.rows) for each in drawn]
        self.marks = begin, self.lane.mark()

    def _update(self, batch: int) -> None:
        """One update of a batch of this size: recorded once it was made eagerly, replayed from then on."""
        if batch not in self.graphs and not self.eager and self.eager_updates.get(batch, 0) >= EAGER:
            self._record(batch)
        if batch in self.graphs:
            self.graphs[batch].replay()
            return
        self._make(batch)
        self.eager_updates[batch] = self.eager_updates.get(batch, 0) + 1

    def _record(self, batch: int) -> None:
        try:
            self.graphs[batch] = self.lane.record(lambda: self._make(batch))
        except RuntimeError as error:
            self.eager = (str(error).splitlines() or [type(error).__name__])[0]
            print(
                f"engine.device: a network on {self.lane.device} trains without CUDA graphs: {self.eager}",
                file=sys.stderr,
            )
            self.act.optimizer.zero_grad(set_to_none=True)

    def _make(self, batch: int) -> None:
        drawn, rate = self.table.next(batch)
        self.rate.copy_(rate)
        x, y = self.data.take(drawn)
        loss, logits = self.act(x.contiguous(memory_format=self.layout), y)
        self.table.store(loss, hits(logits, y))

    def _collect(self) -> None:
        """Wait for what was launched, and keep its losses and hits."""
        if self.marks is None:
            return
        losses, right = self.table.stored(len(self.launched))
        begin, end = self.marks
        self.losses, self.images = self.losses + losses, self.images + self.launched
        self.right, self.seconds = self.right + right, self.seconds + begin.elapsed_time(end) / 1000
        self.launched, self.marks = [], None


class Table:
    """Draws and rates of some updates on the device, their losses and hits, and the place of the next one."""

    def __init__(self, updates: int, batch: int, device: torch.device) -> None:
        pinned = device.type == "cuda"
        self.sheet = torch.zeros(updates, 4, batch, dtype=torch.int64, pin_memory=pinned)
        self.rates_here = torch.zeros(updates, pin_memory=pinned)
        self.draws, self.rates = self.sheet.to(device), self.rates_here.to(device)
        self.place = torch.zeros(1, dtype=torch.int64, device=device)
        self.losses = torch.zeros(updates, device=device)
        self.right = torch.zeros(updates, dtype=torch.int64, device=device)

    def send(self, drawn: Sequence[Draw], rates: Sequence[float]) -> None:
        """Write what the next updates read; those before must have been waited for."""
        for sheet, draw in zip(self.sheet, drawn, strict=False):
            batch = len(draw.rows)
            sheet[0, :batch], sheet[1:3, :batch], sheet[3, :batch] = draw.rows, draw.corner, draw.mirrored
        self.rates_here[: len(rates)] = torch.tensor(rates)
        self.draws[: len(drawn)].copy_(self.sheet[: len(drawn)], non_blocking=True)
        self.rates[: len(rates)].copy_(self.rates_here[: len(rates)], non_blocking=True)
        self.place.zero_()

    def next(self, batch: int) -> tuple[Draw, Tensor]:
        """The draw of this many images and the rate at the present place."""
        row = self.draws.index_select(0, self.place)[0, :, :batch]
        return Draw(row[0], row[1:3], row[3].bool()), self.rates.index_select(0, self.place)[0]

    def store(self, loss: Tensor, right: Tensor) -> None:
        """Write the loss and the hits of the present place, and move on to the next."""
        self.losses.index_copy_(0, self.place, loss.reshape(1))
        self.right.index_copy_(0, self.place, right.reshape(1))
        self.place += 1

    def stored(self, updates: int) -> tuple[list[float], int]:
        """The losses of this many updates and all their hits; waits for them."""
        return self.losses[:updates].tolist(), sum(self.right[:updates].tolist())
