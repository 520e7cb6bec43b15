"""The size space: its strings, its network against a textbook one, its formulas against published counts."""

from __future__ import annotations

import bz2
import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from nats_bench.api_utils import PICKLE_EXT
from omegaconf import OmegaConf
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from harness import files
from harness.benches.nats import archive, converted, spaces
from harness.benches.nats.convert import convert
from harness.benches.natsbench_sss import space
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.benches.natsbench_sss.size_network import Network
from harness.benches.tabulated import write
from harness.config.components import build, conf_folder
from harness.schema import BadInput, StoredCurves
from tests.benches import nats_records
from tests.benches.nats_records import NAMES, figure

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent"))
PUBLISHED = {  # the archive's architectures 0, 11 and 284: parameters, multiply-adds on CIFAR-10
    0: ("8:8:8:8:8", 11_714, 4_481_114),
    11: ("8:8:8:16:32", 49_202, 6_840_650),
    284: ("8:8:40:32:40", 144_834, 21_827_994),
}
MEASURES = sorted((conf_folder() / "measure").glob("*.yaml"))
RANDOM = np.random.default_rng(0)
SAMPLE = [space.every_name()[place] for place in RANDOM.choice(32_768, 12, replace=False)]
SAMPLE += ["8:8:8:8:8", "64:64:64:64:64", "64:8:64:8:64", "8:16:16:24:24"]


def shape(text: str, size: int = 32, colours: int = 3, classes: int = 10) -> space.Shape:
    return space.Shape(space.parse(text), size, colours, classes)


@pytest.mark.parametrize("place", PUBLISHED)
def test_parameters_and_flops_are_the_published_ones(place: int) -> None:
    name, params, flops = PUBLISHED[place]
    assert space.every_name()[place] == name and space.index(space.parse(name)) == place
    assert (space.params(shape(name)), space.flops(shape(name))) == (params, flops)


@pytest.mark.real
def test_parameters_and_flops_of_genuine_records_are_those_of_the_formula_and_of_the_built_network() -> None:
    path = archive.folder(spaces.SSS, str(DATA))
    if path is None:
        pytest.skip("HARNESS_DATA has no archive")
    found = archive.opened(path, spaces.SSS)
    assert list(found.names) == space.every_name()
    assert set(found.places) >= set(PUBLISHED)
    for place, trainings in found:
        assert {(t.train_set, t.epochs) for t in trainings} == set(spaces.SSS.every_epoch)
        for one in trainings:
            assert all(np.isfinite(curve.accuracy).all() for curve in one.splits.values())
            side, classes, _ = spaces.IMAGES[one.train_set]
            own = shape(found.names[place], side, 3, classes)
            assert (space.params(own), space.flops(own)) == (one.params, one.flops)
        network = Network(own)
        assert sum(weight.numel() for weight in network.parameters()) == one.params
        with FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, 3, side, side))
        assert counter.get_total_flops() == 2 * (one.flops - classes)  # the benchmark counts the head's bias
        content = files.read_pickle(io.BytesIO(bz2.decompress(found.file(place).read_bytes())))
        configs = {result["arch_config"]["genotype"] for result in content["90"]["all_results"].values()}
        assert configs == {str(space.CELL)}


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize(("size", "colours", "classes"), [(12, 1, 10), (16, 3, 120)])
def test_formulas_are_those_of_the_built_network(name: str, size: int, colours: int, classes: int) -> None:
    own = shape(name, size, colours, classes)
    network = Network(own)
    assert sum(weight.numel() for weight in network.parameters()) == space.params(own)
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, colours, size, size))
    assert counter.get_total_flops() == 2 * (space.flops(own) - classes)
    assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in network.modules()) <= space.layers(own)
    edges = [edge for edge in network.connections() if edge.weight is not None]
    assert len(edges) == space.layers(own)


def test_every_string_is_its_own_and_wrong_ones_are_refused() -> None:
    names = space.every_name()
    assert len(set(names)) == 32_768
    assert all(space.index(space.parse(names[place])) == place for place in range(0, 32_768, 101))
    for text in (
        "",
        "8:8:8:8",
        "8:8:8:8:8:8",
        "8:8:8:8:12",
        "08:8:8:8:8",
        "8:8:8:8:8 ",
        "8:8:8:8:-8",
        "8:8:8:8:٨",
        "a:8:8:8:8",
    ):
        with pytest.raises(ValueError, match="architecture: must be 5 widths out of 8, 16"):
            space.parse(text)
    with pytest.raises(BadInput, match="architecture: must be 5 widths"):
        NatsBenchSize().architecture("|none~0|")


class TextbookCell(nn.Module):
    """The cell edge by edge, as the benchmark's code has it: ReLU, convolution, BatchNorm on each; zeros computed."""

    def __init__(self, wide_in: int, wide_out: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList()
        self.ends = [(1, 0, 3), (2, 0, 3), (2, 1, 3), (3, 0, 0), (3, 1, 3), (3, 2, 3)]
        for _, source, side in self.ends:
            wide = wide_in if source == 0 else wide_out
            convolution = nn.Conv2d(wide, wide_out, side or 1, padding=(side or 1) // 2, bias=False)
            whole = [convolution, nn.BatchNorm2d(wide_out)]
            skip = nn.Identity() if wide == wide_out else nn.Sequential(*whole)  # no ReLU before a projected skip
            self.edges.append(nn.Sequential(nn.ReLU(), *whole) if side else skip)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nodes = [x, 0, 0, 0]
        for (target, source, _), edge in zip(self.ends, self.edges, strict=True):
            nodes[target] = nodes[target] + edge(nodes[source])
        return nodes[3]


class TextbookReduction(nn.Module):
    def __init__(self, wide_in: int, wide_out: int) -> None:
        super().__init__()
        first = nn.Conv2d(wide_in, wide_out, 3, 2, 1, bias=False)
        second = nn.Conv2d(wide_out, wide_out, 3, 1, 1, bias=False)
        self.residual = nn.Sequential(
            nn.ReLU(), first, nn.BatchNorm2d(wide_out), nn.ReLU(), second, nn.BatchNorm2d(wide_out)
        )
        self.short = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(wide_in, wide_out, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.short(x) + self.residual(x)


def textbook(own: space.Shape) -> nn.Sequential:
    """The benchmark's network, layer by layer in the order of its code."""
    layers: list[nn.Module] = [
        nn.Conv2d(own.colours, own.widths[0], 3, 1, 1, bias=False),
        nn.BatchNorm2d(own.widths[0]),
    ]
    wide = own.widths[0]
    for stage, width in enumerate(own.widths):
        layers.append((TextbookReduction if stage % 2 else TextbookCell)(wide, width))
        wide = width
    layers += [nn.BatchNorm2d(wide), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, own.classes)]
    return nn.Sequential(*layers)


def copied(network: Network, own: space.Shape) -> nn.Sequential:
    """The textbook network with the weights that `network` tells of itself, edge by edge."""
    model = textbook(own).double()
    found = {edge.slot: edge for edge in network.connections()}
    targets: dict[str, tuple[nn.Module, nn.Module | None]] = {"stem": (model[0], model[1])}
    cells = [layer for layer in model if isinstance(layer, TextbookCell)]
    for number, cell in enumerate(cells):
        for (target, source, _), edge in zip(cell.ends, cell.edges, strict=True):
            if not isinstance(edge, nn.Identity):
                targets[f"cell{number}.{target}<{source}"] = (edge[-2], edge[-1])
    for number, block in enumerate(layer for layer in model if isinstance(layer, TextbookReduction)):
        targets[f"reduction{number}.first"] = (block.residual[1], block.residual[2])
        targets[f"reduction{number}.second"] = (block.residual[4], block.residual[5])
        targets[f"reduction{number}.shortcut"] = (block.short[1], None)
    targets["head"] = (model[-1], None)
    assert {slot for slot, edge in found.items() if edge.weight is not None} == set(targets)
    with torch.no_grad():
        for slot, (layer, norm) in targets.items():
            layer.weight.copy_(found[slot].weight)
            if norm is not None:
                norm.weight.copy_(found[slot].norm[0])
                norm.bias.copy_(found[slot].norm[1])
        model[-1].bias.copy_(network.head.bias)
        model[-5].weight.copy_(network.last_norm.weight)
        model[-5].bias.copy_(network.last_norm.bias)
    return model


@pytest.mark.parametrize("name", ["8:16:24:8:8", "16:8:8:8:32", "24:24:24:24:24"])
def test_the_network_computes_what_the_benchmarks_own_does(name: str) -> None:
    torch.manual_seed(0)
    own = shape(name, 12)
    network = Network(own).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    model, x = copied(network, own), torch.randn(5, 3, 12, 12, dtype=torch.float64)
    ours, theirs = network(x), model(x)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    labels = torch.arange(5)
    mine = torch.autograd.grad(functional.cross_entropy(ours, labels), network.stem[0].weight)
    textbooks = torch.autograd.grad(functional.cross_entropy(theirs, labels), model[0].weight)
    torch.testing.assert_close(mine, textbooks, rtol=0, atol=1e-9)


def test_features_are_what_the_head_reads() -> None:
    network = Network(shape("8:8:8:8:24", 8))
    features = network.features(torch.randn(4, 3, 8, 8))
    assert features.shape == (4, 24) and features.min() >= 0
    torch.testing.assert_close(network.head(network.features(x := torch.randn(4, 3, 8, 8))).shape, network(x).shape)


def test_the_divisor_divides_every_width_and_the_facts_are_those_of_what_is_built(images) -> None:
    for divisor in (1, 2, 4, 8):
        bench = NatsBenchSize(width_divisor=divisor)
        architecture = bench.architecture("8:16:64:32:40")
        network, facts = bench.build(architecture, images), bench.facts(architecture, images)
        assert network.head.in_features == 40 // divisor and network.stem[0].out_channels == 8 // divisor
        assert facts["params"] == sum(weight.numel() for weight in network.parameters())
        assert bench.network() == {"space": "natsbench_sss", "width_divisor": divisor}
    with pytest.raises(BadInput, match=r"bench\.width_divisor: must be 1, 2, 4 or 8 \(got 3"):
        NatsBenchSize(width_divisor=3)


def test_a_sample_is_seeded_distinct_and_grows_at_its_end() -> None:
    bench = NatsBenchSize()
    names = [a.name for a in bench.sample(300, 4)]
    assert names == [a.name for a in bench.sample(300, 4)] and names[:50] == [a.name for a in bench.sample(50, 4)]
    assert names != [a.name for a in bench.sample(300, 5)]
    assert len(set(names)) == 300 and all(a.group == a.name and not a.dead for a in bench.sample(20, 0))
    pool = space.every_name()[:40]
    assert bench.sample(20, 0, pool) == bench.sample(20, 0, pool[::-1])
    with pytest.raises(BadInput, match=r"architectures: must be a count from 1 to 40 .*\(got 41"):
        bench.sample(41, 0, pool)


def test_its_configuration_gives_every_setting() -> None:
    node = OmegaConf.load(conf_folder() / "bench" / "natsbench_sss.yaml")
    assert build(node, "bench") == NatsBenchSize()
    assert set(node) - {"_target_"} == set(vars(NatsBenchSize()))


def test_the_truth_comes_from_the_tables_and_else_from_the_archive(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("TORCH_HOME", raising=False)
    data, bench = str(tmp_path), NatsBenchSize()
    with pytest.raises(BadInput, match=r"NATS-sss-v1_0-50262-simple \(expected in .*NATS-sss-v1_0-50262-simple\.tar"):
        bench.truth("cifar10", "", data)
    folder = nats_records.write(tmp_path, spaces.SSS)
    official = bench.truth("cifar10", "", data)
    assert official.source.startswith("NATS-sss") and (official.train_set, official.epochs) == ("cifar10-valid", 90)
    convert("sss", folder, tmp_path)
    found = bench.truth("cifar10", "", data)
    assert found.source.startswith("nats-sss") and found.index == {NAMES["sss"][place]: place for place in (0, 2, 4)}
    pd.testing.assert_frame_equal(found.accuracy, official.accuracy, check_names=False, check_column_type=False)
    twelve = replace(bench, target_epochs=12, target_split="valid", train_set="cifar100").truth("cifar100", "", data)
    assert list(twelve.accuracy.columns) == ["777", "888", "999"]
    assert twelve.accuracy.loc[NAMES["sss"][2], "888"] == figure(2, "cifar100", "x-valid", 12, 888, 11)
    with pytest.raises(BadInput, match=r"this space has no public table"):
        replace(bench, source="table").truth("cifar10", "", data)
    with pytest.raises(BadInput, match=r"dataset: must be .*python -m harness\.tabulate \+bench=natsbench_sss"):
        bench.truth("svhn", "", data)
    with pytest.raises(BadInput, match=r"bench\.train_set, .*cifar10 test 90"):
        replace(bench, target_epochs=200).truth("cifar10", "", data)


def test_a_table_of_the_other_space_or_of_strange_names_is_refused(tmp_path: Path) -> None:
    columns = [
        "architecture",
        "seed",
        "epoch",
        "train_loss",
        "valid_loss",
        "valid_accuracy",
        "test_loss",
        "test_accuracy",
    ]
    about = {"dataset": "tiny", "dataset_fingerprint": "f", "made_by": "a test", "network": {"space": "natsbench_sss"}}
    path = tmp_path / "own.parquet"
    bench = NatsBenchSize(source=str(path))
    rows = pd.DataFrame([["8:8:8:8:8", 0, 1, 1.0, 1.0, 50.0, 1.0, 60.0]], columns=columns)
    write(path, rows, about)
    truth = bench.truth("tiny", "f", None)
    assert truth.accuracy.loc["8:8:8:8:8", "0"] == 60 and truth.index == {"8:8:8:8:8": 0}
    write(path, rows, about | {"network": {"space": "nasbench201"}})
    with pytest.raises(BadInput, match=r"bench\.source: must be a table of natsbench_sss \(got .* of nasbench201"):
        bench.truth("tiny", "f", None)
    write(path, rows.assign(architecture="|none~0|"), about)
    with pytest.raises(BadInput, match="architectures of natsbench_sss in"):
        bench.truth("tiny", "f", None)
    write(path, pd.concat([rows, rows]), about)
    with pytest.raises(BadInput, match="one row per training and epoch"):
        bench.truth("tiny", "f", None)
    write(path, rows.assign(test_accuracy=101.0), about)
    with pytest.raises(BadInput, match="test_accuracy from 0 to 100"):
        bench.truth("tiny", "f", None)


def test_recorded_curves_are_those_of_the_benchmark_and_need_no_test_images(tmp_path: Path) -> None:
    data, bench = str(tmp_path), NatsBenchSize(width_divisor=1)
    nats_records.write(tmp_path, spaces.SSS)
    wanted = StoredCurves(source="nats", epochs=90)
    found = bench.recorded("cifar100", wanted, data)
    assert not found.leak and found.label.startswith("cifar100 x-valid 90 epochs, mean over recorded seeds")
    rows = found.traces[NAMES["sss"][2]].table
    assert rows["step"].tolist() == [196 * epoch for epoch in range(91)]
    assert rows["valid_accuracy"].iloc[5] == figure(2, "cifar100", "x-valid", 90, 777, 4)
    leaking = replace(wanted, split="valtest", allow_test_leak=True)
    assert bench.recorded("cifar100", leaking, data).label.endswith(
        "(curves measured on test images), the same training runs as the ground truth"
    )
    for change, message in (
        (
            {"split": "valtest"},
            r"must be a curve without test images \(got ori-test .*split valid has a curve without them",
        ),
        ({"split": "test"}, r"another split than bench\.target_split"),
        ({"epochs": 200}, r"signal: must be a recorded training .cifar10-valid 90"),
        ({"source": "curves"}, r"signal\.source"),
    ):
        with pytest.raises(BadInput, match=message):
            bench.recorded("cifar100", replace(wanted, **change), data)
    with pytest.raises(BadInput, match=r"bench\.width_divisor: must be 1 .the width of the recorded networks"):
        NatsBenchSize().recorded("cifar100", wanted, data)
    with pytest.raises(BadInput, match=r"signal\.source: missing folder NATS-sss-v1_0-50262-simple .*nats-sss"):
        bench.recorded("cifar100", wanted, str(tmp_path / "empty"))


def test_what_it_needs_is_the_archive_or_its_tables() -> None:
    (source,) = NatsBenchSize().sources()
    assert source.what == "archive" and (converted.name(spaces.SSS),) in source.any_of
    assert "Google Drive" in source.note and PICKLE_EXT not in source.note


@pytest.mark.parametrize("path", MEASURES, ids=lambda p: p.stem)
def test_a_measure_writes_the_columns_it_declares_for_networks_of_any_widths(path: Path, images) -> None:
    from harness.train.job import TrainingJob
    from harness.train.loop import train
    from harness.train.recipe import Recipe

    bench, measure = NatsBenchSize(width_divisor=4), build(OmegaConf.load(path), f"measure.{path.stem}")
    for text in ("8:16:64:8:24", "16:16:16:16:16"):
        architecture = bench.architecture(text)
        recipe = Recipe(steps=2, batch=20, observe_every=1, measure_images=8)
        trace = train(
            TrainingJob(architecture, lambda a=architecture: bench.build(a, images), images, recipe, {"it": measure}, 0)
        )
        assert set(measure.columns) <= set(trace.table.columns)
        assert [column for column in trace.table if str(column).startswith("failed_")] == []
        assert (trace.table["seconds_it"].iloc[[0, -1]] > 0).all()
