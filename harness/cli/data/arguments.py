"""The command line of `python -m harness.data`; it imports nothing heavy, so that --help answers at once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn


class BadArguments(Exception):
    """A command line that cannot be read; the message is one line."""


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """What is asked for: `command` and its options. Raises BadArguments, and SystemExit after --help."""
    parser = _Parser(
        prog="python -m harness.data",
        description="Files that data sets and benchmarks need, and questions to recorded trainings.",
        epilog="COMMAND --help describes its options. Exit codes: 0; 2 bad input; 3 something named is missing.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    check = _command(commands, "check", "list the files that are present and those that are missing; downloads nothing")
    check.add_argument("names", metavar="NAME", nargs="*", help="data set, benchmark, or one source of it; default all")
    check.add_argument("--fast", action="store_true", help="do not compute checksums")
    check.add_argument("--json", action="store_true", help="print JSON")
    fetch = _command(commands, "fetch", "download what is missing")
    fetch.add_argument("names", metavar="NAME", nargs="+", help="data set, benchmark, or one source of it")
    fetch.add_argument("--offline", action="store_true", help="download nothing; print which file belongs where")
    fetch.add_argument("--unverified", action="store_true", help="also accept files without a published checksum")
    query = _query(commands)
    for command in (check, fetch, query):
        conf = "folder with further dataset/ and bench/ files; may be repeated"
        command.add_argument("--conf", metavar="FOLDER", type=Path, action="append", default=[], help=conf)
    _convert(commands)
    _compare(commands)
    _compact(commands)
    return parser.parse_args(arguments)


def _convert(commands: Any) -> None:
    convert = _command(commands, "convert", "convert an official NATS-Bench folder into tables that are read quickly")
    convert.add_argument("name", choices=("nats-tss", "nats-sss"), help="topology or size space; also the tables' name")
    convert.add_argument("--folder", type=Path, help="official fast-mode folder (default: where check looks for it)")
    convert.add_argument("--out", metavar="FOLDER", type=Path, help="folder for the tables (default: the data folder)")
    convert.add_argument("--workers", metavar="N", type=int, default=1, help="processes (default: 1)")
    skip = "skip damaged records and list them, instead of stopping at the first"
    convert.add_argument("--skip-damaged", action="store_true", help=skip)


def _query(commands: Any) -> argparse.ArgumentParser:
    query = _command(commands, "query", "one accuracy of one recorded training, with its source")
    query.add_argument(
        "bench", metavar="BENCH", help="benchmark with recorded trainings, e.g. nasbench201; another one lists all"
    )
    query.add_argument("--dataset", required=True, help="e.g. cifar100")
    query.add_argument("--architecture", required=True, help="its string, or its official index where there is one")
    query.add_argument("--split", required=True, help="train, valid, test, valtest, or the archive's name (x-valid)")
    query.add_argument("--train-set", help="e.g. cifar10, where the data set has two (default: cifar10-valid)")
    query.add_argument("--schedule", metavar="EPOCHS", type=int, help="default: the longest")
    query.add_argument("--epoch", type=int, help="from 0; default: the last")
    query.add_argument("--seed", type=int, help="e.g. 777; default: the mean over those recorded")
    source = "auto, converted, archive, table, embedded, or a table by python -m harness.tabulate (default: auto)"
    query.add_argument("--source", default="auto", help=source)
    query.add_argument("--json", action="store_true", help="print JSON")
    return query


def _compare(commands: Any) -> None:
    text = "compare published tables of models' accuracies on data sets: agreement, and how well scores rank the models"
    compare = _command(commands, "compare", text, data=False)
    compare.set_defaults(data=None)  # nothing of the data folder is read
    tables = ".csv or .parquet file: a row for each model and data set, or for each model; in the working folder"
    compare.add_argument("tables", metavar="TABLE", nargs="+", type=Path, help=tables)
    scores = "file of the same kind with scores, higher is better; may be repeated"
    compare.add_argument("--scores", metavar="FILE", type=Path, action="append", default=[], help=scores)
    compare.add_argument("--draws", metavar="N", type=int, default=1000, help="resamples of the models (default: 1000)")
    compare.add_argument("--seed", type=int, default=0, help="of the resampling (default: 0)")
    compare.add_argument("--json", action="store_true", help="print JSON")


def _compact(commands: Any) -> None:
    text = "merge stored traces, a file each, into segments of up to 1,024 that are read by columns"
    compact = _command(commands, "compact", text, data=False)
    compact.set_defaults(data=None)
    compact.add_argument("--results", metavar="FOLDER", type=Path, default=Path("results"), help="(default: results)")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadArguments(f"{message}; {self.prog} --help describes the options")


def _command(commands: Any, name: str, text: str, data: bool = True) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False
    )
    if data:
        command.add_argument(
            "--data", metavar="FOLDER", help="data folder (default: $HARNESS_DATA, else the user's cache)"
        )
    return command
