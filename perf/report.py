"""How long it takes from scores to the page: the judgement, the tables of the run, the report alone from stored tables.

    python -m perf.report [architectures [predictors [budgets [draws [permutations]]]]]

The default is all 15,625 architectures of NAS-Bench-201 and 30 predictors at one budget, with 1,000 draws and 9,999
permutations. Scores, traces and accuracies are drawn at random; nothing is trained. Seconds are CPU time of this
process, which is the wall clock's on a free core, and the imports that a part needs are in it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.bench import NasBench201
from harness.datasets.digits import Digits
from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
from harness.predictors.column_value import ColumnValue
from harness.report.config import ReportConfig
from harness.report.write import write
from harness.runs import identity, tables
from harness.runs.context import Sample, Scores, Traces, prepare
from harness.runs.engine import Engine
from harness.runs.spec import RunSpec
from harness.schema import Architecture, Trace, Truth
from harness.train.recipe import Recipe

EVERY = 8
"""Steps between two observations."""

COLUMNS = ("train_loss", "flops", "params", "valid_accuracy", "valid_loss", "layers")
FAMILIES = ("control", "size", "size", "learning_curve", "learning_curve", "capacitance")


def main(arguments: Sequence[str] | None = None) -> None:
    """Time every part on random scores and print a table."""
    n, predictors, budgets, draws, permutations = parse(arguments)
    print(f"n = {n}, {predictors} predictors x {budgets} budgets, {draws} draws, {permutations} permutations")
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as place:
        spec, sample, traces, scores, timings = example(
            n, predictors, budgets, Evaluation(bootstrap=draws, permutations=permutations), Path(place)
        )
        context = prepare(spec)
        families = {name: predictor.family for name, predictor in spec.predictors.items()}
        print(f"{'drawing the example, not counted':<36}{time.process_time() - begin:>8.1f} s")
        begin = time.process_time()
        with threadpool_limits(1):
            with clock("judgement"):
                judgement = judge(scores, sample.truth, families, spec.evaluation)
            with clock("tables of the run"):
                made = tables.tables(context, sample, traces, Scores(scores, timings, judgement), [])
            with clock("writing them"):
                identity.write(context, made, identity.status(context, sample, traces.scored))
            with clock("report, from the stored tables"):
                page = write(identity.folder(context), Path(place) / "report", ReportConfig())
        print(f"{'the whole':<36}{time.process_time() - begin:>8.1f} s")
        print(f"{'index.html':<36}{page.stat().st_size / 2**20:>8.1f} MiB")
    print(f"{'most memory':<36}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:>8.1f} GiB")


def parse(arguments: Sequence[str] | None) -> list[int]:
    """The five sizes, those of the command line or the default ones."""
    parser = argparse.ArgumentParser(prog="python -m perf.report", description="Times from scores to the page.")
    defaults = {"architectures": 15_625, "predictors": 30, "budgets": 1, "draws": 1000, "permutations": 9999}
    for name, value in defaults.items():
        parser.add_argument(name, nargs="?", type=int, default=value, help=f"(default: {value})")
    return list(vars(parser.parse_args(arguments)).values())


def example(
    n: int, predictors: int, budgets: int, evaluation: Evaluation, results: Path
) -> tuple[RunSpec, Sample, Traces, pd.DataFrame, pd.DataFrame]:
    """A run that was trained and scored: its spec, sample with three seeds, traces, scores and their timings."""
    rng = np.random.default_rng(0)
    steps = [EVERY * (place + 1) for place in range(budgets)]
    names = [str(cell) for cell in space.every_cell()[:n]]
    good = rng.gamma(1.5, 1, n)
    truth = Truth(pd.DataFrame(90 - 4 * good[:, None] + 0.3 * rng.normal(size=(n, 3)), index=names,
                               columns=["0", "1", "2"]), "train", "test", 1, "simulated")  # fmt: skip
    kinds = {f"{COLUMNS[i % 6]}_{i}" if i >= 6 else COLUMNS[i]: i % 6 for i in range(predictors)}
    spec = RunSpec(
        bench=NasBench201(), dataset=Digits(), recipe=Recipe(epochs=None, steps=steps[-1], observe_every=EVERY),
        measures={}, predictors={name: ColumnValue(COLUMNS[i], 1.0, FAMILIES[i]) for name, i in kinds.items()},
        evaluation=replace(evaluation, budgets=steps), engine=Engine(), seed=0,
        architectures=n, data=None, results=results, settings="bench:\n  name: nasbench201\n",
    )  # fmt: skip
    architectures = [Architecture(name, name, index=place) for place, name in enumerate(names)]
    frames = [
        pd.DataFrame({"predictor": name, "step": step, "architecture": names, "sd": np.nan, "reason": "",
                      "score": -good + rng.uniform(0.3, 3) * rng.normal(size=n)})
        for step in steps for name in kinds
    ]  # fmt: skip
    timings = pd.DataFrame([(name, step, 0.0, 0.0, 1e-4) for step in steps for name in kinds],
                           columns=["predictor", "step", "fitted_on", "fit", "score"])  # fmt: skip
    traces = Traces(random_traces(architectures, good, rng, [0, *steps]))
    return spec, Sample(architectures, truth, spec.predictors), traces, pd.concat(frames, ignore_index=True), timings


def random_traces(
    sample: list[Architecture], good: np.ndarray, rng: np.random.Generator, steps: list[int]
) -> list[Trace]:
    """A trace of each architecture, as a run has it, observed at `steps`."""
    at, found = np.array(steps), []
    for architecture, worse in zip(sample, good, strict=True):
        loss = 2.3 * np.exp(-at / (60 + 20 * worse)) + 0.05 * rng.normal(size=len(at))
        table = {"step": at, "epoch": at / 32, "seconds": 0.02 * at, "train_loss": loss, "train_accuracy": 100 - loss,
                 "valid_loss": loss, "valid_accuracy": 100 - loss, "seconds_valid": 0.1, "params": 1e4, "flops": 1e6,
                 "layers": 5.0}  # fmt: skip
        found.append(Trace(architecture, 0, pd.DataFrame(table)))
    return found


@contextmanager
def clock(part: str) -> Iterator[None]:
    """Print the CPU seconds of what is done within."""
    begin = time.process_time()
    yield
    print(f"{part:<36}{time.process_time() - begin:>8.1f} s", flush=True)


if __name__ == "__main__":
    main()
