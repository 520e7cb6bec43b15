"""Where the seconds of a run go, by stage, and its memory.

    python -m perf.stages [architectures ...] [--kernels native_watch]

The default is 10, 80, 1,000 and 15,625 architectures of NAS-Bench-201. Up to 80 it is the main job, on embedded digits,
trained; above that the traces are copies of a few real ones with perturbed numbers (perf/copies.py), the accuracies are
drawn at random, and 30 predictors are judged at the last budget. Seconds are those of the clock and, in brackets, CPU
seconds of all processes. Memory is the most that all processes together had at a time, what they share counted once
(PSS). Linux alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import OmegaConf

from harness.benches.nasbench201.bench import NasBench201
from harness.config.components import conf_folder
from harness.datasets.digits import Digits
from harness.evaluate.settings import Evaluation
from harness.processes.pool import end_workers
from harness.processes.workers import idle_workers
from harness.report.config import ReportConfig
from harness.report.write import write as draw
from harness.runs import run
from harness.runs.context import prepare
from harness.runs.engine import Engine
from harness.runs.identity import folder
from harness.runs.spec import RunSpec
from harness.schema import Architecture
from harness.schema.progress import silent
from harness.train.recipe import Recipe
from perf.copies import fill as copy
from perf.copies import names, templates, write_truth
from perf.observation import measures

TRAINED = 80
"""Architectures up to which the run is the main job."""

PREDICTORS = (
    "flops", "params", "live_flops", "layers", "valacc", "best_valacc", "valid_loss", "train_loss", "tse", "tse_e",
    "tse_ema", "grad_norm", "grad_norm_trained", "snip", "synflow", "jacov", "naswot_trained", "zico_trained",
    "beta_eff", "beta_eff_mean", "beta_eff_trend", "beta_eff_pooled", "movement", "weight_statistics",
    "weight_statistics_linear", "temporal_graph", "operations_ridge", "description_boosting", "stack",
    "stack_without_capacitance",
)  # fmt: skip
"""Thirty; left out are models whose fit grows with the cube of the architectures, such as Gaussian processes."""

STAGES = ("start", "look-up and training", "reading", "scoring", "judging", "tables", "report")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a column for each number of architectures."""
    parser = argparse.ArgumentParser(prog="python -m perf.stages", description="Seconds of a run by stage.")
    parser.add_argument("architectures", nargs="*", type=int, default=[10, 80, 1000, 15_625])
    parser.add_argument("--kernels", default="auto", help="engine.kernels (default: auto)")
    given = parser.parse_args(arguments)
    print(f"| architectures | {' | '.join(STAGES)} | whole | memory, GiB |\n{'|---' * (len(STAGES) + 3)}|")
    for count in given.architectures:
        with tempfile.TemporaryDirectory() as place:
            for work in (fill, carry_out):  # each an interpreter of its own: at its end joblib tidies up what it shared
                call = f"{work.__name__}({count}, Path({place!r}), {given.kernels!r})"
                code = f"from perf.stages import Path, {work.__name__}; {call}"
                subprocess.run([sys.executable, "-c", code], check=True)


def fill(count: int, place: Path, kernels: str) -> None:
    """Make the accuracies and the store of copies that a large run reads."""
    if count <= TRAINED:
        return
    write_truth(place / "truth.csv", names(count))
    context = prepare(spec_of(count, place, kernels))
    wanted = [(Architecture(name, name), 0) for name in names(count)]
    copy(context.store, context.campaign, templates(context.campaign), wanted)


def spec_of(count: int, place: Path, kernels: str = "auto") -> RunSpec:
    """The run that the command line composes of default settings, with the predictors of a large one."""
    large = count > TRAINED
    bench = NasBench201(source=str(place / "truth.csv"), isomorphs="all") if large else NasBench201()
    observed, paths = measures(), sorted((conf_folder() / "predictor").glob("*.yaml"))
    chosen = [path for path in paths if not large or path.stem in PREDICTORS]
    return RunSpec(
        bench=bench, dataset=Digits(), recipe=Recipe(epochs=2, observe_every=8), measures=observed,
        predictors={path.stem: instantiate(OmegaConf.load(path), _convert_="all") for path in chosen},
        evaluation=Evaluation(budgets=[64] if large else None, learned_every=4), engine=Engine(kernels=kernels), seed=0,
        architectures=count, data=None, results=place / "results",
        settings="bench:\n  name: nasbench201\n", automatic=True, unasked=list(observed),
    )  # fmt: skip


def carry_out(count: int, place: Path, kernels: str) -> None:
    """The run, stage by stage; prints its row."""
    spent: list[tuple[float, float]] = []
    with most_memory() as memory:
        begin = time.perf_counter(), 0.0

        def lap() -> None:
            nonlocal begin
            now = time.perf_counter(), cpu_seconds()
            spent.append((now[0] - begin[0], now[1] - begin[1]))
            begin = now

        spec = spec_of(count, place, kernels)
        context = prepare(spec)
        sample = run.truth_and_sample(context)
        lap()
        with spec.engine.opened() as workers:
            training = run.train(context, sample, workers, silent)
            lap()
            traces = run.load(context, sample)
            lap()
            scored: list[tuple[float, float]] = []

            def tell(stage: str, done: int, total: int) -> None:
                if stage == "judge" and not scored:
                    lap()
                    scored.append(spent[-1])

            scores = run.score_and_judge(context, sample, traces, workers, tell)
            lap()
        run.write(context, sample, traces, scores, training)
        lap()
        draw(folder(context), place / "report", ReportConfig(), workers=idle_workers())
        lap()
    end_workers()  # idle ones would keep this process for minutes
    total = sum(each[0] for each in spent), sum(each[1] for each in spent)
    cells = [f"{clock:.1f} ({cpu:.1f})" for clock, cpu in (*spent, total)]
    print(f"| {count:,} | {' | '.join(cells)} | {max(memory) / 2**20:.1f} |", flush=True)


def cpu_seconds() -> float:
    """CPU seconds of this process and of all that it started, living or not."""
    tick = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in family():
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))  # user and system, own and of children that ended
    return total / tick


def family() -> list[int]:
    """This process and all below it."""
    found = [os.getpid()]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError):
                found += map(int, children.read_text().split())
    return found


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """Samples, in KiB, of the memory of all processes while the block runs."""
    samples, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            total = 0
            for pid in family():
                with suppress(OSError):
                    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                    total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            samples.append(total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield samples
    done.set()
    thread.join()


if __name__ == "__main__":
    main()
