"""`python -m harness.report FOLDER`: a door to harness/cli/report.py."""

import sys

if __name__ == "__main__":
    from harness.cli.report import command

    sys.exit(command())
