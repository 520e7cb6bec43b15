"""`python -m harness.data check|fetch|convert|query|compare|compact`: what is needed from outside, and the store."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.terminal import print_error

from .arguments import BadArguments, parse_arguments

if TYPE_CHECKING:
    from harness.files import Source

    from .needs import Need

MOST_DRAWS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0; 2 with one line on stderr for bad input; 3 where something that was asked for is not there."""
    try:
        asked = parse_arguments(None if arguments is None else list(arguments))
    except BadArguments as error:
        return _complain(error)
    from harness.cli.endings import carry_out

    def command() -> int:
        _demand_folders(asked)
        return COMMANDS[asked.command](asked)

    return carry_out(command)


def check(asked: argparse.Namespace) -> int:
    """Show what is there; nothing is downloaded."""
    from harness import files
    from harness.cli.terminal import console

    from .availability_table import show
    from .needs import examine

    findings = [examine(need, asked.data, asked.fast) for need in _needs(asked)]
    if asked.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        options = [("--data", asked.data)] if asked.data else []
        options += [("--conf", str(folder)) for folder in asked.conf]
        again = "".join(f" {option} {shlex.quote(value)}" for option, value in options)
        show(findings, files.folder(asked.data), again, console())
    complete = all(finding.state in ("present", "nothing needed") for finding in findings)
    return 0 if complete or not asked.names else 3


def fetch(asked: argparse.Namespace) -> int:
    """Get what is missing, the first alternative of each need that can be had."""
    from harness import files
    from harness.schema import BadInput

    code = 0
    for need in _needs(asked):
        fetchable = need.source and any(map(files.fetchable, need.source.any_of))
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
                _tell_unknown(need.source, found)
            except BadInput as error:
                _complain(error)
                code = 3
    return code


def convert(asked: argparse.Namespace) -> int:
    """Make the tables of one space; says what they hold."""
    from harness import files
    from harness.benches.nats import archive
    from harness.benches.nats.convert import convert as make
    from harness.benches.nats.spaces import space_of
    from harness.cli.progress import live

    space = asked.name.removeprefix("nats-")
    folder = asked.folder or archive.needed(space_of(space, "NAME"), asked.data, "--folder").path
    with live("records") as progress:
        out, tell = asked.out or files.folder(asked.data), partial(progress, "records")
        made = make(space, folder, out, tell, asked.workers, asked.skip_damaged, key="--folder")
    print(made)
    for reason in made.damaged:
        print(f"skipped: {reason}")
    return 3 if made.damaged else 0


def query(asked: argparse.Namespace) -> int:
    """Print one accuracy and where it comes from."""
    from .query import find_answer

    answer = find_answer(asked)
    print(json.dumps(asdict(answer), indent=1) if asked.json else answer)
    return 0


def compare(asked: argparse.Namespace) -> int:
    """Print how well published tables agree, and how well scores rank their models."""
    from harness.benches.pretrained.comparison import compare as found_in
    from harness.schema import demand

    from .comparison_tables import as_json, markdown

    demand(0 <= asked.draws <= MOST_DRAWS, "--draws", f"a count from 0 to {MOST_DRAWS}", asked.draws)
    demand(asked.seed >= 0, "--seed", "at least 0", asked.seed)
    found = found_in(asked.tables, asked.scores, asked.draws, asked.seed)
    print(as_json(found) if asked.json else markdown(found))
    return 0


def compact(asked: argparse.Namespace) -> int:
    """Merge loose traces into segments, and say how many."""
    from harness.schema import demand
    from harness.storage.compaction import compact as merge
    from harness.storage.traces import TraceStore

    folder = asked.results / "traces"
    demand(folder.is_dir(), "--results", "a folder with traces/ in it", str(asked.results))
    done = merge(TraceStore(folder))
    print(done.reason or f"{folder}: {done.merged} traces merged; {done.segments} segments")
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": check,
    "fetch": fetch,
    "convert": convert,
    "query": query,
    "compare": compare,
    "compact": compact,
}


def _demand_folders(asked: argparse.Namespace) -> None:
    """Raises BadInput where the data folder is a file, or lies below one, and where a --conf holds nothing to read."""
    from harness import files
    from harness.schema import demand

    place = files.folder(asked.data).absolute()
    there = next(path for path in (place, *place.parents) if path.exists())
    demand(there.is_dir(), "--data" if asked.data else "HARNESS_DATA", "a folder", f"the file {there}")
    for conf in getattr(asked, "conf", []):
        known = any((conf / group).is_dir() for group in ("dataset", "bench"))
        demand(known, "--conf", "a folder with dataset/ or bench/ in it", f"{conf}{'' if conf.exists() else ' (none)'}")


def _needs(asked: argparse.Namespace) -> list[Need]:
    from harness.config.components import conf_folder

    from .needs import needs

    return needs(asked.names, [conf_folder(), *asked.conf])


def _tell_unknown(source: Source, found: Sequence[Path]) -> None:
    """Say what came where nobody published what should come."""
    import pooch

    parts = [part for parts in source.any_of for part in parts if not isinstance(part, str)]
    unknown = {part.name for part in parts if part.checksum is None}
    for path in found:
        if path.name in unknown:
            print(f"  {path.name}: sha256:{pooch.file_hash(str(path))}; nobody published a checksum to compare it with")


def _complain(error: Exception) -> int:
    print_error(error)
    return 2
