"""`python -m tools.accuracy_from_weights [OUT] [--tables FILE ...] [--larger FILE ...] [--traces FOLDER] [--draw]`.

Writes the tables and figures of the findings on accuracy from weights into the folder OUT (docs/findings). Without
`--tables`: of the tables that the package carries. With the folder of the traces that a table was made of, the inputs
that need all weights are there, too. Tables of other networks than `cnn` are what those are applied to.
`--larger FILE ...`: tables of more networks, for the learning curve alone. Without them the curve of a data set in OUT
is kept where it was learned from more networks than are at hand. `--published NAME=FOLDER ...`: published zoos.
`--repeated FILE ...`: only compare tables of another seed with those of the package of the same data set.
`--recipes FILE ...`: only learning curves of zoos of other recipes, next to those of the package of the data set.
`--draw`: only draw the figures again, from the tables in OUT.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from harness.benches import cnn_zoo, tabulated
from harness.benches.cnn_zoo import zoo
from harness.benches.cnn_zoo.bench import CnnZoo
from harness.benches.cnn_zoo.zoo import Zoo
from harness.benches.recorded import images_of
from harness.runs.campaign import Campaign
from harness.storage.traces import TraceStore
from harness.train.recipe import Recipe

from . import experiments, figures
from .inputs import LAYERS, published
from .seeds import between_seeds

NAME = "accuracy_from_weights"
PAPER = "cnn"
"""The form of network of the paper."""
RECIPE = ["train_images", "batch", "epochs"]
"""Columns that tell zoos of one data set apart."""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line, write the tables and figures, print the rows of the main input."""
    parser = argparse.ArgumentParser(prog=f"python -m tools.{NAME}", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("docs/findings"))
    parser.add_argument("--tables", nargs="*", type=Path, default=[])
    parser.add_argument("--traces", type=Path)
    parser.add_argument("--published", nargs="*", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--larger", nargs="*", type=Path, default=[])
    parser.add_argument("--repeated", nargs="*", type=Path, default=[])
    parser.add_argument("--recipes", nargs="*", type=Path, default=[])
    parser.add_argument("--draw", action="store_true")
    given = parser.parse_args(arguments)
    if given.draw:
        draw(given.out)
        return
    if given.repeated:
        again = [tabulated.read(path, "--repeated") for path in given.repeated]
        rows = [between_seeds(_embedded(str(table.about["dataset"])), table) for table in again]
        _save(pd.DataFrame(rows), given.out, "_seeds")
        return
    with threadpool_limits(1):
        if given.recipes:
            curves = _by_recipe([tabulated.read(path, "--recipes") for path in given.recipes])
            needed = [_needed(rows) for _, rows in curves.groupby(RECIPE, sort=False)]
            _save(curves, given.out, "_recipes")
            _save(pd.concat(needed), given.out, "_recipes_needed")
        else:
            _carry_out(given)


def _by_recipe(others: Sequence[tabulated.Tabulated]) -> pd.DataFrame:
    """The learning curve of each zoo and of the package's, of the networks that are in all zoos of their data set."""
    packaged = [_embedded(name) for name in dict.fromkeys(str(table.about["dataset"]) for table in others)]
    found = []
    for first in packaged:
        tables = [first, *(table for table in others if table.about["dataset"] == first.about["dataset"])]
        shared = set.intersection(*(_finished(table) for table in tables))
        for table in tables:
            each = zoo.of_table(replace(table, curves=table.curves[table.curves["architecture"].isin(shared)]))
            recipe = {key: table.about["recipe"][key] for key in ("batch", "epochs")}
            known = {"train_images": table.about["images"]["train"], **recipe, "best": each.accuracy[:, -1].max()}
            found.append(experiments.curve(each).assign(**known))
    return pd.concat(found, ignore_index=True)


def _needed(curves: pd.DataFrame) -> pd.DataFrame:
    """How many networks of this one recipe would reach the goal."""
    recipe = curves[RECIPE].drop_duplicates().reset_index(drop=True)
    return experiments.needed(curves, figures.GOAL).merge(recipe, how="cross")


def _finished(table: tabulated.Tabulated) -> set[str]:
    last = table.curves["epoch"] == table.curves["epoch"].max()
    return {*table.curves.loc[last, "architecture"]}


def _carry_out(given: argparse.Namespace) -> None:
    paths = given.tables or sorted(Path(cnn_zoo.__file__).parent.glob("*.parquet"))
    zoos: dict[str, Zoo] = {}
    others: dict[str, Zoo] = {}
    for path in () if given.published and not given.tables else paths:
        table = tabulated.read(path, "--tables")
        found = zoo.of_table(table, weights_of(table, given.traces))
        if found.form.model == PAPER:
            zoos[found.dataset] = found
        else:
            others[f"{found.dataset} {found.form.model}"] = found
    for text in given.published:
        name, _, folder = text.partition("=")
        zoos[f"published {name}"] = zoo.published(Path(folder), name, zoo.statistics_of)
    larger = [zoo.of_table(tabulated.read(path, "--larger")) for path in given.larger]
    write(zoos, others, given.out, {each.dataset: each for each in larger})


def weights_of(table: tabulated.Tabulated, traces: Path | None) -> Callable[[str, int], zoo.Numbers | None]:
    """Reads the parameters of a finished network out of the traces that the table was made of."""
    if traces is None:
        return lambda name, seed: None
    bench = CnnZoo(model=table.about["network"].get("model", PAPER))
    recipe, images, fingerprint = Recipe(**table.about["recipe"]), images_of(table), table.about["dataset_fingerprint"]
    measures = bench.recorded_measures()
    campaigns = [
        Campaign(bench, images, fingerprint, recipe, measures, "truth", "cpu", kernels)
        for kernels in ("native", "torch")
    ]  # fmt: skip
    return partial(_read, campaigns, TraceStore(traces))


def _read(campaigns: list[Campaign], store: TraceStore, name: str, seed: int) -> zoo.Numbers | None:
    traces = filter(None, (store.get(campaign.key(name, seed)) for campaign in campaigns))
    return next((np.asarray(trace.table["weights"].iloc[-1], dtype=float) for trace in traces), None)


def write(
    zoos: Mapping[str, Zoo], others: Mapping[str, Zoo], out: Path, larger: Mapping[str, Zoo] = MappingProxyType({})
) -> None:
    """Every table and figure of these zoos, `others` being of other forms of network, `larger` of more networks."""
    rows = pd.concat([experiments.table(each) for each in zoos.values()])
    curves = _curves({**zoos, **larger}, out / f"{NAME}_curve.csv")
    tables = {
        "": rows,
        "_accuracies": pd.DataFrame([experiments.accuracies(each) for each in (*zoos.values(), *others.values())]),
        "_curve": curves,
        "_needed": experiments.needed(curves, figures.GOAL),
        "_epochs": pd.concat([experiments.early(each) for each in zoos.values()]),
        "_transfer": experiments.transfer(zoos),
        "_forms": _forms(zoos, others),
    }
    out.mkdir(parents=True, exist_ok=True)
    for ending, table in tables.items():
        if len(table):
            _save(table, out, ending)
    draw(out)
    shown = rows.pivot_table(index=["dataset", "input"], columns="model", values=["r2", "tau"], sort=False)
    print(shown.to_string(float_format="{:.3f}".format))


def _embedded(dataset: str) -> tabulated.Tabulated:
    return tabulated.read(Path(cnn_zoo.__file__).parent / f"{dataset}.parquet", "--repeated")


def _save(table: pd.DataFrame, out: Path, ending: str) -> None:
    table.to_csv(out / f"{NAME}{ending}.csv", index=False, float_format="%.4f", lineterminator="\n")


def _curves(zoos: Mapping[str, Zoo], known: Path) -> pd.DataFrame:
    """The learning curve of every zoo, or that of the file `known` where it was learned from more networks."""
    before = pd.read_csv(known) if known.is_file() else pd.DataFrame({"dataset": [], "learned": []})
    reached = before.groupby("dataset")["learned"].max()
    found = [before]
    for name, each in zoos.items():
        if reached.get(name, 0) <= len(experiments.most_to_learn(each).learned.accuracy):
            found = [rows[rows["dataset"] != name] for rows in found] + [experiments.curve(each)]
    curves = pd.concat([rows for rows in found if len(rows)], ignore_index=True).sort_values("dataset", kind="stable")
    return curves.assign(published_r2=[
        published(name, "boosting", dataset) if name == LAYERS else float("nan")
        for name, dataset in zip(curves["input"], curves["dataset"], strict=True)
    ])  # fmt: skip


def draw(out: Path) -> None:
    """The figures, from the tables in the folder."""
    drawn = {"curve": figures.learning_curve, "transfer": figures.grid, "epochs": figures.epochs}
    for ending, figure in drawn.items():
        rows = pd.read_csv(out / f"{NAME}_{ending}.csv")
        figures.save(partial(figure, rows), out / f"{NAME}_{ending}.svg")


def _forms(zoos: Mapping[str, Zoo], others: Mapping[str, Zoo]) -> pd.DataFrame:
    sources = {name: {k: o for k, o in others.items() if o.dataset == name} for name in zoos}
    found = [experiments.forms(zoos[name], own) for name, own in sources.items() if own]
    return pd.concat(found) if found else pd.DataFrame()


if __name__ == "__main__":
    main()
