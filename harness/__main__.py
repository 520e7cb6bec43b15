"""`python -m harness +bench=NAME`: the front door."""

import sys

from harness.cli.main import start
from harness.cli.run import refuse, run_job

if __name__ == "__main__":
    sys.exit(start("config", run_job, refuse))
