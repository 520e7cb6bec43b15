"""Passes by the compiled step that measures read: the mathematics of autograd, and nothing of the network moves."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional

from harness.measures import az_nas, passes
from harness.measures.capacitance import Capacitance
from harness.measures.fisher import Fisher
from harness.measures.jacobian_covariance import JacobianCovariance
from harness.measures.loss_gradient import LossGradient
from harness.measures.naswot import Naswot, agreements, kernel
from harness.measures.zico import ZiCo
from harness.schema import Scene, Shared
from harness.train.batches import Draw
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.native import library as compiled
from harness.train.native.library import library
from harness.train.native.passes import Passes
from harness.train.native.program import Descent, Program
from harness.train.recipe import Recipe
from tests.train.native_networks import CELLS, EVERY_OPERATION, MERGED, OF_ZEROS, SKIPS, blurred, network

pytestmark = pytest.mark.skipif(compiled.compiler() is None, reason="needs a C compiler: cc, gcc or clang")

COUNT = 21  # more than a vector holds, and no multiple


class Seen:
    """A network with BatchNorms that are not at their initial values, its compiled passes, and a batch."""

    def __init__(self, text: str) -> None:
        self.model = model = blurred(network(text))
        flow = model.dataflow()
        assert flow is not None
        self.program = Program(library("double"), flow, 8, 32, torch.float64)
        self.passes = Passes(self.program, dict(model.named_parameters()))
        images = torch.randn(COUNT, 8, 8, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        self.batch = images.permute(0, 3, 1, 2), torch.arange(COUNT) % 5


@pytest.fixture(params=CELLS)
def seen(request) -> Seen:
    return Seen(request.param)


def close(a, b) -> None:
    torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)


def test_logits_features_and_gradients_are_those_of_autograd(seen) -> None:
    made = seen.passes.forward(seen.batch[0])
    other = copy.deepcopy(seen.model)
    logits = other(seen.batch[0])
    close(made.logits, logits.detach())
    close(made.features(), copy.deepcopy(seen.model).features(seen.batch[0]).detach())
    functional.cross_entropy(logits, seen.batch[1]).backward()
    found = made.slopes(seen.batch[1]).weights
    assert set(found) == dict(other.named_parameters()).keys()
    for name, weight in other.named_parameters():
        close(found[name], torch.zeros_like(weight) if weight.grad is None else weight.grad)


def test_saliences_are_the_sums_of_output_times_gradient_of_every_channel(seen) -> None:
    mine = seen.passes.forward(seen.batch[0]).slopes(seen.batch[1]).saliences
    theirs = passes.loss_slopes(Shared(), copy.deepcopy(seen.model), seen.batch, COUNT).saliences

    def sums(saliences):
        return torch.tensor([fan * float(each.square().sum()) for fan, each in saliences]).double().sum()

    close(sums(mine), sums(theirs))
    assert max(each.shape[0] for _, each in mine) == COUNT


def test_codes_are_those_of_the_rectifiers(seen) -> None:
    mine = agreements(seen.passes.forward(seen.batch[0]).codes(), seen.batch[0])
    assert (mine == kernel(copy.deepcopy(seen.model), seen.batch[0])).all()


def test_slopes_of_the_images_are_those_of_autograd(seen) -> None:
    images = seen.batch[0].clone().requires_grad_()
    copy.deepcopy(seen.model)(images).sum().backward()
    wanted = torch.zeros_like(images) if images.grad is None else images.grad
    close(seen.passes.forward(seen.batch[0]).image_slopes(), wanted.flatten(1))


def test_blocks_send_back_what_autograd_does(seen) -> None:
    model = copy.deepcopy(seen.model)
    theirs = az_nas.by_autograd(model.stem, model.body, seen.batch[0], torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    mine = seen.passes.forward(seen.batch[0]).block_slopes(lambda s: az_nas._signs(s, generator).double())
    if mine is None:
        assert any(block.arrived is None for block in theirs[1:])
        return
    for one, other in zip(mine, theirs, strict=True):
        for a, b in ((one.output, other.output), (one.sent, other.sent), (one.arrived, other.arrived)):
            assert (a is None) == (b is None)
            if a is not None:
                close(a, b)


def test_nothing_of_the_network_moves_and_the_next_update_is_the_same(seen) -> None:
    other = Seen(EVERY_OPERATION)
    once = Seen(EVERY_OPERATION)
    update(other), update(once)
    before = copy.deepcopy(once.model.state_dict())
    made = once.passes.forward(once.batch[0] * 1e200)  # statistics that are not finite
    made.slopes(once.batch[1])
    made = once.passes.forward(once.batch[0])
    made.slopes(once.batch[1]), made.image_slopes(), made.codes(), made.features()
    made.block_slopes(torch.ones)
    assert all(torch.equal(a, b) for a, b in zip(once.model.state_dict().values(), before.values(), strict=True))
    update(other), update(once)
    for a, b in zip(once.model.state_dict().values(), other.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def update(seen: Seen) -> None:
    none = torch.zeros(2, COUNT, dtype=torch.long)
    draw = Draw(torch.arange(COUNT), none, none[0].bool())
    images = seen.batch[0].permute(0, 2, 3, 1).contiguous()
    seen.program.update(images, draw, seen.batch[1], Descent(0.1, 0.9, True, 5e-4))


def test_a_pass_is_made_again_where_another_has_used_the_memory() -> None:
    seen = Seen(EVERY_OPERATION)
    first = seen.passes.forward(seen.batch[0])
    wanted = first.features(), first.image_slopes(), first.slopes(seen.batch[1]).weights["stem.0.weight"]
    for disturb in (
        lambda: seen.passes.forward(seen.batch[0][:7]).features(),
        lambda: seen.program.scores(seen.batch[0]),
        lambda: first.block_slopes(torch.ones),
    ):
        disturb()
        found = first.features(), first.image_slopes(), first.slopes(seen.batch[1]).weights["stem.0.weight"]
        assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_it_reads_only_what_it_has_room_for(seen) -> None:
    images = seen.batch[0]
    assert seen.passes.reads(images)
    for other in (images.float(), images[:, :1], images[:, :, :4, :4], images.repeat(2, 1, 1, 1), images[:0]):
        assert not seen.passes.reads(other)


MEASURES = [
    Capacitance(images=20),
    Fisher(images=16),
    JacobianCovariance(images=16),
    LossGradient(images=16),
    Naswot(images=16),
    ZiCo(images=16),
    az_nas.AzNas(images=16),
]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: type(measure).__name__)
@pytest.mark.parametrize("text", [MERGED, OF_ZEROS, SKIPS])  # of a dead network ZiCo reads rounding alone
def test_a_measure_reads_the_same_of_compiled_passes_as_of_torch(measure, text: str) -> None:
    seen = Seen(text)
    used = []
    forward = seen.passes.forward
    seen.passes.forward = lambda images: used.append(len(images)) or forward(images)
    found = [
        measure.observer(Scene(0, 5, 16, Shared(keeps=True, compiled=each)))(
            copy.deepcopy(seen.model), tuple(part.clone() for part in seen.batch), 0
        )
        for each in (seen.passes, None)
    ]
    assert used
    for column in measure.columns:
        a, b = (torch.as_tensor(each[column], dtype=torch.float64) for each in found)
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-8, equal_nan=True, msg=lambda t, c=column: f"{c}: {t}")


def test_a_training_by_the_compiled_step_is_measured_by_it(bench, images, monkeypatch) -> None:
    used = []
    forward = Passes.forward
    monkeypatch.setattr(Passes, "forward", lambda self, shown: used.append(len(shown)) or forward(self, shown))
    architecture = bench.architecture(EVERY_OPERATION)
    tables = [
        train(
            TrainingJob(
                architecture, lambda: bench.build(architecture, images), images,
                Recipe(steps=2, batch=16, observe_every=1, measure_images=16), {"fisher": Fisher(images=12)}, 0,
                kernels=kernels,
            )
        ).table
        for kernels in ("native_watch", "native")
    ]  # fmt: skip
    assert used == [12, 12]  # observations 0 and 2 of the first
    assert tables[0]["fisher"][0] == pytest.approx(tables[1]["fisher"][0], rel=1e-2)
    for column in ("train_loss", "valid_loss"):  # the training itself has the same bits
        assert list(tables[0][column].dropna()) == list(tables[1][column].dropna())


def test_a_network_without_blocks_sends_nothing_back() -> None:
    seen = Seen(EVERY_OPERATION)
    seen.program.flow.blocks.clear()
    assert seen.passes.forward(seen.batch[0]).block_slopes(torch.ones) is None
