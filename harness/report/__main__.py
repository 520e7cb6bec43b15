"""`python -m harness.report FOLDER`: a door to harness/cli/report.py."""

import os
import sys

if __name__ == "__main__":
    if "--trust" not in sys.argv:  # `python -m` puts the working folder on the path, and code there is a stranger's
        sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder or os.curdir) != os.getcwd()]
    from harness.cli.report import command

    sys.exit(command())
