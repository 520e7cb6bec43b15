"""The findings as a table, and below it the missing files with their URLs and commands, one per line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from .needs import File, Finding

WIDTH = 100  # characters
LACKING = ("missing", "partial", "unusable", "wrong")  # states of a finding that something can be done about


def show(findings: Sequence[Finding], folder: Path, options: str, console: Console) -> None:
    """Print all of it; `options` are what a command has to say again to mean the same folders."""
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    _line(console, f"data folder {folder}" + ("" if folder.exists() else " (not there yet)"))
    console.print(_table(findings))
    for finding in findings:
        if finding.state in LACKING:
            _line(console, f"\n{finding.name}, in {folder}")
            for file in finding.files:
                if file.state in ("missing", "empty", "wrong"):
                    _lines(console, file)
            if finding.state == "unusable":
                _line(console, f"  {finding.why}")
            if finding.instead:
                _line(console, f"  or {', or '.join(finding.instead)}")
            if all(file.urls for file in finding.files):
                unverified = "" if all(file.checksum for file in finding.files) else " --unverified"
                _line(console, f"  python -m harness.data fetch {finding.name}{unverified}{options}")
        for why in finding.unusable:
            _line(console, f"\n{finding.name}, also present but unusable: {why}")
        if finding.note and finding.state != "present":
            _line(console, f"  {finding.note}" if finding.files else f"\n{finding.name}: {finding.note}")


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "state", "file", "size", "checksum"):
        table.add_column(name, justify="right" if name == "size" else "left", overflow="fold")
    for finding in findings:
        rows = [
            (_named(file), "" if file.size is None else decimal(file.size), _checksum(file)) for file in finding.files
        ]
        first, *others = rows or [("", "", "")]
        held = f"{finding.state} {finding.why}" if finding.state == "partial" else finding.state
        table.add_row(finding.name, held, *first)
        for row in others:
            table.add_row("", "", *row)
    return table


def _named(file: File) -> str:
    return file.name if file.holds is None else f"{file.name} ({file.holds:,} files)"


def _checksum(file: File) -> str:
    return "" if file.state in ("missing", "empty") else file.state


def _lines(console: Console, file: File) -> None:
    wrong = " is damaged or of another version: delete it" if file.state == "wrong" else ""
    wrong = " is empty" if file.state == "empty" else wrong
    kept = f", {decimal(file.kept)} of it already fetched" if file.kept else ""
    _line(console, f"  {file.name}{wrong}{kept}")
    if file.urls or file.checksum:
        _line(console, f"    {file.checksum or 'no checksum is published'}")
    for url in file.urls:
        _line(console, f"    {url}")


def _line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)
