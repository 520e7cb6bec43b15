"""The embedded table of ground truth, and tables of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.benches.nasbench201 import space, tabulated
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.tabulated import write
from harness.datasets.digits import Digits
from harness.evaluate.ceiling import reliability
from harness.schema import BadInput


@pytest.fixture(scope="module")
def table() -> tabulated.Tabulated:
    path = tabulated.embedded("digits")
    assert path is not None
    return tabulated.read(path)


@pytest.fixture(scope="module")
def fingerprint() -> str:
    return Digits().load().fingerprint()


def test_the_embedded_table_holds_500_distinct_architectures_three_seeds_and_full_curves(table) -> None:
    names = table.curves["architecture"].unique()
    assert len(names) >= 500
    assert len({space.isomorphism(space.parse(name)) for name in names}) == len(names)
    epochs = table.about["recipe"]["epochs"]
    runs = table.curves.groupby(["architecture", "seed"])["epoch"].agg(list)
    assert len(runs) >= 3 * len(names)
    assert all(curve == list(range(1, epochs + 1)) for curve in runs)
    assert table.curves[list(tabulated.COLUMNS[3:])].notna().all().all()


def test_the_embedded_table_was_made_on_the_images_of_today(table, fingerprint) -> None:
    assert table.about["dataset_fingerprint"] == fingerprint


def test_the_mean_over_seeds_of_the_embedded_table_is_reliable(table, fingerprint) -> None:
    accuracy = table.truth(None, "test", None, fingerprint).accuracy.to_numpy()
    assert reliability(accuracy).mean >= 0.7


def test_dead_architectures_stay_at_chance(table, fingerprint) -> None:
    mean = table.truth(None, "test", None, fingerprint).mean()
    dead = [name for name in mean.index if space.is_dead(space.parse(name))]
    assert dead
    assert mean[dead].max() < 20 < mean.drop(dead).min()


def test_an_earlier_epoch_or_the_validation_split_can_be_the_target(table, fingerprint) -> None:
    early, late = (table.truth(None, "valid", epoch, fingerprint) for epoch in (1, None))
    assert early.epochs == 1
    assert late.epochs == table.curves["epoch"].max()
    assert early.mean().median() < late.mean().median()
    row = table.curves[(table.curves["epoch"] == 1) & (table.curves["seed"] == 2)].iloc[5]
    assert early.accuracy.loc[row["architecture"], "2"] == pytest.approx(row["valid_accuracy"])


def test_what_the_table_does_not_have_is_refused(table, fingerprint) -> None:
    with pytest.raises(BadInput, match=r"bench\.target_epochs: must be an epoch from 1 to \d+ \(got 99"):
        table.truth(None, "test", 99, fingerprint)
    with pytest.raises(BadInput, match=r"bench\.target_split: must be 'valid' or 'test'"):
        table.truth(None, "valtest", None, fingerprint)
    with pytest.raises(
        BadInput, match=r"bench\.train_set: must be 'digits' \(or null\) for this table \(got 'cifar100'"
    ):
        table.truth("cifar100", "test", None, fingerprint)
    with pytest.raises(BadInput, match="made on the images of this data set"):
        table.truth(None, "test", None, "another")


def test_a_file_that_is_no_such_table_is_refused(tmp_path) -> None:
    (tmp_path / "text.parquet").write_text("not Parquet")
    with pytest.raises(BadInput, match=r"bench\.source: must be a Parquet file"):
        tabulated.read(tmp_path / "text.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(BadInput, match=r"a Parquet file made by python -m harness\.tabulate"):
        tabulated.read(tmp_path / "x.parquet")


def test_the_bench_reads_the_embedded_table_by_itself(fingerprint) -> None:
    truth = NasBench201().truth("digits", fingerprint, None)
    assert (truth.train_set, truth.split) == ("digits", "test")
    assert list(truth.accuracy.columns) == ["0", "1", "2", "3"]


def small(accuracy: float = 50.0) -> pd.DataFrame:
    row = {"train_loss": 1.0, "valid_loss": 1.0, "valid_accuracy": 40.0, "test_loss": 1.0, "test_accuracy": accuracy}
    return pd.DataFrame([{"architecture": name, "seed": 0, "epoch": 1} | row for name in ("a", "b")])


ABOUT = {"dataset": "digits", "dataset_fingerprint": "f", "made_by": "a test"}


def rewritten(path: Path, frame: pd.DataFrame, **changes: object) -> None:
    """The file at `path` with other values or another recipe under the digest that it had."""
    about = json.loads(pq.read_metadata(path).metadata[b"tabulate"]) | changes
    about = {key: value for key, value in about.items() if value is not None}
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({b"tabulate": json.dumps(about).encode()}), path)


def test_a_table_whose_values_columns_or_recipe_are_not_those_written_is_refused(tmp_path) -> None:
    path = tmp_path / "t.parquet"
    write(path, small(), ABOUT)
    assert tabulated.read(path).curves["test_accuracy"].tolist() == [50.0, 50.0]
    swapped = small().rename(columns={"valid_accuracy": "test_accuracy", "test_accuracy": "valid_accuracy"})
    for frame, changes in (
        (small(51.0), {}),
        (swapped, {}),
        (small().astype({"seed": "int32"}), {}),
        (small(), {"dataset_fingerprint": "g"}),
        (small(), {"content_sha256": None}),
    ):
        rewritten(path, frame, **changes)
        with pytest.raises(BadInput, match=r"^bench\.source: must be an undamaged table \(got .*checksum") as caught:
            tabulated.read(path)
        assert "\n" not in str(caught.value)
        write(path, small(), ABOUT)


def test_a_table_of_an_earlier_version_is_read_with_a_warning_within_its_ranges(tmp_path, caplog) -> None:
    path = tmp_path / "t.parquet"
    write(path, small(), ABOUT)
    rewritten(path, small(), content_sha256=None, table_version=None)
    assert len(tabulated.read(path).curves) == 2
    assert caplog.text.count("has no checksum") == 1
    rewritten(path, small(151.0), content_sha256=None, table_version=None)
    with pytest.raises(BadInput, match=r"test_accuracy from 0 to 100 \(got '\[151\.0\]"):
        tabulated.read(path)


def test_pages_of_a_table_have_checksums(tmp_path) -> None:
    write(tmp_path / "t.parquet", small(), ABOUT)
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[60] ^= 1
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(BadInput):
        tabulated.read(tmp_path / "t.parquet")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "no/such"])
def test_a_name_that_no_file_has_is_one_line(name) -> None:
    with pytest.raises(BadInput, match=r"^bench\.source: must be an existing table"):
        tabulated.read(Path(name))


def test_the_embedded_table_has_a_digest(table) -> None:
    assert table.about["table_version"] == 3 and len(table.about["content_sha256"]) == 64
