"""What a report shows and how its figures are drawn."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import ClassVar

from harness.schema import demand

FIGURES = "harness.report.figures"


@dataclass(frozen=True)
class ReportConfig:
    """What the report shows; conf/report/*.yaml.

    `figures` are modules of harness/report/figures in the order of the page; a name with a dot is imported as it
    stands, so that a figure may live in another package. With more than `names` predictors crowded figures name the
    best few and the best of every family. `font_size` is in points at the printed size. `tensorboard` writes the tables
    as event files too.
    """

    kind: ClassVar[str] = "report/report"

    figures: list[str] = field(
        default_factory=lambda: [
            "ranked",
            "tau_against_budget",
            "cost_against_tau",
            "pairs_by_gap",
            "predicted_rank_against_truth",
            "beta_eff_trajectories",
        ]
    )
    top: int = 6
    highlight: int = 4
    names: int = 30
    font_size: float = 8.0
    dpi: int = 200
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for key in ("top", "highlight", "names"):
            demand(getattr(self, key) >= 1, f"report.{key}", "at least 1", getattr(self, key))
        demand(5 <= self.font_size <= 14, "report.font_size", "a size from 5 to 14 points", self.font_size)
        demand(50 <= self.dpi <= 1200, "report.dpi", "a number from 50 to 1200", self.dpi)
        for name in self.figures:
            demand(_exists(figure_module(name)), "report.figures", "names of figure modules", name)
        there = not self.tensorboard or _exists("tensorboard")
        demand(there, "report.tensorboard", "the package tensorboard (pip install tensorboard)", self.tensorboard)


def figure_module(name: str) -> str:
    """The module that draws a figure: harness.report.figures.NAME; a name with a dot is a module as it is."""
    return name if "." in name else f"{FIGURES}.{name}"


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


class NothingToDraw(Exception):
    """Raised by a figure whose tables hold nothing for it; the message is the reason that the page shows."""
