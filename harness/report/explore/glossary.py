"""What the page says of each predictor, and where its paper is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from harness.report.run_tables import RunTables
from harness.schema.families import family


@dataclass(frozen=True)
class Entry:
    """A predictor of the page: `place` names its entry there, `source` is the address of its paper or empty."""

    name: str
    place: str
    family: str
    what: str
    source: str


def glossary(tables: RunTables) -> dict[str, Entry]:
    """An entry for every predictor of the run, best τ first; one that this package does not have says so."""
    known = {} if tables.given else _known()
    found = {}
    for at, (name, kind) in enumerate(zip(tables.final["predictor"], tables.final["family"], strict=True)):
        entry = known.get(str(name), {"what": "not described: no predictor of this package", "source": ""})
        found[str(name)] = Entry(str(name), f"about_{at}", family(str(kind)).label, entry["what"], entry["source"])
    return found


@cache
def _known() -> dict[str, dict[str, str]]:
    """The file that `python -m tools.catalogue glossary` makes of the docstrings."""
    text = (files("harness.report.explore") / "glossary.json").read_text(encoding="utf-8")
    known: dict[str, dict[str, str]] = json.loads(text)
    return known
