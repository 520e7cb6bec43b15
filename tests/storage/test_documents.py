"""Any content of a JSON or YAML file is a mapping or one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.schema import BadInput
from harness.schema.documents import RUN_STATUS, demand_keys
from harness.storage.documents import LARGEST_YAML, read_json, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

JSON = [b"", b"{", b"[]", b"3", b"null", b'"a"', b"\xff\xfe{}", b"\x00", b'{"a": NaN}', b'{"a": "\\ud800"}',
        b"[" * 100_000, b'{"a":' * 5_000, b'{"a":' * 60 + b"1" + b"}" * 60,
        b'{"a": ' + b"9" * 5_000 + b"}"]  # fmt: skip

YAML = [b"", b"[", b"- a", b"3", b"\xff\xfe", b"a: b: c", b"a: !!python/object:os.system x", b"? [a]\n: b", b"a: *b",
        b"a: 2020-01-01", b"a: !!binary aGk=", b"a: {" * 3_000, b"{" * 50_000, b"- " * 20_000, b"a: !!set {x, y}",
        b"a: !!int 1:x", b"a: !!float ..", b"a: !!timestamp x", b"a: '\\ud800", b"\x00", b"a: 1_", b"<<: 3",
        BOMB.encode(), b"a: " + b"b" * LARGEST_YAML]  # fmt: skip


@pytest.mark.parametrize("content", JSON, ids=range(len(JSON)))
def test_json_of_any_other_kind_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(BadInput, match=r"^\S+/a\.json: must be .* \(got .*\)$") as caught:
        read_json(tmp_path / "a.json")
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


@pytest.mark.parametrize("content", YAML, ids=range(len(YAML)))
def test_yaml_of_any_other_kind_is_one_line_and_references_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    try:
        assert isinstance(read_yaml(tmp_path / "a.yaml"), dict) and content == b"a: 1_"
    except BadInput as error:
        assert str(error).isprintable() and str(error).startswith(f"{tmp_path}/a.yaml: must be ")  # noqa: PT017


def test_a_folder_and_a_missing_file_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(BadInput, match="must be"):
            read_json(path)


def test_a_document_says_which_key_is_missing_or_of_another_kind() -> None:
    with pytest.raises(BadInput, match=r"s: must be a document with the key state"):
        demand_keys("s", {"evaluation": {}}, RUN_STATUS)
    good = {"state": "complete", "bench": "b", "dataset": "d", "truth": {},
            "evaluation": {"level": 0.9, "targets": [0.5]}}  # fmt: skip
    demand_keys("s", good, RUN_STATUS)
    for key, value in (("seed", "0"), ("seed", True), ("truth", []), ("state", "begun"), ("evaluation", {"level": 2}),
                       ("recipe", {"steps": "many"}), ("fit_on", [3]), ("seconds", float("inf"))):  # fmt: skip
        with pytest.raises(BadInput, match=f"s: {key}|the key evaluation"):
            demand_keys("s", {**good, key: value}, RUN_STATUS)
