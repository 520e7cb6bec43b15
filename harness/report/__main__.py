"""Draw the report of a results folder again: python -m harness.report RESULTS_FOLDER [--out FOLDER]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import yaml

from harness.report.tables import read
from harness.report.write import Report, write
from harness.schema import BadInput, demand


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 with one line on stderr where the folder, a table or a column is missing."""
    parser = argparse.ArgumentParser(prog="python -m harness.report", description="Draw a report from stored tables.")
    parser.add_argument("results", type=Path, help="folder with the Parquet tables and status.json of a run")
    parser.add_argument("--out", type=Path, help="folder to write (default: reports/<bench>-<dataset>)")
    asked = parser.parse_args(arguments)
    try:
        tables = read(asked.results)
        out = asked.out or Path("reports") / f"{tables.status['bench']}-{tables.status['dataset']}"
        print(write(asked.results, out, configured(tables.config)))
    except BadInput as error:
        print(f"harness.report: {error}", file=sys.stderr)
        return 2
    return 0


def configured(config: str) -> Report:
    """The report that the run's configuration asks for under `report`; the default one where it says nothing."""
    try:
        said = yaml.safe_load(config)
    except yaml.YAMLError as error:
        demand(False, "config.yaml", "YAML", " ".join(str(error).split()))
    section = dict((said.get("report") if isinstance(said, dict) else None) or {})
    section.pop("_target_", None)
    known = {field.name for field in fields(Report)}
    for key in section:
        demand(key in known, f"report.{key}", f"one of {', '.join(sorted(known))}", section[key])
    return Report(**section)


if __name__ == "__main__":
    sys.exit(main())
