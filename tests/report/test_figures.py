"""What is true of every figure."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import Collection, LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from harness.evaluate.predictions import OTHER_BUDGETS
from harness.report.config import ReportConfig
from harness.report.figures import NothingToDraw
from harness.report.renderers import plain
from harness.report.run_tables import RunTables
from harness.report.style.palette import BAND, ink
from harness.report.style.theme import theme
from harness.schema.families import FAMILIES
from tests.report.conftest import read_once as read

ODD: list[dict[str, Any]] = [
    {"n": 20, "k": 5, **odd} for odd in ({"silent": True}, {"seeds": 1}, {"capacitance": False}, {"n": 8, "k": 2})
]
FEW = ReportConfig(top=2)
NAMES = ReportConfig().figures


def drawn(name: str, tables: RunTables, report: ReportConfig = FEW) -> Figure:
    with theme(8.0):
        figure: Figure = importlib.import_module(f"harness.report.figures.{name}").draw(tables, report)
    return figure


@cache
def usual(name: str, folder: Path) -> Figure:
    """The figure as it is unless the configuration says otherwise, drawn once a process."""
    return drawn(name, read(folder), ReportConfig())


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_states_n_seeds_and_recipe(name: str, results: Path) -> None:
    said = plain(importlib.import_module(f"harness.report.figures.{name}").caption(read(results), ReportConfig()))
    assert "n = 60" in said
    assert "3 seeds" in said
    assert "64 steps" in said


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_fits_one_or_two_columns_of_a_paper(name: str, results: Path) -> None:
    figure = usual(name, results)
    assert figure.get_figwidth() in (pytest.approx(3.4), pytest.approx(7.0))
    assert figure.get_figheight() < 9.0


@pytest.mark.parametrize("how", [{"n": 20, "k": 5}, {"n": 20, "k": 30}])
def test_names_of_predictors_do_not_overlap_nor_leave_the_figure(
    how: dict[str, Any], make: Callable[..., Path]
) -> None:
    tables = read(make(**how))
    figure = drawn("cost_against_tau", tables)
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    names = set(tables.final["predictor"])
    texts = [text for text in figure.axes[0].texts if isinstance(text, Annotation) and text.get_text() in names]
    assert {text.get_text() for text in texts} == names
    boxes = [matplotlib.text.Text.get_window_extent(text) for text in texts]
    for one, other in combinations(boxes, 2):
        assert not (one.overlaps(other) and min(one.y1, other.y1) - max(one.y0, other.y0) > 2.5)
    for box in boxes:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_drawn_or_says_why_not(name: str, how: dict[str, Any], make: Callable[..., Path]) -> None:
    trajectories = name == "beta_eff_trajectories"
    if (how.get("silent") and not trajectories) or (trajectories and not how.get("capacitance", True)):
        with pytest.raises(NothingToDraw, match=r"no predictor|no pair|no column beta_eff"):
            drawn(name, read(make(**how)))
    else:
        assert drawn(name, read(make(**how))).axes


@pytest.mark.parametrize(
    ("steps", "name", "said"),
    [
        ((64,), "tau_against_budget", "one budget, 64 steps"),
        ((0,), "tau_against_budget", "one budget, 0 steps"),
        ((0,), "beta_eff_trajectories", "observed once, at step 0"),
    ],
)
def test_a_curve_of_one_point_is_not_drawn(
    make: Callable[..., Path], steps: tuple[int, ...], name: str, said: str
) -> None:
    with pytest.raises(NothingToDraw, match=said):
        drawn(name, read(make(n=20, k=5, steps=steps)))


@pytest.mark.parametrize("steps", [(1, 2), (300, 3000), tuple(range(8, 65, 8))])
def test_every_family_has_a_panel_with_its_best_predictor_and_every_point_is_at_its_budget(
    make: Callable[..., Path], steps: tuple[int, ...]
) -> None:
    tables = read(make(n=20, k=5, steps=steps))
    figure = drawn("tau_against_budget", tables)
    best = tables.final.groupby("family", sort=False)["predictor"].first()
    assert [axes.get_title(loc="left").split(": ")[1] for axes in figure.axes] == list(best)
    for axes, predictor in zip(figure.axes, best, strict=True):
        rows = tables.metrics[tables.metrics["predictor"] == predictor].sort_values("step")
        thick = max(axes.lines, key=lambda line: line.get_linewidth())
        np.testing.assert_array_equal(thick.get_xdata(), steps)
        np.testing.assert_array_equal(thick.get_ydata(), rows["tau"])
        assert axes.collections[0].get_paths()[0].vertices[:, 1].max() == pytest.approx(rows["tau_high"].max())


def test_budgets_that_are_left_out_for_learned_predictors_are_said_and_the_others_have_dots(make) -> None:
    tables = read(make(n=20, k=5, steps=(0, 8, 16)))
    best = str(tables.final.groupby("family", sort=False)["predictor"].first().iloc[0])
    left = (tables.metrics["predictor"] == best) & (tables.metrics["step"] == 8)
    words = {"tau": float("nan"), "note": OTHER_BUDGETS}
    few = replace(
        tables, metrics=tables.metrics.assign(**{k: tables.metrics[k].mask(left, v) for k, v in words.items()})
    )
    caption = importlib.import_module("harness.report.figures.tau_against_budget").caption
    assert "Learned predictors were scored at steps 0 and 16 alone" in caption(few, ReportConfig())
    assert "Learned" not in caption(tables, ReportConfig())
    dots, full = ([line for line in drawn("tau_against_budget", each).axes[0].lines if line.get_marker() == "o"]
                  for each in (few, tables))  # fmt: skip
    assert [list(line.get_xdata()) for line in dots] == [[0, 16]]
    assert not full


@pytest.mark.parametrize("name", ["pairs_by_gap", "predicted_rank_against_truth"])
def test_a_caption_counts_the_predictors_there_are_and_names_what_is_studied_only_if_run(make, name: str) -> None:
    caption = importlib.import_module(f"harness.report.figures.{name}").caption
    few = caption(read(make(n=20, k=2, capacitance=False)), ReportConfig())
    assert "the 2 predictors with the highest τ" in few and "under study" not in few
    many = caption(read(make()), ReportConfig(top=5, highlight=5))
    assert "the 5 predictors with the highest τ" in many and "the best predictor under study" in many


def test_costs_of_nothing_but_facts_are_not_drawn(results: Path) -> None:
    tables = read(results)
    blind = tables.metrics.assign(seconds=tables.metrics["seconds"].where(tables.metrics["family"] == "size") * 0)
    with pytest.raises(NothingToDraw, match="no seconds were recorded except for predictors that need no training"):
        drawn("cost_against_tau", replace(tables, metrics=blind))


def test_a_trajectory_with_negative_values_is_drawn(results: Path) -> None:
    tables = read(results)
    signed = tables.trajectories.assign(beta_eff=tables.trajectories["beta_eff"] - 1.0)
    signed.loc[3, "beta_eff"] = -1e6
    assert drawn("beta_eff_trajectories", replace(tables, trajectories=signed)).axes[0].get_yscale() == "symlog"


def test_the_front_is_what_a_slow_loop_finds_unbeaten(results: Path) -> None:
    points = read(results).metrics[["seconds", "tau"]].dropna().to_numpy()
    unbeaten = {(s, t) for s, t in points if not any((u <= s and v > t) or (u < s and v >= t) for u, v in points)}
    dashed = next(
        line for line in drawn("cost_against_tau", read(results)).axes[0].lines if line.get_linestyle() == "--"
    )
    assert {(float(x), float(y)) for x, y in np.asarray(dashed.get_xydata())} == unbeaten


def test_the_best_predictor_under_study_has_a_panel_even_where_it_ranks_low(results: Path) -> None:
    tables = read(results)
    low = tables.metrics.copy()
    low.loc[low["family"] == "capacitance", "tau"] -= 0.5
    tables = replace(tables, metrics=low)
    titles = [axes.get_title(loc="left") for axes in drawn("predicted_rank_against_truth", tables).axes]
    assert len(titles) == 2
    assert str(tables.best_studied) in titles[-1]


def test_each_family_has_its_own_colour_and_marker() -> None:
    looks = [(family.colour, family.marker) for family in FAMILIES.values()]
    assert all(len(set(each)) == len(looks) for each in zip(*looks, strict=True))


@pytest.mark.parametrize("family", [*FAMILIES, "a_users_own"])
def test_text_in_a_familys_colour_is_legible_on_white(family: str) -> None:
    channels = np.array([int(ink(family)[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


@pytest.mark.slow
def test_with_many_predictors_the_best_few_the_best_of_every_family_and_the_front_are_named(make) -> None:
    tables, report = read(make(n=40, k=45)), FEW
    module = importlib.import_module("harness.report.figures.cost_against_tau")
    named = {text.get_text() for text in drawn("cost_against_tau", tables).axes[0].texts}
    named &= set(tables.final["predictor"])
    best = tables.final.groupby("family")["predictor"].first()
    assert set(tables.final["predictor"][: report.highlight]) | set(best) <= named and len(named) < 25
    assert "on the front are named" in module.caption(tables, report)
    assert "are named" not in module.caption(read(make()), report)


def test_the_key_of_nine_families_stays_below_the_axis(make) -> None:
    figure = drawn("cost_against_tau", read(make(n=40, k=45, steps=(0, 64))))
    FigureCanvasAgg(figure).draw()
    key, axis = figure.legends[0].get_window_extent(), figure.axes[0].xaxis.label.get_window_extent()
    assert key.y1 <= axis.y0 and key.x1 <= figure.bbox.x1 and key.y0 >= 0


def test_of_very_many_architectures_a_few_hundred_trajectories_are_drawn_and_the_caption_says_so(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("harness.report.figures.beta_eff_trajectories")
    tables = read(make(n=40, k=2))
    assert "evenly spaced" not in str(module.caption(tables, FEW))
    monkeypatch.setattr(module, "MOST", 10)
    assert "10 of them evenly spaced by accuracy" in str(module.caption(tables, FEW))
    lines = drawn("beta_eff_trajectories", tables).axes[0].lines
    first = tables.trajectories[tables.trajectories["step"] == 0].set_index("architecture")["beta_eff"]
    chosen = tables.architectures.sort_values("truth")["architecture"].iloc[np.linspace(0, 39, 10).round().astype(int)]
    np.testing.assert_array_equal(sorted(line.get_ydata()[0] for line in lines), sorted(first[chosen]))


def test_points_of_very_many_architectures_are_pixels_in_vector_files(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = read(make(n=40, k=2))
    module = importlib.import_module("harness.report.figures.predicted_rank_against_truth")
    assert not any(
        points.get_rasterized() for points in drawn(module.__name__.split(".")[-1], tables).axes[0].collections
    )
    monkeypatch.setattr(module, "VECTORS", 20)
    assert drawn(module.__name__.split(".")[-1], tables).axes[0].collections[0].get_rasterized()


def test_a_ranking_longer_than_a_page_stands_in_two_columns_that_name_all_in_order(make: Callable[..., Path]) -> None:
    tables = read(make(n=40, k=45, steps=(0, 64)))
    figure = drawn("ranked", tables)
    assert figure.get_figwidth() == pytest.approx(7.0)
    assert figure.get_figheight() < 9.0
    names = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert names == list(tables.final["predictor"])
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def ys(axes: Axes) -> list[list[float]]:
    return [np.asarray(line.get_ydata(), dtype=float).tolist() for line in axes.lines]


def test_pairs_are_drawn_at_their_share_with_their_number_below(results: Path) -> None:
    tables = read(results)
    axes = drawn("pairs_by_gap", tables, ReportConfig(highlight=2)).axes[0]
    pairs = tables.at_end(tables.pairs).dropna(subset=["accuracy"])
    pairs = pairs[pairs["disjoint"] > 1]
    for _, rows in pairs.groupby("predictor"):
        assert rows.sort_values("gap_low")["accuracy"].tolist() in ys(axes)
    counted = [f"{count:,}" for count in pairs.groupby("gap_low")["pairs"].max()]
    assert [label.get_text().split("\n")[1] for label in axes.get_xticklabels()] == counted
    assert len(axes.collections) == 2  # bands


def test_a_range_whose_pairs_share_one_architecture_is_left_out_and_the_caption_says_why(results: Path) -> None:
    tables = read(results)
    module = importlib.import_module("harness.report.figures.pairs_by_gap")
    shared = replace(tables, pairs=tables.pairs.assign(disjoint=np.where(tables.pairs["gap_low"] == 10, 1, 9)))
    assert len(drawn("pairs_by_gap", shared, ReportConfig(highlight=1)).axes[0].get_xticks()) == 5
    assert "share one architecture" in module.caption(shared, FEW)
    many = replace(tables, pairs=tables.pairs.assign(disjoint=9))
    assert "share one architecture" not in module.caption(many, FEW)
    with pytest.raises(NothingToDraw, match="all share one architecture"):
        drawn("pairs_by_gap", replace(tables, pairs=tables.pairs.assign(disjoint=1)))


def test_only_learned_predictors_are_hollow_and_the_caption_says_what_they_paid_before(
    results: Path,
) -> None:
    tables = read(results)
    module = importlib.import_module("harness.report.figures.cost_against_tau")
    figure = drawn("cost_against_tau", tables)
    hollow = [len(points.get_offsets()) for points in figure.axes[0].collections if white(points)]
    assert sum(hollow) == (tables.final["fitted_on"] > 0).sum() > 0
    assert "learned" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert "initialization time" in module.caption(tables, FEW)
    none = replace(tables, metrics=tables.metrics.assign(fitted_on=0.0))
    assert "initialization time" not in module.caption(none, FEW)
    assert len(drawn("cost_against_tau", none).legends[0].get_texts()) == len(figure.legends[0].get_texts()) - 1
    for name in set(NAMES) - {"cost_against_tau"}:
        assert not any(white(points) for axes in usual(name, results).axes for points in axes.collections)


def white(points: Collection) -> bool:
    faces = np.asarray(points.get_facecolor())
    return bool(len(faces) and (faces[:, :3] == 1).all())


def test_stored_intervals_are_drawn_as_they_are(results: Path) -> None:
    tables = read(results)
    lines = next(each for each in drawn("ranked", tables).axes[0].collections if isinstance(each, LineCollection))
    ends = np.array([segment[:, 0] for segment in lines.get_segments()])
    np.testing.assert_array_equal(ends, tables.final[["tau_low", "tau_high"]])


def test_drawing_leaves_no_trace_in_matplotlibs_settings_nor_in_pyplot(results: Path) -> None:
    before = dict(matplotlib.rcParams)
    drawn("ranked", read(results))
    assert dict(matplotlib.rcParams) == before
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("name", ["ranked", "tau_against_budget"])
def test_no_band_is_drawn_or_captioned_where_no_ceiling_above_0_can_be_shown(name: str, results: Path) -> None:
    tables = read(results)
    flat = replace(tables, ceiling=tables.ceiling.assign(tau=0.0))
    module = importlib.import_module(f"harness.report.figures.{name}")
    for of, there in ((tables, True), (flat, False)):
        assert ("band" in module.caption(of, FEW)) == there
        assert any(patch.get_facecolor() == to_rgba(BAND) for patch in drawn(name, of).axes[0].patches) == there


def test_an_axis_of_costs_keeps_their_order_and_parts_what_crowds() -> None:
    module = importlib.import_module("harness.report.figures.cost_against_tau")
    crowd = np.linspace(0.55, 0.65, 12)
    costs, places = module.stretch(np.array([0.002, *crowd, 2.0]), 0.002, 2.2)
    assert (np.diff(costs) > 0).all() and (np.diff(places) > 0).all() and places[-1] == 1
    at = np.interp(crowd, costs, places)
    assert np.diff(at).min() > 0.025 > np.log(0.65 / 0.55) / np.log(2.2 / 0.002) / 11 * 1.7
    assert module.stretch(np.array([1.0, 1.001]), 0.5, 2.0)[0].tolist() == [-0.5, 0, 0.5, 1.0, 2.0]
