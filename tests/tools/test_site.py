"""The hooks of the documentation site."""

from __future__ import annotations

import pytest

from tools.site import on_page_content


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<td>.61 [.51, .70]</td>", "<td>.61\xa0[.51,\xa0.70]</td>"),
        ("−.18 [−.31, −.06] and +0.2 [0, 1]", "−.18\xa0[−.31,\xa0−.06] and +0.2\xa0[0,\xa01]"),
        ("<td>.61<br />[.51, .70]</td>", "<td>.61<br />[.51,\xa0.70]</td>"),
        ("budgets [0, 1, 2] of 5 [a, b]", "budgets [0, 1, 2] of 5 [a, b]"),
    ],
)
def test_an_estimate_stays_on_one_line_with_its_interval(text: str, kept: str) -> None:
    assert on_page_content(text) == kept
