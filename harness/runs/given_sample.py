"""Architectures that a user names, instead of a draw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from harness.schema import Architecture, BadInput, Benchmark, demand, name_of, suggestion
from harness.storage import rows
from harness.storage.rows import ARCHITECTURE

KEY = "sample"
FEWEST = 2


def given_sample(given: object) -> tuple[object, ...]:
    """The entries of `sample`: of a list, or of the file of that name (CSV, Parquet, JSON with a column `architecture`,
    or a text with one architecture per line); none for None. Raises BadInput."""
    if given is None:
        return ()
    if isinstance(given, str):
        return _of_file(Path(given))
    entries = tuple(given) if isinstance(given, list | tuple) else ()
    demand(len(entries) > 0, KEY, "a file, or a list of architectures (names or official indexes)", given)
    return entries


def architectures_of(
    bench: Benchmark, given: Sequence[object], known: Collection[str], index: Mapping[str, int]
) -> list[Architecture]:
    """The architectures that `given` names, in that order, isomorphic ones too.

    Whole numbers are official indexes, unless they are names. Raises BadInput, by the place in the list, for what is
    no architecture, has no ground truth (is not in `known`), or stands there twice.
    """
    named = {place: name for name, place in index.items()}
    places: dict[str, int] = {}
    held = set(known)
    for place, each in enumerate(given, start=1):
        name = str(each) if str(each) in held else _named(bench, each, named, place)
        if name not in held:
            wanted = f"architectures with a ground truth ({len(held):,})"
            raise BadInput(f"{KEY}: must be {wanted} (got {each!r} at place {place}){suggestion(name, held)}")
        twice = f"{name} at places {places.get(name)} and {place}"
        demand(name not in places, KEY, "architectures that differ", twice)
        places[name] = place
    demand(len(places) >= FEWEST, KEY, f"at least {FEWEST} architectures", len(places))
    return [bench.sample(1, 0, [name])[0] for name in places]


def _named(bench: Benchmark, given: object, named: Mapping[int, str], place: int) -> str:
    number = int(str(given)) if str(given).isdecimal() else None
    if number is None:
        try:
            return name_of(bench, given)
        except BadInput as error:
            raise BadInput(f"{KEY}: place {place}: {error}") from error
    demand(bool(named), KEY, "names: this source of the ground truth has no official indexes", number)
    demand(number in named, KEY, f"official indexes of {bench.name} with a ground truth", f"{number} at place {place}")
    return named[number]


def _of_file(path: Path) -> tuple[object, ...]:
    if path.suffix in rows.ENDINGS:
        return tuple(rows.column(rows.read(path, KEY), ARCHITECTURE, KEY, path))
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise BadInput(f"{KEY}: must be a file that can be read, or a list (got {str(path)!r})") from error
    found = tuple(line for line in lines if line)
    demand(bool(found), KEY, "a file with an architecture per line", str(path))
    return found
