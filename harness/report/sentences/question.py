"""What the run asked."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import count, counted, listed, words
from harness.report.run_tables import RunTables


def question(tables: RunTables) -> str:
    """The question that the run answers."""
    last, status = tables.final.iloc[0], tables.status
    epochs = f" ({counted(float(last['epoch']), 'epoch')})" if pd.notna(last["epoch"]) else ""
    after = f"a network after at most {counted(tables.last_step, 'update')}{epochs}"
    return (
        f"Which score, read from {after if tables.last_step else 'an untrained network'}, puts "
        f"{counted(len(tables.architectures), 'architecture')} of {status['bench']} on {status['dataset']} in the "
        "order of their final accuracy?"
    )


def tried(tables: RunTables) -> str:
    """What was compared: predictors by family, budgets, and how learned ones are kept from the answers."""
    counts = tables.final["family"].value_counts()
    families = listed([f"{words(str(family))} ({n})" for family, n in sorted(counts.items(), key=lambda x: -x[1])])
    steps = sorted(tables.metrics["step"].unique())
    at = f"at {len(steps)} budgets from {count(steps[0])} to {counted(steps[-1], 'step')}"
    text = f"Tried {at if len(steps) > 1 else tables.moment}: {len(tables.final)} predictors, by family {families}."
    if not (tables.final["fitted_on"] > 0).any():
        return text
    return f"{text} Those that learn are fitted on other architectures than they score ({_folds(tables)} folds)."


def _folds(tables: RunTables) -> str:
    return str(tables.status["evaluation"].get("folds", ""))
