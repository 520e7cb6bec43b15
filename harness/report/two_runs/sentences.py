"""The sentences of the report on two runs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.evaluate.two_runs import FEWEST
from harness.report.numbers import counted, equals, number
from harness.report.run_tables import RunTables
from harness.report.text import Name, Score, Text, joined, listed, score
from harness.report.two_runs.run_pair import LETTERS, RunPair
from harness.schema import Estimate

NAMED = 3
"""More settings or predictors than this are counted in a sentence, not named."""


def question(both: RunPair) -> Text:
    """What is compared."""
    keys = [Name(str(key)) for key in both.settings["key"]]
    if not keys:
        return Text("Does a predictor rank architectures differently in two runs with the same settings?")
    what = listed(keys) if len(keys) <= NAMED else Text(listed(keys[:NAMED], ","), f" and {len(keys) - NAMED} more")
    verb = "differs" if len(keys) == 1 else "differ"
    return Text("Does a predictor rank architectures better in run B than in run A? ", what, f" {verb}.")


def runs(both: RunPair) -> list[Text]:
    """What each of the two runs is."""
    return [
        Text(f"{letter}: ", Name(name), f", {run.status['bench']} on {run.status['dataset']}, ",
             f"{counted(count, 'architecture')}, {run.moment}, ", _best(run.final), ".")
        for letter, name, run, count in zip(LETTERS, both.names, both.runs, both.counts, strict=True)
    ]  # fmt: skip


def _best(final: pd.DataFrame) -> Text:
    """The best predictor of a run, over all architectures of its own."""
    row: dict[str, Any] = {str(key): value for key, value in final.iloc[0].items()}
    if pd.isna(row["tau"]):
        return Text("no predictor with a τ")
    return Text("best ", Name(row["predictor"]), ", τ ", score(row, "tau"))


def pairing(both: RunPair) -> Text:
    """Over which architectures the runs are compared, and what that means for the intervals."""
    shared, (first, second) = len(both.pairing.shared), both.counts
    if not both.pairing.is_paired:
        few = "no architecture" if not shared else f"{counted(shared, 'architecture')}, fewer than {FEWEST}"
        return Text(
            f"Unpaired: the runs share {few}. Each τ is over the run's own architectures, and an interval of a "
            "difference holds the chance of both samples; it is wider than a paired one, and no test is made."
        )
    all_of_them = shared == first == second
    over = f"the same {counted(shared, 'architecture')}"
    if not all_of_them:
        over = f"the {counted(shared, 'architecture')} that both runs have (A {first}, B {second})"
    text = f"Paired: every τ and difference is over {over}, under the same bootstrap draws"
    if both.pairing.same_truth:
        return Text(f"{text}, against the same ground truth.")
    return Text(
        f"{text}. The ground truths differ: a difference in τ may come from the question as well as from the scores, "
        "and no permutation test is made."
    )


def answer(both: RunPair) -> list[Text]:
    """How many predictors rank better in which run, and the largest changes."""
    rows = both.differences[both.differences["difference"].notna()]
    if rows.empty:
        return [Text("No predictor has a Kendall τ in both runs: nothing was compared.")]
    return [text for text in (_counts(both, rows), _largest(both, rows), _mean(rows), _alone(both)) if text]


def found(both: RunPair, rows: pd.DataFrame) -> pd.Series[bool]:
    """Which differences are shown: Holm-adjusted p at most α, or, without a test, an interval that excludes 0."""
    if both.is_tested:
        return rows["p_holm"] <= both.runs[0].alpha
    return (rows["low"] > 0) | (rows["high"] < 0)


def _counts(both: RunPair, rows: pd.DataFrame) -> Text:
    shown = found(both, rows)
    better, worse = int((shown & (rows["difference"] > 0)).sum()), int((shown & (rows["difference"] < 0)).sum())
    alpha = number(both.runs[0].alpha, 3).rstrip("0")
    how = f"Holm-adjusted p at most {alpha}" if both.is_tested else (
        "by an interval that excludes 0, uncorrected for multiple comparisons"
    )  # fmt: skip
    text = f"Of {counted(len(rows), 'predictor')} with a τ in both runs "
    same = int((rows[["difference", "low", "high"]] == 0).all(axis=1).sum())
    alike = f", {same} of which rank{'s' if same == 1 else ''} alike in both" if same else ""
    if not better and not worse:
        return Text(f"{text}none ranks significantly differently ({how}){alike}.")
    verb = "ranks" if better == 1 else "rank"
    rest = len(rows) - better - worse
    return Text(
        f"{text}{better} {verb} significantly better in B and {worse} in A ({how}); for {rest} no difference is shown"
        f"{alike}."
    )


def _largest(both: RunPair, rows: pd.DataFrame) -> Text:
    """The largest difference up and down among those that are shown; without one, the largest of all."""
    shown = rows[found(both, rows)]
    pool = shown if len(shown) else rows.loc[[rows["difference"].abs().idxmax()]]
    up, down = pool[pool["difference"] > 0], pool[pool["difference"] < 0]
    ends = [up.nlargest(1, "difference"), down.nsmallest(1, "difference")]
    texts = [_changed({str(k): v for k, v in end.iloc[0].items()}, both.runs[0]) for end in ends if len(end)]
    return Text("Largest: ", joined(texts, "; "), ".") if texts else Text()


def _changed(row: dict[str, Any], run: RunTables) -> Text:
    """τ in both runs and the difference; `run` says how many permutations were made."""
    p = f", {equals(row['p_holm'], run.floor_of(row))}, Holm" if pd.notna(row["p_holm"]) else ""
    ends = Score(Estimate(row["difference"], row["low"], row["high"]), sign=True)
    before, after = number(row["first"]), number(row["second"])
    return Text(Name(row["predictor"]), f" from {before} to {after} (Δτ ", ends, p, ")")


def _mean(rows: pd.DataFrame) -> Text:
    """The mean change, which no single predictor's luck decides."""
    if len(rows) < 2:
        return Text()
    up = int((rows["difference"] > 0).sum())
    mean = number(float(rows["difference"].mean()), sign=True)
    return Text(f"Mean difference over these predictors {mean}; {up} of {len(rows)} are higher in B.")


def _alone(both: RunPair) -> Text:
    """Predictors that one run alone has."""
    texts = []
    for letter, at in zip(LETTERS, (0, 1), strict=True):
        names = both.only_in(at)
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            texts.append(Text(f"Only in {letter}: ", joined(map(Name, names[:NAMED]), ", "), f"{more}."))
    return joined(texts)
