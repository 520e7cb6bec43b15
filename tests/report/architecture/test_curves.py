"""The figures of one architecture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection, PolyCollection

from harness.report.architecture.curves import columns, draw_curves, draw_ranks
from harness.report.architecture.profile import find, profile_of
from harness.report.config import ReportConfig
from harness.report.run_files import read
from harness.report.run_tables import RunTables


@pytest.fixture(scope="module")
def tables(results) -> RunTables:
    return read(results)


def test_columns_are_sorted_into_learning_capacitance_and_others(tables):
    rows = len(tables.trajectories)
    more = tables.trajectories.assign(
        beta_eff_sd=0.1, seconds_capacitance=0.1, params=5.0, movement=np.arange(rows), valid_accuracy=1.0,
        once=np.where(tables.trajectories["step"] == 0, 1.0, np.nan), word="x",
    )  # fmt: skip
    assert columns(replace(tables, trajectories=more)) == {
        "learning": ["train_loss", "valid_accuracy"],
        "beta_eff": ["beta_eff"],
        "others": ["movement"],
    }


def test_the_line_is_the_architectures_own_and_the_band_that_of_all_others(tables):
    name = find(tables, "7")
    axes, *_ = draw_curves(tables, name, ["train_loss"], "#000000", ReportConfig()).axes
    median, mine = axes.get_lines()
    course = tables.trajectories.pivot(index="step", columns="architecture", values="train_loss")
    np.testing.assert_array_equal(mine.get_xydata()[:, 1], course[name])
    others = np.sort(course.drop(columns=name).to_numpy(), axis=1)
    np.testing.assert_allclose(median.get_xydata()[:, 1], others[:, 29])  # the middle one of 59
    band = next(each for each in axes.collections if isinstance(each, PolyCollection))
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx((others[:, 14] + others[:, 15]).min() / 2)  # quartiles of 59: places 14.5
    assert heights.max() == pytest.approx((others[:, 43] + others[:, 44]).max() / 2)


def test_one_without_a_reading_says_so_before_the_band(tables):
    name = find(tables, "7")
    gone = tables.trajectories["architecture"] == name
    bare = replace(tables, trajectories=tables.trajectories.assign(beta_eff=tables.trajectories["beta_eff"].mask(gone)))
    axes, *_ = draw_curves(bare, name, ["beta_eff"], "#000000", ReportConfig()).axes
    assert [text.get_text() for text in axes.texts] == ["not measured"]
    assert len(axes.get_lines()) == 1


def test_what_spans_decades_is_drawn_on_a_logarithmic_scale(tables):
    wide = tables.trajectories.assign(wide=10.0 ** (tables.trajectories["step"] / 16), signed=-1.0)
    drawn = draw_curves(
        replace(tables, trajectories=wide), find(tables, "7"), ["wide", "signed"], "#000000", ReportConfig()
    )
    assert [axes.get_yscale() for axes in drawn.axes] == ["log", "linear"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.25, "−0.25"), (0.0003, "0.0003"), (0.00002, "2e−5"), (1500, "1500"), (15_000, "15k"), (3e6, "3M")],
)
def test_a_tick_is_a_short_number(tables, value, text):
    wide = replace(tables, trajectories=tables.trajectories.assign(x=0.0))
    axes, *_ = draw_curves(wide, find(tables, "7"), ["x"], "#000000", ReportConfig()).axes
    assert axes.yaxis.get_major_formatter()(value) == text


def test_ranks_are_drawn_at_their_places_with_the_best_on_the_right(tables):
    seen = profile_of(tables, find(tables, "7"))
    axes = draw_ranks(seen, ReportConfig()).axes[0]
    left, right = axes.get_xlim()
    assert left > 60 and right < 1
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(seen.ranks["predictor"])
    points = next(each for each in axes.collections if isinstance(each, PathCollection))
    rows = np.flatnonzero(np.isfinite(seen.ranks["off"]))
    scored = seen.ranks.iloc[rows]
    expected = np.column_stack([0.5 + (scored["rank"] - 0.5) * 60 / scored["m"], rows])
    np.testing.assert_allclose(points.get_offsets(), expected)


def test_a_predictor_without_a_score_keeps_its_row_and_says_why_in_what_fits(make):
    silent = read(make(n=20, k=5, silent=True))
    figure = draw_ranks(profile_of(silent, find(silent, "7")), ReportConfig())
    figure.canvas.draw()
    reasons = [text for text in figure.axes[0].texts if text.get_text().startswith("no finite")]
    assert len(reasons) == 5
    assert all(text.get_window_extent().x1 <= figure.bbox.x1 for text in reasons)
