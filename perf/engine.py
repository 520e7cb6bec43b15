"""Times of the engine: a training step against a plain peer, the cost of observation, workers side by side.

    python -m perf.engine [step] [gradients] [tracking] [closed] [workers] [--repeats 7]

prints the tables of docs/performance.md. What is compared takes turns, A B A B ..., each side in a process of its own
with one thread, since how a process treats freed memory is part of the engine. Steps are timed in CPU seconds of the
process, which other programs on the machine disturb least; workers side by side by the clock. A ratio is the median of
those of neighbouring turns, with the quartiles.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # NumPy's own library too, which reads it when it is loaded

import argparse
from collections.abc import Sequence

from perf.closed_form import closed
from perf.observation import tracking
from perf.training_step import gradients, step
from perf.workers import workers

TABLES = {"step": step, "gradients": gradients, "tracking": tracking, "closed": closed, "workers": workers}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m perf.engine", description="Times of the engine.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(TABLES)} (default: all)")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each comparison (default: 7)")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.tables) - set(TABLES):
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    for name in asked.tables or TABLES:
        TABLES[name](asked.repeats)


if __name__ == "__main__":
    main()
