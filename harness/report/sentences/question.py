"""What the run asked."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import count, counted
from harness.report.run_tables import RunTables
from harness.report.text import Content, Name, Text, joined, listed
from harness.schema.families import family


def describe_question(tables: RunTables) -> Text:
    """The question that the run answers, and what to know of its architectures before comparing."""
    return asked(tables) if tables.given else joined([asked(tables), _notes(tables)])


def asked(tables: RunTables) -> Text:
    """The question alone."""
    last, status = tables.final.iloc[0], tables.status
    if tables.given:
        known = counted(len(tables.architectures), "architecture")
        source, accuracies = Name(str(status["given"])), Name(str(status["truth"].get("source", "a table")))
        return Text("Which score in ", source, f" ranks {known} in the order of their accuracy in ", accuracies, "?")
    epochs = f" ({counted(float(last['epoch']), 'epoch')})" if pd.notna(last["epoch"]) else ""
    after = f"a network after at most {counted(tables.last_step, 'update')}{epochs}"
    return Text(
        f"Which score, read from {after if tables.last_step else 'an untrained network'}, ranks "
        f"{counted(len(tables.architectures), 'architecture')} of {status['bench']} on {status['dataset']} in the "
        "order of their final accuracy?"
    )


def _notes(tables: RunTables) -> Text:
    """Architectures that have a note, with it."""
    table = tables.architectures
    noted = table[table["note"] != ""] if "note" in table else table.iloc[:0]
    named: list[Content] = [Text(Name(str(row.architecture)), f" ({row.note})") for row in noted.itertuples()]
    return Text("Among them: ", listed(named), ".") if named else Text()


def describe_predictors(tables: RunTables) -> Text:
    """What was compared: predictors by family, budgets, and how learned ones are kept from the answers."""
    counts = tables.final["family"].value_counts()
    families = [f"{family(str(name)).label} ({n})" for name, n in sorted(counts.items(), key=lambda x: -x[1])]
    steps = sorted(tables.metrics["step"].unique())
    at = f"at {len(steps)} budgets from {count(steps[0])} to {counted(steps[-1], 'step')}"
    at = at if len(steps) > 1 else tables.moment
    text = Text(f"Evaluated {at}: {counted(len(tables.final), 'predictor')}, by family ", listed(families), ".")
    if not (tables.final["fitted_on"] > 0).any():
        return text
    folds = tables.status["evaluation"].get("folds", "")
    return Text(text, f" Learned predictors score every architecture out of fold ({folds} folds).")
