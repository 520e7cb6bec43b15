"""What the tests of downloads share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.files import downloads
from tests.files.misbehaving import Site, serving


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HARNESS_DATA", "HARNESS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses in hundredths of a second."""
    monkeypatch.setattr(downloads, "PAUSE", 0.01)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as made:
        yield made
