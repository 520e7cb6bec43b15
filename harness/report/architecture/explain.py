"""The page of one architecture: its cell, what is stored of it, its curves, and where each predictor ranks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.files.paths import demand_no_links
from harness.report.architecture.profile import ArchitectureProfile, profile_of, verdict
from harness.report.numbers import NO_BREAK, NONE, number, ordinal
from harness.report.style.dark import dark
from harness.report.style.palette import colour
from harness.report.text import BETA_EFF, Content, Name, Text
from harness.schema.families import family
from harness.storage.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from harness.report.config import ReportConfig
    from harness.report.run_tables import RunTables

FOLDER = "architectures"
"""Where, within a report, the pages of single architectures lie."""


@dataclass(frozen=True)
class Picture:
    """One figure of the page: what its files are called after the architecture, its caption, how to draw it."""

    name: str
    caption: Content
    draw: Callable[[], Figure]


def explain(tables: RunTables, name: str, out: Path, report: ReportConfig, asked: str = "") -> Path:
    """Path of the page of the architecture `name`, written into `out`/architectures with its figures next to it.

    `asked` is another string of the same function, if that is what the reader gave. Equal tables give equal bytes.
    """
    from harness.report.page import fill

    seen = profile_of(tables, name)
    folder = out / FOLDER
    demand_no_links("reports", out, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = _drawn(list(_pictures(tables, seen, report)), folder / seen.stem, report)
    values = {
        "bench": str(tables.status["bench"]),
        "dataset": str(tables.status["dataset"]),
        "title": f"#{seen.index}" if seen.index is not None else seen.stem,
        "place": _place(seen),
        "asked": asked,
        "verdict": verdict(seen),
        "facts": _facts(seen),
        "figures": drawn,
        "rows": _rows(seen),
        "with_sd": bool(seen.ranks["sd"].notna().any()),
        "with_reason": bool((seen.ranks["reason"] != "").any()),
        "moment": tables.moment,
        "back": (out / "index.html").is_file(),
    }
    path = folder / f"{seen.stem}.html"
    write_text(path, fill("explain.html.jinja", values))
    return path


def _pictures(tables: RunTables, seen: ArchitectureProfile, report: ReportConfig) -> Iterator[Picture]:
    """The figures that there is something to draw for, in the order of the page."""
    from harness.report.architecture.cell import draw_cell
    from harness.report.architecture.curves import columns, draw_curves, draw_ranks

    chosen = tables.edges[tables.edges["architecture"] == seen.name]
    if len(chosen):
        edges = list(chosen[["source", "target", "operation"]].astype(str).itertuples(index=False, name=None))
        operations = sorted(set(map(str, tables.edges["operation"])))
        yield Picture(
            "cell",
            "The cell, from left to right. Colours are operations; dotted: nothing is passed on (none); grey: the "
            "operation lies on no path from input to output.",
            lambda: draw_cell(edges, operations, report),
        )
    others, shown = len(tables.architectures) - 1, columns(tables)
    band = f"in front of the median and the middle half (quartiles) of the {others} other architectures of the run"
    for group, what, line in (
        ("learning", Text("Losses (nats) and accuracies (%)"), colour("learning_curve")),
        ("beta_eff", Text(BETA_EFF), colour("capacitance")),
        ("others", Text("Every other measured number"), colour("combination")),
    ):
        if shown[group]:
            yield Picture(
                group,
                Text(what, f" along the brief training, {band}."),
                lambda group=group, line=line: draw_curves(tables, seen.name, shown[group], line, report),  # type: ignore[misc]
            )
    yield Picture(
        "ranks",
        f"Its rank by every predictor {tables.moment}, joined to its true rank among the architectures "
        "that the predictor scores; those farthest off first. The band reaches a tenth of the architectures to either "
        f"side. {tables.basis()}",
        lambda: draw_ranks(seen, report),
    )


def _drawn(pictures: list[Picture], stem: Path, report: ReportConfig) -> dict[str, dict[str, Any]]:
    """Every figure, written as PNG and PDF next to the page, as what the page needs of it."""
    from harness.report.drawing import save
    from harness.report.style.theme import theme

    drawn: dict[str, dict[str, Any]] = {}
    with theme(report.font_size):
        for picture in pictures:
            figure = picture.draw()
            text = save(figure, stem.with_name(f"{stem.name}_{picture.name}"), report.dpi)
            drawn[picture.name] = {"svg": text, "width": float(figure.get_figwidth()), "caption": picture.caption}
    return drawn


def _place(seen: ArchitectureProfile) -> str:
    """Its accuracy and rank in one sentence."""
    if pd.isna(seen.rank):
        return "It has no true accuracy."
    seeds = len(seen.accuracies)
    mean = f"the mean of {seeds} seeds" if seeds > 1 else "one seed"
    place = f"the {ordinal(int(seen.rank))}" if seen.rank == int(seen.rank) else f"tied at place {seen.rank:g}"
    return f"By true accuracy it is {place} of {seen.n} architectures: {number(seen.truth)}{NO_BREAK}%, {mean}."


def _facts(seen: ArchitectureProfile) -> dict[str, Content]:
    """What it is, by name."""
    others = f"{len(seen.twins)} other" if seen.twins else "no other"
    facts: dict[str, Content] = {
        "architecture": Name(seen.name),
        "official index": "the ground truth of this run gives none" if seen.index is None else str(seen.index),
        "isomorphism class": Text(Name(seen.group), f" ({others} in this run)"),
        "dead": "yes: no path from input to output carries a signal" if seen.dead else "no",
    }
    facts |= {key: f"{value:,.0f}" for key, value in seen.facts.items()}
    facts |= {f"accuracy, seed {seed}": f"{number(value)}{NO_BREAK}%" for seed, value in seen.accuracies.items()}
    if pd.isna(seen.rank):
        return facts | {"true rank": NONE}
    return facts | {"mean accuracy": f"{number(seen.truth)}{NO_BREAK}%", "true rank": f"{seen.rank:g} of {seen.n}"}


def _rows(seen: ArchitectureProfile) -> list[dict[str, str]]:
    """The table of ranks as people read it, with the numbers that it is sorted by."""
    rows = []
    for row in seen.ranks.to_dict("records"):
        ranked = pd.notna(row["off"])
        places = row["true_rank"] - row["rank"] if ranked else float("nan")
        rows.append(
            {
                "predictor": str(row["predictor"]),
                "family": family(str(row["family"])).label,
                "colour": colour(str(row["family"])),
                "dark": dark(colour(str(row["family"])).lower()),
                "rank": f"{row['rank']:g} of {row['m']:.0f}" if ranked else NONE,
                "rank_key": str(row["rank"]) if ranked else "",
                "true_rank": f"{row['true_rank']:g}" if ranked else NONE,
                "true_key": str(row["true_rank"]) if ranked else "",
                "off": number(places, 0 if places == round(places) else 1, sign=True) if ranked else NONE,
                "off_key": str(abs(row["off"])) if ranked else "",
                "score": _short(row["score"], 4) or NONE,
                "score_key": "" if pd.isna(row["score"]) else str(row["score"]),
                "sd": _short(row["sd"], 2),
                "sd_key": "" if pd.isna(row["sd"]) else str(row["sd"]),
                "reason": str(row["reason"]),
            }
        )
    return rows


def _short(value: float, digits: int) -> str:
    """A number of any size to so many significant digits; empty where there is none."""
    if pd.isna(value):
        return ""
    rounded = float(f"{value:.{digits}g}")
    text = f"{rounded:,.0f}" if abs(rounded) >= 10**digits else f"{rounded:g}"
    return text.replace("-", "\N{MINUS SIGN}")
