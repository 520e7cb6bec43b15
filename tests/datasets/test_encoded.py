"""RunTables of encoded images: what is read, what is kept, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from harness.datasets.encoded import read
from harness.datasets.pixels import Form
from harness.schema import BadInput
from tests.datasets.formats import encoded, parquet, part

FORM = Form(8, 3)


def test_images_are_decoded_once_and_those_of_a_changed_file_or_form_again(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = part(np.arange(5), size=8)
    path = tmp_path / "images.parquet"
    parquet(path, images, label=labels)
    np.testing.assert_array_equal(read([path], FORM, 5)[0][0], images)
    decoded = []
    original = Image.open
    monkeypatch.setattr(Image, "open", lambda *args, **more: decoded.append(1) or original(*args, **more))
    np.testing.assert_array_equal(read([path], FORM, 5)[0][0], images)
    assert not decoded
    assert read([path], Form(4, 1), 5)[0][0].shape == (5, 4, 4, 1)
    assert len(decoded) == 5
    parquet(path, images[::-1], label=labels)
    np.testing.assert_array_equal(read([path], FORM, 5)[0][0], images[::-1])
    assert len(decoded) == 10


def test_each_form_of_a_table_is_kept_apart(tmp_path: Path) -> None:
    path, images = tmp_path / "images.parquet", part(np.arange(5), size=16)[0][:, :8]
    parquet(path, images, label=np.arange(5))
    for form in (Form(8, 3, "crop"), Form(8, 3, "stretch")):
        np.testing.assert_array_equal(read([path], form, 5)[0][0], form.of(images))


@pytest.mark.parametrize("damage", ["cut", "another", "nonsense", "a folder"])
def test_a_cache_that_is_damaged_or_cannot_be_written_is_only_slower(tmp_path: Path, cache: Path, damage: str) -> None:
    images, labels = part(np.arange(5), size=8)
    path = tmp_path / "images.parquet"
    parquet(path, images, label=labels)
    if damage == "a folder":
        cache.write_text("a file, not a folder")
    else:
        read([path], FORM, 5)
        (kept,) = cache.rglob("*.npy")
        if damage == "another":
            np.save(kept, images[:3])
        else:
            kept.write_bytes(kept.read_bytes()[:-7] if damage == "cut" else b"nonsense")
    np.testing.assert_array_equal(read([path], FORM, 5)[0][0], images)


def test_rows_of_several_batches_and_row_groups_keep_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.datasets.encoded.BATCH", 3)
    images, labels = part(np.arange(10), size=8)
    cells = [encoded(image) for image in images]
    pq.write_table(pa.table({"image": cells, "labels": labels}), tmp_path / "x.parquet", row_group_size=4)
    (found, numbers), places = read([tmp_path / "x.parquet"], FORM, 10)
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(numbers, labels)
    assert places is None


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": [0, 1]}, "column of images"),
        ({"img": [b"", b""]}, "one of labels"),
        ({"img": [b"x", b"y"], "label": ["a", "b"]}, "integers"),
        ({"img": [b"x", b"y"], "label": [0, None]}, "label for every row"),
        ({"img": [b"x", b"y"], "label": [0, 1]}, "row 0"),
        ({"img": [None, b"y"], "label": [0, 1]}, "bytes in img"),
        ({"img": [{"bytes": None, "path": "/etc/passwd"}] * 2, "label": [0, 1]}, "bytes in img"),
        ({"img": [1, 2], "label": [0, 1]}, "bytes in img"),
        ({"img": [b"x"] * 3, "label": [0, 1, 2]}, "1 to 2 images"),
        ({"img": pa.array([], pa.binary()), "label": pa.array([], pa.int64())}, "1 to 2 images"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, columns: dict, said: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(BadInput, match=said):
        read([tmp_path / "x.parquet"], FORM, 2)


def test_a_file_that_is_no_table_and_a_cut_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    images, labels = part(np.arange(5), size=8)
    parquet(path, images, label=labels)
    whole = path.read_bytes()
    for content in (b"", b"not a table", whole[:-30], whole[:100]):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=r"x\.parquet"):
            read([path], FORM, 5)
