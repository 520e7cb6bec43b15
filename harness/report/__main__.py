"""`python -m harness.report FOLDER`: a door to harness/cli/report.py."""

import sys

from harness.cli.report import main

if __name__ == "__main__":
    sys.exit(main())
