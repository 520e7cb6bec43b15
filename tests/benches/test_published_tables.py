"""Published tables of accuracies: the forms that they come in, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benches.pretrained.names import dataset_name, model_name
from harness.benches.pretrained.published import read, read_scores
from harness.benches.pretrained.torchvision_facts import torchvision_facts
from harness.schema import BadInput

DATA = Path(os.environ.get("HARNESS_DATA", "/nonexistent")) / "pretrained"
MODELS, SETS = ["resnet50", "mnasnet1_0", "mine"], ["cars", "pets"]
VALUES = np.array([[91.5, 80.0], [70.25, np.nan], [88.0, 85.5]])


def _long(**more: object) -> pd.DataFrame:
    rows = [(m, d, VALUES[i, j]) for i, m in enumerate(MODELS) for j, d in enumerate(SETS)]
    return pd.DataFrame(rows, columns=["model", "dataset", "accuracy"]).assign(**more)


def _written(tmp_path: Path, frame: pd.DataFrame, name: str = "t.csv") -> Path:
    path = tmp_path / name
    frame.to_csv(path, index=False) if name.endswith("csv") else frame.to_parquet(path)
    return path


WIDE = pd.DataFrame(VALUES, columns=SETS)
FORMS = {
    "long": _long(),
    "other names of columns": _long().set_axis([" Architecture", "Target_Dataset", "FineTuned_Accuracy"], axis=1),
    "shuffled": _long().iloc[[3, 0, 5, 1, 4, 2]],
    "without the empty row": _long().dropna(),
    "fractions": _long(accuracy=_long()["accuracy"] / 100),
    "minus 1 for a failure": _long(accuracy=_long()["accuracy"].fillna(-1)),
    "a row a model": WIDE.assign(network=MODELS),
    "a row a data set": pd.DataFrame(VALUES.T, columns=MODELS).assign(dataset=SETS),
    "spelled otherwise": _long(
        model=["ResNet-50"] * 2 + ["MNasNet"] * 2 + ["mine"] * 2, dataset=["StanfordCars", "Oxford-IIIT Pet"] * 3
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_accuracies(tmp_path: Path, form: str, name: str) -> None:
    found = read(_written(tmp_path, FORMS[form], name)).accuracy
    np.testing.assert_allclose(found.loc[MODELS, SETS].to_numpy(), VALUES)
    assert found.shape == VALUES.shape


def test_what_was_recognised_is_told(tmp_path: Path) -> None:
    assert read(_written(tmp_path, _long())).notes == (
        "one row for each model and data set", "percent", "1 of 6 cells are empty",
    )  # fmt: skip
    assert "fractions, taken as percent" in read(_written(tmp_path, FORMS["fractions"])).notes
    assert "1 values of -1, taken as empty" in read(_written(tmp_path, FORMS["minus 1 for a failure"])).notes
    assert read(_written(tmp_path, FORMS["a row a model"])).notes[0] == "one row for each model or data set"


def test_a_model_is_its_architecture_and_what_it_was_trained_on(tmp_path: Path) -> None:
    frame = _long(source_dataset=["nabird", "imagenet"] * 3, model="resnet50")
    found = read(_written(tmp_path, frame.assign(dataset=["cars", "cars", "pets", "pets", "dtd", "dtd"])))
    assert [*found.accuracy.index] == ["resnet50@nabirds", "resnet50@imagenet"]
    assert (found.architecture == "resnet50").all()


def test_other_numeric_columns_are_scores_and_a_file_of_scores_needs_no_accuracy(tmp_path: Path) -> None:
    frame = _long(logme=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], seen="no")
    path = _written(tmp_path, frame)
    for scores in (
        read(path).scores,
        read_scores(path),
        read_scores(_written(tmp_path, frame.drop(columns="accuracy"))),
    ):
        assert [*scores] == ["logme"]
        np.testing.assert_allclose(scores["logme"].loc["mine", ["pets", "cars"]], [0.6, 0.5])


def test_a_data_set_is_found_by_any_of_its_spellings_and_an_unknown_one_refused(tmp_path: Path) -> None:
    found = read(_written(tmp_path, _long()))
    assert found.on("OxfordIIITPets")["mine"] == 85.5
    with pytest.raises(
        BadInput,
        match=r"dataset: must be one of cars, pets.*did you mean.*cars",
    ):
        found.on("car")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.concat([_long(), _long()[:1]]), r"1 repeated: resnet50 on cars"),
        (_long(model=["resnet50", "ResNet 50", *"abcd"], dataset="cars"), "1 repeated: resnet50 on cars"),
        (_long(accuracy=["91.5", "none known", "3", "4", "5", "6"]), "'none known' in column accuracy"),
        (_long(accuracy=[1, 2, 3, 4, 5, 101]), "accuracies of 0 to 100"),
        (_long(accuracy=[1, 2, 3, 4, 5, -2]), "accuracies of 0 to 100"),
        (_long(accuracy=np.nan), "with accuracies"),
        (_long(model=["a", None, *"bcde"]), "a model in every row .* row 2"),
        (_long().drop(columns="accuracy"), "a column of accuracies"),
        (_long()[["accuracy"]], "a column of models"),
        (_long()[:0], "with rows"),
        (pd.DataFrame({"model": ["a", "b"]}), "with accuracies"),
        (WIDE.assign(model=MODELS, note="x"), "'x' in column accuracy"),
    ],
)
def test_another_table_is_refused_in_one_line(tmp_path: Path, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        read(_written(tmp_path, frame))
    assert "\n" not in str(error.value) and "t.csv" in str(error.value)


DAMAGED = [("t.csv", b""), ("t.parquet", b"PAR1"), ("t.txt", b"x"), ("t.csv", b'"\xff\xfe'), ("t.csv", b"a\n1,2\n5\n")]


@pytest.mark.parametrize(("name", "content"), DAMAGED)
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=name) as error:
        read(tmp_path / name)
    assert "\n" not in str(error.value)
    with pytest.raises(BadInput, match="existing"):
        read(tmp_path / "missing.csv")


def test_scores_need_models_data_sets_and_numbers(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="scores: must be a table with the columns dataset"):
        read_scores(_written(tmp_path, WIDE.assign(model=MODELS)))
    with pytest.raises(BadInput, match="numbers besides the accuracy"):
        read_scores(_written(tmp_path, _long()))


def test_names_of_known_models_and_sets_have_one_spelling_and_others_stay() -> None:
    assert [model_name(name) for name in ("MobileNet V2", "Densenet201", "My Net ")] == [
        "mobilenet_v2",
        "densenet201",
        "My Net",
    ]
    assert [dataset_name(name) for name in ("CIFAR-10", "VOC2007", "My Set")] == ["cifar10", "voc2007", "my set"]


def test_torchvision_publishes_what_it_publishes() -> None:
    facts = torchvision_facts()
    assert len(facts) == 78 and facts.index.is_unique and facts.notna().to_numpy().all()
    assert tuple(facts.loc["resnet50"]) == (76.13, 25_557_032, 4.089)
    assert facts["imagenet_top1"].between(50, 90).all()


@pytest.mark.real
def test_real_tables_are_read() -> None:
    if not DATA.is_dir():
        pytest.skip("HARNESS_DATA has no pretrained")
    shapes = {"sfda_group1": (11, 11), "tllib": (10, 8), "parc_controlled": (32, 7), "parc_all": (71, 7)}
    assert {name: read(DATA / f"finetuned_{name}.csv").accuracy.shape for name in shapes} == shapes
    assert len(read_scores(DATA / "scores_model_spider_baselines.csv")) == 9
