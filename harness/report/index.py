"""The list of pages: a small index.json next to every page, and one index.html that lists all of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from filelock import FileLock

from harness.report.page import fill
from harness.report.renderers import plain
from harness.report.text import Content, Name, Score, Text, sort_key
from harness.schema import Estimate, demand
from harness.storage.documents import read_json
from harness.storage.files import write_json, write_text

if TYPE_CHECKING:
    from harness.report.run_tables import RunTables

ENTRY = "index.json"
"""Name of the file next to a page that says in a few numbers what the page holds."""

LOCK = ".index.lock"

RUN, SWEEP, PAIR = "run", "sweep", "two runs"
"""What a page is about."""


@dataclass(frozen=True)
class Entry:
    """One row of the list; `fault` is why the rest of it is not known. `link` leads from the list to the page."""

    link: str
    run: str
    drawn: str
    kind: str = RUN
    question: str = ""
    n: int | None = None
    state: str = ""
    best: Content = ""
    studied: Content = ""
    fault: str = ""

    def sort_keys(self) -> dict[str, str]:
        """By column the text by which a click on its heading sorts; that of a missing number is empty."""
        tau = {name: sort_key(text.parts[-1]) if isinstance(text, Text) and text else None
               for name, text in (("best", self.best), ("studied", self.studied))}  # fmt: skip
        numbers = {"n": None if self.n is None else float(self.n), **tau}
        texts = {key: "" if value is None or not math.isfinite(value) else f"{value:.9g}"
                 for key, value in numbers.items()}  # fmt: skip
        return texts | {"page": self.run, "kind": self.kind, "question": self.question, "drawn": self.drawn}


def write_entry(tables: RunTables, page: Path) -> None:
    """Write what the list says of a run next to its page."""
    from harness.report.sentences.question import asked

    best = tables.final["predictor"].iloc[0] if tables.final["tau"].notna().any() else None
    entry = {
        "bench": str(tables.status["bench"]),
        "dataset": str(tables.status["dataset"]),
        "n": len(tables.architectures),
        "state": str(tables.status.get("state", "unknown")),
        "best": _ranked(tables, best),
        "studied": _ranked(tables, tables.best_studied),
    }
    write_page_entry(page, RUN, plain(asked(tables)), entry)


def write_page_entry(page: Path, kind: str, question: str, entry: Mapping[str, Any]) -> None:
    """Write what the list says of a page next to it: RUN, SWEEP or PAIR, its question, and n, state, best, studied."""
    write_json(page.with_name(ENTRY), {"kind": kind, "question": question, **entry})


def _ranked(tables: RunTables, predictor: str | None) -> dict[str, Any] | None:
    """A predictor with its τ at the last budget; None where there is none."""
    if predictor is None:
        return None
    return ranked_entry(tables.final[tables.final["predictor"] == predictor].to_dict("records")[0])


def ranked_entry(row: Mapping[Any, Any], low: str = "tau_low", high: str = "tau_high") -> dict[str, Any]:
    """A row's predictor with its τ and interval, as an entry has them; null for what is nan."""
    ends = {key: float(row[name]) for key, name in (("tau", "tau"), ("low", low), ("high", high))}
    found = {key: value if math.isfinite(value) else None for key, value in ends.items()}
    return {"predictor": str(row["predictor"]), **found}


def write_index(reports: Path) -> Path:
    """Path of the index.html in the folder `reports` that lists every page below it, those drawn last first.

    Call it after a page was written. One process at a time lists, so that of two that write pages none is lost.
    An entry that cannot be read is listed with the reason.
    """
    reports.mkdir(parents=True, exist_ok=True)
    for name in (LOCK, "index.html"):
        demand(not (reports / name).is_symlink(), "reports", "a folder without symbolic links", str(reports / name))
    with FileLock(reports / LOCK):
        entries = [_entry(path, reports) for path in _pages(reports)]
        entries.sort(key=lambda entry: entry.run)
        entries.sort(key=lambda entry: entry.drawn, reverse=True)
        write_text(reports / "index.html", fill("index.html.jinja", {"entries": entries}))
    return reports / "index.html"


def _pages(folder: Path) -> Iterator[Path]:
    """Every page below the folder that has an entry; what lies below such a page is its own and not looked at."""
    for place, below, names in os.walk(folder):
        if {ENTRY, "index.html"} <= set(names) and Path(place) != folder:
            below.clear()
            yield Path(place) / "index.html"
        below[:] = sorted(name for name in below if not name.startswith("."))


def _entry(page: Path, reports: Path) -> Entry:
    """What is known of one page, however damaged its entry is."""
    place = page.parent.relative_to(reports)
    drawn = datetime.fromtimestamp(page.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
    known = Entry(quote(f"{place.as_posix()}/index.html"), place.as_posix(), drawn)
    try:
        read = read_json(page.with_name(ENTRY))
        return replace(
            known,
            kind=_word(read.get("kind", RUN)),
            question=_word(read["question"]) if "question" in read else _asked(read),
            state=_word(read["state"]),
            n=None if read["n"] is None else int(read["n"]),
            best=_text(read["best"]),
            studied=_text(read["studied"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        return replace(known, fault=f"{ENTRY} cannot be read ({type(error.__cause__ or error).__name__})")


def _asked(read: Mapping[str, Any]) -> str:
    """What stands for the question in an entry that was written before entries had one."""
    return f"{_word(read['bench'])} on {_word(read['dataset'])}"


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _text(ranked: Any) -> Text:
    """A predictor's name and τ; an empty text where there is none."""
    if ranked is None:
        return Text()
    ends = (float("nan") if ranked[key] is None else float(ranked[key]) for key in ("tau", "low", "high"))
    return Text(Name(_word(ranked["predictor"])), " ", Score(Estimate(*ends)))
