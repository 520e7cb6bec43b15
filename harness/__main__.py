"""The console command `harness`, also `python -m harness`: a run or a sweep, or one of the subcommands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of a subcommand (report, data, tabulate, compare), or of a run: `harness +bench=NAME …`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and (subcommand := SUBCOMMANDS.get(words[0])):
        return subcommand(words[1:])
    if words and words[0].isalpha():
        return _refuse(words[0])
    return _run(words)


def command() -> int:
    """Exit code of the process: `main` with its arguments, in letters that its terminal has."""
    from harness.cli.terminal import run_command

    return run_command(main, None)


def _refuse(word: str) -> int:
    """Code 2 for a word that is neither a subcommand nor KEY=VALUE."""
    from harness.cli.terminal import print_error
    from harness.schema import suggestion

    wanted = f"KEY=VALUE or one of {', '.join(SUBCOMMANDS)}"
    print_error(f"{word}: must be {wanted} (got {word!r}){suggestion(word, SUBCOMMANDS)}")
    return 2


def _run(words: Sequence[str]) -> int:
    from harness.cli.terminal import first_word

    with first_word():
        from harness.cli.main import main
        from harness.cli.run import check, run_and_report

    return main("config", run_and_report, check, words)


def _tabulate(words: Sequence[str]) -> int:
    from harness.tabulate import main

    return main(words)


def _report(words: Sequence[str]) -> int:
    from harness.cli.report import main

    return main(words)


def _data(words: Sequence[str]) -> int:
    from harness.cli.data.command import main

    return main(words)


def _compare(words: Sequence[str]) -> int:
    from harness.cli.compare import main

    return main(words)


SUBCOMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "tabulate": _tabulate,
    "report": _report,
    "data": _data,
    "compare": _compare,
}

if __name__ == "__main__":
    sys.exit(command())
