"""The answer to `python -m harness.data query`: of any benchmark that answers questions."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from harness.benches.question import Answer, Queryable, Question
from harness.config.components import build, conf_folder, installed_benchmark
from harness.schema import BadInput, suggestion


def find_answer(asked: argparse.Namespace) -> Answer:
    """The recorded accuracy that the options `asked` describe; errors name the options as they were typed."""
    bench = benchmark(asked.bench, asked.conf)
    keys = [field.name for field in fields(Question)]
    try:
        return bench.query(Question(**{key: getattr(asked, key) for key in keys}), asked.data)
    except BadInput as error:
        typed = str(error).partition(":")[0] in keys
        raise BadInput(f"--{error}" if typed else str(error)) from error


def benchmark(name: str, conf_folders: Sequence[Path]) -> Queryable:
    """The benchmark of this name that answers questions: of `conf_folders`, of this package or of an installed one.

    Raises BadInput, with the names of those that do, for any other.
    """
    files = [path for conf in conf_folders if (path := conf / "bench" / f"{name}.yaml").is_file()]
    found = _built(files[-1]) if files else installed_benchmark(name, "")
    if isinstance(found, Queryable):
        return found
    known = sorted(set(_queryable([*conf_folders, conf_folder()])))
    wanted = f"a benchmark with recorded trainings that answers questions ({', '.join(known)})"
    raise BadInput(f"bench: must be {wanted} (got {name!r}){suggestion(name, known)}")


def _queryable(conf_folders: Sequence[Path]) -> Iterator[str]:
    """Names of the benchmarks in these folders that answer questions."""
    for path in (path for conf in conf_folders for path in (conf / "bench").glob("*.yaml")):
        try:
            if isinstance(_built(path), Queryable):
                yield path.stem
        except BadInput:  # it needs settings, as a folder: its own error is told where it is named
            continue


def _built(path: Path) -> Any:
    try:
        node = OmegaConf.load(path)
    except (OmegaConfBaseException, YAMLError, OSError) as error:
        raise BadInput(f"{path}: must be readable settings (got {' '.join(str(error).split())})") from error
    if not isinstance(node, DictConfig):
        raise BadInput(f"{path}: must be settings of a component (got {type(node).__name__})")
    return build(node, "bench")
