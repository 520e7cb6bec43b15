"""What the run asked."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import counted, listed, words
from harness.report.tables import Tables


def question(tables: Tables) -> str:
    """The question that the run answers."""
    last, status = tables.final.iloc[0], tables.status
    epochs = f" ({counted(float(last['epoch']), 'epoch')})" if pd.notna(last["epoch"]) else ""
    return (
        f"Which score, read from a network after at most {counted(tables.last_step, 'update')}{epochs}, puts "
        f"{counted(len(tables.architectures), 'architecture')} of {status['bench']} on {status['dataset']} in the "
        "order of their final accuracy?"
    )


def tried(tables: Tables) -> str:
    """What was compared: predictors by family, budgets, and how learned ones are kept from the answers."""
    counts = tables.final["family"].value_counts()
    families = listed([f"{words(str(family))} ({n})" for family, n in sorted(counts.items(), key=lambda x: -x[1])])
    steps = sorted(tables.metrics["step"].unique())
    at = f"{len(steps)} budgets from {steps[0]} to {steps[-1]} steps" if len(steps) > 1 else counted(steps[0], "step")
    text = f"Tried at {at}: {len(tables.final)} predictors, by family {families}."
    if not (tables.final["fitted_on"] > 0).any():
        return text
    return f"{text} Those that learn are fitted on other architectures than they score ({_folds(tables)} folds)."


def _folds(tables: Tables) -> str:
    return str(tables.status["evaluation"].get("folds", ""))
