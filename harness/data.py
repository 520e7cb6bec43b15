"""`python -m harness.data check|fetch|convert|query`: a door to harness/cli/data."""

import sys

from harness.cli.data.command import main

if __name__ == "__main__":
    sys.exit(main())
