"""What the help says of a key is what stands behind it in its file."""

from __future__ import annotations

from pathlib import Path

from harness.config.comments import comments, comments_in
from harness.config.composition import compose_job, hydra_open


def test_a_comment_belongs_to_the_key_before_it_at_its_depth() -> None:
    text = "a: 1  # one\nb:    # two,\n      # and more\n  a: 'x#y'  # three\n  c: 2\n# none of a key\nd: '#'\n"
    assert comments_in(text) == {("a",): "one", ("b",): "two, and more", ("b", "a"): "three"}


def test_the_files_that_a_chosen_one_begins_with_explain_what_it_does_not(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    own = "defaults:\n  - brief\nbatch: 7  # mine\n"
    (tmp_path / "train" / "mine.yaml").write_text(own, encoding="utf-8")
    with hydra_open("config"):
        found = comments(compose_job("config", [f"hydra.searchpath=[file://{tmp_path}]", "train=mine"]))
    assert found["train", "batch"] == "mine"
    assert found["train", "steps"] == "budget in updates (or epochs)"
    assert found["seed",].startswith("run seed")
    assert found["dataset", "size"].startswith("pixels a side")
