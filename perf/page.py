"""How large the page of a run is, and how long a browser takes over it.

    python -m perf.page [ARCHITECTURESxPREDICTORSxBUDGETS …]

The default is 20x70x9, 80x70x9, 500x70x9, 1000x70x9 and 15625x30x1. Scores, traces and accuracies are drawn at random,
as in perf.report. Chromium (Debian's) opens the file. Milliseconds by the clock of the page: until it is ready, a
step of the budget slider, the selection of the top 20 %, and the page of an architecture.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from harness.evaluate.judge import judge
from harness.evaluate.settings import Evaluation
from harness.report.config import ReportConfig
from harness.report.write import write
from harness.runs import identity, tables
from harness.runs.context import Scores, prepare
from perf.report import example

SIZES = ("20x70x9", "80x70x9", "500x70x9", "1000x70x9", "15625x30x1")

STEPS = {
    "slider": "document.getElementById('budget').dispatchEvent(new Event('input'))",
    "top 20 %": "selectTop(20, true)",
    "one page": "location.hash = addressOf(3); route(parts)",
}
"""What a reader does, in the words of the page's script."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a row per size."""
    parser = argparse.ArgumentParser(prog="python -m perf.page", description="Size of the page and times in a browser.")
    parser.add_argument("sizes", nargs="*", default=SIZES, help=f"(default: {' '.join(SIZES)})")
    print(f"{'size':<14}{'MB':>7}{'written, s':>12}{'ready, ms':>11}" + "".join(f"{name:>11}" for name in STEPS))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for size in parser.parse_args(arguments).sizes:
            with tempfile.TemporaryDirectory() as place:
                page, spent = _write(size, Path(place))
                ready, *steps = _browse(browser, page)
                print(f"{size:<14}{page.stat().st_size / 1e6:>7.2f}{spent:>12.1f}{ready:>11.0f}"
                      + "".join(f"{each:>11.0f}" for each in steps), flush=True)  # fmt: skip
        browser.close()


def _write(size: str, place: Path) -> tuple[Path, float]:
    """The page of a random run, and the CPU seconds that the report took from the stored tables."""
    n, predictors, budgets = map(int, size.split("x"))
    evaluation = Evaluation(bootstrap=20, permutations=99)
    spec, sample, traces, scores, timings = example(n, predictors, budgets, evaluation, place)
    context = prepare(spec)
    families = {name: predictor.family for name, predictor in spec.predictors.items()}
    judgement = judge(scores, sample.truth, families, spec.evaluation)
    made = tables.tables(context, sample, traces, Scores(scores, timings, judgement), [])
    identity.write(context, made, identity.status(context, sample, traces.scored))
    begin = time.process_time()
    page = write(identity.folder(context), place / "report", ReportConfig())
    return page, time.process_time() - begin


def _browse(browser: Browser, file: Path) -> list[float]:
    """Milliseconds until the explorer stands, and of each of STEPS."""
    page = browser.new_page()
    page.goto(file.as_uri(), wait_until="commit")
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    ready = page.evaluate("performance.now()")
    timed = (
        "() => {{ const begin = performance.now(); {}; document.body.offsetHeight; return performance.now() - begin; }}"
    )
    return [ready, *(page.evaluate(timed.format(step)) for step in STEPS.values())]


if __name__ == "__main__":
    main()
