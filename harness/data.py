"""`python -m harness.data check|fetch|convert|query|compare|compact`: a door to harness/cli/data."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.cli.terminal import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code of the command with these arguments, by default those of the process."""
    from harness.cli.data.command import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(run_command(main, None))
