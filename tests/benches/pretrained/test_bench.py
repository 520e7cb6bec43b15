"""The benchmark `pretrained`: from a folder of networks to a table and a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from harness.__main__ import main
from harness.benches import tabulated
from harness.benches.pretrained.bench import Pretrained
from harness.cli.run import build_spec
from harness.config.composition import compose_arguments, hydra_open
from harness.measures.transfer_scores import OF_FEATURES, OF_LOGITS
from harness.measures.transferability.ncti import PARTS
from harness.runs import tables as run_tables
from harness.schema import Architecture, BadInput, SourceModel, facts_of
from harness.storage.traces import TraceStore
from harness.tabulate import main as tabulate
from tests.benches.pretrained import networks
from tests.conftest import tiny_images

FAMILIES = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {name: seed for seed, name in enumerate(FAMILIES)}
    place = networks.save(tmp_path_factory.mktemp("networks"), names, FAMILIES)
    described = yaml.safe_load((place / "models.yaml").read_text())
    described["c1"] |= {"trained_on": "birds", "source": "a museum", "licence": "MIT"}
    (place / "models.yaml").write_text(yaml.safe_dump(described))
    return place


@pytest.fixture(scope="module")
def bench(folder: Path) -> Pretrained:
    return Pretrained(folder=str(folder), side=32)


def test_all_networks_of_the_folder_are_drawn_in_an_order_that_follows_from_the_seed(bench: Pretrained) -> None:
    drawn = bench.sample(None, 0)
    assert {each.name: each.group for each in drawn} == FAMILIES
    assert [each.name for each in bench.sample(3, 0)] == [each.name for each in drawn[:3]]
    assert any([each.name for each in bench.sample(5, seed)] != [each.name for each in drawn] for seed in range(1, 4))
    with pytest.raises(BadInput, match="architectures: must be a count from 1 to 5"):
        bench.sample(6, 0)


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("size", [8, 32])
def test_features_are_standardised_over_the_training_images(bench: Pretrained, colours: int, size: int) -> None:
    images = tiny_images(colours=colours, size=size)
    model = bench.build(bench.architecture("a1"), images).eval()
    pixels = torch.tensor(images.train[0]).float().permute(0, 3, 1, 2) / 255
    shape = (1, colours, 1, 1)
    seen = (pixels - torch.tensor(images.mean).view(shape)) / torch.tensor(images.std).view(shape)
    features = model.features(seen).detach()  # type: ignore[operator]
    varying = features.std(0, correction=0) > 1e-3
    assert varying.any()
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(features.std(0, correction=0)[varying], 1, atol=1e-4)
    assert isinstance(model, SourceModel)
    rgb = torch.nn.functional.interpolate(pixels.expand(-1, 3, -1, -1), size=32, mode="bilinear", antialias=True)
    raw, logits = networks.by_hand(networks.weights(0), 255 * rgb)
    torch.testing.assert_close(model.source_features(seen), raw, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(model.source_logits(seen), logits, rtol=1e-3, atol=1e-3)
    both = model.source_outputs(seen)  # type: ignore[operator]
    torch.testing.assert_close(both, (model.source_features(seen), model.source_logits(seen)))


@pytest.mark.slow
def test_transferability_is_measured_by_itself_and_read_by_every_score() -> None:
    with hydra_open("config"):
        found = build_spec(compose_arguments(["+bench=pretrained", "dataset=flowers5"], "config").own)
    assert set(OF_FEATURES + OF_LOGITS) == set(found.measures["transferability"].columns)
    scores = {"ncti", *OF_FEATURES, *OF_LOGITS} - set(PARTS)
    assert {f"{name}{end}" for name in scores for end in ("", "_trained")} <= set(found.predictors)
    assert not found.skipped


def test_facts_count_the_new_head_and_not_the_source_classifier(bench: Pretrained) -> None:
    images = tiny_images()
    facts = bench.facts(bench.architecture("b1"), images)
    model = bench.build(bench.architecture("b1"), images)
    assert facts["params"] == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert facts["source_accuracy"] == 52 and facts["layers"] == 4
    assert set(facts) <= set(facts_of(bench))


def test_the_weights_belong_to_the_identity_and_their_place_does_not(folder: Path, tmp_path: Path) -> None:
    copy = networks.save(tmp_path / "copy", {"a1": 0})
    here, there = (Pretrained(folder=str(place)) for place in (folder, copy))
    assert here.network() == there.network()
    np.savez(copy / "a1.npz", spec="{}")
    assert here.content_of("a1") != there.content_of("a1")


@pytest.fixture(scope="module")
def small(folder: Path) -> list[str]:
    return [
        "+bench=pretrained", "dataset=digits", "dataset.train_images=48", "dataset.valid_images=30",
        "dataset.test_images=30", f"bench.folder={folder}", "bench.side=32", "engine.workers=1", "train.epochs=1",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def table(small: list[str], folder: Path) -> Path:
    out = folder / "truth.parquet"
    assert tabulate([*small, "seeds=[0,1]", f"results={folder}/results", f"out={out}"]) == 0
    return out


def test_a_table_says_whose_weights_and_which_recipe(table: Path, bench: Pretrained) -> None:
    read = tabulated.read(table)
    assert read.about["network"] == bench.network()
    assert read.about["content"] == {name: bench.content_of(name) for name in FAMILIES}
    assert read.about["recipe"]["clip_norm"] == 1 and read.about["recipe"]["train_images"] == 1000
    assert set(read.curves["architecture"]) == set(FAMILIES) and set(read.curves["seed"]) == {0, 1}
    (machine,) = read.about["made_with"]
    assert machine["torch"] == torch.__version__ and machine["computed_on"]


def test_a_table_made_on_two_machines_says_so(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*small, "seeds=[0]", "bench.models=[a1,b1]", f"results={tmp_path}", f"out={tmp_path}/t.parquet"]
    monkeypatch.setattr(TraceStore, "made_with", lambda *_: [{"computed_on": "a card"}, {"computed_on": "a processor"}])
    assert tabulate(asked) == 0
    assert "traces were made with computed_on a card and a processor" in capsys.readouterr().out
    assert len(tabulated.read(tmp_path / "t.parquet").about["made_with"]) == 2


@pytest.mark.slow
def test_a_run_ranks_what_the_table_knows(table: Path, small: list[str], tmp_path: Path) -> None:
    code = main([
        *small, f"bench.source={table}", "train.observe_every=1", "measure=[movement]",
        "predictor=[valacc,params,flops]", f"results={tmp_path}/results",
        f"reports={tmp_path}/reports", "evaluate.folds=2",
    ])  # fmt: skip
    assert code == 0
    run = next((tmp_path / "results" / "pretrained-digits").glob("seed0-all-*"))
    architectures = pd.read_parquet(run / "architectures.parquet").set_index("architecture")
    assert dict(architectures["group"]) == FAMILIES
    final = tabulated.read(table).curves.query("epoch == 1").groupby("architecture")["test_accuracy"].mean()
    np.testing.assert_allclose(architectures["truth"].sort_index(), final.sort_index(), rtol=1e-6)
    page = next((tmp_path / "reports" / "pretrained-digits").rglob("index.html")).read_text()
    assert "pretrained" in page and "valacc" in page and "(trained on birds)" in page
    assert dict(architectures["note"]) == dict.fromkeys(FAMILIES, "") | {"c1": "trained on birds"}
    assert architectures["params"].gt(0).all() and "million parameters" in page
    assert dict(architectures["origin"]) == dict.fromkeys(FAMILIES, "not stated") | {"c1": "a museum (MIT)"}
    assert "a museum (MIT)" in page
    metrics = pd.read_parquet(run / "metrics.parquet")
    assert metrics["tau_groups"].notna().any() and "between groups" in page


def test_the_package_has_two_seeds_of_each_network_on_five_data_sets_and_a_run_shows_those_of_the_others() -> None:
    known = Pretrained().elsewhere("birds")
    assert sorted(known) == ["cifar10", "fashion_mnist", "flowers5", "gtsrb43"]
    assert all(table.shape == (25, 2) and table.notna().to_numpy().all() for table in known.values())
    networks = [Architecture(name, name) for name in ("tiny_darknet", "none_of_them")]
    rows = run_tables._elsewhere(Pretrained(), "birds", networks)["elsewhere"]
    assert len(rows) == 4 * 2 and set(rows["architecture"]) == {"tiny_darknet"}
    first = rows[(rows["dataset"] == "gtsrb43") & (rows["seed"] == 1)]["accuracy"].item()
    assert first == known["gtsrb43"].loc["tiny_darknet", 1]
    assert run_tables._elsewhere(Pretrained(), "birds", networks[1:]) == {}


def test_models_choose_among_the_table(table: Path, folder: Path) -> None:
    chosen = Pretrained(folder=str(folder), side=32, models=["a2", "c1"], source=str(table))
    fingerprint = tabulated.read(table).about["dataset_fingerprint"]
    assert sorted(chosen.truth("digits", fingerprint, None).accuracy.index) == ["a2", "c1"]
    with pytest.raises(BadInput, match=r"^bench\.models: must be networks with a ground truth .* \(got a3\)$"):
        replace(chosen, models=["a1", "a3"]).truth("digits", fingerprint, None)
    with pytest.raises(BadInput, match="dataset: must be a data set with a table"):
        replace(chosen, source="auto").truth("digits", fingerprint, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("side", 8), ("statistics", "free"), ("trained_layers", 0), ("target_split", "train"), ("target_epochs", 0),
        ("models", []), ("models", ["a", "a"]),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(key: str, value: object) -> None:
    with pytest.raises(BadInput, match=rf"^bench\.{key}: must be "):
        Pretrained(**{key: value})  # type: ignore[arg-type]


def test_a_table_of_networks_trained_through_a_unit_says_so(small: list[str], tmp_path: Path) -> None:
    unit = ["+measure=capacitance", "measure.capacitance.mode=head", "measure.capacitance.widths=[5,4]"]
    asked = [*small, *unit, "seeds=[0]", "architectures=2", f"results={tmp_path}", f"out={tmp_path}/unit.parquet"]
    assert tabulate(asked) == 0
    read = tabulated.read(tmp_path / "unit.parquet")
    assert read.about["head"]["capacitance"]["widths"] == [5, 4]
    truth = read.truth(None, "test", None, read.about["dataset_fingerprint"])
    assert truth.source.endswith("trained through the head capacitance")


def test_a_table_takes_no_measure_that_only_observes(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tabulate([*small, "+measure=movement", f"results={tmp_path}", f"out={tmp_path}/x.parquet"]) == 2
    assert "measure: must be measures that replace the network's head (got ['movement'])" in capsys.readouterr().err


def test_other_weights_under_a_known_name_are_refused(table: Path, folder: Path, tmp_path: Path) -> None:
    other = networks.save(tmp_path / "other", {"a1": 77, "a2": 1})
    fingerprint = tabulated.read(table).about["dataset_fingerprint"]
    mixed = Pretrained(folder=str(other), side=32, models=["a2", "a1"], source=str(table))
    with pytest.raises(
        BadInput, match=r"^bench\.models: must be the networks that truth\.parquet .*other weights of a1"
    ):
        mixed.truth("digits", fingerprint, None)
    assert len(replace(mixed, models=["a2"]).truth("digits", fingerprint, None).accuracy) == 1


def test_a_benchmark_brings_its_own_recipe_unless_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    def batch(*arguments: str) -> int:
        assert main([*arguments, "measure=[]", "predictor=[flops]", "--cfg", "job", "-p", "train"]) == 0
        return int(yaml.safe_load(capsys.readouterr().out)["batch"])

    assert batch("+bench=pretrained") == 32 and batch("+bench=pretrained", "train=brief") == 128
    assert batch("+bench=nasbench201") == 128 and batch("+bench=pretrained_torchvision") == 32
    assert main(["-m", "+bench=pretrained,nasbench201"]) == 2
    assert "train: must be named in a sweep over benchmarks with recipes of their own" in capsys.readouterr().err
