"""The sentences of the report on a sweep, made from its tables; names stand in backticks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.report.numbers import estimate, interval, number
from harness.report.sweep.sweep_tables import SweepTables

BEST_NAMED = 3
"""More settings than this are not told one by one in prose; the table has them."""


def counts(tables: SweepTables) -> str:
    """How many jobs there were, by how they ended, how many settings, seeds and predictors."""
    states = tables.jobs["state"].value_counts()
    known = [state for state in ("complete", "partial", "failed", "unfinished") if state in states]
    ended = ", ".join(f"{states[state]} {state}" for state in known)
    missing = int(tables.status["asked"]) - len(tables.jobs)
    ended += f", {missing} never started" if missing > 0 else ""
    parts = [f"{_many(max(len(tables.jobs), int(tables.status['asked'])), 'job')} ({ended})"]
    if tables.settings:
        parts += [_many(len(tables.settings), "setting"), _many(len(tables.seeds), "run seed")]
        parts += [_many(tables.gathered["predictor"].nunique(), "predictor")]
    return ", ".join(parts)


def question(tables: SweepTables) -> str:
    """What the sweep asked."""
    varied, seeds = [f"`{key}`" for key in tables.status["varied"]], len(tables.seeds)
    over = ["", " with one run seed"][seeds] if seeds < 2 else f" over {_many(seeds, 'run seed')}"
    if not varied and seeds < 2:
        return f"Which predictor ranks architectures best{',' if over else ''}{over}?"
    if not varied:
        return f"Which predictor ranks architectures best{over}, and how much of its Kendall τ is the luck of a seed?"
    vary = "vary" if len(varied) > 1 else "varies"
    return f"Which predictor ranks architectures best{over} as {_listed(varied)} {vary}, and is it the same everywhere?"


def answer(tables: SweepTables) -> list[str]:
    """What the tables answer: best in each setting, best over all, whether that is settled."""
    if not tables.last["tau"].notna().any():
        return ["No run of this sweep has a Kendall τ; nothing was ranked."]
    return [" ".join(filter(None, part)) for part in ((_best_each(tables),), (_overall(tables), settled(tables)))]


def settings_table(tables: SweepTables) -> pd.DataFrame:
    """One row a setting: setting, runs, steps, best predictor, tau, low, high, sd, its baseline and difference.

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


def settled(tables: SweepTables) -> str:
    """Whether the ranks over runs tell predictors apart, by which test, and what the test does not say."""
    status, ranks = tables.status, tables.ranks
    if status["note"]:
        return f"Whether the order over runs is settled cannot be tested: {status['note']}."
    p = float(status["friedman"]["p"])
    told = "p < 0.001" if p < 0.001 else f"p = {number(p, 3)}"
    text = f"Friedman's test over these {tables.blocks()}, that all {len(ranks)} predictors rank alike: {told}"
    alpha = number(1 - float(status["level"]), 3).rstrip("0")
    if status["groups_by"] == "friedman":
        return f"{text}, so at {alpha} their order is not settled."
    first = ranks[(ranks["first_group"] <= 1) & (ranks["last_group"] >= 1)]
    how = {
        "nemenyi": f"by Nemenyi's critical difference of {number(_float(status['critical_difference']))} average ranks",
        "wilcoxon-holm": "by Wilcoxon's signed ranks, adjusted by Holm over all pairs",
    }[status["groups_by"]]
    with_best = len(first) - 1 if len(first) and first["predictor"].iloc[0] == ranks["predictor"].iloc[0] else 0
    if with_best:
        return f"{text}; {how}, `{ranks['predictor'].iloc[0]}` cannot be told from the next {with_best}."
    return f"{text}; {how}, `{ranks['predictor'].iloc[0]}` ranks above every other."


def cautions(tables: SweepTables) -> list[str]:
    """What a reader has to know before quoting a number of this sweep."""
    lone = len(tables.seeds) == 1
    said = [
        "One run seed: intervals resample the architectures only; they say nothing of other seeds."
        if lone
        else "Intervals resample run seeds, then the architectures within each drawn run "
        f"({tables.status['bootstrap']} draws); where a setting has one seed, the architectures alone.",
    ]
    if not tables.status["note"]:
        said.append(_blocks(tables))
    said += _absent(tables)
    return said


def _blocks(tables: SweepTables) -> str:
    """What the blocks of the tests are, and of what the tests therefore say nothing."""
    data, seeds = tables.status["ranked_on"], tables.status["ranked_seeds"]
    names = f" ({', '.join(data)})" if len(data) <= BEST_NAMED else ""
    over = f"{_many(len(data), 'data set')}{names} and {_many(len(seeds), 'run seed')}"
    text = f"The tests take the {tables.blocks_explained()} as independent. "
    if len(seeds) == 1:
        return f"{text}They are {over}: the tests speak of other data sets, not of other seeds."
    return (
        f"{text}Seeds of one data set are not independent data sets: with {over}, the tests speak of new seeds of "
        "these settings, not of new data."
    )


def _absent(tables: SweepTables) -> list[str]:
    """Who is not in the ranking, and why."""
    left_out, dropped = tables.status["left_out"], tables.status["dropped"]
    said = []
    if left_out:
        names = _listed([f"`{name}`" for name in left_out[:8]])
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        have = "have" if len(left_out) > 1 else "has"
        said.append(f"Not ranked over runs, since a missing τ is no opinion: {names}{more} {have} none in some run.")
    if dropped:
        said.append(f"Left out of the ranks, as fewer than half of the predictors have a τ: {'; '.join(dropped)}.")
    again = tables.jobs[tables.jobs["reason"].str.endswith("not counted again")]
    if len(again):
        said.append(f"{_many(len(again), 'job')} repeat the setting and seed of another and are not counted again.")
    return said


def _best_each(tables: SweepTables) -> str:
    rows = settings_table(tables).to_dict("records")
    if len(rows) > BEST_NAMED:
        winners = pd.Series([row["predictor"] for row in rows]).value_counts()
        said = _listed([f"`{name}` in {count}" for name, count in list(winners.items())[:4]])
        more = f" (and of {len(winners) - 4} others)" if len(winners) > 4 else ""
        ahead = sum(row["difference_low"] > 0 for row in rows)
        return (
            f"Of {len(rows)} settings the highest mean Kendall τ is that of {said}{more}. In {ahead} of them the best "
            "is ahead of the best other baseline by more than the interval leaves open."
        )
    return " ".join(_best({str(k): v for k, v in row.items()}, tables, len(rows) > 1) for row in rows)


def _best(row: dict[str, Any], tables: SweepTables, named: bool) -> str:
    where = f"With `{row['setting']}`, " if named else ""
    if pd.isna(row["tau"]):
        return f"{where or 'Here '}no predictor has a τ."
    runs = f"mean of {row['runs']} runs, sd {number(row['sd'])}" if row["runs"] > 1 else "one run"
    tau = estimate(row["tau"], row["low"], row["high"])
    text = f"{where}`{row['predictor']}` has the highest Kendall τ, {tau} ({runs})"
    if pd.isna(row["difference"]):
        return f"{text}."
    if row["difference"] == row["difference_low"] == row["difference_high"] == 0:
        return f"{text}, and so has `{row['baseline']}`, in every draw."
    gap = f"{number(row['difference'], sign=True)} {interval(row['difference_low'], row['difference_high'], sign=True)}"
    verdict = "" if row["difference_low"] > 0 else ": the interval includes 0, so these runs do not tell the two apart"
    return f"{text}. It is ahead of the best other baseline, `{row['baseline']}`, by {gap.strip()}{verdict}."


def _overall(tables: SweepTables) -> str:
    if tables.ranks.empty or len(tables.ranks) < 2:
        return ""
    best, second = (row for row in tables.ranks.head(2).to_dict("records"))
    if best["blocks"] == 1 and tables.status["ranked_runs"] == 1:
        return ""  # the order of one run is that of its τ
    if best["blocks"] == 1:
        return f"By mean τ over the settings `{best['predictor']}` comes first, before `{second['predictor']}`."
    alike, near = best["rank"] == second["rank"], f"{best['rank']:.1f}" == f"{second['rank']:.1f}"
    first, next_ = (number(float(row["rank"]), 2 if near and not alike else 1) for row in (best, second))
    over = f"Over {tables.blocks_explained()} `{best['predictor']}`"
    if alike:
        others = int((tables.ranks["rank"] == best["rank"]).sum()) - 2
        more = f" and {_many(others, 'other')}" if others else ""
        return (
            f"{over} shares the best average rank, {first} of {len(tables.ranks)}, with `{second['predictor']}`{more}."
        )
    rank = f"{first} of {len(tables.ranks)}"
    return f"{over} has the best average rank, {rank}, before `{second['predictor']}` with {next_}."


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(parts: list[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)
