"""perf.gpu: what it writes where a part is cut off, its tables, and that reading it needs neither Hydra nor a card."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from perf import gpu
from perf.gpu_table import tables

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"hydra", "omegaconf", "seaborn", "lightgbm", "nats_bench", "pooch"}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Blocked())
import perf.gpu, perf.gpu_parts, perf.gpu_smoke, perf.gpu_recovery
for name, (module, _) in perf.gpu.PARTS.items():
    assert callable(getattr(sys.modules[module], name)), name
"""


def test_without_a_card_it_says_in_one_line_that_it_never_ran(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(gpu, "cards", lambda: 0)
    assert gpu.main(["--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "perf.gpu: needs a CUDA device (got none); never run on this machine\n"
    assert not (tmp_path / "out").exists()


def test_what_a_part_noted_before_its_time_was_over_is_kept(tmp_path, monkeypatch) -> None:
    limits = []

    def run(command, timeout, stdin):
        limits.append(timeout)
        if "small" in command:
            (tmp_path / "small.json").write_text(json.dumps({"2 streams": {"updates_per_s": 1900}}))
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", run)
    assert gpu.main(["small", "bits", "--dry", "--seconds", "40", "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["small"]["ended"] == "stopped after 30 s" and found["small"]["2 streams"] == {"updates_per_s": 1900}
    assert found["bits"]["ended"] == "ended with code 1"
    assert limits[0] == 30 and limits[1] == pytest.approx(40, abs=2)
    assert "| 2 streams | 1,900 |" in (tmp_path / "gpu.md").read_text()


def test_parts_for_which_no_time_is_left_are_named(tmp_path) -> None:
    gpu.main(["small", "--dry", "--seconds", "1", "--out", str(tmp_path)])
    assert "Not completed: small: no time was left" in (tmp_path / "gpu.md").read_text()


def test_images_a_second_are_told_as_multiples_of_the_peer() -> None:
    memory = {"used_GiB": 3.5, "held_GiB": 4.0, "before_GiB": 1.0}
    found = {
        "throughput": {
            "ended": "completed",
            "machine": {"computed_on": "NVIDIA H100", "torch": "2.11.0"},
            "4 streams, 24 updates": {"images_per_s": 60_000, "s": 6.6, **memory},
            "marginal images_per_s, 4 streams": 80_000,
        },
        "peer": {"ended": "completed", "plain": {"images_per_s": 5_000, "architectures": 64, "s": 13.1}},
    }
    lines = tables(found).splitlines()
    assert lines[0] == "Machine: NVIDIA H100, torch 2.11.0."
    assert "| 4 streams, 24 updates | 60,000 | 12.0 | 6.6 | 3.5 | 4.0 |" in lines
    assert "| 4 streams, further updates | 80,000 | 16.0 |  |  |  |" in lines
    assert "| peer, plain (64 architectures) | 5,000 | 1.0 | 13.1 |  |  |" in lines


@pytest.mark.slow
def test_it_is_read_without_hydra_and_what_a_bare_machine_lacks() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
