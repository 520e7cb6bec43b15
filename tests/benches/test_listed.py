"""A search space of one's own, as docs/extend.md shows it: sampled, built, trained, ranked and reported."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from harness.benches.counts import counted
from harness.benches.listed import ListedSpace
from harness.schema import Architecture, BadInput, ImageSet, StoredCurves

ROOT = Path(__file__).parent.parent.parent
HOME = ROOT / "docs" / "examples" / "mlp_space"
MOST = 60
"""Lines of Python that a space of one's own may take in the example."""


def test_the_page_shows_these_very_files() -> None:
    page = (ROOT / "docs" / "extend.md").read_text()
    files = sorted(path for path in HOME.rglob("*.*") if path.suffix in (".py", ".yaml"))
    assert [path.name for path in files] == ["mlp_space.yaml", "mlp_space.py"]
    for path in files:
        assert path.read_text() in page and f"`{path.relative_to(HOME).as_posix()}`" in page
    assert len(files[1].read_text().splitlines()) <= MOST


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_it_is_sampled_built_trained_ranked_and_reported(call, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(HOME, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    few = ["architectures=6", "train.epochs=null", "train.steps=2", "train.observe_every=1", "engine.workers=1",
           "train.watch_images=64", "measure=[movement,synflow]", "evaluate.bootstrap=20",
           "predictor=[movement,synflow,valacc,flops,params]"]  # fmt: skip
    code, out, err = call("hydra.searchpath=[file://conf]", "+bench=mlp_space", *few)
    assert (code, err) == (0, "")
    tables = Path(re.findall(r"^tables (\S+)$", out, re.MULTILINE)[-1])
    scores = pd.read_parquet(tables / "scores.parquet").query("predictor == 'params'").set_index("architecture")
    for name, score in scores["score"].items():
        widths = [144, *map(int, str(name).split("-")), 10]
        assert score == sum((before + 1) * after for before, after in pairwise(widths))
    metrics = pd.read_parquet(tables / "metrics.parquet").query("step == 2").set_index("predictor")
    assert (metrics.loc[["movement", "synflow", "valacc", "flops"], "n"] == 6).all()
    truth = pd.read_parquet(tables / "truth.parquet")
    own = pd.read_csv(HOME / "accuracies.csv")
    known = {(row.architecture, str(row.seed)): row.accuracy for row in own.itertuples()}
    assert {(r.architecture, r.seed): r.accuracy for r in truth.itertuples()}.items() <= known.items()
    assert (folder / "reports" / tables.parent.name / tables.name / "report.md").is_file()


class Twins(ListedSpace):
    """Two names of one network and a third."""

    def names(self) -> list[str]:
        return ["a", "b", "c"]

    def group(self, name: str) -> str:
        return "ab" if name in "ab" else name

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        width = 3 if architecture.name == "c" else 2
        return nn.Sequential(
            nn.Conv2d(images.colours, width, 3, groups=1), nn.Conv2d(width, 2 * width, 3, 2, 1, groups=width),
            nn.Flatten(2), nn.Linear(9, 5), nn.Flatten(), nn.Linear(10 * width, images.classes),
        )  # fmt: skip


def test_one_architecture_of_each_group_is_drawn_out_of_those_with_an_accuracy() -> None:
    space = Twins("twins", "none.csv")
    assert {a.name for a in space.sample(None, 0)} == {"a", "c"}
    assert [a.name for a in space.sample(None, 0, ["b"])] == ["b"] and space.sample(1, 3)[0].group in ("ab", "c")
    with pytest.raises(BadInput, match=r"architectures: must be a count from 1 to 2 .*\(got 3"):
        space.sample(3, 0)
    with pytest.raises(BadInput, match=r"architecture: must be one of the 3 of twins \(got 'd'"):
        space.architecture("d")
    with pytest.raises(BadInput, match=r"signal: must be null for \+bench=twins"):
        space.recorded("digits", StoredCurves(), None)
    assert space.network() == {"space": "twins"}


@pytest.mark.parametrize("name", ["a", "c"])
def test_counts_are_those_of_torch_and_change_no_random_state(name: str, images) -> None:
    space = Twins("twins", "none.csv")
    architecture, before = space.architecture(name), torch.get_rng_state()
    facts = space.facts(architecture, images)
    assert torch.equal(torch.get_rng_state(), before)
    network = space.build(architecture, images)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, images.size, images.size))
    assert facts["flops"] == facts["live_flops"] == counter.get_total_flops() / 2 and facts["layers"] == 4
    assert facts["params"] == sum(weight.numel() for weight in network.parameters())


def test_a_layer_that_is_never_called_has_parameters_and_no_flops(images) -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.idle = nn.Linear(64, 3), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.used(x.flatten(1))

    assert counted(Idle, images) == {"params": 215.0, "flops": 192.0, "live_flops": 192.0, "layers": 1.0}


def test_accuracies_of_names_that_the_space_does_not_have_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("architecture,seed,accuracy\na,0,0.5\na,1,0.75\nc,0,0.25\n")
    truth = Twins("twins", str(path), "fraction").truth("digits", "", None)
    assert truth.accuracy.loc["a"].to_dict() == {"0": 50, "1": 75} and truth.train_set == "digits"
    path.write_text("architecture,accuracy\na,50\nz,60\n")
    with pytest.raises(BadInput, match=r"bench\.source: row 2 of .*architecture: must be one of the 3 of twins"):
        Twins("twins", str(path), "percent").truth("digits", "", None)
    with pytest.raises(BadInput, match=r"bench\.unit: must be 'percent' or 'fraction'"):
        Twins("twins", str(path), "permille")
