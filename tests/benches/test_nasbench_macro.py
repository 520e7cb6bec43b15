"""NAS-Bench-Macro: its strings, its network against a textbook one, its formulas, its file."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from harness.benches.nasbench_macro import space, table
from harness.benches.nasbench_macro.bench import NasBenchMacro
from harness.benches.nasbench_macro.macro_network import Network
from harness.config.components import build, conf_folder
from harness.runs.given_sample import architectures_of
from harness.schema import BadInput, StoredCurves, Trace
from tests.benches import macro_files

RANDOM = np.random.default_rng(0)
SAMPLE = [space.every_name()[place] for place in RANDOM.choice(6_561, 6, replace=False)]
SAMPLE += ["00000000", "11111111", "22222222", "00120210"]
MEASURES = sorted((conf_folder() / "measure").glob("*.yaml"))


def shape(channels: int = 32, size: int = 32, colours: int = 3, classes: int = 10) -> space.Shape:
    return space.Shape(channels, size, colours, classes)


class Textbook(nn.Module):
    """The benchmark's network layer by layer, every identity a step of its own, none left out."""

    def __init__(self, text: str, own: space.Shape) -> None:
        super().__init__()
        wide, place = own.channels, 0
        self.steps = nn.ModuleList([self.conv(own.colours, wide, 3)])
        self.kinds = ["relu"]
        for stage in (2, 3, 3):
            for first in [True] + [False] * (stage - 1):
                wider, stride = (2 * wide, 2) if first else (wide, 1)
                if text[place] == "0":
                    self.steps.append(self.conv(wide, wider, 1, 2) if first else nn.Identity())
                    self.kinds.append("plain")
                else:
                    kernel, hidden = (3, 3 * wide) if text[place] == "1" else (5, 6 * wide)
                    self.steps += [
                        self.conv(wide, hidden, 1),
                        self.conv(hidden, hidden, kernel, stride, hidden),
                        self.conv(hidden, wider, 1),
                    ]
                    self.kinds += ["remember relu", "relu", "plain" if first else "add"]
                wide, place = wider, place + 1
        self.steps.append(self.conv(wide, 40 * own.channels, 1))
        self.kinds.append("relu")
        self.classifier = nn.Linear(40 * own.channels, own.classes)

    @staticmethod
    def conv(wide_in: int, wide_out: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
        layer = nn.Conv2d(wide_in, wide_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        return nn.Sequential(layer, nn.BatchNorm2d(wide_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kept = x
        for step, kind in zip(self.steps, self.kinds, strict=True):
            kept = x if "remember" in kind else kept
            x = step(x)
            x = functional.relu(x) if "relu" in kind else x + kept if kind == "add" else x
        return self.classifier(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def test_strings_that_differ_in_the_place_of_an_identity_are_one_network() -> None:
    names = space.every_name()
    assert len(set(names)) == 6_561

    def slow(text: str) -> tuple[tuple[str, ...], ...]:
        stages = text[:2], text[2:5], text[5:]
        return tuple((stage[0], *(choice for choice in stage[1:] if choice != "0")) for stage in stages)

    same: dict[tuple[tuple[str, ...], ...], set[str]] = {}
    for name in names:
        same.setdefault(slow(name), set()).add(space.canonical(name))
    assert len(same) == 3_969 and all(len(found) == 1 for found in same.values())
    assert space.canonical("10101202") == "10110220" and space.canonical("00000000") == "00000000"
    assert all(space.canonical(space.canonical(name)) == space.canonical(name) for name in names[::97])


@pytest.mark.parametrize("text", ["", "0120120", "012012012", "0120123 ", "0120123x", "01201٢20", "-1201220"])
def test_what_is_no_string_of_the_space_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"architecture: must be 8 digits out of 0, 1, 2, e\.g\. '01202110' \(got"):
        NasBenchMacro().architecture(text)


@pytest.mark.parametrize("text", SAMPLE)
@pytest.mark.parametrize("own", [shape(), shape(4, 12, 1, 7), shape(3, 9, 3, 2)], ids=str)
def test_formulas_are_those_of_the_textbook_and_of_the_built_network(text: str, own: space.Shape) -> None:
    for network in (Network(text, own), Textbook(text, own)):
        assert sum(weight.numel() for weight in network.parameters()) == space.params(text, own)
        with FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, own.colours, own.size, own.size))
        assert counter.get_total_flops() == 2 * space.flops(text, own)
        assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in network.modules()) == space.layers(text, own)


@pytest.mark.parametrize("text", ["10201202", "00000000", "21012021"])
def test_the_network_computes_what_the_benchmarks_own_does(text: str) -> None:
    own = shape(4, 12)
    torch.manual_seed(0)
    network, textbook = Network(text, own).double(), Textbook(text, own).double()
    pairs = list(zip(network.parameters(), textbook.parameters(), strict=True))  # both in the order of the layers
    with torch.no_grad():
        for ours, theirs in pairs:
            theirs.copy_(nn.init.normal_(ours, std=0.4))
    x, labels = torch.randn(5, 3, 12, 12, dtype=torch.float64), torch.arange(5)
    torch.testing.assert_close(network(x), textbook(x), rtol=0, atol=1e-9)
    for model in (network, textbook):
        functional.cross_entropy(model(x), labels).backward()
    for ours, theirs in pairs:
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-9)
    torch.testing.assert_close(network.head(network.features(x)), network(x))


def test_isomorphic_strings_are_trained_from_the_same_weights(images) -> None:
    bench, built = NasBenchMacro(channels=2), []
    for text in ("10102020", "10120020"):
        torch.manual_seed(3)
        architecture = bench.architecture(text)
        built.append(bench.build(architecture, images).state_dict())
        assert architecture.group == "10120020" and not architecture.dead
    assert built[0].keys() == built[1].keys()
    assert all(torch.equal(built[0][name], built[1][name]) for name in built[0])


def test_facts_and_description_are_those_of_the_network_that_is_built(images) -> None:
    bench = NasBenchMacro(channels=2)
    one, other = bench.architecture("01002021"), bench.architecture("01020021")
    facts, network = bench.facts(one, images), bench.build(one, images)
    assert facts["params"] == sum(weight.numel() for weight in network.parameters())
    assert facts["flops"] == facts["live_flops"] and facts == bench.facts(other, images)
    choices = bench.description(one, "operations", images)
    assert choices.values.shape == (24,) and (choices.values.reshape(8, 3).argmax(1) == [0, 1, 0, 2, 0, 0, 2, 1]).all()
    features = bench.description(one, "features", images)
    held = {name for name, value in zip(features.names, features.values, strict=True) if value}
    assert held == {
        "stage 1 begins with identity", "stage 1 count inverted_residual_3x3_e3",
        "stage 2 begins with identity", "stage 2 count identity", "stage 2 count inverted_residual_5x5_e6",
        "stage 3 begins with identity", "stage 3 count inverted_residual_3x3_e3",
        "stage 3 count inverted_residual_5x5_e6",
    }  # fmt: skip
    for kind in bench.descriptions:
        mine, others = bench.description(one, kind, images), bench.description(other, kind, images)
        assert mine.names == others.names and (mine.values == others.values).all()
    assert bench.edges(bench.architecture("00120210"))[:3] == [
        ("stem", "1", "conv_1x1"), ("1", "2", "identity"), ("2", "3", "inverted_residual_3x3_e3"),
    ]  # fmt: skip


def test_a_sample_has_one_string_of_each_class_and_grows_at_its_end() -> None:
    bench = NasBenchMacro()
    drawn = bench.sample(None, 4)
    assert len(drawn) == len({a.group for a in drawn}) == 3_969 and all(a.name == a.group for a in drawn)
    assert bench.sample(50, 4) == drawn[:50] != bench.sample(50, 5)
    pool = ["10102002", "10102020", "22222222", "00000000"]
    some = bench.sample(None, 0, pool)
    assert {a.name for a in some} == {"10102002", "22222222", "00000000"} and some == bench.sample(3, 0, pool[::-1])
    assert {a.name for a in bench.sample(None, 0, [*pool, "10120020"])} == {"10120020", "22222222", "00000000"}
    with pytest.raises(BadInput, match=r"architectures: must be a count from 1 to 3 .*\(got 4"):
        bench.sample(4, 0, pool)


def test_all_strings_of_a_network_are_drawn_where_they_are_wanted() -> None:
    bench = NasBenchMacro(isomorphs="all")
    drawn = bench.sample(None, 0)
    assert len({a.name for a in drawn}) == len(drawn) == 6_561 and len({a.group for a in drawn}) == 3_969
    assert bench.sample(7, 0) == drawn[:7]


def test_a_table_and_a_sample_of_ones_own_name_strings_with_zeros_in_front(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("architecture,seed,accuracy\n00120210,0,0.5\n00120210,1,0.75\n22222222,0,0.25\n")
    bench = NasBenchMacro(source=str(path), unit="fraction")
    truth = bench.truth("svhn", "", None)
    assert truth.accuracy.loc["00120210"].to_dict() == {"0": 50, "1": 75} and truth.train_set == "svhn"
    names = [a.name for a in architectures_of(bench, ["22222222", "00120210"], list(truth.accuracy.index), {})]
    assert names == ["22222222", "00120210"] and bench.name_of([0, 0, 1, 2, 0, 2, 1, 0]) == "00120210"
    path.write_text("architecture,accuracy\n00120210,50\n120210,60\n")
    with pytest.raises(BadInput, match=r"bench\.source: row 2 of .*architecture: must be 8 digits"):
        replace(bench, unit="percent").truth("svhn", "", None)


def test_its_configuration_gives_every_setting() -> None:
    node = OmegaConf.load(conf_folder() / "bench" / "nasbench_macro.yaml")
    assert build(node, "bench") == NasBenchMacro()
    assert set(node) - {"_target_"} == set(vars(NasBenchMacro()))


def test_the_published_file_is_found_in_the_data_folder_and_read_as_it_is(tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    bench, data = NasBenchMacro(), str(tmp_path)
    with pytest.raises(BadInput, match=r"missing file nas-bench-macro_cifar10\.json .*nasbench_macro-table"):
        bench.truth("cifar10", "", data)
    names = ["00000000", "10120020", "10102002", "22222222"]
    path = macro_files.write(tmp_path / table.FILE.name, names)
    truth = bench.truth("cifar10", "", data)
    assert list(truth.accuracy) == ["0", "1", "2"] and set(truth.accuracy.index) == set(names)
    assert (truth.train_set, truth.split, truth.epochs) == ("cifar10", "test", 50)
    assert truth.source == "nas-bench-macro_cifar10.json, test_acc, the best of 50 epochs on test images"
    for name in names:
        np.testing.assert_array_equal(truth.accuracy.loc[name], macro_files.row(name)["test_acc"])
    named = replace(bench, source=str(path)).truth("cifar10", "", None)
    assert named.accuracy.equals(truth.accuracy)
    assert "differ from those of the network built here" not in caplog.text


def test_counts_in_the_file_are_compared_with_those_of_the_network_that_is_built(tmp_path: Path, caplog) -> None:
    path = macro_files.write(tmp_path / "a.json", ["00000000", "11111111"], params=387_882)
    table.read(path)
    assert "params of 1 architectures differ from those of the network built here" in caplog.text
    assert "11111111: 1588874 here, 387882 in the file" in caplog.text


def test_a_seed_that_is_missing_stays_missing(tmp_path: Path) -> None:
    rows = {"00000000": macro_files.row("00000000"), "11111111": {"test_acc": [80.0]}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows))
    truth = table.read(path)
    assert truth.accuracy.loc["11111111"].isna().tolist() == [False, True, True] and truth.mean()["11111111"] == 80


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be a JSON file of NAS-Bench-Macro"),
        ("[" * 100_000, "must be a JSON file of NAS-Bench-Macro"),
        ("\udcff", "must be a JSON file of NAS-Bench-Macro"),
        ("[]", "a JSON mapping from architecture"),
        ("{}", "a JSON mapping from architecture"),
        ('{"00000000": [1]}', "a JSON mapping from architecture"),
        ('{"0000000": {"test_acc": [50]}}', "architecture: must be 8 digits"),
        ('{"00000000": {}}', "a list of 1 to 100 numbers as test_acc"),
        ('{"00000000": {"test_acc": []}}', "a list of 1 to 100 numbers as test_acc"),
        ('{"00000000": {"test_acc": [NaN]}}', "a list of 1 to 100 numbers as test_acc"),
        ('{"00000000": {"test_acc": [true]}}', "a list of 1 to 100 numbers as test_acc"),
        ('{"00000000": {"test_acc": ["9"]}}', "a list of 1 to 100 numbers as test_acc"),
        ('{"00000000": {"test_acc": [0.0]}}', "test_acc above 0 and up to 100 percent"),
        ('{"00000000": {"test_acc": [101]}}', "test_acc above 0 and up to 100 percent"),
        ('{"00000000": {"test_acc": [50, 60], "mean_acc": 50}}', r"mean_acc the mean of test_acc, 55\.0000"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_of_its_kind_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(BadInput, match=message) as caught:
        NasBenchMacro(source=str(path)).truth("cifar10", "", None)
    assert str(caught.value).startswith("bench.source: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "dataset", "message"),
    [
        ({}, "svhn", r"dataset: must be cifar10, .*python -m harness\.tabulate \+bench=nasbench_macro.*\(got 'svhn'"),
        ({"target_split": "valid"}, "cifar10", r"bench\.target_split, .*'test' and 50 .*\(got 'valid 50'"),
        ({"target_epochs": 12}, "cifar10", r"bench\.target_epochs: must be .*\(got 'test 12'"),
        ({"source": "no.json"}, "cifar10", r"bench\.source: must be a JSON file .*no\.json"),
        ({"source": "no.parquet"}, "cifar10", r"bench\.source: must be an existing table"),
        ({"source": "no.csv"}, "cifar10", r"bench\.source: must be an existing file"),
    ],
)  # fmt: skip
def test_what_the_source_does_not_hold_is_refused(changes: dict[str, Any], dataset: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        replace(NasBenchMacro(), **changes).truth(dataset, "", None)


def test_wrong_settings_are_refused_and_no_curve_is_recorded() -> None:
    for changes in (
        {"channels": 0},
        {"target_split": "train"},
        {"target_epochs": 0},
        {"unit": "x"},
        {"isomorphs": "x"},
    ):
        with pytest.raises(BadInput, match=rf"bench\.{next(iter(changes))}: must be"):
            NasBenchMacro(**changes)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"signal: must be null for \+bench=nasbench_macro"):
        NasBenchMacro().recorded("cifar10", StoredCurves(), None)


def test_the_proxies_of_blocks_see_blocks_that_do_something() -> None:
    from harness.measures.az_nas import by_autograd, read

    torch.manual_seed(0)
    for text in ("00000000", "10002000"):  # an identity that keeps the shape has no trainability
        network = Network(text, shape(2, 16))
        generator = torch.Generator().manual_seed(0)
        found = read(by_autograd(network.stem, network.body, torch.randn(8, 3, 16, 16), generator))
        assert np.isfinite(found).all()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_from_the_published_file_to_a_report(call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    macro_files.write(tmp_path / "own.json", ["00000000", "10102020", "10120020", "21100012", "22222222"])
    command = ["+bench=nasbench_macro", "bench.source=own.json", "bench.channels=2", "architectures=null",
               "train.epochs=null", "train.steps=2", "train.observe_every=1", "train.batch=32", "engine.workers=1",
               "dataset.train_images=64", "dataset.valid_images=40", "dataset.test_images=40", "measure=[movement]",
               "evaluate.bootstrap=20", "predictor=[movement,valacc,flops,live_flops,lce]"]  # fmt: skip
    code, _, err = call(*command)
    assert code == 2 and "dataset: must be cifar10" in err and err.count("\n") == 1
    code, out, err = call(*command, "bench.train_set=cifar10")
    assert (code, err) == (0, "")
    folder = Path(next(line.split()[1] for line in out.splitlines() if line.startswith("tables ")))
    metrics = pd.read_parquet(folder / "metrics.parquet").query("step == 2").set_index("predictor")
    assert {"movement", "valacc", "live_flops", "lce"} <= set(metrics.index)
    assert (metrics.loc[["movement", "valacc", "flops"], "n"] == 4).all()  # one of each class
    report = next(Path().glob("reports/nasbench_macro-digits/*/report.md")).read_text()
    assert "the best of 50 epochs on test images" in report


@pytest.mark.parametrize("path", MEASURES, ids=lambda p: p.stem)
def test_a_measure_reads_networks_of_any_choices(path: Path, images) -> None:
    from harness.train.job import TrainingJob
    from harness.train.loop import train
    from harness.train.recipe import Recipe

    bench, measure = NasBenchMacro(channels=2), build(OmegaConf.load(path), f"measure.{path.stem}")
    for text in ("00000000", "10201202"):
        architecture = bench.architecture(text)
        recipe = Recipe(steps=2, batch=20, observe_every=1, measure_images=8)
        trace: Trace = train(
            TrainingJob(architecture, lambda a=architecture: bench.build(a, images), images, recipe, {"it": measure}, 0)
        )
        assert set(measure.columns) <= set(trace.table.columns)
        if not getattr(measure, "needs_source_model", False):
            assert [column for column in trace.table if str(column).startswith("failed_")] == []


@pytest.mark.real
def test_parameters_and_flops_in_the_genuine_file_are_those_of_the_network_that_is_built(caplog) -> None:
    path = Path(os.environ.get("HARNESS_DATA", "/nonexistent")) / table.FILE.name
    if not path.is_file():
        pytest.skip(f"HARNESS_DATA has no {path.name}")
    truth = table.read(path)
    assert len(truth.accuracy) == 6_561 and "differ from those of the network built here" not in caplog.text
    for _, same in truth.accuracy.groupby([space.canonical(name) for name in truth.accuracy.index]):
        assert len(same.drop_duplicates()) == 1
