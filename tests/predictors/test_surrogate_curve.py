from __future__ import annotations

import pickle
from dataclasses import fields

import pytest
import torch
from hydra import compose, initialize_config_dir

from harness.config.components import build, conf_folder
from harness.predictors.surrogate_curve import SurrogateCurve
from harness.schema import BadInput, NoScore, Uncertain

pytestmark = pytest.mark.filterwarnings("ignore:`?torch.jit:DeprecationWarning")
nan = float("nan")


class Linear(torch.nn.Module):
    """The straight line through the first and the last point; its deviation is the way that is left."""

    def forward(self, epochs: torch.Tensor, accuracies: torch.Tensor, horizon: torch.Tensor):
        slope = (accuracies[-1] - accuracies[0]) / (epochs[-1] - epochs[0])
        return accuracies[-1] + slope * (horizon - epochs[-1]), 0.01 * (horizon - epochs[-1])


class One(torch.nn.Module):
    def forward(self, epochs: torch.Tensor):
        return epochs


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "linear.pt"
    torch.jit.save(torch.jit.script(Linear()), str(path))
    return str(path)


def test_the_module_is_given_seen_epochs_fractions_and_the_horizon(file, trace_of):
    trace = trace_of(valid_accuracy=[0, 20, nan, 30])  # epochs .5 and 1.5
    mean, sd = SurrogateCurve(file, horizon_epochs=3.5).estimate(trace)
    assert mean == pytest.approx(50, abs=1e-3)
    assert sd == pytest.approx(2, abs=1e-3)
    assert SurrogateCurve(file, horizon_epochs=3.5).score(trace) == mean
    assert SurrogateCurve(file, horizon_epochs=1.0).score(trace) == pytest.approx(30)  # a horizon in the past
    assert isinstance(SurrogateCurve(file), Uncertain)


def test_no_point_or_an_answer_that_is_not_finite_is_no_score(file, trace_of):
    with pytest.raises(NoScore, match="after the start"):
        SurrogateCurve(file).score(trace_of(valid_accuracy=[10, nan]))
    with pytest.raises(NoScore, match="not finite"):
        SurrogateCurve(file).score(trace_of(valid_accuracy=[10, 20]))  # a line through one point


def test_wrong_files_are_one_line(tmp_path, trace_of):
    with pytest.raises(BadInput, match=r"file: must be a TorchScript file \(got "):
        SurrogateCurve(str(tmp_path / "nothing.pt"))
    wrong = tmp_path / "wrong.pt"
    wrong.write_bytes(pickle.dumps({"a": 1}))
    state = tmp_path / "state.pt"
    torch.save(torch.nn.Linear(2, 2).state_dict(), state)
    other = tmp_path / "one.pt"
    torch.jit.save(torch.jit.script(One()), str(other))
    for path in (wrong, state, other):
        with pytest.raises(BadInput, match=r"module \(epochs, accuracies, horizon\)") as caught:
            SurrogateCurve(str(path)).score(trace_of(valid_accuracy=[10, 20, 30]))
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_it_takes_part_only_where_the_experiment_asks(file):
    assert not (conf_folder() / "predictor" / "lc_surrogate.yaml").exists()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("config", ["+experiment=lc_surrogate", f"predictor.lc_surrogate.file={file}"])
    made = build(config.predictor.lc_surrogate, "predictor.lc_surrogate")
    assert isinstance(made, SurrogateCurve)
    assert set(config.predictor.lc_surrogate) - {"_target_"} == {field.name for field in fields(made)}


def test_wrong_settings_are_refused_by_name(file):
    with pytest.raises(BadInput, match="horizon_epochs"):
        SurrogateCurve(file, horizon_epochs=0.0)
