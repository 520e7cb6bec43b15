"""The README's figures are those of the run that stands under results/."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
RUNS = sorted((ROOT / "results" / "nasbench201-digits").glob("seed*/status.json"))


@pytest.mark.skipif(len(RUNS) != 1, reason="runs of one's own stand beside the published one")
def test_the_ranked_table_is_that_of_the_published_run() -> None:
    metrics = pd.read_parquet(RUNS[0].parent / "metrics.parquet")
    last = metrics[metrics["step"] == metrics["step"].max()].set_index("predictor")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- ranked -->")[2].partition("<!-- /ranked -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (−?\.\d\d) \[(−?\.\d\d), (−?\.\d\d)\] \|", table, flags=re.MULTILINE)
    shown = {name for name, *_ in rows}
    assert shown >= set(last.sort_values("tau", ascending=False).groupby("family").head(2).index)
    assert shown >= set(last.index[last["family"] == "capacitance"])
    for name, *numbers in rows:
        for column, text in zip(("tau", "tau_low", "tau_high"), numbers, strict=True):
            assert float(text.replace("−", "-")) == pytest.approx(last.loc[name, column], abs=0.0051), (name, column)
