"""The report of a sweep: what it says, what it draws, and that it stands at every size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console

from harness.report import renderers
from harness.report.config import ReportConfig
from harness.report.figures import critical_difference, tau_by_setting
from harness.report.renderers import plain, terminal
from harness.report.sweep import sentences
from harness.report.sweep.ranked_table import best_table, budgets_table, gathered_table, targets_table
from harness.report.sweep.screen import FIRST, print_gathered
from harness.report.sweep.sentences import counts, settings_table
from harness.report.sweep.sweep_tables import SweepTables, read
from harness.report.sweep.write import write
from harness.report.text import Content
from harness.schema import BadInput
from harness.schema.columns import GATHERED_TARGETS, JOBS
from harness.storage.files import SUMS, write_sums
from harness.storage.tables import write_results

FAMILIES = ("capacitance", "learning_curve", "movement", "weight_statistics", "zero_cost", "size", "control", "my_own")


def build(
    folder: Path, k: int = 8, settings: int = 2, seeds: int = 3, groups: str = "nemenyi", silent: bool = False
) -> Path:
    """Write the tables of a sweep: k predictors, the last one silent; groups of three neighbours; one failed job."""
    rng = np.random.default_rng(0)
    names = [f"{FAMILIES[i % len(FAMILIES)]}_{'with_a_long_name_' * (i == 4)}{i}" for i in range(k)]
    labels = [
        f"dataset=set{i}, train.steps={10 * i + 10}" if settings > 1 else "dataset=digits" for i in range(settings)
    ]
    rows = []
    for label in labels:
        for step in (8, 16):
            for i, name in enumerate(names):
                tau = np.nan if silent or i == k - 1 else 0.6 - 0.9 * i / k + 0.05 * rng.standard_normal()
                gap = tau - 0.6 if i else np.nan
                rows.append((label, name, FAMILIES[i % len(FAMILIES)], step, step == 16, 0 if np.isnan(tau) else seeds,
                             60, tau, tau - 0.1, tau + 0.1, 0.04 if seeds > 1 else np.nan, names[0] if i else "", gap,
                             gap - 0.1, gap + 0.1))  # fmt: skip
    gathered = pd.DataFrame(rows, columns=[
        *("setting", "predictor", "family", "step", "last", "jobs", "n", "tau", "low", "high", "sd", "baseline"),
        *("difference", "difference_low", "difference_high"),
    ])  # fmt: skip
    ranked = 0 if silent else k - 1
    ranks = pd.DataFrame({
        "predictor": names[:ranked], "family": [FAMILIES[i % len(FAMILIES)] for i in range(ranked)],
        "rank": np.linspace(1.2, k - 1.4, ranked), "blocks": settings * seeds,
        "first_group": [max(i - 1, 1) if groups else 0 for i in range(ranked)],
        "last_group": [min(i + 1, max(ranked - 2, 1)) if groups else 0 for i in range(ranked)],
    })  # fmt: skip
    jobs = [
        (i, label, seed, f"seed={seed}", f"../runs/{i}", f"../reports/{i}", "nasbench201", label[8:12], "complete", 0,
         "", 20, 16)
        for i, (label, seed) in enumerate((label, seed) for label in labels for seed in range(seeds))
    ]  # fmt: skip
    jobs.append(
        (len(jobs), labels[0], 99, "seed=99", "", "", "nasbench201", "set0", "failed", 2, "data: <a> | b", *2 * [None])
    )
    table = pd.DataFrame(jobs, columns=["job", "setting", "seed", "overrides", "folder", "report", "bench", "dataset",
                                        "state", "code", "reason", "n", "step"])  # fmt: skip
    status = {
        "kind": "sweep", "state": "complete", "level": 0.9, "bootstrap": 500, "seed": 0, "harness": "0.1.0",
        "varied": ["dataset", "train.steps"] if settings > 1 else [], "blocks": settings * seeds,
        "friedman": {"statistic": 20.5, "p": 0.0004} if groups else {"statistic": None, "p": None},
        "critical_difference": 2.5 if groups else None, "groups_by": groups, "left_out": names[-1:], "dropped": [],
        "ranked_runs": settings * seeds, "ranked_on": [f"nasbench201 set{i}" for i in range(settings)],
        "ranked_seeds": list(range(seeds)), "followed": ["train.batch"] if settings > 1 else [],
        "note": "" if groups else "no test with fewer than 3 runs", "asked": len(jobs) + 1, "command": "harness -m",
        "report": {"dpi": 60, "figures": ["nowhere"]}, "environment": {"python": "3.11"},
        "recipe": {"batch": 128, "watch": ["valid"]}, "network": {"channels": 8, "cells": 1},
    }  # fmt: skip
    targets = pd.DataFrame(columns=GATHERED_TARGETS.names)
    tables = {"jobs": table.astype(JOBS.dtypes), "gathered": gathered, "gathered_targets": targets, "ranks": ranks}
    write_results(folder, tables, {}, status)
    return folder


def read_aloud(text: Content) -> str:
    """The sentence in Markdown, with plain spaces."""
    return renderers.markdown(text).replace("\xa0", " ")


def answer(tables: SweepTables) -> list[str]:
    return [read_aloud(text) for text in sentences.answer(tables)]


def cautions(tables: SweepTables) -> list[str]:
    return [read_aloud(text) for text in sentences.cautions(tables)]


def question(tables: SweepTables) -> str:
    return read_aloud(sentences.question(tables))


@pytest.fixture
def tables(tmp_path: Path) -> Callable[..., SweepTables]:
    return lambda **how: read(build(tmp_path / "sweep", **how))


@pytest.mark.slow
def test_the_page_and_its_files_are_the_same_for_equal_tables(tmp_path: Path) -> None:
    folder = build(tmp_path / "sweep")
    page = write(folder, tmp_path / "out")
    names = {"index.html", "index.json", "report.md", "tables/ranked.tex", "tables/settings.tex"}
    names |= {f"figures/{name}.{end}" for name in ("tau_by_setting", "critical_difference") for end in ("png", "pdf")}
    names |= {f"tables/{name}.csv" for name in ("ranked", "settings", "jobs", "gathered", "gathered_targets", "ranks")}
    assert {str(path.relative_to(page.parent)) for path in page.parent.rglob("*.*")} == names
    first = {name: (page.parent / name).read_bytes() for name in names}
    write(folder, tmp_path / "out")
    assert first == {name: (page.parent / name).read_bytes() for name in names}
    html, markdown = first["index.html"].decode(), first["report.md"].decode()
    assert "data: &lt;a&gt; | b" in html and r"data: \<a\> \| b" in markdown
    assert "http://" not in re.sub(r'data:image/svg\+xml,[^"]+', "", html) and "90\xa0%" in html
    assert html.count("<figure") == 2 and "None" not in html and "nan" not in html.replace("nasbench", "")


@pytest.mark.usefixtures("undrawn")
def test_a_job_with_a_report_is_linked_and_one_without_gives_its_reason(tmp_path: Path) -> None:
    folder = build(tmp_path / "results" / "sweep")
    there = tmp_path / "results" / "reports" / "1" / "index.html"
    there.parent.mkdir(parents=True)
    there.touch()
    page = write(folder, tmp_path / "reports" / "sweeps" / "sweep")
    links = re.findall(r'href="([^"#]+index.html)"', page.read_text())
    assert [(page.parent / link).resolve() for link in links] == [there]
    assert f"[report]({links[0]})" in (page.parent / "report.md").read_text()


@pytest.mark.usefixtures("undrawn")
def test_both_reports_have_the_mean_tau_at_every_budget_of_every_setting(tmp_path: Path) -> None:
    page = write(build(tmp_path / "sweep"), tmp_path / "out")
    sweep = read(tmp_path / "sweep")
    markdown = (page.parent / "report.md").read_text()
    for setting in sweep.settings:
        sheet = budgets_table(sweep, setting).written(plain)
        title = f"<details><summary>Mean τ at every budget, {setting}</summary>"
        assert title in page.read_text()
        table = markdown.partition(title)[2].partition("</details>")[0].strip().splitlines()
        assert table[0] == "| predictor | 8 steps | 16 steps |"
        read_back = [[cell.strip().replace("\\", "") for cell in row.strip("|").split("|")] for row in table[2:]]
        assert read_back == sheet.to_numpy().tolist()


@pytest.mark.usefixtures("undrawn")
def test_further_ground_truths_have_a_table_of_their_own_and_none_where_there_are_none(tables, tmp_path: Path) -> None:
    build(tmp_path / "sweep")
    write(tmp_path / "sweep", tmp_path / "out")
    assert "further ground truths" not in (tmp_path / "out" / "report.md").read_text()
    sweep = read(tmp_path / "sweep")
    setting, names = sweep.settings[1], list(sweep.at(sweep.settings[1])["predictor"])
    rows = [(setting, target, name, 3, 60, 0.1 * i, 0.01) for target in ("cifar100", "my <b>") for i, name in
            enumerate(names)]  # fmt: skip
    table = targets_table(replace(sweep, gathered_targets=pd.DataFrame(rows, columns=GATHERED_TARGETS.names)), setting)
    assert list(table.columns) == ["predictor", "cifar100", "my <b>"]
    assert [read_aloud(cell) for cell in table.columns["cifar100"]][:3] == ["0.00", "0.10", "0.20"]
    write_results(tmp_path / "sweep", {
        "jobs": sweep.jobs, "gathered": sweep.gathered, "ranks": sweep.ranks,
        "gathered_targets": pd.DataFrame(rows, columns=GATHERED_TARGETS.names),
    }, {}, sweep.status)  # fmt: skip
    page = write(tmp_path / "sweep", tmp_path / "out").read_text()
    assert f"Mean τ with further ground truths, {setting}" in page and "my &lt;b&gt;" in page
    assert f"further ground truths, {sweep.settings[0]}" not in page
    assert len(pd.read_csv(tmp_path / "out" / "tables" / "gathered_targets.csv")) == len(rows)


def test_it_counts_asks_and_answers_from_the_tables(tables) -> None:
    sweep = tables()
    assert counts(sweep) == "8 jobs (6 complete, 1 failed, 1 never started), 2 settings, 3 run seeds, 8 predictors"
    assert question(sweep).startswith(
        "Which predictor ranks architectures best over 3 run seeds as `dataset` and `train"
    )
    first, second = answer(sweep)
    best = sweep.at("dataset=set0, train.steps=10").iloc[0]
    assert f"With `dataset=set0, train.steps=10`, `{best['predictor']}` has the highest Kendall τ, " in first
    assert "mean of 3 runs, sd 0.04" in first
    assert "`capacitance_0` has the best average rank, 1.2 of 7, followed by `learning_curve_1`" in second
    assert "p < 0.001; by Nemenyi's critical difference of 2.50 average ranks, `capacitance_0` does not" in second


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("friedman", "so the differences between them are not statistically significant at 0.1"),
        (
            "wilcoxon-holm",
            "by Wilcoxon's signed-rank test, adjusted by Holm over all pairs, `capacitance_0` does not differ",
        ),
        ("", "cannot be tested: no test with fewer than 3 runs"),
    ],
)
def test_it_says_whether_the_order_is_settled_and_by_which_test(tables, groups: str, said: str) -> None:
    assert said in answer(tables(groups=groups))[1]


def test_a_sceptic_is_told_that_seeds_are_not_data_sets_and_that_one_seed_says_nothing_of_others(tables) -> None:
    said = " ".join(cautions(tables()))
    assert "Seeds of one data set are not independent data sets: with 2 data sets" in said
    assert "resample run seeds, then the architectures within each drawn run (500 draws)" in said
    assert "Not ranked over runs" in said
    sweep = tables()
    sweep.status.update(blocks=3, ranked_runs=6, ranked_on=["nasbench201 digits"])
    said = " ".join(cautions(sweep))
    assert "The tests take the 3 blocks (benchmark, data set and run seed; τ averaged over the settings of" in said
    assert "with 1 data set (nasbench201 digits) and 3 run seeds, the tests speak of new seeds of these" in said
    assert (
        "over 3 blocks (" in critical_difference.caption(sweep, ReportConfig())
        and "Over 3 blocks (" in answer(sweep)[1]
    )
    sweep.status.update(ranked_seeds=[0], ranked_on=["a", "b", "c"])
    assert "They are 3 data sets (a, b, c) and 1 run seed: the tests speak of other data sets" in " ".join(
        cautions(sweep)
    )
    alone = " ".join(cautions(tables(seeds=1, settings=1, groups="")))
    assert "One run seed: intervals resample the architectures only" in alone and "independent data sets" not in alone


@pytest.mark.usefixtures("undrawn")
def test_one_run_is_asked_and_told_nothing_of_other_seeds(tables, tmp_path: Path) -> None:
    sweep = tables(seeds=1, settings=1, groups="")
    assert question(sweep) == "Which predictor ranks architectures best, with one run seed?"
    html = write(tmp_path / "sweep", tmp_path / "out").read_text()
    assert "1 runs" not in html and "vary by the seed" not in html and "in the one run, 1 is best" in html
    assert "vary by the seed" in question(tables(seeds=2, settings=1))


@pytest.mark.usefixtures("undrawn")
def test_only_what_all_runs_share_is_said_of_recipe_and_network_and_all_that_differs_is_listed(
    tables, tmp_path: Path
) -> None:
    sweep = tables()
    assert "batch 128, C = 8, N = 1" in plain(sweep.basis())
    sweep.status["recipe"].pop("batch")
    assert "batch" not in sweep.basis()
    html = write(tmp_path / "sweep", tmp_path / "out").read_text()
    assert "<dt>varied</dt><dd>dataset, train.steps; and with it train.batch</dd>" in html


@pytest.mark.usefixtures("undrawn")
def test_every_budget_has_its_mean_tau_and_columns_are_sorted_by_their_numbers(tables, tmp_path: Path) -> None:
    sweep = tables()
    html = write(tmp_path / "sweep", tmp_path / "out").read_text()
    assert html.count("<summary>Mean τ at every budget, dataset=set") == 2 and "8 steps</button></th>" in html
    setting = sweep.settings[1]
    taus = sweep.gathered[(sweep.gathered["setting"] == setting) & (sweep.gathered["step"] == 8)]
    numbers = budgets_table(sweep, setting).numbers.set_index("predictor")[8].dropna().to_dict()
    assert numbers == taus.set_index("predictor")["tau"].dropna().to_dict()
    best = sweep.at(setting).iloc[0]
    assert f'data-key="{best["tau"]:.7g}">{best["tau"]:.2f} <small>[' in html
    ranked = pd.read_csv(tmp_path / "out" / "tables" / "ranked.csv").set_index("predictor")
    assert ranked.loc[best["predictor"], f"{setting}, low"] == pytest.approx(best["low"])


def test_a_lead_of_nothing_and_one_of_no_certainty_are_said_as_such(tables) -> None:
    sweep = tables()
    sweep.gathered.loc[sweep.gathered["predictor"] == "learning_curve_1", "tau"] = 0.9
    at = sweep.gathered["predictor"] == "learning_curve_1"
    sweep.gathered.loc[at, ["difference", "difference_low", "difference_high"]] = [0.2, 0.1, 0.3]
    assert ", is +0.20 [+0.10, +0.30]." in answer(sweep)[0]
    sweep.gathered.loc[at, ["difference_low", "difference_high"]] = [-0.1, 0.3]
    assert ": the interval includes 0." in answer(sweep)[0]
    sweep.gathered.loc[at, ["difference", "difference_low", "difference_high"]] = 0.0
    assert "and so has `capacitance_0`, in every draw." in answer(sweep)[0]


@pytest.mark.usefixtures("undrawn")
def test_where_every_job_failed_no_seed_and_no_rank_is_told_of(tables, tmp_path: Path) -> None:
    sweep = tables(silent=True, groups="")
    lost = sweep.jobs.assign(state="failed", code=2, n=pd.NA, step=pd.NA)
    assert question(replace(sweep, jobs=lost)).startswith("Which predictor ranks architectures best as `dataset` and")
    status = json.loads((tmp_path / "sweep" / "status.json").read_text()) | {"blocks": 0}
    rest = {"gathered": sweep.gathered, "gathered_targets": sweep.gathered_targets, "ranks": sweep.ranks}
    write_results(tmp_path / "sweep", {"jobs": lost, **rest}, {}, status)
    assert "ranks are over" not in write(tmp_path / "sweep", tmp_path / "out").read_text()


def test_a_shared_first_rank_is_no_lead_and_a_hairs_breadth_is_seen(tables) -> None:
    sweep = tables()
    first, second = sweep.ranks["predictor"][:2]
    for ranks, said in (
        ([1.5, 1.5], f"`{first}` shares the best average rank, 1.5 of 7, with `{second}`."),
        ([1.46, 1.54], f"rank, 1.46 of 7, followed by `{second}` with 1.54."),
        ([1.2, 1.9], f"rank, 1.2 of 7, followed by `{second}` with 1.9."),
    ):
        told = replace(sweep, ranks=sweep.ranks.assign(rank=[*ranks, *sweep.ranks["rank"][2:]]))
        assert said in answer(told)[1]
    shared = replace(sweep, ranks=sweep.ranks.assign(rank=4.0))
    assert f"with `{second}` and 5 others." in answer(shared)[1]


def test_of_many_settings_the_prose_counts_the_winners(tables) -> None:
    sweep = tables(settings=5)
    winners = settings_table(sweep)["predictor"].value_counts()
    first = answer(sweep)[0]
    assert first.startswith("Of 5 settings the highest mean Kendall τ is that of ")
    for name, count in winners.items():
        assert f"`{name}` in {count}" in first
    assert "In 0 of them the interval" in first
    sweep.gathered["difference_low"] = 0.1
    assert "In 5 of them the interval" in answer(sweep)[0]


def test_predictors_come_in_order_of_their_mean_over_settings_those_without_a_tau_last(tables) -> None:
    sweep = tables()
    order = sweep.order
    assert order["predictor"].iloc[-1] == "my_own_7" and np.isnan(order["tau"].iloc[-1])
    means = sweep.last.groupby("predictor")["tau"].mean()
    assert order["tau"].iloc[:-1].is_monotonic_decreasing
    assert order.set_index("predictor")["tau"].drop("my_own_7").to_dict() == pytest.approx(means.dropna().to_dict())
    sheet = gathered_table(sweep).written(plain)
    assert list(sheet["predictor"]) == list(order["predictor"]) and sheet.shape[1] == 4 + 2
    assert sheet["rank"].iloc[-1] == "–"
    assert best_table(sweep).written(plain)["runs"].tolist() == ["3", "3"]
    assert settings_table(sweep)["predictor"].tolist() == [sweep.at(s)["predictor"].iloc[0] for s in sweep.settings]


@pytest.mark.parametrize("settings", [1, 2, 6, 30])
@pytest.mark.parametrize("k", [3, 54])
def test_the_printed_table_fits_80_columns_with_the_best_of_every_family(tables, capsys, k: int, settings: int) -> None:
    sweep = tables(k=k, settings=settings)
    print_gathered(sweep, Console(width=80))
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert not any("…" in line for line in lines if "with_a_long" not in line)
    order = sweep.order if settings > 1 else sweep.at(sweep.settings[0])
    printed = {int(line.split()[0]): line for line in lines if re.match(r" ?\d+ (?!more predictors)\w", line)}
    first_of_family = {place for place, twice in enumerate(order["family"].duplicated(), 1) if not twice}
    assert set(printed) == first_of_family | set(range(1, min(FIRST, k) + 1))
    for place, line in printed.items():
        assert str(order["predictor"].iloc[place - 1])[:20] in line
    hidden = k - len(printed)
    assert (f"{hidden} more predictors in the report" in " ".join(lines)) == (hidden > 0)
    assert ("more settings in the report" in " ".join(lines)) == (settings == 30)


def test_the_screen_of_a_sweep_ends_on_the_answer(tables, capsys) -> None:
    sweep = tables(k=54, settings=1)
    print_gathered(sweep, Console(width=80))
    table, answer = capsys.readouterr().out.rstrip().split("\n\n")
    assert len(table.splitlines()) + len(answer.splitlines()) <= 24 - len(["blank", "tables", "report"])
    first, second = (terminal(text) for text in sentences.answer(sweep))
    assert answer.split() == [*first.split(), *second.split()]


@pytest.mark.parametrize(("k", "settings", "seeds"), [
    (5, 2, 3), pytest.param(54, 6, 2, marks=pytest.mark.slow), (54, 24, 1), (5, 7, 2), (3, 1, 1)
])  # fmt: skip
def test_figures_stand_at_every_size_with_readable_type_and_no_name_on_another(
    tables, k: int, settings: int, seeds: int
) -> None:
    from harness.report.style.theme import theme

    sweep, report = tables(k=k, settings=settings, seeds=seeds), ReportConfig(figures=[])
    with theme(report.font_size):
        for module in (tau_by_setting, critical_difference):
            figure = module.draw(sweep, report)
            assert figure.get_figwidth() <= 7.01
            names = texts_of(figure)
            boxes = [text.get_window_extent() for text in names]
            assert all(text.get_fontsize() >= 6 for text in names)
            for i, one in enumerate(boxes):
                assert one.x0 >= -0.5 and one.x1 <= figure.bbox.x1 + 0.5, names[i].get_text()
                assert one.y0 >= -0.5 and one.y1 <= figure.bbox.y1 + 0.5, names[i].get_text()
                for other, text in zip(boxes[i + 1 :], names[i + 1 :], strict=True):
                    assert not overlap(one, other), (names[i].get_text(), text.get_text())
            assert str(k * 0 + 20) in module.caption(sweep, report)


def texts_of(figure: Figure) -> list:
    """Every text of a figure that shows something: ticks, titles, notes, the key."""
    from matplotlib.text import Text

    FigureCanvasAgg(figure).draw()
    inside = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    shown = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                out = not low - 1e-9 <= tick.get_loc() <= high + 1e-9
                shown += [label for label in (tick.label1, tick.label2) if out or not label.get_visible()]
    hidden = {id(text) for text in shown}
    return [text for text in inside if id(text) not in hidden]


def overlap(one, other) -> bool:
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 0.5 and min(one.y1, other.y1) - max(one.y0, other.y0) > 0.5


def test_every_group_has_its_bar_and_bars_of_one_lane_do_not_touch(tables) -> None:
    sweep = tables(k=9)
    figure = critical_difference.draw(sweep, ReportConfig(figures=[]))
    axes = figure.axes[0]
    bars = [line for line in axes.lines if len(set(line.get_xdata())) == 1 and line.get_linewidth() == 1.8]
    assert len(bars) == 6
    lanes = [round(float(bar.get_transform().transform((1, 0))[0])) for bar in bars]
    spans = [(lane, *sorted(bar.get_ydata())) for lane, bar in zip(lanes, bars, strict=True)]
    for i, (x, low, high) in enumerate(spans):
        assert all(x != other or high < below or above < low for other, below, above in spans[i + 1 :])
    assert "CD = 2.50" in [text.get_text() for text in axes.texts]


def test_without_any_tau_there_is_a_page_of_reasons_and_no_figure(tmp_path: Path, capsys) -> None:
    folder = build(tmp_path / "sweep", silent=True, groups="")
    html = write(folder, tmp_path / "out").read_text()
    assert "No run of this sweep has a Kendall τ" in html and "no run has a Kendall τ" in html
    assert not list((tmp_path / "out" / "figures").iterdir())
    print_gathered(read(folder), Console(width=80))
    assert capsys.readouterr().out == "no run of this sweep has a Kendall τ\n"


@pytest.mark.parametrize("name", ["jobs.parquet", "ranks.parquet", "status.json"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = build(tmp_path / "sweep")
    (folder / name).unlink()
    with pytest.raises(BadInput, match=rf"/{re.escape(name)}: must be an existing file \(got missing file\); run"):
        read(folder)


def test_a_missing_column_or_key_is_named(tmp_path: Path) -> None:
    folder = build(tmp_path / "sweep")
    frame = pd.read_parquet(folder / "gathered.parquet")
    frame.drop(columns="sd").to_parquet(folder / "gathered.parquet")
    (folder / SUMS).unlink()
    with pytest.raises(BadInput, match=r"gathered\.parquet: must be a table with the column sd \(got "):
        read(folder)
    frame.to_parquet(folder / "gathered.parquet")
    status = json.loads((folder / "status.json").read_text())
    del status["level"]
    (folder / "status.json").write_text(json.dumps(status))
    write_sums(folder)
    with pytest.raises(BadInput, match=r"status\.json: must be a document with the key level"):
        read(folder)


def test_a_printed_legend_keeps_square_brackets(tables, capsys) -> None:
    sweep = tables(k=3, settings=2)
    names = dict(zip(sweep.settings, ["predictor=[a,b]", "results=a[/b]"], strict=True))
    for name in ("jobs", "gathered"):
        frame = getattr(sweep, name)
        frame["setting"] = frame["setting"].map(names)
    print_gathered(sweep, Console(width=80))
    out = capsys.readouterr().out
    assert "(1) predictor=[a,b]" in out and "(2) results=a[/b]" in out
