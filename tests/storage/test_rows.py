"""Tables of a user's own: three formats say the same, and whatever is wrong is one line."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from harness.schema import BadInput
from harness.storage import rows


def written(folder, ending, table):
    path = folder / f"t{ending}"
    if ending == ".csv":
        table.to_csv(path, index=False)
    elif ending == ".parquet":
        table.to_parquet(path)
    else:
        path.write_text(table.to_json(orient="records"), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", rows.ENDINGS)
def test_every_format_gives_the_same_rows_numbered_from_1(tmp_path, ending):
    table = pd.DataFrame({"architecture": ["a", "b"], "score": [1.5, None]})
    found = rows.read(written(tmp_path, ending, table), "k")
    assert list(found.index) == [1, 2]
    assert list(found["architecture"]) == ["a", "b"]
    first, second = (rows.number(cell) for cell in found["score"])
    assert first == 1.5
    assert second != second


@pytest.mark.parametrize(
    ("content", "under", "column", "wanted"),
    [
        ({"a": 1, "b": 2}, None, "score", [1, 2]),
        ({"a": {"jacov": {"score": 3, "time": 1}}}, None, "jacov.score", [3]),
        ({"cifar10": {"a": {"snip": 4}}}, "cifar10", "snip", [4]),
        ([{"architecture": "a", "snip": 5}], None, "snip", [5]),
    ],
)
def test_json_is_a_mapping_of_architectures_or_a_list_of_rows(tmp_path, content, under, column, wanted):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    found = rows.read(path, "k", under)
    assert list(found[column]) == wanted
    assert found["architecture"].iloc[0] == "a"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.csv", None), ("empty.csv", b""), ("head.csv", b"architecture,score\n"), ("t.txt", b"a,1"),
        ("t.parquet", b"PAR1 not one"), ("t.json", b"{"), ("t.json", b"[1, 2]"), ("t.json", b"7"),
        ("t.csv", b'a,b\n"1,2\n3,"4'), ("t.csv", b"\xff\xfe\x00,1\n"), ("t.csv", b"a\n1,2,3\n4,5\n6,7,8,9\n"),
        ("nul\0.csv", None),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_in_one_line(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"^k: must be .*\(got ") as error:
        rows.read(path, "k")
    assert "\n" not in str(error.value)


def test_an_unknown_key_or_column_is_named_with_what_there_is(tmp_path):
    path = written(tmp_path, ".csv", pd.DataFrame({"architecture": ["a"], "naswot": [1]}))
    with pytest.raises(BadInput, match=r"a column of t.csv \(architecture, naswot\) .*did you mean naswot\?"):
        rows.column(rows.read(path, "k"), "naswto", "k", path)
    path = tmp_path / "t.json"
    path.write_text('{"cifar10": {"a": 1}}', encoding="utf-8")
    with pytest.raises(BadInput, match=r"the key 'c' \(it has cifar10\)"):
        rows.read(path, "k", "c")
    with pytest.raises(BadInput, match="a JSON file where a key"):
        rows.read(tmp_path / "t.csv", "k", "c")


def test_a_value_with_a_comma_needs_quotes_and_the_error_says_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('architecture,score\n"(1, 2)",3\n(1, 2),3\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"2 fields in every row \(got 3 fields in row 2 of .*double quotes\)"):
        rows.read(path, "k")
    path.write_text('\ufeffarchitecture,score\n"(1, 2)",3\n\n', encoding="utf-8")
    assert rows.read(path, "k").to_numpy().tolist() == [["(1, 2)", "3"]]


@pytest.mark.parametrize(("cell", "wanted"), [("1e-3", 1e-3), (" 2 ", 2.0), (3, 3.0), ("abc", None), ([1], None)])
def test_a_cell_is_a_number_or_it_is_not(cell, wanted):
    assert rows.number(cell) == wanted
