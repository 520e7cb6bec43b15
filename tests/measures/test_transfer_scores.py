"""The measure of transferability scores: what it reads of which network, in which mode, and why some have no value."""

from __future__ import annotations

import math

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.readout import leave_one_out
from harness.measures.source_reading import CHUNK, read_source
from harness.measures.transfer_scores import OF_FEATURES, OF_LOGITS, Transferability
from harness.measures.transferability.features import prepare
from harness.measures.transferability.knn import knn
from harness.measures.transferability.leep import leep
from harness.measures.transferability.logme import logme
from harness.runs.tables import _failed_readings
from harness.schema import Architecture, BadInput, NonMutating, NoReading, Periodic, Scene, Shared, SourceModel, Trace
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.recipe import Recipe

SCENE = Scene(probe_seed=7, classes=3, features=5)
COUNT = CHUNK + 6
IMAGES = torch.randn(COUNT, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(COUNT) % 3
BATCH = (IMAGES + LABELS[:, None, None, None], LABELS)


class Toy(nn.Module):
    """A source model of 5 features and 4 source classes, with BatchNorm and dropout; the head sees scaled features."""

    def __init__(self, classifier: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.5))
        self.source = nn.Linear(5, 4) if classifier else None
        self.head = nn.Linear(5, 3)
        self.passes = 0

    def source_features(self, images: Tensor) -> Tensor:
        self.passes += 1
        return self.body(images)

    def source_logits(self, images: Tensor) -> Tensor | None:
        return None if self.source is None else self.source(self.source_features(images))

    def features(self, images: Tensor) -> Tensor:
        return 100 * self.body(images)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def toy(classifier: bool = True) -> Toy:
    torch.manual_seed(0)
    made = Toy(classifier).train()
    made.body[2].running_mean += 0.1
    return made


def scores(model: nn.Module, batch: tuple[Tensor, Tensor] = BATCH, **settings) -> dict[str, float]:
    return dict(Transferability(**settings).observer(SCENE)(model, batch, 0))


def test_it_reads_plain_features_and_source_logits_with_running_statistics() -> None:
    found, model = scores(toy()), toy().eval()
    with torch.no_grad():
        x, logits = model.source_features(BATCH[0]), model.source_logits(BATCH[0])
    features, y = prepare(x.double().numpy(), LABELS.numpy()), LABELS.numpy()
    expected = {
        "logme": logme(features), "knn": knn(features, 5), "linear_probe": leave_one_out(x, LABELS, 3)[1],
        "leep": leep(logits.double().numpy(), y), "energy": float(logits.double().logsumexp(1).mean()),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert set(found) == {*OF_FEATURES, *OF_LOGITS} and all(map(math.isfinite, found.values()))


def test_features_do_not_depend_on_the_other_images_and_the_model_stays_as_it_was() -> None:
    model = toy()
    model.body[4].eval()
    statistics = model.body[2].running_mean.clone()
    whole, first = read_source(model, BATCH[0]), read_source(model, BATCH[0][:3])
    torch.testing.assert_close(whole.features[:3], first.features)
    torch.testing.assert_close(whole.logits[:3], first.logits)
    assert model.training and model.body[2].training and not model.body[4].training
    assert torch.equal(model.body[2].running_mean, statistics) and not whole.features.requires_grad


def test_without_a_source_classifier_three_scores_have_a_reason_and_the_others_a_value() -> None:
    found = scores(toy(classifier=False))
    for name in OF_LOGITS:
        value = found[name]
        assert isinstance(value, NoReading) and "no classifier of a source data set" in value.reason
    assert all(math.isfinite(found[name]) for name in OF_FEATURES)


def test_a_network_that_is_no_source_model_is_read_before_its_head() -> None:
    torch.manual_seed(0)
    cell = parse("|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|")
    model = Network(cell, Shape(colours=1, size=8, classes=3, channels=4, cells=1)).train()
    assert not isinstance(model, SourceModel) and isinstance(toy(), SourceModel)
    found = scores(model)
    x = model.eval().features(BATCH[0]).detach().double().numpy()
    assert found["logme"] == pytest.approx(logme(prepare(x, LABELS.numpy())), rel=1e-5)
    assert math.isnan(found["leep"])
    with pytest.raises(ValueError, match=r"network: must have features\(images\) \(got Sequential"):
        scores(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))


@pytest.mark.parametrize(
    ("batch", "reason", "still"),
    [
        ((BATCH[0], 0 * LABELS), "fewer than two classes among the images", {"energy"}),
        ((0 * BATCH[0], LABELS), "all images have the same features", set(OF_LOGITS)),
        ((BATCH[0] * torch.inf, LABELS), "not finite", set()),
    ],
)
def test_where_no_score_of_features_has_a_value_all_of_them_say_why(batch, reason, still) -> None:
    found = scores(toy(), batch)
    assert {name for name, value in found.items() if math.isfinite(value)} == still
    assert all(reason in value.reason for value in found.values() if isinstance(value, NoReading))
    assert all(isinstance(value, NoReading) for name, value in found.items() if name not in still)


def test_only_the_scores_and_images_that_are_asked_for_are_read() -> None:
    few = scores(toy(), scores=["knn", "energy"], images=20, neighbours=3)
    assert list(few) == ["knn", "energy"] == list(Transferability(["knn", "energy"]).columns)
    model = toy().eval()
    x = model.source_features(BATCH[0][:20]).detach().double().numpy()
    assert few["knn"] == knn(prepare(x, LABELS[:20].numpy()), 3)


def test_one_pass_serves_two_measures() -> None:
    model, shared = toy(), Shared(keeps=True)
    scene = Scene(7, 3, 5, shared)
    for scores in (["knn", "nce"], ["leep", "logme"]):
        Transferability(scores).observer(scene)(model, BATCH, 0)
    assert model.passes == 4  # features and logits, each in two chunks


def test_logits_are_not_computed_where_no_score_reads_them_and_one_pass_gives_both_where_it_can() -> None:
    model = toy()
    few = scores(model, scores=["knn"])
    assert model.passes == 2

    class Both(Toy):
        def source_outputs(self, images: Tensor) -> tuple[Tensor, Tensor]:
            features = self.source_features(images)
            return features, self.source(features)

    torch.manual_seed(0)
    both = Both().train()
    both.body[2].running_mean += 0.1
    found, expected = scores(both), scores(toy())
    assert both.passes == 2 and found == pytest.approx(expected) and found["knn"] == few["knn"]


def test_in_a_training_the_columns_move_and_the_reasons_are_listed(images) -> None:
    measure = Transferability(every=2)
    recipe = Recipe(steps=4, batch=20, observe_every=1, measure_images=30)
    cell = Architecture("toy", "toy")
    job = TrainingJob(cell, lambda: Toy(classifier=False), images, recipe, {"transferability": measure}, 0)
    table = train(job).table
    assert isinstance(measure, Periodic) and isinstance(measure, NonMutating)
    assert table["logme"].notna().tolist() == [True, False, True, False, True] and table["leep"].isna().all()
    assert table["logme"].dtype == table["leep"].dtype == float and table["logme"].nunique() == 3
    listed = _failed_readings(Trace(cell, 0, table))
    reason = "leep, nce, energy: the network has no classifier of a source data set"
    assert listed == [("transferability", step, reason) for step in (0, 2, 4)]
    plain = train(TrainingJob(cell, lambda: Toy(classifier=False), images, recipe, {}, 0)).table
    pd.testing.assert_series_equal(plain["valid_loss"], table["valid_loss"])


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"scores": []}, r"measure\.transferability\.scores: must be a list of one or more of logme, .* \(got \[\]\)"),
        ({"scores": ["knn", "knn"]}, r"measure\.transferability\.scores: must be .*, each once"),
        ({"scores": ["ncti"]}, r"measure\.transferability\.scores: must be .* \(got \['ncti'\]\)"),
        ({"images": 1}, r"measure\.transferability\.images: must be at least 2 \(or null\) \(got 1\)"),
        ({"neighbours": 0}, r"measure\.transferability\.neighbours: must be at least 1 \(got 0\)"),
        ({"every": 0}, r"measure\.transferability\.every: must be at least 1 \(got 0\)"),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(settings, line) -> None:
    with pytest.raises(BadInput, match=line):
        Transferability(**settings)
