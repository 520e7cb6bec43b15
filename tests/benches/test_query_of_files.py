"""Questions to NAS-Bench-101 and NAS-Bench-Macro: the figure of the file, and what it is the accuracy of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from harness.benches import tabulated
from harness.benches.nasbench101.bench import NasBench101
from harness.benches.nasbench101.conversion import converted
from harness.benches.nasbench_macro.bench import NasBenchMacro
from harness.benches.question import Answer, Question
from harness.data import main
from harness.schema import BadInput
from tests.benches import macro_files, nasbench101_files
from tests.benches.test_nasbench101_table import FIRST, TEXTS, contents

MACRO = ["00000000", "01210210", "22110000"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    official = nasbench101_files.write(tmp_path / "nasbench_only108.tfrecord", contents())
    converted(official)
    official.unlink()  # its checksum is not the published one
    macro_files.write(tmp_path / "nas-bench-macro_cifar10.json", MACRO)
    return str(tmp_path)


def cell(data: str, text: str = FIRST, split: str = "test", **more: object) -> Answer:
    return NasBench101().query(Question("cifar10", split, text, **more), data)  # type: ignore[arg-type]


def layers(data: str, text: str = MACRO[1], split: str = "test", **more: object) -> Answer:
    return NasBenchMacro().query(Question("cifar10", split, text, **more), data)  # type: ignore[arg-type]


def test_a_cell_has_the_accuracies_of_its_row_by_split_schedule_and_training(data: str) -> None:
    for place, text in enumerate(TEXTS):
        valid, test = (cell(data, text, split) for split in ("valid", "test"))
        assert valid.percent == pytest.approx(100 * (0.9 - place / 50 + 0.001), abs=1e-4)
        assert test.percent == pytest.approx(100 * (0.88 - place / 50 + 0.001), abs=1e-4)
        assert (test.schedule, test.epoch, test.seeds, test.architecture) == (108, 107, (0, 1, 2), text)
    assert cell(data, seed=2).percent == pytest.approx(88.2, abs=1e-4)
    short = cell(data, schedule=36)
    assert short.percent == pytest.approx(79, abs=1e-4) and (short.epoch, short.seeds) == (35, (0,))
    assert cell(data, split="train").percent == pytest.approx(100)
    assert "accuracy on test, trained on cifar10, after epoch 107 (from 0) of a schedule of 108" in str(cell(data))


def test_an_isomorphic_cell_and_one_with_a_vertex_without_effect_are_answered_as_the_one_in_the_file(data: str) -> None:
    swapped = "conv3x3~0|conv3x3~0|maxpool3x3~2|conv3x3~3|conv1x1~0.1.4|output~3.5"
    assert cell(data, swapped) == cell(data, FIRST)
    assert cell(data, "conv1x1~0|conv3x3~0|maxpool3x3~1|output~0.3") == cell(data, "conv1x1~0|maxpool3x3~1|output~0.2")
    with pytest.raises(BadInput, match=r"architecture: must be one of the 5 architectures of nasbench_only108"):
        cell(data, "conv3x3~0|conv1x1~1|output~2")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "valtest"}, "split: must be one of train, valid, test"),
        ({"schedule": 12}, r"schedule: must be epochs of .* \(36, 108\) \(got 12"),
        ({"epoch": 53}, r"epoch: must be 107, the last .*\(got 53"),
        ({"seed": 3}, r"seed: must be a recorded seed .*\(0, 1, 2\) \(got 3"),
        ({"train_set": "cifar100"}, r"dataset: must be cifar10 .*got 'cifar100'"),
        ({"text": "conv3x3~7"}, "architecture: must be"),
        ({"source": "none.parquet"}, "source: must be an existing table"),
    ],
)
def test_what_the_official_file_has_not_is_refused_by_the_key_that_was_typed(
    asked: dict, message: str, data: str
) -> None:
    with pytest.raises(BadInput, match=f"^{message}"):
        cell(data, **asked)


def test_a_string_of_layers_has_the_highest_accuracy_of_its_trainings_and_no_epoch(data: str) -> None:
    for text in MACRO:
        made = macro_files.row(text)["test_acc"]
        answer = layers(data, text)
        assert answer.percent == pytest.approx(np.mean(made)) and answer.seeds == (0, 1, 2)
        assert layers(data, text, seed=1).percent == made[1]
    assert (answer.epoch, answer.schedule, answer.index) == (None, 50, None)
    said = "test (the highest of 50 epochs, chosen on the test images), trained on cifar10, in a schedule of 50 epochs"
    assert said in str(answer)
    isomorph = layers(data, "22101000")
    assert (isomorph.architecture, isomorph.percent) == ("22110000", answer.percent)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"split": "valid"}, "split: must be 'test'"),
        ({"schedule": 12}, "schedule: must be 50 epochs"),
        ({"epoch": 49}, "epoch: must be left out"),
        ({"seed": 3}, "seed: must be a recorded seed"),
        ({"text": "11111111"}, "architecture: must be one of the 3 architectures of nas-bench-macro_cifar10.json"),
        ({"text": "9"}, "architecture: must be 8 digits"),
        ({"source": "none.json"}, "source: must be a JSON file"),
    ],
)
def test_what_the_published_file_has_not_is_refused_by_the_key_that_was_typed(
    asked: dict, message: str, data: str
) -> None:
    with pytest.raises(BadInput, match=f"^{message}"):
        layers(data, **asked)


@pytest.mark.parametrize(("bench", "text"), [(NasBench101(), FIRST), (NasBenchMacro(), MACRO[1])])
def test_a_table_of_tabulate_is_asked_of_every_benchmark(bench: NasBench101 | NasBenchMacro, text: str,
                                                         tmp_path: Path) -> None:  # fmt: skip
    path = tmp_path / "own.parquet"
    about = {"dataset": "tiny", "dataset_fingerprint": "f", "made_by": "a test", "network": {"space": bench.name}}
    row = [text, 0, 1, 1.0, 1.0, 50.0, 1.0, 60.0]
    tabulated.write(path, pd.DataFrame([row], columns=list(tabulated.COLUMNS)), about)
    assert bench.query(Question("tiny", "test", text, source=str(path)), None).percent == 60


def test_the_command_asks_every_benchmark_that_answers(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    rest = ["--dataset", "cifar10", "--split", "test", "--data", data, "--json"]
    assert main(["query", "nasbench101", "--architecture", FIRST, *rest]) == 0
    assert json.loads(capsys.readouterr().out)["percent"] == cell(data).percent
    assert main(["query", "nasbench_macro", "--architecture", MACRO[1], *rest]) == 0
    assert json.loads(capsys.readouterr().out)["percent"] == layers(data).percent
    assert main(["query", "nasbench_macro", "--architecture", MACRO[1], "--epoch", "3", *rest]) == 2
    assert "--epoch: must be left out" in capsys.readouterr().err
    assert main(["query", "cnn_zoo", "--architecture", "1", *rest]) == 2
    said = capsys.readouterr().err
    names = "nasbench101, nasbench201, nasbench_macro, natsbench_sss"
    assert (
        f"bench: must be a benchmark with recorded trainings that answers questions ({names}) (got 'cnn_zoo')" in said
    )


@dataclass(frozen=True)
class Own:
    """A benchmark of a user's own."""

    kind: ClassVar[str] = "bench/own"
    percent: float = 12.5

    def query(self, question: Question, data: str | None) -> Answer:
        """The figure of the settings."""
        return Answer(self.percent, question.dataset, question.split, 1, 0, (0,), question.architecture, None, "own")


def test_a_benchmark_of_ones_own_answers_by_its_declaration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "own.yaml").write_text(f"_target_: {__name__}.Own\npercent: 43.75\n")
    asked = ["--dataset", "mine", "--split", "test", "--architecture", "a", "--conf", str(tmp_path)]
    assert main(["query", "own", *asked]) == 0
    assert capsys.readouterr().out.startswith("43.75 percent: accuracy on test, trained on mine")
    assert main(["query", "onw", *asked]) == 2
    assert "natsbench_sss, own) (got 'onw')" in capsys.readouterr().err
