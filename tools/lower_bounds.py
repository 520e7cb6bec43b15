"""`python -m tools.lower_bounds`: prints constraints for pip, the lowest version that pyproject.toml declares of each.

    python -m tools.lower_bounds > lowest.txt && pip install -c lowest.txt -e '.[test]' && pytest -k "not lint"

tries the lower bounds. torch is left out: its older builds bring gigabytes of CUDA packages with them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
LEFT_OUT = ("torch",)


def constraints(requirements: Iterable[str]) -> list[str]:
    """`name==lowest` of every requirement `name>=lowest,...` that has a lowest version and is not left out."""
    found = []
    for requirement in requirements:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?>=([0-9][0-9A-Za-z.]*)", requirement)
        if match and match[1] not in LEFT_OUT:
            found.append(f"{match[1]}=={match[2]}")
    return found


def declared(pyproject: Path = PROJECT) -> list[str]:
    """The requirements of the package and of its extras `test` and `tensorboard`."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["tensorboard"], *extras["test"]]


if __name__ == "__main__":
    print("\n".join(constraints(declared())))
