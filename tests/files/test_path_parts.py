"""Names as parts of paths."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.files.paths import path_part


@pytest.mark.parametrize("name", ["nasbench201-digits", "seed0-a1b2", "Vögel 3", "a.b", "x" * 100, "[v1]+(2)"])
def test_a_name_that_is_one_part_of_a_path_stays(name: str) -> None:
    assert path_part(name) == name


@given(st.text())
def test_any_text_becomes_one_visible_part_of_a_path(text: str) -> None:
    part = path_part(text)
    assert PurePosixPath(part).parts == (part,) and len(PureWindowsPath(part).parts) == 1
    assert part.isprintable() and part[0] != "." and len(part.encode()) <= 200 and path_part(part) == part


def test_two_names_never_share_a_part() -> None:
    names = ["a/b", "a\\b", "a_b", "..", ".", "", "x" * 201, "x" * 202]
    assert len({path_part(name) for name in names}) == len(names)
