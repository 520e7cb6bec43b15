"""The small CNN zoo from the command line: a table of one's own, and runs on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benches import cnn_zoo, tabulated
from harness.benches.cnn_zoo.bench import CnnZoo
from harness.benches.cnn_zoo.form import Form
from harness.benches.cnn_zoo.space import SPACE
from harness.benches.hyperparameters import Values
from harness.cli.tabulate import tabulate
from harness.datasets.digits import Digits
from harness.measures.layer_statistics import of_layers
from harness.schema import BadInput

TINY = [
    "+bench=cnn_zoo", "train=cnn_zoo", "dataset=digits", "dataset.size=16", "dataset.train_images=48",
    "dataset.valid_images=20", "dataset.test_images=40", "train.epochs=2", "engine.workers=1",
]  # fmt: skip
NO_PLUGINS = ["measure=[]", "predictor=[flops]"]
TABLE = [*TINY, "architectures=12", "seeds=[0]", "out=zoo.parquet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("zoo")


@pytest.fixture
def table(folder: Path, call, monkeypatch) -> Path:
    monkeypatch.chdir(folder)
    if not (folder / "zoo.parquet").exists():
        code, out, err = call(*TABLE, task=tabulate, config="tabulate")
        assert (code, err) == (0, "") and "12 architectures x 1 seeds, 2 epochs" in out
    return folder / "zoo.parquet"


def test_a_table_has_accuracies_and_statistics_at_every_checkpoint(table: Path) -> None:
    curves = tabulated.read(table).curves
    assert len(curves) == 12 * 3 and sorted(curves["epoch"].unique()) == [0, 1, 2]
    read = curves[curves["layer_statistics"].notna()]
    assert sorted(read["epoch"].unique()) == [0, 2] and len(read) == 24  # every second checkpoint
    assert {vector.size for vector in read["layer_statistics"]} == {56}


def test_what_is_trained_is_not_trained_again_and_a_larger_table_holds_the_smaller_one(table: Path, call) -> None:
    stored = {path: path.stat().st_mtime_ns for path in Path("results/traces").rglob("*.parquet")}
    code, _, _ = call(
        *TABLE[:-3], "architectures=14", "seeds=[0]", "out=more.parquet", task=tabulate, config="tabulate"
    )
    now = {path: path.stat().st_mtime_ns for path in Path("results/traces").rglob("*.parquet")}
    assert code == 0 and stored.items() <= now.items() and len(now) == 14
    small, large = (pd.read_parquet(path) for path in ("zoo.parquet", "more.parquet"))
    kept = large[large["architecture"].isin(small["architecture"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept.drop(columns="layer_statistics"), small.drop(columns="layer_statistics"))


def test_the_statistics_of_the_table_are_those_of_the_weights_in_the_traces(table: Path) -> None:
    import torch

    from harness.benches.cnn_zoo.network import Network

    curves = tabulated.read(table).curves
    vectors = curves[curves["epoch"] == 2].set_index("architecture")["layer_statistics"]
    found = 0
    for path in Path("results/traces").rglob("*.parquet"):
        trace = pd.read_parquet(path)
        model = Network(Form("cnn", 16, 10), "relu", 0.0)
        model.load_flat(torch.tensor(trace["weights"].iloc[-1]))
        expected = of_layers(list(model.layers()))
        found += any(np.allclose(vector, expected, atol=1e-6) for vector in vectors)
    assert found >= 12


@pytest.mark.slow
def test_recorded_checkpoints_are_scored_from_weights_and_from_hyper_parameters_without_images(table, call) -> None:
    code, out, err = call(
        "+bench=cnn_zoo", "experiment=accuracy_from_weights", "dataset=digits", "train.epochs=2", "signal.epochs=2",
        "train.observe_every=3", f"bench.source={table}", "architectures=12", "evaluate.bootstrap=20",
        "evaluate.budgets=[0,6]",
    )  # fmt: skip
    assert (code, err) == (0, "")
    last = last_metrics(out)
    learned = [
        f"{name}{model}" for name in ("layer_statistics", "hyperparameters") for model in ("", "_linear", "_dense")
    ]
    assert last.loc[["valacc", *learned], "n"].eq(12).all()


def last_metrics(out: str) -> pd.DataFrame:
    """The metrics at the last budget, by predictor, of the run that printed `out`."""
    folder = next(line.split()[1] for line in out.splitlines() if line.startswith("tables "))
    metrics = pd.read_parquet(f"{folder}/metrics.parquet")
    return metrics[metrics["step"] == metrics["step"].max()].set_index("predictor")


@pytest.mark.slow
def test_measures_observe_networks_that_are_trained_in_groups(table: Path, call) -> None:
    code, out, err = call(
        *TINY, f"bench.source={table}", "architectures=8", "train.observe_every=3", "evaluate.bootstrap=20",
        "measure=[movement,weight_statistics,layer_statistics,synflow]", "evaluate.budgets=[0,6]",
    )  # fmt: skip
    assert (code, err) == (0, "")
    last = last_metrics(out)
    assert last.loc[["movement", "weight_statistics", "layer_statistics", "synflow", "weight_norm"], "n"].eq(8).all()


def test_the_embedded_tables_are_of_drawn_networks_and_of_the_images_of_today() -> None:
    for path in sorted(Path(cnn_zoo.__file__).parent.glob("*.parquet")):
        table = tabulated.read(path)
        names = table.curves["architecture"].unique()
        assert path.stem in (table.about["dataset"], f"{table.about['dataset']}_{table.about['network'].get('model')}")
        drawn = CnnZoo().sample(len(names) + len(table.about["diverged"]), seed=0)
        assert set(names) <= {architecture.name for architecture in drawn} and len(names) >= 250
        assert sorted(table.curves["epoch"].unique()) == [0, 1, 2, 3, 5, 9, 14, 19, 20]
        if path.stem == "digits":
            made_with = {name: value for name, value in table.about["dataset_settings"].items() if name != "kind"}
            assert table.about["dataset_fingerprint"] == Digits(**made_with).load().fingerprint()


def test_groups_hold_every_network_once_and_only_those_that_are_alike() -> None:
    bench = CnnZoo(group=5)
    drawn = bench.sample(60, seed=1)
    groups = bench.groups(drawn)
    assert sorted(a.name for group in groups for a in group) == sorted(a.name for a in drawn)
    for group in groups:
        values: list[Values] = [SPACE.parse(a.name) for a in group]
        assert len(group) <= 5 and len({(v["optimizer"], v["activation"], v["train_fraction"]) for v in values}) == 1


def test_a_name_states_the_recipe_of_its_network() -> None:
    architecture = CnnZoo().sample(1, seed=0)[0]
    values = SPACE.parse(architecture.name)
    stated = CnnZoo().recipe(architecture.name)
    assert stated["learning_rate"] == values["rate"] and stated["momentum"] == 0


def test_images_that_are_too_small_are_refused_in_one_line(folder: Path, call, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    code, _, err = call(
        *TABLE[:3], "dataset.size=12", *TABLE[4:], "out=small.parquet", task=tabulate, config="tabulate"
    )
    assert code == 2 and "dataset.size: must be at least 15 pixels" in err and err.count("\n") == 1


def test_a_data_set_without_a_table_is_refused() -> None:
    with pytest.raises(BadInput, match=r"dataset: must be .*harness.tabulate \+bench=cnn_zoo"):
        CnnZoo().truth("cub200", "", None)


def test_a_table_of_other_images_is_refused_with_the_settings_that_make_its_own(table: Path, call) -> None:
    other = [each for each in TINY if "size" not in each] + ["dataset.size=20"]
    code, _, err = call(*other, *NO_PLUGINS, f"bench.source={table}")
    assert code == 2 and err.count("\n") == 1
    assert "bench.source: must be a table made on the images" in err and "dataset.size=16" in err


def test_a_table_of_another_network_is_refused(table: Path, call) -> None:
    code, _, err = call(*TINY, *NO_PLUGINS, f"bench.source={table}", "bench.model=mlp")
    assert code == 2 and "bench.model: must be 'cnn' for zoo.parquet (got 'mlp')" in err and err.count("\n") == 1


@pytest.mark.parametrize("model", ["mlp", "deep_cnn"])
def test_other_networks_have_tables_and_identities_of_their_own(folder: Path, call, monkeypatch, model: str) -> None:
    monkeypatch.chdir(folder)
    size = "dataset.size=28" if model == "deep_cnn" else "dataset.size=16"
    changed = [each for each in TINY if "dataset.size" not in each] + [size, f"bench.model={model}"]
    code, _, err = call(
        *changed, "architectures=2", "seeds=[0]", f"out={model}.parquet", task=tabulate, config="tabulate"
    )
    read = tabulated.read(Path(f"{model}.parquet"))
    layers = {vector.size // 14 for vector in read.curves["layer_statistics"] if vector is not None}
    assert (code, err) == (0, "") and read.about["network"]["model"] == model
    assert layers == {{"mlp": 4, "deep_cnn": 6}[model]}
