"""What a recipe adds to a training: a bound on the gradient, a bound on the images, one reading per pass."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from harness.schema import ADDED_LATER, NO_IDENTITY, BadInput, settings
from harness.train.recipe import Recipe
from harness.train.updates import Plain
from tests.conftest import tiny_images


@pytest.mark.parametrize("bound", [1e-3, 0.1, None, 1e9])
def test_an_update_is_of_a_gradient_no_longer_than_the_bound(bound: float | None) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Linear(5, 3))
    x, y = torch.randn(8, 3, 2, 2), torch.arange(8) % 3
    slopes = torch.autograd.grad(nn.functional.cross_entropy(model(x), y), list(model.parameters()))
    length = float(torch.cat([slope.ravel() for slope in slopes]).norm())
    factor = min(1.0, (bound or 1e9) / length)
    before = [weight.detach().clone() for weight in model.parameters()]
    Plain(model, torch.optim.SGD(model.parameters(), lr=1.0), "float32", torch.device("cpu"), bound)(x, y)
    for weight, start, slope in zip(model.parameters(), before, slopes, strict=True):
        torch.testing.assert_close(start - weight.detach(), factor * slope, rtol=1e-4, atol=1e-6)


def test_at_most_so_many_images_are_used_the_same_ones_in_their_order() -> None:
    images = tiny_images()
    limited = Recipe(epochs=1, train_images=10, valid_images=500).limited(images)
    again = Recipe(epochs=1, train_images=10).limited(images)
    assert len(limited.train[1]) == 10 and limited.valid[0] is images.valid[0] and limited.test[0] is images.test[0]
    assert np.array_equal(limited.train[0], again.train[0]) and limited.mean == images.mean
    whole = [image.tobytes() for image in images.train[0]]
    places = [whole.index(image.tobytes()) for image in limited.train[0]]
    assert places == sorted(places) and len(set(places)) == 10
    assert np.array_equal(limited.train[1], images.train[1][places])


def test_without_a_number_of_updates_a_network_is_observed_once_a_pass() -> None:
    assert Recipe(epochs=3, batch=10, observe_every=None).observed_steps(25) == [0, 3, 6, 9]


def test_a_rate_is_constant_or_falls_to_zero_as_a_cosine() -> None:
    constant, cosine = (Recipe(epochs=1, learning_rate=0.3, schedule=schedule) for schedule in ("constant", "cosine"))
    assert {constant.rate(step, 10) for step in range(10)} == {0.3}
    assert [cosine.rate(step, 10) for step in (0, 5, 10)] == pytest.approx([0.3, 0.15, 0.0])
    with pytest.raises(BadInput, match=r"^train.schedule: must be 'cosine' or 'constant' \(got 'step'\)"):
        Recipe(epochs=1, schedule="step")


@pytest.mark.parametrize(
    ("key", "value"), [("clip_norm", 0.0), ("clip_norm", float("inf")), ("train_images", 1), ("observe_every", 0)]
)
def test_a_wrong_value_is_one_line(key: str, value: float) -> None:
    with pytest.raises(BadInput, match=rf"^train\.{key}: must be "):
        Recipe(epochs=1, **{key: value})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Component:
    known: int = 1
    later: float | None = field(default=None, metadata=ADDED_LATER)
    several: list[int] = field(default_factory=lambda: [1], metadata=ADDED_LATER)
    place: str = field(default="here", metadata=NO_IDENTITY)


def test_identities_leave_out_places_and_what_came_later_while_it_has_its_default() -> None:
    assert set(settings(Component(place="there"))) == {"kind", "known"}
    assert settings(Component(later=2.0, several=[1, 2])) == {**settings(Component()), "later": 2.0, "several": [1, 2]}
    assert not {"clip_norm", "train_images"} & set(settings(Recipe(epochs=1)))
