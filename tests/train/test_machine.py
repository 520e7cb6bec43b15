"""What a trace names of the machine, and what the key of a training on a GPU holds; with stand-ins for cards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.processes.workers import OneMachine
from harness.runs.campaign import Campaign
from harness.runs.engine import Engine
from harness.runs.train_many import train_missing
from harness.schema import BadInput
from harness.storage.traces import TraceStore
from harness.train.machine import gpu_type, machine_facts
from harness.train.recipe import Recipe
from tests.conftest import tiny_images

CARDS = ["NVIDIA H100", "NVIDIA L4"]


@pytest.fixture
def cards(monkeypatch):
    """A machine with two cards of different types."""
    machine_facts.cache_clear()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(CARDS))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: CARDS[torch.device(device).index or 0])
    yield CARDS
    machine_facts.cache_clear()


def test_a_trace_of_a_cpu_names_versions_machine_type_instructions_and_model() -> None:
    facts = machine_facts("cpu")
    assert list(facts) == ["harness", "torch", "numpy", "computed_on", "processor"]
    assert facts["torch"] == torch.__version__ and facts["numpy"] == np.__version__
    assert facts["computed_on"].endswith(torch.backends.cpu.get_cpu_capability()) and facts["processor"]


def test_a_trace_of_a_gpu_names_its_type_and_the_libraries(cards) -> None:
    facts = machine_facts("cuda:1")
    assert facts["computed_on"] == "NVIDIA L4"
    assert {"cuda", "cudnn", "torch"} <= set(facts)
    assert gpu_type("cuda:1") == f"NVIDIA L4, torch {torch.__version__}"


def test_the_key_of_a_gpu_is_of_its_type_and_one_of_a_cpu_names_none(cards, bench) -> None:
    campaign = Campaign(bench, tiny_images(), "f", Recipe(steps=1), {}, "run", "cpu", "torch", gpu=Engine().gpu_type())
    assert "gpu" not in campaign.key("a", 0).content()
    there = [Engine(device=device) for device in ("cuda", "cuda:0", "cuda:1")]
    one, same, other = (replace(campaign, device=engine.device, gpu=engine.gpu_type()).key("a", 0) for engine in there)
    assert one == same != other
    assert other.content()["gpu"] == f"NVIDIA L4, torch {torch.__version__}"


def test_without_the_device_a_run_is_refused_but_for_stored_traces_of_a_named_gpu(tmp_path, bench) -> None:
    with pytest.raises(BadInput, match=r"^engine\.device: must be a device of this machine \(cpu\) \(got 'cuda'\)"):
        Engine(device="cuda").gpu_type()
    elsewhere = "NVIDIA H100, torch 2.11.0"
    assert Engine(device="cuda", gpu=elsewhere).gpu_type() == elsewhere


def test_missing_traces_of_another_gpu_are_not_trained_on_this_one(cards, tmp_path, bench) -> None:
    engine = Engine(device="cuda", gpu="NVIDIA A100, torch 2.11.0")
    campaign = Campaign(bench, tiny_images(), "f", Recipe(steps=1), {}, "run", "cuda", "torch", gpu=engine.gpu_type())
    wanted = [(bench.sample(1, 0)[0], 0)]
    with pytest.raises(BadInput, match=r"^engine\.gpu: must be null or 'NVIDIA H100, .*' .* \(got 'NVIDIA A100, .*'\)"):
        train_missing(campaign, wanted, TraceStore(tmp_path), OneMachine(), lambda done, total: None)
