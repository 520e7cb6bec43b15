"""Threads share the sums of one product, so that they decide the last bits of a training."""

from __future__ import annotations

from dataclasses import replace

import torch

from harness.runs.campaign import Campaign
from harness.train.process import prepare
from harness.train.recipe import Recipe
from tests.conftest import tiny_images


def test_threads_belong_to_the_key_on_a_cpu_alone(bench) -> None:
    one = Campaign(bench, tiny_images(), "f", Recipe(steps=1), {}, "run", "cpu", "torch")
    two = replace(one, threads=2)
    assert one.key("a", 0) != two.key("a", 0)
    assert replace(one, device="cuda:0").key("a", 0) == replace(two, device="cuda:0").key("a", 0)


def test_each_training_has_the_threads_of_its_key_whatever_ran_before() -> None:
    try:
        for threads in (1, 2, 1):
            prepare(threads)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(1)
