"""The sentences of the report on a sweep, made from its tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import counted, equal, number
from harness.report.sweep.sweep_tables import SweepTables
from harness.report.text import Name, Number, Score, Text, joined, listed, score
from harness.schema import Estimate

BEST_NAMED = 3
"""More settings than this are not named one by one in sentences; the table has them."""


def counts(tables: SweepTables) -> str:
    """How many jobs there were, by how they ended, how many settings, seeds and predictors."""
    states = tables.jobs["state"].value_counts()
    known = [state for state in ("complete", "partial", "failed", "unfinished") if state in states]
    ended = ", ".join(f"{states[state]} {state}" for state in known)
    missing = int(tables.status["asked"]) - len(tables.jobs)
    ended += f", {missing} never started" if missing > 0 else ""
    parts = [f"{counted(max(len(tables.jobs), int(tables.status['asked'])), 'job')} ({ended})"]
    if tables.settings:
        parts += [counted(len(tables.settings), "setting"), counted(len(tables.seeds), "run seed")]
        parts += [counted(tables.gathered["predictor"].nunique(), "predictor")]
    return ", ".join(parts)


def title(tables: SweepTables) -> Text:
    """What was swept: the settings that vary, or the run seeds."""
    varied, seeds = [Name(key) for key in tables.status["varied"]], len(tables.seeds)
    if varied:
        return Text("Sweep over ", listed(varied))
    return Text(f"Sweep over {counted(seeds, 'run seed')}" if seeds > 1 else "Sweep of one setting")


def question(tables: SweepTables) -> Text:
    """What the sweep asked."""
    varied, seeds = [Name(key) for key in tables.status["varied"]], len(tables.seeds)
    over = ["", " with one run seed"][seeds] if seeds < 2 else f" over {counted(seeds, 'run seed')}"
    if not varied and seeds < 2:
        return Text(f"Which predictor ranks architectures best{',' if over else ''}{over}?")
    if not varied:
        return Text(f"Which predictor ranks architectures best{over}, and how far does its Kendall τ vary by the seed?")
    vary = "vary" if len(varied) > 1 else "varies"
    first = f"Which predictor ranks architectures best{over} as "
    return Text(first, listed(varied), f" {vary}, and is it the same everywhere?")


def answer(tables: SweepTables) -> list[Text]:
    """What the tables answer: best in each setting, best over all, whether that is statistically significant."""
    if not tables.last["tau"].notna().any():
        return [Text("No run of this sweep has a Kendall τ; nothing was ranked.")]
    return [_best_each(tables), joined([_overall(tables), settled(tables)])]


def settings_table(tables: SweepTables) -> pd.DataFrame:
    """One row per setting: setting, runs, steps, best predictor, tau, low, high, sd, its baseline and difference.

    `baseline` is the best other baseline, `difference` paired to it.
    """
    rows = []
    for setting in tables.settings:
        at = tables.at(setting)
        best: dict[str, Any] = {str(key): value for key, value in at.iloc[0].items()}
        rows.append(best | {"runs": int(at["jobs"].max())})
    columns = ["setting", "runs", "step", "predictor", "tau", "low", "high", "sd", "baseline", "difference",
               "difference_low", "difference_high"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def settled(tables: SweepTables) -> Text:
    """Whether the ranks over runs differ significantly, by which test, and what the test does not say."""
    status, ranks = tables.status, tables.ranks
    if status["note"]:
        return Text(f"Whether the order over runs is statistically significant cannot be tested: {status['note']}.")
    p = float(status["friedman"]["p"])
    value = "p < 0.001" if p < 0.001 else equal("p", number(p, 3))
    text = f"Friedman's test over these {tables.blocks()}, that all {len(ranks)} predictors rank alike: {value}"
    alpha = number(1 - float(status["level"]), 3).rstrip("0")
    if status["groups_by"] == "friedman":
        return Text(f"{text}, so the differences between them are not statistically significant at {alpha}.")
    first = ranks[(ranks["first_group"] <= 1) & (ranks["last_group"] >= 1)]
    how = {
        "nemenyi": f"by Nemenyi's critical difference of {number(_float(status['critical_difference']))} average ranks",
        "wilcoxon-holm": "by Wilcoxon's signed-rank test, adjusted by Holm over all pairs",
    }[status["groups_by"]]
    best = Name(str(ranks["predictor"].iloc[0]))
    with_best = len(first) - 1 if len(first) and first["predictor"].iloc[0] == ranks["predictor"].iloc[0] else 0
    if with_best:
        return Text(f"{text}; {how}, ", best, f" does not differ significantly from the next {with_best}.")
    return Text(f"{text}; {how}, ", best, " ranks significantly above every other.")


def cautions(tables: SweepTables) -> list[Text]:
    """What a reader has to know before quoting a number of this sweep."""
    one_seed = "One run seed: intervals resample the architectures only; they say nothing of other seeds."
    several = (
        f"Intervals resample run seeds, then the architectures within each drawn run ({tables.status['bootstrap']} "
        "draws); where a setting has one seed, the architectures alone."
    )
    first = Text(one_seed if len(tables.seeds) == 1 else several)
    return [first, *([] if tables.status["note"] else [_blocks(tables)]), *_absent(tables)]


def _blocks(tables: SweepTables) -> Text:
    """What the blocks of the tests are, and of what the tests therefore say nothing."""
    data, seeds = tables.status["ranked_on"], tables.status["ranked_seeds"]
    names = f" ({', '.join(data)})" if len(data) <= BEST_NAMED else ""
    over = f"{counted(len(data), 'data set')}{names} and {counted(len(seeds), 'run seed')}"
    text = f"The tests take the {tables.blocks_explained()} as independent. "
    if len(seeds) == 1:
        return Text(f"{text}They are {over}: the tests speak of other data sets, not of other seeds.")
    return Text(
        f"{text}Seeds of one data set are not independent data sets: with {over}, the tests speak of new seeds of "
        "these settings, not of new data."
    )


def _absent(tables: SweepTables) -> list[Text]:
    """Which predictors and jobs are not in the ranking, and why."""
    left_out, dropped = tables.status["left_out"], tables.status["dropped"]
    texts = []
    if left_out:
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        have = "have" if len(left_out) > 1 else "has"
        names = listed([Name(name) for name in left_out[:8]])
        texts.append(
            Text("Not ranked over runs, as a missing τ is not a low one: ", names, f"{more} {have} none in some run.")
        )
    if dropped:
        texts.append(
            Text(f"Left out of the ranks, as fewer than half of the predictors have a τ: {'; '.join(dropped)}.")
        )
    again = tables.jobs[tables.jobs["reason"].str.endswith("not counted again")]
    if len(again):
        repeat = "repeats" if len(again) == 1 else "repeat"
        jobs = counted(len(again), "job")
        texts.append(Text(f"{jobs} {repeat} the setting and seed of another; a repetition is not counted again."))
    return texts


def _best_each(tables: SweepTables) -> Text:
    """The best predictor of each setting, or how often each is the best where there are many settings."""
    rows = settings_table(tables).to_dict("records")
    if len(rows) <= BEST_NAMED:
        return joined(_best({str(k): v for k, v in row.items()}, len(rows) > 1) for row in rows)
    winners = pd.Series([row["predictor"] for row in rows]).value_counts()
    best = listed([Text(Name(str(name)), f" in {count}") for name, count in list(winners.items())[:4]])
    more = f" (and of {len(winners) - 4} others)" if len(winners) > 4 else ""
    ahead = sum(row["difference_low"] > 0 for row in rows)
    return Text(
        f"Of {len(rows)} settings the highest mean Kendall τ is that of ", best,
        f"{more}. In {ahead} of them the interval of its difference to the best other baseline lies above 0.",
    )  # fmt: skip


def _best(row: dict[str, Any], named: bool) -> Text:
    where = Text("With ", Name(row["setting"]), ", ") if named else Text()
    if pd.isna(row["tau"]):
        return Text(where or "Here ", "no predictor has a τ.")
    runs = Text(f"mean of {row['runs']} runs, sd ", Number(row["sd"])) if row["runs"] > 1 else Text("one run")
    tau = Score(Estimate(row["tau"], row["low"], row["high"]))
    text = Text(where, Name(row["predictor"]), " has the highest Kendall τ, ", tau, " (", runs, ")")
    if pd.isna(row["difference"]):
        return Text(text, ".")
    if row["difference"] == row["difference_low"] == row["difference_high"] == 0:
        return Text(text, ", and so has ", Name(row["baseline"]), ", in every draw.")
    end = "." if row["difference_low"] > 0 else ": the interval includes 0."
    gap = score(row, "difference", sign=True)
    return Text(text, ". Its difference to the best other baseline, ", Name(row["baseline"]), ", is ", gap, end)


def _overall(tables: SweepTables) -> Text:
    """The best over all runs, by average rank."""
    if tables.ranks.empty or len(tables.ranks) < 2:
        return Text()
    best, second = (row for row in tables.ranks.head(2).to_dict("records"))
    if best["blocks"] == 1 and tables.status["ranked_runs"] == 1:
        return Text()  # the order of one run is that of its τ
    first, next_ = Name(best["predictor"]), Name(second["predictor"])
    if best["blocks"] == 1:
        return Text("By mean τ over the settings ", first, " comes first, followed by ", next_, ".")
    alike, near = best["rank"] == second["rank"], f"{best['rank']:.1f}" == f"{second['rank']:.1f}"
    ranks = [number(float(row["rank"]), 2 if near and not alike else 1) for row in (best, second)]
    over = Text(f"Over {tables.blocks_explained()} ", first)
    of = f"{ranks[0]} of {len(tables.ranks)}"
    if alike:
        others = int((tables.ranks["rank"] == best["rank"]).sum()) - 2
        more = f" and {counted(others, 'other')}" if others else ""
        return Text(over, f" shares the best average rank, {of}, with ", next_, f"{more}.")
    return Text(over, f" has the best average rank, {of}, followed by ", next_, f" with {ranks[1]}.")


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)
