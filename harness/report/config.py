"""What a report shows and how its figures are drawn."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from typing import Any, ClassVar

from harness.files.installed import entry_points_of
from harness.schema import demand
from harness.schema.documents import COUNT, FLAG, NUMBER, TEXT, Key, demand_keys, list_of

FIGURES = "harness.report.figures"

GROUP = "harness.figures"
"""Entry points by which an installed package offers figures."""

STORED = (
    Key("report.figures", list_of(TEXT)),
    *(Key(f"report.{name}", COUNT) for name in ("top", "highlight", "names", "dpi")),
    Key("report.font_size", NUMBER),
    Key("report.tensorboard", FLAG),
)
"""What is read of the report's part in a stored configuration."""


@dataclass(frozen=True)
class ReportConfig:
    """What the report shows; conf/report/*.yaml.

    `figures` are modules of harness/report/figures, or figures of installed packages (entry points of the group
    harness.figures), in the order of the page; a name with a dot is imported as it stands. With more than `names`
    predictors crowded figures name the best few and the best of every family. `font_size` is in points at the printed
    size. `tensorboard` writes the tables as event files too. `rows` are those of the terminal's table (None: all).
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
    rows: int | None = 10

    def __post_init__(self) -> None:
        for key in ("top", "highlight", "names"):
            demand(getattr(self, key) >= 1, f"report.{key}", "at least 1", getattr(self, key))
        demand(self.rows is None or self.rows >= 1, "report.rows", "at least 1 (or null: all)", self.rows)
        demand(5 <= self.font_size <= 14, "report.font_size", "a size from 5 to 14 points", self.font_size)
        demand(50 <= self.dpi <= 1200, "report.dpi", "a number from 50 to 1200", self.dpi)
        for name in self.figures:
            known = ", ".join(installed_figures())
            demand(_exists(figure_module(name)), "report.figures", f"names of figures ({known}), or of modules", name)
        there = not self.tensorboard or _exists("tensorboard")
        needed = "false without the package tensorboard (pip install -e '.[tensorboard]')"
        demand(there, "report.tensorboard", needed, self.tensorboard)


def stored_report(section: Mapping[str, Any]) -> tuple[ReportConfig, list[str]]:
    """What a stored configuration has under `report`, and the figures that it names and that are not installed.

    Those are left out: a stored configuration is data, and nothing is imported because it names it. Raises BadInput
    for values that no report has.
    """
    known = {field.name for field in fields(ReportConfig)}
    given = {key: value for key, value in section.items() if key != "_target_"}
    for key in given:
        demand(key in known, f"report.{key}", f"one of {', '.join(sorted(known))}", given[key])
    demand_keys("config.yaml", {"report": given}, STORED)
    if "figures" not in given:
        return ReportConfig(**given), []
    modules = installed_figures()
    by_path = {module: name for name, module in modules.items()}
    names = {name: name if name in modules else by_path.get(name) for name in given["figures"]}
    kept = [name for name in names.values() if name is not None]
    return ReportConfig(**{**given, "figures": kept}), [name for name, found in names.items() if found is None]


def installed_figures() -> dict[str, str]:
    """The modules of all figures that are installed, by name; ours come before those of other packages."""
    own = (path.name.removesuffix(".py") for path in files(FIGURES).iterdir() if path.name.endswith(".py"))
    ours = {name: f"{FIGURES}.{name}" for name in sorted(own) if not name.startswith("_")}
    return entry_points_of(GROUP) | ours


def figure_module(name: str) -> str:
    """The module that draws a figure: an installed one by its name; a name with a dot is a module as it is."""
    return name if "." in name else installed_figures().get(name, f"{FIGURES}.{name}")


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


OF_GIVEN = ("ranked", "pairs_by_gap", "predicted_rank_against_truth")
"""The figures of scores that were given as a table: those that need neither a budget nor a cost."""


class NothingToDraw(Exception):
    """Raised by a figure whose tables hold nothing for it; the message is the reason that the page shows."""
