"""Tables and notes of the page, section by section."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.elements import Block, Bullets, Facts, Grid, Verbatim
from harness.report.numbers import counted, percent, seconds, words
from harness.report.run_tables import TOPS, RunTables
from harness.report.sentences.derivations import list_derivations
from harness.report.sentences.studied import label
from harness.report.settings_in_words import flat
from harness.report.tables import DisplayTable
from harness.report.text import Points, Text, listed

SHOWN_FAILURES = 12
"""Rows of the failure table on the page; tables/failures.csv has them all."""

SHOWN_ARCHITECTURES = 100
"""Rows of the table of architectures on the page; tables/architectures.csv has them all."""


def blocks(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> dict[str, list[Block]]:
    """Tables, lists and notes of each section by name, from the tables by name."""
    return {
        "needs": _needs(tables, displayed),
        "ranking": _ranking(tables, displayed),
        "settled": _settled(tables, displayed),
        "cost": _cost(tables, displayed),
        "failing": _failing(tables, displayed),
        "studied": _studied(tables, displayed),
        "run": _run(tables, displayed),
    }


def _needs(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    note = (
        "The predictor of highest τ among those that need no more than the row grants.",
        "Training: none (the network before its first update, or a description of it), or a brief one of seconds (at "
        "most 60 per architecture), minutes or hours; each predictor is read at its last budget within them.",
        "Labels: none, or the true accuracies of so many other architectures.",
        "Regret@1: what its first choice loses to the best architecture, in percentage points.",
        "Needs: what the predictor itself reads; seconds are those of one architecture.",
        "Of: the number of predictors it is the best of (selection bias).",
    )
    return [Grid("Best by what it needs", displayed["needs"], Points(map(Text, note)), heading=False)]


def _ranking(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    note = (
        f"Kendall τ-b with {tables.percent} intervals in brackets; higher is better.",
        f"{TOPS['tau_half'].capitalize()} and {TOPS['tau_fifth']}: among the architectures of highest true accuracy.",
        f"Δτ is paired, over the same architectures, to the best baseline{_BASELINES[tables.given]}.",
        "p is of a permutation test of that difference, adjusted for all predictors compared (Holm).",
        "n are the architectures with a score: those without are counted, not ranked last.",
        _targets(tables),
        "" if tables.given else _QUERY_TIME,
    )
    metrics = (
        "Weighted τ counts mistakes at the top more (Vigna 2015, hyperbolic weights by true rank). Half accuracy is "
        "the share of architectures put on the right side of the median."
    )
    ranking: list[Block] = [
        Grid(f"Ranking {tables.moment}", displayed["ranked"], Points(map(Text, note)), wide=True, heading=False),
        Grid("Every metric", displayed["metrics"], metrics + _more(displayed["metrics"]), folded=True, wide=True),
    ]
    if tables.given:
        return ranking
    return [
        *ranking,
        Grid("τ at every budget", displayed["budgets"], _budgets(tables), folded=True, wide=True),
        Grid("Budgets in steps, images and seconds", displayed["budgets_in_seconds"], _SECONDS, folded=True),
    ]


_BASELINES = {
    True: ", which is any predictor other than itself",
    False: " at this budget other than the predictor itself; a baseline is neither under study nor reads what is",
}
"""Which predictors are baselines: of given scores nothing is known but the scores."""

_QUERY_TIME = (
    "Seconds are the query time, measured per architecture: training, what the predictor reads, and its score."
)


def _targets(tables: RunTables) -> str:
    """What the columns of further ground truths are."""
    names = ", ".join(tables.taus_by_target)
    text = f"τ of the same scores with further ground truths: {names}; learned predictors never saw those accuracies."
    return text if names else ""


_SECONDS = (
    "Seconds per architecture: minimum and maximum over the predictors whose cost is not 0; those of each are in "
    "tables/budgets.csv."
)


def _budgets(tables: RunTables) -> str:
    """What the columns of steps are in images."""
    images = tables.metrics.drop_duplicates("step").sort_values("step")[["step", "images"]].dropna()
    if images.empty:
        return ""
    last = images.iloc[-1]
    return f"The last budget, {counted(last['step'], 'step')}, is {counted(last['images'], 'image')} per architecture."


def _more(metrics: DisplayTable) -> str:
    """What the columns that only some runs have are."""
    text = ""
    if "fitted on" in metrics.columns:
        text += " Fitted on: other architectures whose accuracy a learned predictor has seen, mean over folds."
    if "mean sd" in metrics.columns:
        text += " Mean sd: the standard deviation that a predictor gives with its score, in units of the score."
    return text


def _settled(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    ceiling = (
        "Test–retest: τ between this ground truth and one from as many fresh seeds. Oracle: τ of the expected "
        "accuracy, known without noise. Both are estimated from the seeds of the ground truth [derived]."
    )
    differences = (
        "Paired to the best baseline other than the predictor itself, chosen on these same data. Detectable: minimum "
        f"detectable difference at {percent(0.8)} power, two-sided at {percent(tables.alpha)} (uncorrected)."
    )
    shown = [Grid("Noise ceiling", displayed["ceiling"], ceiling)] if tables.ceiling["tau"].notna().any() else []
    return [
        *shown,
        Grid("Every difference to the best baseline", displayed["differences"], differences, folded=True),
    ]


def _cost(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    cheapest = (
        "The cheapest budget, by measured seconds per architecture, of the cheapest predictor of each family that "
        "reaches the τ; all that reach it are in tables/time_to_tau.csv. Fitted on: other architectures whose "
        "accuracy it needs first; initialization time: their brief trainings, measures and one fit."
    )
    if tables.time_to_tau["seconds"].isna().any():
        cheapest += " Where seconds were not recorded, the order is by steps."
    initial = (
        "Before its first score a learned predictor needs the brief trainings and measures of the architectures it is "
        "fitted on, and one fit; their full trainings, which gave the accuracies, come on top and are not measured."
    )
    return [
        Grid("Time to τ", displayed["time_to_tau"], cheapest),
        Grid("Initialization time of learned predictors", displayed["initial_cost"], initial, folded=True),
    ]


def _failing(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    some = tables.short_list
    shown = "" if len(some) == len(tables.final) else (
        f" Shown: {tables.shortened}; all are in tables/{{}}.csv."
    )  # fmt: skip
    selection = (
        "Precision@k: share of the k highest-scored architectures that are among the k best by true accuracy. "
        "Regret@k: accuracy of the best architecture of all less that of the best among the k highest-scored, in "
        "percentage points. Ties count as a random choice among the tied. An interval without width is left out."
    )
    pairs = (
        "Share of pairs of architectures put in the right order (ties of the score count half), by the difference of "
        "their accuracies in percentage points. Without an interval: all pairs of the range share one architecture "
        "(or are of three)."
    )
    failed = displayed["failures"]
    rest = len(failed) - SHOWN_FAILURES
    failures = "Each row is an architecture" + ("" if tables.given else " at a budget")
    failures += f"; {rest} more reasons are in tables/failures.csv." if rest > 0 else "."
    good = Text("τ among the ", listed(list(TOPS.values())), " by true accuracy.", shown.format("subsets"))
    chosen, apart = selection + shown.format("selection"), pairs + shown.format("pairs")
    return [
        Grid("Among the best architectures", displayed["subsets"].of(some), good, wide=True),
        Grid("Choosing the best k", displayed["selection"].of(some), chosen, wide=True),
        Grid("Pairs by difference in accuracy", displayed["pairs"].of(some), apart, folded=True, wide=True),
        Grid("Failures", failed.head(SHOWN_FAILURES), failures),
    ]


def _studied(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    mine = tables.final.loc[tables.is_studied(tables.final), "predictor"]
    given = (
        "Partial τ (Kendall 1942): agreement of score and true accuracy that is left when both are compared with the "
        "control, or with two controls, as well. It is not 0 where the control alone links the two (for Gaussians "
        "that both correlate with it by 0.71 it is 1/9): a small partial τ proves nothing."
    )
    about = listed([label(tables, name) for name in tables.studied])
    return [
        Grid(Text(about, ", with loss or size held fixed"), displayed["partial"].of(list(mine)), given, wide=True),
        Grid(
            "With and without",
            displayed["ablations"],
            "Predictors that were also run without a group of inputs, paired.",
        ),
    ]


def _run(tables: RunTables, displayed: Mapping[str, DisplayTable]) -> list[Block]:
    status = tables.status
    elsewhere = {"truth", "bench", "dataset", "evaluation", "command"}
    run = {key: value for key, value in status.items() if key not in elsewhere}
    if "seconds" in run:
        run["seconds"] = seconds(float(run["seconds"]))
    blocks: list[Block] = [
        _architectures(displayed["architectures"]),
        Grid("The same architectures on other data sets", displayed["elsewhere"], _ELSEWHERE, folded=True, wide=True),
        Facts("Run", flat(run)),
        Facts("Evaluation", flat(status["evaluation"])),
        Facts("Ground truth", flat(status["truth"])),
        Facts("Versions and hardware", {words(key): value for key, value in tables.environment.items()}),
        Verbatim("Configuration", tables.config.rstrip()),
    ]
    derivations = list_derivations(tables)
    if derivations:
        lead = (
            "Marked [derived]: worked out for this project where the paper's own text of a step was not at hand; not "
            "the paper's wording."
        )
        blocks.append(Bullets("What is derived", lead, derivations))
    return blocks


_ELSEWHERE = (
    "Final accuracy in percent on this data set and on others, the mean over seeds with the lowest and the highest. No "
    "predictor but a static rank reads the others."
)


_JUDGED = (
    "Final accuracy in percent, the mean over seeds and that of each seed. Places off: the median over predictors, at "
    "the last budget, of true rank less rank by score, without sign; then the predictors of most and fewest places, "
    "positive where an architecture is ranked too high."
)


def _architectures(all_of_them: DisplayTable) -> Block:
    rest = len(all_of_them) - SHOWN_ARCHITECTURES
    note = _JUDGED + (
        f" The {SHOWN_ARCHITECTURES} best are shown; {rest} more are in tables/architectures.csv." if rest > 0 else ""
    )
    shown = all_of_them.head(SHOWN_ARCHITECTURES)
    return Grid("Architectures and their accuracies", shown, note, folded=True, wide=True)
