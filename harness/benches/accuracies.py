"""Accuracies of a user's own: a CSV file with the columns architecture, accuracy and, where there are several, seed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from harness.schema import BadInput, Truth, demand

KEY = "bench.source"
ARCHITECTURE, SEED, ACCURACY = "architecture", "seed", "accuracy"


def read(path: Path, known: Collection[str], bench: str) -> Truth:
    """The ground truth in the file, in percent, one column for each seed; a missing seed is nan.

    Raises BadInput for anything but one row per architecture and seed, of architectures that are `known` to `bench`,
    with accuracies from 0 to 100.
    """
    import pandas as pd

    try:
        kinds = {ARCHITECTURE: str, SEED: str, ACCURACY: float}
        rows = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values={ACCURACY: ["", "nan"]})
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{KEY}: must be a CSV file of accuracies in percent (got {path} ({reason}))") from error
    demand({ARCHITECTURE, ACCURACY} <= set(rows), KEY, f"{path} with the columns {ARCHITECTURE} and {ACCURACY}",
           ", ".join(map(str, rows)))  # fmt: skip
    demand(len(rows) > 0, KEY, f"a table of at least one row, {path},", 0)
    rows = rows.assign(**{} if SEED in rows else {SEED: "0"})
    strange = sorted(set(rows[ARCHITECTURE]) - set(known))
    demand(not strange, KEY, f"architectures of {bench} in {path}", strange[:1])
    outside = rows.loc[~rows[ACCURACY].between(0, 100), ACCURACY]
    demand(outside.empty, KEY, f"accuracies from 0 to 100 percent in {path}", outside.to_list()[:1])
    twice = rows.loc[rows.duplicated([ARCHITECTURE, SEED]), ARCHITECTURE]
    demand(twice.empty, KEY, f"one row per {ARCHITECTURE} and {SEED} in {path}", twice.to_list()[:1])
    table = rows.pivot(index=ARCHITECTURE, columns=SEED, values=ACCURACY)
    return Truth(table, "not said", "not said", 0, path.name)
