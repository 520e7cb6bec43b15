"""What the page says, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from harness.report.elements import Block, Bullets, Drawn, Facts, Grid, Plate, Section, Verbatim
from harness.report.numbers import counted, percent, seconds, words
from harness.report.run_tables import RunTables
from harness.report.tables import DisplayTable

SHOWN_FAILURES = 12
"""Rows of the failure table on the page; tables/failures.csv has them all."""

TITLES = {
    "question": "What was asked",
    "ranking": "Which predictor ranks best?",
    "settled": "Is the difference real?",
    "cost": "At what cost?",
    "failing": "Where does it fail?",
    "capacitance": "What does β_eff add?",
    "run": "How it was run",
    "more": "Further figures",
}
"""Sections by name. A figure's module names its own in SECTION; one that names none comes in the last."""


def sections(
    tables: RunTables, said: Mapping[str, str], drawn: Sequence[Drawn], sheets: Mapping[str, DisplayTable]
) -> list[Section]:
    """The page, section by section; `said` are the sentences by name."""
    texts: dict[str, list[str]] = {name: [said[name]] for name in TITLES if name in said}
    texts["question"] = [said["question"], said["tried"]]
    blocks = {
        "ranking": _ranking(tables, sheets),
        "settled": _settled(tables, sheets),
        "cost": _cost(tables, sheets),
        "failing": _failing(tables, sheets),
        "capacitance": _capacitance(tables, sheets),
        "run": _run(tables, said),
    }
    number = count(1)
    made = []
    for name, title in TITLES.items():
        here = [figure for figure in drawn if (figure.section if figure.section in TITLES else "more") == name]
        if name == "capacitance" and name not in set(tables.metrics["family"]) and all(each.missing for each in here):
            continue  # nothing was asked of β_eff
        plates = [Plate(next(number), figure) for figure in here]
        all_blocks = _arranged(blocks.get(name, []), plates)
        if name in texts or all_blocks:
            made.append(Section(name, title, texts.get(name, []), all_blocks))
    return made


def _arranged(blocks: Iterable[Block], plates: list[Plate]) -> list[Block]:
    """The first open table, the figures, then all else; tables that say nothing are left out."""
    kept = [block for block in blocks if not (isinstance(block, Grid) and block.sheet.silent)]
    first = 1 if kept and isinstance(kept[0], Grid) and not kept[0].folded else 0
    return [*kept[:first], *plates, *kept[first:]]


def _ranking(tables: RunTables, sheets: Mapping[str, DisplayTable]) -> list[Block]:
    note = (
        f"Kendall τ-b with {tables.percent} intervals in brackets; higher is better. Better half and best fifth are "
        "taken by true accuracy. Δτ is paired, over the same architectures, to the best baseline at this budget other "
        "than the predictor itself; a baseline reads no β_eff. p is of a permutation test of that difference, "
        "adjusted for all predictors compared (Holm). n are the architectures with a score: those without are "
        "counted, not ranked last. Seconds are measured for one architecture: training, what the predictor reads, and "
        "its score."
    )
    metrics = (
        "Weighted τ counts mistakes at the top more (Vigna 2015, hyperbolic weights by true rank). Half accuracy is "
        "the share of architectures put on the right side of the median."
    )
    return [
        Grid(f"Ranking {tables.moment}", sheets["ranked"], note, wide=True, heading=False),
        Grid("Every metric", sheets["metrics"], metrics + _more(sheets["metrics"]), folded=True, wide=True),
        Grid("τ at every budget", sheets["budgets"], _budgets(tables), folded=True, wide=True),
        Grid("Budgets in steps, images and seconds", sheets["budgets_in_seconds"], _SECONDS, folded=True),
    ]


_SECONDS = (
    "Seconds of one architecture, from the cheapest to the dearest predictor whose cost is not 0; those of each are in "
    "tables/budgets.csv."
)


def _budgets(tables: RunTables) -> str:
    """What the columns of steps are in images."""
    images = tables.metrics.drop_duplicates("step").sort_values("step")[["step", "images"]].dropna()
    if images.empty:
        return ""
    last = images.iloc[-1]
    return f"The last budget, {counted(last['step'], 'step')}, is {counted(last['images'], 'image')} an architecture."


def _more(metrics: DisplayTable) -> str:
    said = ""
    if "fitted on" in metrics.text:
        said += " Fitted on: other architectures whose accuracy a learned predictor has seen, mean over folds."
    if "mean sd" in metrics.text:
        said += " Mean sd: the standard deviation that a predictor gives with its score, in units of the score."
    return said


def _settled(tables: RunTables, sheets: Mapping[str, DisplayTable]) -> list[Block]:
    ceiling = (
        "Retraining: τ that repeating the whole truth, with as many fresh seeds, would reach against this truth. "
        "Oracle: τ of the expected accuracy, known without noise. All "
        "estimated from the seeds of the truth [derived]."
    )
    differences = (
        "Paired to the best baseline other than the predictor itself, chosen on these same data. Detectable: the "
        f"difference found with 80 % power at this n, two-sided at {percent(round(1 - tables.level, 12))}, before any "
        "correction for several comparisons."
    )
    shown = [Grid("Ceiling", sheets["ceiling"], ceiling)] if tables.ceiling["tau"].notna().any() else []
    return [
        *shown,
        Grid("Every difference to the best baseline", sheets["differences"], differences, folded=True),
    ]


def _cost(tables: RunTables, sheets: Mapping[str, DisplayTable]) -> list[Block]:
    cheapest = (
        "The cheapest budget, in measured seconds an architecture, of the cheapest predictor of each family that "
        "reaches the τ; all that reach it are in tables/time_to_tau.csv. Fitted on: other architectures whose "
        "accuracy it needs first; seconds before: their brief trainings, measures and one fit."
    )
    if tables.time_to_tau["seconds"].isna().any():
        cheapest += " Where seconds were not recorded, the order is by steps."
    initial = (
        "Before its first score a learned predictor needs the brief trainings and measures of the architectures it is "
        "fitted on, and one fit; their full trainings, which gave the accuracies, come on top and are not measured."
    )
    return [
        Grid("Time to τ", sheets["time_to_tau"], cheapest),
        Grid("What learned predictors cost before their first score", sheets["initial_cost"], initial, folded=True),
    ]


def _failing(tables: RunTables, sheets: Mapping[str, DisplayTable]) -> list[Block]:
    brief = tables.brief
    shown = "" if len(brief) == len(tables.final) else (
        " Shown: the best two of each family and every capacitance predictor; all are in tables/{}.csv."
    )  # fmt: skip
    selection = (
        "Precision@k: share of the k highest-scored architectures that are among the k best by true accuracy. "
        "Regret@k: accuracy of the best architecture of all less that of the best among the k highest-scored, in "
        "percentage points. Ties count as a random choice among the tied."
    )
    pairs = (
        "Share of pairs of architectures put in the right order (ties of the score count half), by the difference of "
        "their accuracies in percentage points. Without an interval: all pairs of the range share one architecture "
        "(or are of three)."
    )
    failed = sheets["failures"]
    counted = DisplayTable(failed.numbers, failed.text.head(SHOWN_FAILURES), failed.left)
    rest = len(failed.text) - SHOWN_FAILURES
    failures = "Rows are an architecture at a budget each"
    good = "τ among the better half, best fifth and best tenth by true accuracy."
    failures += f"; {rest} more reasons are in tables/failures.csv." if rest > 0 else "."
    return [
        Grid("Among the good", sheets["subsets"].of(brief), good + shown.format("subsets"), wide=True),
        Grid("Choosing the best k", sheets["selection"].of(brief), selection + shown.format("selection"), wide=True),
        Grid(
            "Pairs by difference in accuracy", sheets["pairs"].of(brief), pairs + shown.format("pairs"), True, wide=True
        ),
        Grid("Failures", counted, failures),
    ]


def _capacitance(tables: RunTables, sheets: Mapping[str, DisplayTable]) -> list[Block]:
    mine = tables.final.loc[tables.final["family"] == "capacitance", "predictor"]
    given = (
        "Partial τ (Kendall 1942): agreement of score and true accuracy that is left when both are compared with the "
        "control, or with two controls, as well. It is not 0 where the control alone links the two (for Gaussians "
        "that both correlate with it by 0.71 it is 1/9): a small partial τ proves nothing."
    )
    return [
        Grid("β_eff, with loss or size held fixed", sheets["partial"].of(list(mine)), given),
        Grid(
            "With and without", sheets["ablations"], "Predictors that were also run without a group of inputs, paired."
        ),
    ]


def _run(tables: RunTables, said: Mapping[str, str]) -> list[Block]:
    status = tables.status
    elsewhere = {"truth", "bench", "dataset", "evaluation"}
    run = {key: value for key, value in status.items() if key not in elsewhere}
    if "seconds" in run:
        run["seconds"] = seconds(float(run["seconds"]))
    blocks: list[Block] = [
        Facts("Run", flat(run)),
        Facts("Evaluation", flat(status["evaluation"])),
        Facts("Ground truth", flat(status["truth"])),
        Facts("Versions and hardware", {words(key): value for key, value in tables.environment.items()}),
        Verbatim("Configuration", tables.config.rstrip()),
    ]
    if said["derived"]:
        lead = (
            "Marked [derived]: worked out for this project where the paper's own text of a step was not at hand; not "
            "the paper's wording."
        )
        blocks.append(Bullets("What is derived", lead, said["derived"].split("\n")))
    return blocks


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings in one level, with `recipe: batch` for keys; null settings are left out."""
    found: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{words(str(key))}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}: ")
        elif value is not None and value != []:
            found[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return found
