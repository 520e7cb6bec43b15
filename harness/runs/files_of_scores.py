"""Predictors whose scores are in files: read, matched with the architectures of a run, and checked before training."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from harness.schema import (
    Architecture,
    Benchmark,
    Collective,
    FileScores,
    FromFile,
    Learned,
    Predictor,
    demand,
    name_of,
)

AnyPredictor = Predictor | Collective | Learned

log = logging.getLogger(__name__)


def with_files_read(
    predictors: Mapping[str, AnyPredictor], bench: Benchmark, architectures: Sequence[Architecture]
) -> dict[str, AnyPredictor]:
    """The predictors, those with scores in a file bound to the names of the benchmark's architectures.

    What a file lacks, and rows that name no architecture of the benchmark, are counted in one line. Raises BadInput
    for a file without a score of any of `architectures`.
    """
    found = dict(predictors)
    for name, predictor in predictors.items():
        if isinstance(predictor, FromFile):
            read = predictor.read_file(partial(name_of, bench))
            _tell(f"predictor.{name}", read, architectures)
            found[name] = read.predictor
    return found


def _tell(key: str, read: FileScores, architectures: Sequence[Architecture]) -> None:
    """One line on what does not match; nothing where everything does."""
    missing = [each.name for each in architectures if each.name not in read.scores]
    first = next(iter(read.unknown.items()), None)
    strange = f"{len(read.unknown)} rows name no architecture of the benchmark" if first else ""
    strange += f" (row {first[0]}: {first[1]})" if first else ""
    wanted = "a file with scores of the architectures of this run"
    demand(len(missing) < len(architectures), key, wanted, strange or f"none for {architectures[0].name}")
    lacking = f"{len(missing)} of {len(architectures)} architectures have no row, e.g. {missing[0]}" if missing else ""
    if lacking or strange:
        log.warning("%s: %s", key, "; ".join(filter(None, [lacking, strange])))
