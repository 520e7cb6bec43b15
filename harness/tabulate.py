"""`python -m harness.tabulate +bench=NAME`: a door to harness/cli/tabulate.py."""

import sys

from harness.cli.main import start
from harness.cli.tabulate import refuse, tabulate

if __name__ == "__main__":
    sys.exit(start("tabulate", tabulate, refuse))
