"""Every timing script runs: on the smallest example it takes, and its peer computes what ours computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import pytest

from perf import convert, engine, evaluate, report, stages, store, zoo
from perf.training_step import Row, all_gradients, distance

TINY: dict[str, tuple[Callable[[Sequence[str]], None], list[str], str]] = {
    "evaluate": (evaluate.main, ["30", "3", "1", "10", "99"], "everything else"),
    "report": (report.main, ["20", "3", "1", "10", "99"], "index.html"),
    "zoo": (zoo.main, ["2", "1", "32"], "side by side"),
    "convert": (convert.main, ["tss", "2"], "projected to 15,625"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_a_script_prints_its_table(name: str, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    main, arguments, line = TINY[name]
    main(arguments)
    assert line in capsys.readouterr().out


@pytest.mark.parametrize("script", [engine, evaluate, report, convert, zoo, stages, store])
def test_a_script_has_help(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        script.main(["--help"])
    assert "usage: python -m perf." in capsys.readouterr().out


def test_the_peer_network_has_the_gradients_of_ours() -> None:
    row = Row("typical", 4, 1, 12, 6)
    found = all_gradients(row.drawn()[0], row, seed=0)
    assert distance(found["torch 64"], found["peer 64"]) < 1e-10
    assert distance(found["native 64"], found["peer 64"]) < 1e-10


@pytest.mark.slow
def test_a_store_of_copies_is_read_whole_also_where_segments_share_observations(capfd, monkeypatch) -> None:
    monkeypatch.setattr("perf.copies.TEMPLATES", 2)
    monkeypatch.setattr(store, "LOOSE", 10)
    monkeypatch.setattr(store, "LINKED", 20)
    monkeypatch.setattr(store, "KINDS", 1)
    monkeypatch.setattr(store, "FULL", 16)
    store.main(["40"])
    assert "| 10 |" in (out := capfd.readouterr().out)
    assert "| 40 |" in out


@pytest.mark.real  # three processes, the trainings of eight networks and a whole report
def test_the_stages_of_a_run_from_stored_copies_are_timed(capfd) -> None:
    stages.main(["81"])
    row = next(line for line in capfd.readouterr().out.splitlines() if line.startswith("| 81 |"))
    assert row.count("|") == len(stages.STAGES) + 4
