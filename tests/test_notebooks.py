"""The tutorials of docs/notebooks: executed as they stand, and stored with their outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_as_it_was_executed_from_top_to_bottom(path: Path) -> None:
    assert [cell["execution_count"] for cell in cells(path)] == [*range(1, len(cells(path)) + 1)]
    outputs = [output for cell in cells(path) for output in cell["outputs"]]
    assert len(outputs) >= 3 and {output["output_type"] for output in outputs} == {"execute_result"}


@pytest.mark.real  # starts a kernel, with packages of the extra docs
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
