"""The settings in which two runs differ."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness.report.run_tables import RunTables
from harness.schema.flat import flat
from harness.schema.visible import visible
from harness.storage.documents import read_yaml
from harness.storage.tables import CONFIG

CHANGES_NOTHING = frozenset({
    "results", "reports", "data", "report", "hydra", "named", "automatic", "unasked", "only",
})  # fmt: skip
"""Keys that change no number: where files lie, how a page looks, and how the command line was written."""

PLUGINS = ("predictor", "measure")
"""Groups of which a whole part may be there in one run alone: it is one row."""

ABSENT, PRESENT = "left out", "takes part"

STATED = ("kernels", "device")
"""What status.json states and no setting does: what was chosen on that machine."""


def differing_settings(folders: tuple[Path, Path], runs: tuple[RunTables, RunTables]) -> pd.DataFrame:
    """A row for each setting that differs: `key`, and its value in the `first` and the `second` run.

    They are in the order of the first run's configuration, then of the second's; after them what the runs state of
    their ground truth, their kernels and their versions. Raises BadInput for a configuration that is no YAML.
    """
    configs = [_settings(read_yaml(folder / CONFIG)) for folder in folders]
    first, second = (config | _stated(run) for config, run in zip(configs, runs, strict=True))
    keys = [key for key in first | second if first.get(key) != second.get(key)]
    rows = [(visible(key), visible(first.get(key, ABSENT)), visible(second.get(key, ABSENT))) for key in keys]
    alone = {key for key, *values in rows if key.count(".") == 1 and key.split(".")[0] in PLUGINS and ABSENT in values}
    kept = [row for row in rows if row[0] in alone or ".".join(row[0].split(".")[:2]) not in alone]
    return pd.DataFrame(kept, columns=["key", "first", "second"])


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings by dotted keys; a plug-in has a row of its own, that it takes part."""
    values = dict(flat({key: value for key, value in config.items() if key not in CHANGES_NOTHING}))
    parts = {f"{group}.{name}": PRESENT for group in PLUGINS for name in config.get(group) or ()}
    return {**parts, **{key: value for key, value in values.items() if not key.endswith("._target_")}}


def _stated(run: RunTables) -> dict[str, str]:
    """What a run states beside its configuration."""
    made = run.status.get("made_with", [])
    versions = [", ".join(f"{key} {value}" for key, value in sorted(each.items())) for each in made]
    truth = {f"ground truth: {key}": str(value) for key, value in run.status["truth"].items()}
    return {
        **truth,
        **{key: str(run.status[key]) for key in STATED if key in run.status},
        "traces made with": "; ".join(versions),
    }
