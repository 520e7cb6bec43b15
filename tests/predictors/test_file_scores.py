from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from omegaconf import OmegaConf

from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nasbench201.space import every_cell
from harness.config.components import build, conf_folder
from harness.predictors.file_scores import ScoresFromFile
from harness.runs.files_of_scores import with_files_read
from harness.schema import Architecture, BadInput, FromFile, NoScore, Predictor, Trace, settings

BENCH = NasBench201()
CELLS = BENCH.sample(4, 0, among=[str(cell) for cell in every_cell()[::501]])


def trace(architecture):
    return Trace(architecture, 0, pd.DataFrame({"step": [0]}))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "zico.csv"
    lines = [f"{cell.name},{place}.5" for place, cell in enumerate(CELLS)]
    path.write_text("\n".join(["architecture,zico", *lines]), encoding="utf-8")
    return path


def reader(path, **settings):
    return ScoresFromFile(str(path), **{"column": "zico", "sign": 1.0, "family": "file", **settings})


def test_a_score_is_that_of_the_file_times_the_sign(file):
    predictor = reader(file, sign=-1.0)
    assert isinstance(predictor, FromFile)
    assert isinstance(predictor, Predictor)
    bound = with_files_read({"z": predictor}, BENCH, CELLS)["z"]
    assert [bound.score(trace(cell)) for cell in CELLS] == [-0.5, -1.5, -2.5, -3.5]
    assert predictor.score(trace(CELLS[1])) == -1.5


def test_other_notations_are_read_as_a_published_table_has_them(tmp_path):
    path = tmp_path / "zc.json"
    content = {"cifar10": {"(4, 0, 3, 1, 4, 2)": {"jacov": {"score": -7.25, "time": 2.0}}}}
    path.write_text(json.dumps(content), encoding="utf-8")
    predictor = reader(path, column="jacov.score", under="cifar10")
    cell = BENCH.architecture("|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|")
    assert with_files_read({"j": predictor}, BENCH, [cell])["j"].score(trace(cell)) == -7.25


def test_what_does_not_match_is_counted_and_said(file, caplog):
    file.write_text(file.read_text() + "\n(9),1\nnope,2\n", encoding="utf-8")
    lines = file.read_text().splitlines()
    del lines[1]
    file.write_text("\n".join(lines), encoding="utf-8")
    bound = with_files_read({"z": reader(file)}, BENCH, CELLS)["z"]
    assert "predictor.z: 1 of 4 architectures have no row, e.g. |" in caplog.text
    assert "2 rows name no architecture of the benchmark (row 4: architecture: must be" in caplog.text
    with pytest.raises(NoScore, match=r"zico\.csv has no row for it"):
        bound.score(trace(CELLS[0]))


def test_nothing_is_said_where_everything_matches(file, caplog):
    with_files_read({"z": reader(file)}, BENCH, CELLS)
    assert caplog.text == ""


def test_a_file_without_any_of_the_architectures_is_refused(file):
    with pytest.raises(BadInput, match=r"^predictor.z: must be a file with scores of the architectures of this run"):
        with_files_read({"z": reader(file)}, BENCH, [Architecture("other", "other")])


def test_an_architecture_twice_is_refused_with_both_rows_also_in_two_notations(file):
    file.write_text('architecture,zico\n"nats:[0,0,0,0,0,1]",1\n"naslib:(1,1,1,1,1,0)",2\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"one row per architecture \(got 'rows 1 and 2 of "):
        with_files_read({"z": reader(file)}, BENCH, CELLS)


def test_a_cell_that_is_no_number_is_refused_with_its_row_and_an_empty_one_is_no_score(file):
    table = pd.read_csv(file, dtype=str)
    table.loc[2, "zico"] = "high"
    table.to_csv(file, index=False)
    with pytest.raises(BadInput, match=r"numbers in zico \(got \"'high' in row 3 of "):
        with_files_read({"z": reader(file)}, BENCH, CELLS)
    table.loc[2, "zico"] = ""
    table.to_csv(file, index=False)
    bound = with_files_read({"z": reader(file)}, BENCH, CELLS)["z"]
    with pytest.raises(NoScore, match="has an empty cell"):
        bound.score(trace(CELLS[2]))


@pytest.mark.parametrize("wrong", [{"sign": 2.0}, {"column": "zic"}, {"architectures": "arch"}, {"path": "/nope.csv"}])
def test_wrong_settings_are_refused_as_it_is_built(file, wrong):
    with pytest.raises(BadInput, match=r"^predictor\.file_scores\.\w+: must be"):
        replace(reader(file), **wrong)


def test_the_content_of_the_file_and_not_its_place_is_its_identity(file, tmp_path):
    other = tmp_path / "elsewhere.csv"
    other.write_bytes(file.read_bytes())
    assert settings(reader(file)) == settings(reader(other))
    other.write_bytes(file.read_bytes() + b"\n")
    assert settings(reader(file)) != settings(reader(other))


def test_the_configuration_has_every_setting(file):
    node = OmegaConf.load(conf_folder() / "predictor" / "scores" / "file.yaml")
    node = OmegaConf.merge(node, {"path": str(file), "column": "zico"})
    assert build(node, "predictor.scores") == reader(file)
    with pytest.raises(BadInput, match=r"^predictor.mine.path: must be an existing file"):
        build(OmegaConf.merge(node, {"path": "/nope.csv"}), "predictor.mine")


@pytest.mark.slow
def test_no_predictor_of_the_package_is_taken_for_a_file_by_the_names_of_its_methods() -> None:
    from harness.config.components import build_all
    from harness.config.composition import compose_arguments, hydra_open

    with hydra_open("config"):
        config = compose_arguments(["+bench=nasbench201"], "config").own
    assert not [name for name, each in build_all(config.predictor, "predictor").items() if isinstance(each, FromFile)]
