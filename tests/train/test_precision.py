"""The arithmetic of a training: what changes with it, and what does not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from harness.runs.campaign import Campaign
from harness.schema import BadInput, Scene
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.precision import arithmetic
from harness.train.recipe import Recipe

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
RECIPE = Recipe(steps=6, batch=20, observe_every=3, measure_images=8)


@dataclass(frozen=True)
class Precise:
    """Notes whether what it is shown computes in float32."""

    columns: tuple[str, ...] = ("precise",)

    def observer(self, scene: Scene):
        def observe(model, batch, step):
            tensors = [*model.parameters(), batch[0], model(batch[0])]
            return {"precise": float(all(tensor.dtype == torch.float32 for tensor in tensors))}

        return observe


def table(bench, images, recipe):
    architecture = bench.architecture(CELL)
    measures = {"precise": Precise()}
    return train(
        TrainingJob(architecture, lambda: bench.build(architecture, images), images, recipe, measures, 0)
    ).table


def test_bfloat16_changes_the_losses_a_little_and_measures_still_see_float32(bench, images) -> None:
    exact, rough = (table(bench, images, replace(RECIPE, precision=p)) for p in ("float32", "bfloat16"))
    for column in ("train_loss", "valid_loss"):
        a, b = exact[column].to_numpy(), rough[column].to_numpy()
        known = np.isfinite(a)
        assert not np.array_equal(a[known], b[known])
        np.testing.assert_allclose(a[known][:2], b[known][:2], rtol=0.1)
    assert (exact["precise"] == 1).all() and (rough["precise"] == 1).all()


def test_the_precision_is_part_of_what_names_a_trace(bench, images) -> None:
    campaign = Campaign(bench, images, "", RECIPE, {}, "run", "cpu", "torch")
    other = replace(campaign, recipe=replace(RECIPE, precision="bfloat16"))
    architecture = bench.architecture(CELL)
    assert campaign.key(architecture, 0) != other.key(architecture, 0)


def test_an_unknown_precision_is_refused_by_key() -> None:
    with pytest.raises(BadInput, match=r"train\.precision: must be 'float32' or 'tf32' or 'bfloat16' \(got 'half'"):
        replace(RECIPE, precision="half")


def test_tensor_float_is_refused_where_there_is_none() -> None:
    with (
        pytest.raises(BadInput, match=r"train\.precision: must be 'tf32' on a CUDA device only"),
        arithmetic("tf32", torch.device("cpu")),
    ):
        pass


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_on_cuda_torch_s_own_switches_are_set_inside_and_put_back(precision: str) -> None:
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [switch.allow_tf32 for switch in switches]
    with arithmetic(precision, torch.device("cuda")):
        assert [switch.allow_tf32 for switch in switches] == [precision == "tf32"] * 2
    assert [switch.allow_tf32 for switch in switches] == before
