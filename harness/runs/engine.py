"""Where and with what trainings run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from harness.schema import demand
from harness.train.recipe import Recipe

KERNELS = ("auto", "native", "torch")

PAYS_FROM = 500
"""Updates of all trainings from which on a compiled step saves the 2 to 4 seconds that compiling it takes, once on a
machine; those of the smallest networks save least, about 5 ms each."""


@dataclass(frozen=True)
class Engine:
    """Where trainings run: `workers` processes (null: one a core) of `threads` threads each, on `device`.

    `kernels` is what makes an update and reads a held-out split: "native", compiled C for networks that can write down
    what they compute (docs/performance.md), on a CPU and in float32; "torch"; or "auto", native where it can be and a
    run asks for `PAYS_FROM` updates or more. What is already trained or compiled does not change that choice.
    """

    kind: ClassVar[str] = "engine/engine"

    workers: int | None = None
    threads: int = 1
    device: str = "cpu"
    kernels: str = "auto"

    def __post_init__(self) -> None:
        demand(self.workers is None or self.workers >= 1, "engine.workers", "at least 1 (or null)", self.workers)
        demand(self.threads >= 1, "engine.threads", "at least 1", self.threads)
        known = re.fullmatch(r"cpu|cuda(:\d+)?", self.device) is not None
        demand(known, "engine.device", "cpu, cuda or cuda:NUMBER", self.device)
        demand(self.kernels in KERNELS, "engine.kernels", " or ".join(map(repr, KERNELS)), self.kernels)

    def processes(self, jobs: int) -> int:
        """How many processes to start for this many trainings."""
        from joblib import cpu_count

        return max(1, min(jobs, self.workers or cpu_count()))

    def kernels_for(self, recipe: Recipe, updates: int) -> str:
        """ "native" or "torch" for trainings of so many `updates` in all; the former is compiled by the end of this.

        Raises BadInput where native is asked for and cannot be.
        """
        if self.kernels == "torch" or (self.kernels == "auto" and updates < PAYS_FROM):
            return "torch"
        if self.device != "cpu" or recipe.precision != "float32":
            demand(
                self.kernels == "auto",
                "engine.kernels",
                "'torch' or 'auto' where not on a CPU in float32",
                self.kernels,
            )
            return "torch"
        from harness.train.native.library import CannotCompile, library

        try:
            pays = bool(library().pays())
        except CannotCompile as error:
            demand(self.kernels == "auto", "engine.kernels", f"'torch' or 'auto', since {error}", self.kernels)
            return "torch"
        return "native" if pays or self.kernels == "native" else "torch"
