"""Draw a report from stored tables: of a run, of two runs compared, of several runs, or of one architecture of a run.

harness report RESULTS_FOLDER... [arch=ARCHITECTURE] [--gather] [--out FOLDER] [--trust]

The folder is data: nothing is imported or built because its config.yaml names it, unless the user says --trust.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from harness.cli.endings import carry_out
from harness.cli.terminal import console, run_command
from harness.files.installed import without_working_folder
from harness.files.paths import demand_folder, is_folder, page_folder
from harness.report.config import ReportConfig, stored_report
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.report.write import page_lock, write
from harness.schema import BadInput, demand
from harness.schema.visible import visible
from harness.sweep.job_files import is_run

ARCH = "arch="

REPORTS = Path("reports")
"""Where reports lie, and the list of runs, unless --out says otherwise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0, or 2 with one line on stderr where a folder, a table, a column or an architecture is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.report", description="Draw a report from stored tables.",
        usage="%(prog)s RESULTS_FOLDER... [arch=ARCHITECTURE] [--gather] [--out FOLDER] [--trust]",
    )  # fmt: skip
    parser.add_argument(
        "words", nargs="+", metavar="RESULTS_FOLDER",
        help="folder with the tables of a run; two of them (RUN_A RUN_B) are compared: what differs in their settings, "
        "and the paired difference of every predictor; a sweep, a folder with runs below it or more folders give one "
        "report on all. arch=ARCHITECTURE explains one architecture of a run: its string (in quotes), its official "
        "index, best or worst",
    )  # fmt: skip
    parser.add_argument(
        "--gather", action="store_true", help="gather two runs as a sweep is gathered, instead of comparing them"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER",
        help="folder of the report (default: reports/<bench>-<dataset>/<run>, of two runs reports/two_runs/<name>, "
        "of more reports/sweeps/<name>)",
    )  # fmt: skip
    parser.add_argument(
        "--trust", action="store_true",
        help="import the figures and build the benchmark that the stored configuration names, as code that runs with "
        "your rights",
    )  # fmt: skip
    given = parser.parse_intermixed_args(arguments)
    wanted = [text.removeprefix(ARCH) for text in given.words if text.startswith(ARCH)]
    folders = [Path(text) for text in given.words if not text.startswith(ARCH)]

    def command() -> int:
        with nullcontext() if given.trust else without_working_folder():
            page = _draw(folders, wanted, given)
            if given.out is None:
                from harness.report.index import write_index

                write_index(REPORTS)
            print(visible(str(page)))
        return 0

    return carry_out(command)


def command() -> int:
    """Exit code of the process: `main` with its arguments, in letters that its terminal has."""
    return run_command(main, None)


def _draw(folders: Sequence[Path], wanted: Sequence[str], given: argparse.Namespace) -> Path:
    """Path of the page on the folders, or on the architecture if one is wanted."""
    demand(bool(folders), "results", "a folder with the tables of a run", None)
    demand(len(wanted) <= 1, "arch", "one architecture", list(wanted))
    for folder in folders:
        demand(is_folder(folder), "results", "a folder with the tables of a run, or of several", str(folder))
    if given.out:
        demand_folder("out", given.out)
    if len(folders) > 1 or given.gather or not is_run(folders[0]):
        demand(not wanted, "arch", "the results folder of one run", [str(folder) for folder in folders])
        if len(folders) == 2 and all(map(is_run, folders)) and not given.gather:
            return _compare((folders[0], folders[1]), given.out, given.trust)
        from harness.sweep.gather import write_gathered_report

        return write_gathered_report(folders, given.out)
    tables = read(folders[0])
    name = f"{tables.status['bench']}-{tables.status['dataset']}"
    out = given.out or page_folder(REPORTS, name, folders[0].resolve().name)
    config = report_config(tables.config, given.trust)
    if wanted:
        return _explain(tables, wanted[0], out, config, given.trust)
    with page_lock(out):
        return write(folders[0], out, config)


def _compare(folders: tuple[Path, Path], out: Path | None, trust: bool) -> Path:
    """Path of the page that compares two runs; the answer is printed."""
    from harness.report.two_runs.run_pair import read_pair
    from harness.report.two_runs.screen import print_pair
    from harness.report.two_runs.write import write as write_pair

    both = read_pair(folders)
    place = out or page_folder(REPORTS, "two_runs", "+".join(both.names))
    with page_lock(place):
        page = write_pair(both, place, report_config(both.runs[0].config, trust))
    print_pair(both, console())
    return page


def _explain(tables: RunTables, wanted: str, out: Path, config: ReportConfig, trust: bool) -> Path:
    """Path of the page on the architecture that is wanted."""
    from harness.report.architecture.explain import explain
    from harness.report.architecture.profile import find

    bench = _benchmark(tables, trust)
    try:
        name = find(tables, wanted, lambda text, known: _same_function(bench, text, known))
    except BadInput as error:
        if bench is not None or wanted.isdecimal():
            raise
        unknown = f"benchmark {tables.status['bench']!r} is not installed, so only exact strings are found"
        raise BadInput(f"{error}; {unknown} (--trust builds what the stored configuration names)") from error
    written = wanted not in ("best", "worst") and not wanted.isdecimal()
    return explain(tables, name, out, config, wanted if written and wanted != name else "")


def _benchmark(tables: RunTables, trust: bool) -> Any:
    """The installed benchmark of the run with settings of its own, as the stored ones are not tried; None without one.

    Where the stored configuration is trusted, it is what that names.
    """
    from omegaconf import OmegaConf

    from harness.config.components import build, installed_benchmark

    section = _configuration(tables.config).get("bench")
    stored = section if isinstance(section, dict) else {}
    try:
        if trust:
            return build(OmegaConf.create(stored), "bench")
        return installed_benchmark(str(tables.status["bench"]), str(stored.get("_target_", "")))
    except ValueError as error:
        demand(not trust, "bench", "a benchmark that can be built", str(error))
        return None


def _same_function(bench: Any, text: str, known: Sequence[tuple[str, str]]) -> str | None:
    """Of (name, group) pairs the name of the one architecture that computes what the string `text` does.

    Of several the isomorphic one. None where there is none, or where the benchmark does not know the string.
    """
    if bench is None:
        return None
    try:
        group = bench.sample(1, 0, [text])[0].group
    except (ValueError, LookupError):  # what a benchmark raises for a string that is none of its own
        return None
    same = [name for name, its in known if its == group]
    twins = [name for name in same if len(same) > 1 and _isomorphic(bench, text, name)]
    return twins[0] if twins else same[0] if len(same) == 1 else None


def _isomorphic(bench: Any, text: str, name: str) -> bool:
    """Whether the benchmark holds the two strings for one architecture: a sample of two of them is refused."""
    try:
        bench.sample(2, 0, [text, name])
    except BadInput:
        return True
    return False


def _configuration(config: str) -> dict[str, Any]:
    """The run's configuration; empty where it is no mapping. Raises BadInput where it is no YAML."""
    try:
        loaded = yaml.safe_load(config)
    except yaml.YAMLError as error:
        demand(False, "config.yaml", "YAML", " ".join(str(error).split()))
    return loaded if isinstance(loaded, dict) else {}


def report_config(config: str, trust: bool = False) -> ReportConfig:
    """What the run's configuration has under `report`; the default where it has nothing.

    Figures that are not installed are left out, with one line on stderr, unless the configuration is trusted.
    """
    section = _configuration(config).get("report") or {}
    demand(isinstance(section, dict), "config.yaml: report", "a mapping", section)
    report, foreign = stored_report(section)
    if not foreign:
        return report
    if trust:
        return replace(report, figures=section["figures"])
    names = ", ".join(map(repr, foreign))
    line = f"report.figures: {names} left out, as no installed package has them (--trust imports them)"
    print(visible(line), file=sys.stderr)
    return report
