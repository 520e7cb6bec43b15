"""What a process that trains does with its memory."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.train.process import prepare, release_memory


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="memory is kept, and released, on Linux only")
def test_memory_is_kept_while_training_and_returned_after_it() -> None:
    prepare(torch.get_num_threads())
    blocks = [np.ones(1 << 17) for _ in range(64)]  # 1 MB each
    before = resident()
    del blocks[::2]  # holes between blocks that are in use: nothing to cut off at the end of the heap
    assert before - resident() < 8 << 20
    release_memory()
    assert before - resident() > 24 << 20
    assert len(blocks) == 32
