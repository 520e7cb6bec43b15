"""`python -m tools.readme RUN`: prints the section of README.md on the published run, which lies between two marks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.schema import BadInput, demand
from harness.sweep.job_files import is_run

if TYPE_CHECKING:
    import pandas as pd

MARKS = ("<!-- ranked -->\n", "<!-- /ranked -->")
"""The lines before and after the section in README.md."""

REPORT = "reports/published/nasbench201-digits/report.md"

ALWAYS = ("beta_eff",)
"""Predictors that are shown beside the best of each family: the reading of the paper."""

COLUMNS = ("predictor", "family", "τ-b, interval", "Δτ (Holm p)", "regret@1", "seconds")


WHICH = "## Which should I use?"

ELSEWHERE = (
    "The highest τ on the embedded digits; regret@1 is what the first choice loses, in percentage points. CIFAR-10,\n"
    "pre-trained networks: [docs/choose.md](docs/choose.md)."
)


def section(run: Path) -> str:
    """The section as Markdown: the ceiling, which to use, the best predictor of each family, what β_eff adds.

    `run` is a results folder of nasbench201; every number is read at its last budget.
    """
    metrics, differences = _last(run, "metrics").drop(columns="baseline"), _last(run, "differences")
    metrics = metrics.merge(differences.drop(columns=["step", "n"]), on="predictor")
    first = _last(run, "selection").query("k == 1")[["predictor", "regret"]]
    metrics = metrics.merge(first, on="predictor").sort_values("tau", ascending=False)
    best = metrics[metrics["tau"].notna()].groupby("family").head(1)
    shown = metrics[metrics["predictor"].isin([*best["predictor"], *ALWAYS])]
    rows = [_row(row) for row in shown.to_dict("records")]
    ranked = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS), *rows]
    parts = [WHICH, "", *_needs(run), "", ELSEWHERE, "", "## What comes out", ""]
    parts += [_head(run, metrics), "", *ranked, "", _capacitance(metrics, _last(run, "ablations"))]
    return "\n".join(parts) + "\n"


NEEDS = ("training", "labels", "predictor", "τ-b, interval", "regret@1", "seconds", "needs")


def _needs(run: Path) -> list[str]:
    """Which predictor to use with how much training and how many labels, as a table."""
    from harness.report.run_files import read
    from harness.report.tables.needs import by_needs

    rows = [f"| {' | '.join(NEEDS)} |", "|" + "---|" * len(NEEDS)]
    for row in by_needs(read(run)).numbers.to_dict("records"):
        cells = [
            row["training"],
            str(row["labels"] or "none"),
            f"`{row['predictor']}`",
            estimate(row, "tau", "tau_low", "tau_high"),
            short(row["regret"]),
            f"{row['seconds']:.2f}",
            row["needs"],
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _last(run: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    table: pd.DataFrame = pd.read_parquet(run / f"{name}.parquet")
    last: pd.DataFrame = table.loc[table["step"] == table["step"].max()]
    return last


def _head(run: Path, metrics: pd.DataFrame) -> str:
    import pandas as pd

    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    ceiling = pd.read_parquet(run / "ceiling.parquet").query("subset == 'all'").set_index("kind").to_dict("index")
    again, oracle = (estimate(ceiling[kind], "tau", "low", "high") for kind in ("retraining", "oracle"))
    one = short(ceiling["retraining"]["tau_one"])
    seeds = ceiling["oracle"]["seeds"]
    step, passes = (
        metrics["step"].iloc[0],
        f"{metrics['epoch'].iloc[0]:.0f} of the ground truth's {status['truth']['epochs']}",
    )
    return (
        f"`python -m harness +bench=nasbench201`: {status['architectures']} architectures, {step} updates each "
        f"({passes} epochs), Kendall τ-b with the final\ntest accuracy (mean of "
        f"{seeds} seeds), {100 * status['evaluation']['level']:g} % intervals. Noise ceiling: test–retest "
        f"({seeds} seeds each) {again},\na single further training {one}, oracle (expected accuracy) {oracle}."
    )


def _row(row: dict[Any, Any]) -> str:
    cells = [
        f"`{row['predictor']}`",
        str(row["family"]).replace("_", " "),
        estimate(row, "tau", "tau_low", "tau_high"),
        f"{short(row['difference'])} ({row['p_holm']:.2g})",
        short(row["regret"]),
        f"{row['seconds']:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _capacitance(metrics: pd.DataFrame, ablations: pd.DataFrame) -> str:
    best = metrics[metrics["family"] == "capacitance"].iloc[0].to_dict()
    added = ablations[ablations["group"] == "capacitance"].iloc[0].to_dict()
    where = "behind" if best["difference"] < 0 else "ahead of"
    interval = f"[{short(best['low'])}, {short(best['high'])}]"
    p = f"p = {best['p_holm']:.2g}, Holm"
    return (
        f"The best of each family, and the paper's reading of β_eff; all {len(metrics)} are in the\n[report]({REPORT})."
        " Δτ is paired, to the best\nbaseline. The best "
        f"of {(metrics['family'] == 'capacitance').sum()} readings of\nβ_eff, `{best['predictor']}`, is "
        f"{short(abs(best['difference']))} {where} `{best['baseline']}` ({interval},\n{p}); "
        f"in a stack of all, β_eff changes τ by {estimate(added, 'difference', 'low', 'high')}."
    )


def estimate(row: Mapping[Any, Any], value: str, low: str, high: str) -> str:
    """Three columns of a row as a number with its interval, such as .61 [.51, .70]."""
    return f"{short(row[value])} [{short(row[low])}, {short(row[high])}]"


def short(value: float, decimals: int = 2) -> str:
    """Two decimals without the zero before the point and with a true minus, such as −.05."""
    text = f"{abs(value):.{decimals}f}"
    sign = "\N{MINUS SIGN}" if value < 0 and float(text) else ""
    return sign + text.removeprefix("0")


def replaced(text: str, section: str) -> str:
    """README's `text` with another section between the two marks."""
    before, _, rest = text.partition(MARKS[0])
    return before + MARKS[0] + section + MARKS[1] + rest.partition(MARKS[1])[2]


def print_page(prog: str, text: str, make: Callable[[Path], str]) -> int:
    """Print the text that `make` writes about the run named on the command line; code 2, and one line, for no run."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=text)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder with the tables of a run")
    run = parser.parse_args().run
    try:
        demand(is_run(run), "results", "a folder with the tables of a run", str(run))
        print(make(run), end="")
    except BadInput as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(print_page("tools.readme", "Print the section of README.md on the published run.", section))
