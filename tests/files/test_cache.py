"""A user without a home folder is told so in one line."""

from __future__ import annotations

import pytest

from harness.files import places
from harness.files.cache import expanded, user_cache
from harness.schema import BadInput


@pytest.fixture
def homeless(monkeypatch) -> None:
    def unknown(*_: object) -> None:
        raise KeyError("no such user")

    for name in ("HOME", "XDG_CACHE_HOME", "HARNESS_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.usefixtures("homeless")
def test_the_data_folder_must_be_named_where_there_is_no_home(tmp_path) -> None:
    for wanted in (user_cache, lambda: places.folder(None)):
        with pytest.raises(BadInput, match=r"^HOME: must be a folder \(got none\); set HOME or XDG_CACHE_HOME"):
            wanted()
    assert places.folder(str(tmp_path)) == tmp_path


@pytest.mark.usefixtures("homeless")
def test_a_path_with_a_tilde_is_refused_there() -> None:
    with pytest.raises(BadInput, match=r"^~/images: must be a path without ~"):
        expanded("~/images")
