"""What a command prints: letters that the terminal has, errors of one line, and an end without traceback.

A command ends quietly where the reader of its output has gone (`--help | head`).
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

BROKEN_PIPE = 141
"""Exit code of a command whose reader has gone: 128 + SIGPIPE, as shells have it."""

PLAIN = {
    "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MULTIPLICATION SIGN}": "x", "\N{MIDDLE DOT}": "-", "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=", "\N{ALMOST EQUAL TO}": "~", "\N{PLUS-MINUS SIGN}": "+-",
    "\N{RIGHTWARDS ARROW}": "->", "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{BULLET}": "*",
    "\N{INFINITY}": "inf", "\N{VULGAR FRACTION ONE HALF}": "1/2", 
    "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ",
}  # fmt: skip
"""Signs without letters of their own, in ASCII."""


def plain_letters(text: str) -> str:
    """The text in ASCII: Greek letters by their names, other letters without accents, what is left as escapes.

    >>> plain_letters("Δτ −.05 é")
    'Delta-tau -.05 e'
    """
    words: list[str] = []
    for letter in text:
        greek = _greek(letter)
        if greek and words and words[-1].isalpha() and len(words[-1]) > 1:
            words.append("-")
        words.append(greek or PLAIN.get(letter) or _ascii(letter))
    return "".join(words)


FIRST_WORD = "checking the settings …"


@contextmanager
def first_word() -> Iterator[None]:
    """Say at a terminal what is going on during the block, which imports and checks before any bar can be drawn."""
    waits = sys.stderr.isatty()
    if waits:
        print(FIRST_WORD, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if waits:
            print(f"\r{' ' * len(FIRST_WORD)}\r", end="", file=sys.stderr, flush=True)


def print_error(error: object) -> None:
    """Print one line on stderr: "error: KEY: must be …"."""
    from harness.schema.visible import visible  # its package imports NumPy, for which --help need not wait

    print(f"error: {visible(str(error))}", file=sys.stderr)


def console(stderr: bool = False) -> Console:
    """A console that prints text as it is: no markup, no emoji names, no highlighting."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def run_command(command: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None = None) -> int:
    """The exit code of `command`, whose output a terminal or pipe of any encoding can take; 141 where it is closed."""
    _search_working_folder_last()
    codecs.register_error("plain", _replacement)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")
    try:
        try:
            return command(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not _is_closed(sys.stdout):  # another pipe, as to a worker
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's own flush at the end
        return BROKEN_PIPE


def _search_working_folder_last() -> None:
    """Have modules of the working folder, which `python -m` puts first, found only where no other has their name.

    A file profile.py there would otherwise be imported instead of the one of the standard library.
    """
    if sys.path[:1] in ([""], [os.getcwd()]):
        sys.path.append(sys.path.pop(0))


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """Python's protocol of error handlers: what stands for the letters that cannot be encoded, and where to resume."""
    assert isinstance(error, UnicodeEncodeError)  # registered for output alone
    return plain_letters(error.object[error.start : error.end]), error.end


def _is_closed(stream: object) -> bool:
    """Whether the other end of the pipe that the stream writes to is closed."""
    if not isinstance(stream, io.TextIOWrapper):
        return False
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _greek(letter: str) -> str:
    """The name of a Greek letter, capital where it is; "" for any other."""
    words = unicodedata.name(letter, "").split()
    if words[:1] != ["GREEK"] or "LETTER" not in words:
        return ""
    name = words[words.index("LETTER") + 1]
    return name.capitalize() if "CAPITAL" in words else name.lower()


def _ascii(letter: str) -> str:
    if letter.isascii():
        return letter
    found = "".join(part for part in unicodedata.normalize("NFKD", letter) if part.isascii())
    if found:
        return found
    if unicodedata.name(letter, "").startswith("BOX DRAWINGS"):
        return "|" if "VERTICAL" in unicodedata.name(letter) else "-"
    return _escape(letter)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
