"""`python -m tools.catalogue RUN`: prints docs/predictors.md, made from conf/predictor, the docstrings and a run.

RUN is a folder of results, for the measured cost. `python -m tools.catalogue glossary` prints what pages of the report
say of each predictor: harness/report/explore/glossary.json.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from harness.config.components import build, conf_folder
from harness.predictors.column_value import ColumnValue
from harness.schema import Collective, Learned, Measure, Periodic, are_properties, at_initialization
from harness.schema.families import FAMILIES, family
from tools.readme import estimate, print_page

MEANING = {
    "params": "number of parameters",
    "flops": "multiply-adds of one image",
    "live_flops": "multiply-adds of one image, without convolutions on no path from a cell's input to its output",
    "layers": "number of trainable convolution and dense layers",
    "source_accuracy": "published accuracy on the data set that the network was trained on before",
    "static_rank": "mean relative rank on other data sets than the target",
    "train_loss": "mean training loss since the last observation",
    "train_accuracy": "training accuracy since the last observation",
    "valid_loss": "loss on the validation images",
    "valid_accuracy": "accuracy on the validation images",
}
"""Columns that no measure writes."""

READING = {"first": "; at initialization", "last": "", "best": "; the best value so far", "magnitude": "; magnitude"}
"""What is added to the meaning of a column for each reading of it."""

MANY = 8
"""More columns than this are counted, not listed."""

HEAD = """# Predictors

Every file of `conf/predictor`. This page is made from those files and the docstrings of the code:
`python -m tools.catalogue results/published/nasbench201-digits > docs/predictors.md`.

*Reads*: columns of the trace. *Better*: direction of the raw value; scores always point upwards. *Needs*: what is
computed before the score; "every k" means the first, each k-th and the last observation, and the last value is carried
in between; "learned" is fitted on other architectures with their accuracies, out of fold; "joint" depends on the other
architectures' traces and on no accuracy. *Seconds*: query time per architecture in the published run (README: 64
updates on the embedded data set), with the training and the measures that it needs, without the fit on others. *τ*:
Kendall's τ-b with the final accuracy in that run, with its 95 % interval; a dash for what it does not run.
"""


def page(run: Path) -> str:
    """The whole page as Markdown; costs and τ are those of the results in the folder `run`."""
    import pandas as pd

    metrics = pd.read_parquet(run / "metrics.parquet")
    last = metrics[metrics["step"] == metrics["step"].max()].set_index("predictor").to_dict("index")
    measures, writers = _measures()
    sections = defaultdict(list)
    for path in sorted((conf_folder() / "predictor").glob("*.yaml")):
        predictor = _load(path, "predictor")
        sections[predictor.family].append(_row(path.stem, predictor, measures, writers, last.get(path.stem)))
    parts = [HEAD]
    for name in [*FAMILIES, *sorted(set(sections) - set(FAMILIES))]:
        if sections[name]:
            columns = "name | what | reads | better | needs | τ; seconds"
            parts.append(f"\n## {family(name).heading}\n\n| {columns} |\n|{'---|' * 6}")
            parts += sections[name]
    parts.append("\n## Measures\n\n| name | what | writes | observed |\n|---|---|---|---|")
    for name, measure in measures.items():
        often = f"every {measure.every}" if isinstance(measure, Periodic) and measure.every > 1 else "always"
        parts.append(f"| `{name}` | {summary(measure)} | {_code(measure.columns)} | {often} |")
    return "\n".join(parts) + "\n"


CITED = {
    "Ru et al. 2021": "https://arxiv.org/abs/2006.04492",
    "Domhan et al. 2015": "https://www.ijcai.org/Abstract/15/487",
    "Chandrashekaran & Lane 2017": "https://doi.org/10.1007/978-3-319-71249-9",
}
"""Where papers are that docstrings cite without a number of arXiv."""


def glossary() -> str:
    """What each predictor is, and the address of its paper (empty for what is derived here), as JSON."""
    measures, writers = _measures()
    methods = (Path(__file__).parents[1] / "docs" / "methods.md").read_text(encoding="utf-8")
    found = {}
    for path in sorted((conf_folder() / "predictor").glob("*.yaml")):
        what = _what(_load(path, "predictor"), measures, writers).replace("\\|", "|")
        found[path.stem] = {"what": what.replace("`", ""), "source": _source(path.stem, what, methods)}
    return json.dumps(found, ensure_ascii=False, indent=0) + "\n"


def _source(name: str, what: str, methods: str) -> str:
    """The address of the paper: a number of arXiv in the docstring or in the table of methods, or a known citation."""
    row = re.search(rf"^\| `{re.escape(name.removesuffix('_trained'))}` \|.*$", methods, flags=re.MULTILINE)
    number = re.search(r"\b(\d{4}\.\d{5})\b", what) or re.search(r"\b(\d{4}\.\d{5})\b", row[0] if row else "")
    if number:
        return f"https://arxiv.org/abs/{number[1]}"
    return next((address for citation, address in CITED.items() if citation in what), "")


def _measures() -> tuple[dict[str, Measure], dict[str, str]]:
    """Every measure by its name, and of every column the measure that writes it."""
    measures = {path.stem: _load(path, "measure") for path in sorted((conf_folder() / "measure").glob("*.yaml"))}
    return measures, {column: name for name, measure in measures.items() for column in measure.columns}


def _what(predictor: Any, measures: Mapping[str, Measure], writers: Mapping[str, str]) -> str:
    """What a predictor is: the first sentence of its code, or of the measure whose column it is."""
    if isinstance(predictor, ColumnValue):
        writer = writers.get(predictor.column)
        what = MEANING[predictor.column] if writer is None else meaning(measures[writer], predictor.column)
        return what + (READING[predictor.reading] if writer or predictor.reading in ("best", "magnitude") else "")
    unusual = _unusual(predictor)
    return summary(predictor) + (f"; {unusual}" if unusual else "")


def _row(
    name: str,
    predictor: Any,
    measures: Mapping[str, Measure],
    writers: Mapping[str, str],
    published: Mapping[Any, Any] | None,
) -> str:
    """The table row of one predictor; `published` is its row of `metrics` in the published run, where it has one."""
    reads = {column: writers.get(column) for column in predictor.columns}
    used = sorted({writer for writer in reads.values() if writer})
    what = _what(predictor, measures, writers)
    sign = getattr(predictor, "sign", 1.0)
    untrained = at_initialization(predictor)
    needs = [] if untrained or are_properties(predictor.columns) else ["training"]
    needs += [f"`{writer}`{'' if untrained else _every(measures[writer])}" for writer in used]
    if set(predictor.columns) & {"valid_loss", "valid_accuracy"}:
        needs.append("validation")
    kind = ["learned"] if isinstance(predictor, Learned) else ["joint"] if isinstance(predictor, Collective) else []
    cells = (
        f"`{name}`",
        what,
        _code(predictor.columns),
        "higher" if sign > 0 else "lower",
        ", ".join([*needs, *kind]) or "nothing",
        _published(published) if published else "–",
    )
    return "| " + " | ".join(cells) + " |"


def _published(row: Mapping[Any, Any]) -> str:
    """τ, its interval and the query time, a line each."""
    tau, _, interval = estimate(row, "tau", "tau_low", "tau_high").partition(" ")
    return f"{tau}<br>{interval}<br>{row['seconds']:.2f} s"


def _unusual(predictor: Any) -> str:
    """Settings that are not the method's own, as "key = value"."""
    unusual = []
    for field in fields(predictor):
        value = getattr(predictor, field.name)
        plain = isinstance(value, str | bool | int | float) or (isinstance(value, list) and value)
        if plain and field.name not in ("family", "sign") and field.default not in (MISSING, value):
            unusual.append(f"{field.name} = {value}")
    left_out = getattr(predictor, "without", None)
    return ", ".join([*unusual, *([f"without {', '.join(left_out)}"] if left_out else [])])


def meaning(measure: Measure, column: str) -> str:
    """What a measure says of one of its columns: the formula after "column = ", or else its first sentence."""
    text = inspect.cleandoc(type(measure).__doc__ or "")
    found = re.search(rf"(?:^|\s){re.escape(column)} = (.+?)(?:,? {{2,}}|,?\n|$)", text)
    formula = f"`{found.group(1).strip()}`; ".replace("|", "\\|") if found else ""
    return formula + summary(measure)


def summary(component: object) -> str:
    """The first sentence of a component's docstring, on one line, fit for a table cell."""
    first = inspect.cleandoc(type(component).__doc__ or "").split("\n\n")[0].replace("\n", " ")
    sentence = re.split(r"(?<=[.)])\s+(?=[A-Z`])", first.replace("et al. ", "et al.~"))[0].replace("et al.~", "et al. ")
    return sentence.rstrip(".").replace("|", "\\|")


def _every(measure: Measure) -> str:
    return f" (every {measure.every})" if isinstance(measure, Periodic) and measure.every > 1 else ""


def _code(names: tuple[str, ...]) -> str:
    if len(names) > MANY:
        return f"{len(names)} columns"
    return ", ".join(f"`{name}`" for name in names)


def _load(path: Path, group: str) -> Any:
    node = OmegaConf.load(path)
    assert isinstance(node, DictConfig)
    return build(node, f"{group}.{path.stem}")


if __name__ == "__main__":
    if sys.argv[1:] == ["glossary"]:
        sys.stdout.write(glossary())
        sys.exit(0)
    sys.exit(print_page("tools.catalogue", "Print docs/predictors.md, with the costs of a run.", page))
