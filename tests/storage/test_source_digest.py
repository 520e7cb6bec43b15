"""Wording and places retrain nobody; a changed computation does."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.storage import source_digest

MEASURE = '''
"""What it is."""

from dataclasses import dataclass
import numpy as np
from harness.schema import GraphProvider, demand
from .helper import double


@dataclass(frozen=True)
class Size:
    """Twice the size."""

    every: int = 4

    def __post_init__(self) -> None:
        demand(self.every >= 1, "every", "at least 1", self.every)

    def observe(self, model: object) -> float:
        if isinstance(model, GraphProvider):
            raise ValueError("no graph, please")
        total = np.sum(model)
        return double(total)  # of all
'''
HELPER = """
from . import deeper


def double(x):
    return 2 * deeper.same(x)


def unused(x):
    return 3
"""
DEEPER = """
def same(x):
    return x
"""


def digest(folder: Path, measure: str = MEASURE, helper: str = HELPER, deeper: str = DEEPER, stem: str = "size") -> str:
    for name, text in ((stem, measure), ("helper", helper), ("deeper", deeper)):
        (folder / f"{name}.py").write_text(text)
    source_digest.digest_of.cache_clear()
    source_digest._module.cache_clear()
    return source_digest.digest_of(folder / f"{stem}.py", "package", "Size")


@pytest.mark.parametrize(
    "change",
    [
        {"measure": MEASURE.replace("Twice the size.", "The size, twice.").replace("  # of all", "")},
        {"measure": MEASURE.replace("no graph, please", "must have no graph").replace('"at least 1"', '"1 or more"')},
        {"measure": MEASURE.replace(" -> float", "").replace("model: object", "model: int")},
        {"measure": MEASURE.replace("import numpy as np", "import numpy").replace("np.sum", "numpy.sum")},
        {"measure": MEASURE.replace("from .helper import double", "from package.helper import double")},
        {"measure": MEASURE.replace("import double", "import double as d").replace("double(total", "d(total")},
        {"measure": MEASURE.replace("every: int = 4", "every: int = 8")},
        {"measure": MEASURE.replace("class Size:", "class Size:\n    kind: ClassVar[str] = 'measure/size'\n")},
        {"helper": HELPER.replace("return 3", "return 4")},
        {"helper": HELPER.replace("def double(x):", 'def double(x):\n    """2x."""')},
        {"measure": MEASURE.replace("total", "whole")},
        {"stem": "renamed"},
    ],
)
def test_what_changes_no_number_changes_no_digest(tmp_path, change) -> None:
    before = digest(tmp_path)
    assert digest(tmp_path, **change) == before


def test_a_function_may_move_to_another_file_of_the_folder(tmp_path) -> None:
    plain = HELPER.replace("from . import deeper", "from .deeper import same").replace("deeper.same", "same")
    before = digest(tmp_path, helper=plain)
    moved = DEEPER + plain.partition("same\n")[2]
    assert digest(tmp_path, MEASURE.replace(".helper", ".deeper"), "", moved) == before


@pytest.mark.parametrize(
    "change",
    [
        {"measure": MEASURE.replace("np.sum", "np.mean")},
        {"measure": MEASURE.replace("import numpy as np", "import jax.numpy as np")},
        {"measure": MEASURE.replace("GraphProvider", "Drawable")},
        {"measure": MEASURE.replace("ValueError", "KeyError")},
        {"measure": MEASURE.replace("every: int = 4", "every: int = 4\n    SCALE: ClassVar[int] = 3")},
        {"helper": HELPER.replace("2 *", "3 *")},
        {"deeper": DEEPER.replace("return x", "return -x")},
    ],
)
def test_a_changed_computation_changes_the_digest(tmp_path, change) -> None:
    before = digest(tmp_path)
    assert digest(tmp_path, **change) != before


def test_a_protocol_counts_as_what_it_asks_for(tmp_path, monkeypatch) -> None:
    from harness import schema

    before = digest(tmp_path)
    monkeypatch.setattr(schema, "Renamed", schema.GraphProvider, raising=False)
    assert digest(tmp_path, measure=MEASURE.replace("GraphProvider", "Renamed")) == before


def test_a_module_below_the_folder_counts_with_what_it_imports(tmp_path) -> None:
    (tmp_path / "below").mkdir()
    inner = "from .scale import by\nfrom ..deeper import same\ndef double(x):\n    return by(same(x))\n"
    (tmp_path / "below" / "helper.py").write_text(inner)
    (tmp_path / "below" / "scale.py").write_text("def by(x):\n    return 2 * x\n")
    measure = MEASURE.replace("from .helper", "from .below.helper")
    before = digest(tmp_path, measure)
    assert digest(tmp_path, measure, helper="") == before != digest(tmp_path)
    assert digest(tmp_path, measure, deeper=DEEPER.replace("return x", "return -x")) != before
    (tmp_path / "below" / "scale.py").write_text("def by(x):\n    return 3 * x\n")
    assert digest(tmp_path, measure) != before


def test_an_edit_while_a_run_goes_on_changes_nothing_until_the_next(tmp_path) -> None:
    before = digest(tmp_path)
    (tmp_path / "size.py").write_text(MEASURE.replace("np.sum", "np.mean"))
    assert source_digest.digest_of(tmp_path / "size.py", "package", "Size") == before


def test_a_digest_is_the_same_for_every_version_of_python(tmp_path) -> None:
    assert digest(tmp_path)[:16] == "04abdca99605c6b5"
