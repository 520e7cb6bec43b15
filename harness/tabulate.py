"""`python -m harness.tabulate +bench=NAME`: a door to harness/cli/tabulate.py."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.cli.terminal import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of the command with these arguments, by default those of the process."""
    from harness.cli.main import main as run_command
    from harness.cli.tabulate import check, tabulate

    return run_command("tabulate", tabulate, check, arguments)


if __name__ == "__main__":
    sys.exit(run_command(main, None))
