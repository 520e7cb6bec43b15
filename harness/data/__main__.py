"""`python -m harness.data check|fetch`: what data sets and benchmarks need from outside, and getting it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from harness.files import Source

    from .needs import Need


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0; 2 with one line on stderr for bad input; 3 where something that was asked for is not there."""
    try:
        asked = _parser().parse_args(arguments)
    except _Refused as error:
        return _complain(error)
    from harness.schema import BadInput

    try:
        return int(asked.run(asked))
    except BadInput as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130


def check(asked: argparse.Namespace) -> int:
    """Show what is there; nothing is downloaded."""
    from rich.console import Console

    from harness import files

    from .needs import examine
    from .sheet import show

    findings = [examine(need, asked.data, asked.fast) for need in _needs(asked)]
    if asked.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        show(findings, files.folder(asked.data), Console())
    complete = all(finding.state in ("present", "nothing needed") for finding in findings)
    return 0 if complete or not asked.names else 3


def fetch(asked: argparse.Namespace) -> int:
    """Get what is missing, the first alternative of each need that can be had."""
    from harness import files
    from harness.files import Download
    from harness.schema import BadInput

    code = 0
    for need in _needs(asked):
        fetchable = need.source and any(all(isinstance(p, Download) for p in parts) for parts in need.source.any_of)
        if need.source is None:
            print(f"{need.name}: {need.note or 'nothing needed'}")
            code = 3 if need.note else code
        elif not fetchable and need.name not in asked.names and not files.present(need.source, asked.data):
            print(f"{need.name}: no public download; {need.source.note}")
        else:
            try:
                found = files.obtain(
                    need.source, asked.data, need.name, network=not asked.offline, unverified=asked.unverified
                )
                print(f"{need.name}: {', '.join(map(str, found))}")
                _warn(need.source, found)
            except BadInput as error:
                _complain(error)
                code = 3
    return code


def _warn(source: Source, found: Sequence[Path]) -> None:
    """Say what came where nobody published what should come."""
    import pooch

    unknown = {
        part.name for parts in source.any_of for part in parts if not isinstance(part, str) and not part.checksum
    }
    for path in found:
        if path.name in unknown:
            print(f"  {path.name}: sha256:{pooch.file_hash(str(path))}; nobody published a checksum to compare it with")


def _needs(asked: argparse.Namespace) -> list[Need]:
    from harness.compose import conf_folder

    from .needs import needs

    return needs(asked.names, [conf_folder(), *asked.conf])


class _Refused(Exception):
    """A command line that cannot be read."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Refused(f"{message}; {self.prog} --help says more")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m harness.data", description="Files that data sets and benchmarks need.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for function, names, text in (
        (check, "*", "what is there, and exactly what is missing; downloads nothing"),
        (fetch, "+", "download what is missing"),
    ):
        command = commands.add_parser(function.__name__, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(run=function)
        command.add_argument("names", metavar="NAME", nargs=names, help="data set or benchmark, or one of its sources")
        command.add_argument("--data", metavar="FOLDER", help="data folder (default: $HARNESS_DATA, else the cache)")
        conf = "folder with further dataset/ and bench/ files; may be repeated"
        command.add_argument("--conf", metavar="FOLDER", type=Path, action="append", default=[], help=conf)
        if function is check:
            command.add_argument("--fast", action="store_true", help="do not compute checksums")
            command.add_argument("--json", action="store_true", help="print JSON")
        else:
            command.add_argument("--offline", action="store_true", help="download nothing")
            unverified = "take files whose checksum nobody published, too"
            command.add_argument("--unverified", action="store_true", help=unverified)
    return parser


def _complain(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
