"""The page in a browser: what a reader does with it. Headless Chromium, no network."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from scipy.stats import kendalltau

from harness.report.config import ReportConfig
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.report.write import write
from harness.schema.columns import METRICS
from harness.storage.files import write_sums
from harness.storage.tables import write_table
from tests.report.conftest import read_once

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed (Debian: chromium)"),
]

FIGURES = ReportConfig(figures=["ranked", "cost_against_tau"], dpi=50)

expect.set_options(timeout=60_000)  # as long as a busy machine needs


MISSORTED = """() => {
    const wrong = [];
    for (const part of document.querySelectorAll("details")) part.open = true;
    for (const table of document.querySelectorAll("main .box table")) {
        if (table.sortWhole || table.tBodies[0].rows.length < 2) continue;
        for (const head of table.tHead.rows[0].cells) for (const way of [1, 2]) {
            head.querySelector("button").click();
            const sign = head.getAttribute("aria-sort") === "ascending" ? 1 : -1;
            const cells = [...table.tBodies[0].rows].map(row => row.cells[head.cellIndex]);
            const keys = cells.map(cell => cell.dataset.key ?? cell.textContent.trim());
            const full = keys.filter(key => key !== ""), gap = keys.indexOf("");
            const compare = head.dataset.kind === "number" ? (a, b) => a - b : (a, b) => a.localeCompare(b);
            const fails = full.some((key, at) => at && sign * compare(full[at - 1], key) > 0);
            if (fails || (gap >= 0 && gap < full.length)) wrong.push([table.parentElement.ariaLabel, head.textContent]);
        }
    }
    return wrong;
}"""
"""Tables and headings by which a click, or the second, does not sort with missing numbers last."""


CUT = """() => [...document.querySelectorAll(".box, .card, pre")].filter(
    part => part.scrollWidth > part.clientWidth + 1 && part.offsetParent && part.tabIndex < 0
).map(part => part.ariaLabel ?? part.tagName)"""
"""What is cut and cannot be focused, so that no key scrolls it."""


@pytest.fixture(scope="module")
def results(make: Callable[..., Path]) -> Path:
    return make()


@pytest.fixture(scope="module")
def tables(results: Path) -> RunTables:
    return read_once(results)


@pytest.fixture(scope="module")
def address(results: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(results, tmp_path_factory.mktemp("browser"), FIGURES).as_uri()


@pytest.fixture(scope="module")
def small(make: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of fewer rows, whose every element is looked at by every rule."""
    return write(make(n=20, k=5), tmp_path_factory.mktemp("small"), FIGURES).as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"], timeout=120_000
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The report, unpacked; afterwards the browser must have said nothing and asked nobody."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened, heard, asked = context.new_page(), [], []
    opened.on("console", lambda message: heard.append(message.text))
    opened.on("pageerror", lambda error: heard.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(address)
    opened.wait_for_selector("html[data-ready]")
    yield opened
    context.close()
    assert heard == []
    assert [url for url in asked if not url.startswith(("data:", "blob:", address.partition("#")[0]))] == []


def names(page: Page) -> list[str]:
    return page.locator('[aria-label="Ranking at the chosen budget"] tbody tr').evaluate_all(
        "rows => rows.filter(row => !row.hidden).map(row => row.dataset.predictor)"
    )


def to_budget(page: Page, step: int, tables: RunTables) -> None:
    place = sorted(tables.metrics["step"].unique()).index(step)
    page.locator("#budget").fill(str(place))


def at(tables: RunTables, step: int) -> dict[str, float]:
    rows = tables.metrics[(tables.metrics["step"] == step) & tables.metrics["tau"].notna()]
    return rows.sort_values("tau", ascending=False, kind="stable").set_index("predictor")["tau"].to_dict()


def scatter_point(page: Page, architecture: int) -> tuple[float, float]:
    """Where on the screen the plot draws an architecture, by its place in the list."""
    page.locator("svg.scatter").scroll_into_view_if_needed()
    x, y = page.locator("svg.scatter").evaluate(
        """(svg, arch) => {
            const point = svg.points.find(each => each.arch === arch), box = svg.getBoundingClientRect();
            return [box.left + point.x * box.width / 440, box.top + point.y * box.height / 440];
        }""",
        architecture,
    )
    return x, y


def test_the_slider_ranks_predictors_as_the_tables_do_at_every_budget(page: Page, tables: RunTables) -> None:
    for step in (64, 16, 40):
        to_budget(page, step, tables)
        taus = at(tables, step)
        assert names(page)[: len(taus)] == list(taus)
        shown = page.locator('[aria-label="Ranking at the chosen budget"] tbody tr').first.locator("td").nth(1)
        assert shown.inner_text().split()[0] == f"{next(iter(taus.values())):.2f}"
        expect(page.locator(".said")).to_contain_text(f"After {step} steps")


def test_a_high_tau_over_few_architectures_leads_nowhere_on_the_page(
    browser: Browser, results: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(results, tmp_path / "few")
    metrics = read_once(results).metrics.copy()
    lucky = (metrics["step"] == metrics["step"].max()) & (metrics["predictor"] == metrics["predictor"].iloc[-1])
    metrics.loc[lucky, ["tau", "tau_low", "tau_high", "n"]] = [0.99, 0.98, 1.0, 2]
    write_table(folder / "metrics.parquet", METRICS, metrics)
    write_sums(folder)
    opened = browser.new_page()
    opened.goto(write(folder, tmp_path / "page", FIGURES).as_uri())
    opened.wait_for_selector("html[data-ready]")
    final = read(folder).final.dropna(subset=["tau"])["predictor"].tolist()
    assert final[-1] == metrics.loc[lucky, "predictor"].item()
    assert names(opened)[: len(final)] == final
    opened.close()


def test_a_family_and_a_name_filter_the_ranking(page: Page, tables: RunTables) -> None:
    families = tables.final.set_index("predictor")["family"]
    page.get_by_role("button", name="none", exact=True).click()
    assert names(page) == []
    page.locator('.families input[value="size"]').check()
    assert set(names(page)) == set(families[families == "size"].index)
    page.locator("#find-predictor").fill("par")
    assert names(page) == ["params"]


def test_every_table_sorts_by_every_column_and_missing_numbers_come_last(page: Page) -> None:
    wrong = page.evaluate(MISSORTED)
    assert wrong == []
    assert page.locator("main .box table").count() >= 12


def test_a_column_is_hidden_and_shown_and_stays_hidden_when_the_budget_moves(page: Page, tables: RunTables) -> None:
    tools = page.locator('.tools:has(+ [aria-label="Ranking at the chosen budget"])')
    tools.locator("summary").click()
    tools.get_by_label("family").uncheck()
    to_budget(page, 16, tables)
    assert not page.locator('[aria-label="Ranking at the chosen budget"] td:nth-child(9)').first.is_visible()
    tools.get_by_label("family").check()
    assert page.locator('[aria-label="Ranking at the chosen budget"] td:nth-child(9)').first.is_visible()


def test_the_download_holds_the_visible_rows_and_columns(page: Page, tables: RunTables) -> None:
    tools = page.locator('.tools:has(+ [aria-label^="Ranking after"])')
    tools.get_by_role("searchbox").fill("s")
    with page.expect_download() as waiting:
        tools.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(StringIO(Path(waiting.value.path()).read_text())))
    final = tables.final.set_index("predictor")
    assert {row["predictor"] for row in rows} == {
        name for name in final.index if "s" in f"{name} {final.loc[name, 'family']}".lower()
    }
    for row in rows:
        expected = final.loc[row["predictor"], ["tau", "tau_low", "tau_high"]].astype(float)
        found = [float(row[key] or "nan") for key in ("τ", "τ low", "τ high")]
        np.testing.assert_allclose(found, expected, atol=0.00501)


def test_a_pointer_on_a_point_shows_its_cell_truth_and_score(page: Page, tables: RunTables) -> None:
    known = tables.architectures.sort_values(["truth", "architecture"], ascending=[False, True], ignore_index=True)
    leader = str(tables.final["predictor"].iloc[0])
    page.mouse.move(*scatter_point(page, 3))
    point = page.locator(".point")
    expect(point).to_contain_text(f"truth {known['truth'].iloc[3]:.2f} %, rank 4 of 60")
    expect(point).to_contain_text(f"{leader}: rank ")
    assert point.locator("svg.cell").get_attribute("aria-label").startswith("Cell. 0 to 1: nor conv 3×3")


def test_the_top_fifth_by_truth_has_the_tau_that_the_tables_state(page: Page, tables: RunTables) -> None:
    page.get_by_role("button", name="by truth").click()
    expect(page.locator(".plot .shown").first).to_have_text("12 of 60 architectures selected")
    known = tables.architectures.sort_values("truth", ascending=False)["architecture"].head(12)
    scores = tables.at_end(tables.scores).pivot(index="architecture", columns="predictor", values="score").loc[known]
    truth = tables.architectures.set_index("architecture")["truth"].loc[known]
    for name in ("synflow", "flops"):
        kept = scores[name].notna()
        expected = kendalltau(scores.loc[kept, name], truth[kept]).statistic
        shown = page.locator(f'tr[data-predictor="{name}"] td').nth(3)
        assert float(shown.get_attribute("data-key")) == pytest.approx(expected, abs=1e-9)


def test_a_brush_selects_what_lies_in_it(page: Page) -> None:
    box = page.locator("svg.scatter")
    box.scroll_into_view_if_needed()
    frame = box.bounding_box()
    inside = box.evaluate(
        "svg => svg.points.filter(each => each.x >= 200 && each.x <= 420 && each.y >= 20 && each.y <= 200).length"
    )
    scale = frame["width"] / 440
    page.mouse.move(frame["x"] + 200 * scale, frame["y"] + 20 * scale)
    page.mouse.down()
    page.mouse.move(frame["x"] + 420 * scale, frame["y"] + 200 * scale, steps=4)
    page.mouse.up()
    assert inside > 3
    expect(page.locator(".plot .shown").first).to_have_text(f"{inside} of 60 architectures selected")
    page.get_by_role("button", name="clear").click()
    expect(page.locator(".plot .shown").first).to_have_text("nothing selected")


def test_two_predictors_are_compared_where_they_disagree_most(page: Page, tables: RunTables) -> None:
    page.locator(".plot select").nth(0).select_option(label="synflow")
    page.locator(".plot select").nth(1).select_option(label="flops")
    scores = tables.at_end(tables.scores).pivot(index="architecture", columns="predictor", values="score")
    both = scores[["synflow", "flops"]].dropna()
    tau = kendalltau(both["synflow"], both["flops"]).statistic
    expect(page.locator(".plot p", has_text="disagree most on")).to_contain_text(f"τ {tau:.2f}".replace("-", "−"))
    ranks = scores[["synflow", "flops"]].rank(ascending=False)
    far = (ranks["flops"] - ranks["synflow"]).abs().max()
    first = page.locator('[aria-label="Where the ranks differ most"] tbody tr').first
    assert abs(float(first.locator("td").nth(3).get_attribute("data-key"))) == pytest.approx(far, abs=1)


def test_every_architecture_has_its_page(page: Page, tables: RunTables) -> None:
    known = tables.architectures.sort_values(["truth", "architecture"], ascending=[False, True], ignore_index=True)
    table = page.locator('[aria-label="Every architecture"]')
    page.get_by_role("button", name="Show 10 more of 60").click()
    assert table.locator("tbody tr").count() == 60 and table.locator("tbody svg.cell").count() == 60
    for place in (0, 41, 59):
        table.locator("tbody tr").nth(place).locator("a").click()
        article = page.locator("#architecture")
        expect(article.locator("h2")).to_be_focused()
        expect(article.locator("code").first).to_have_text(known["architecture"].iloc[place])
        expect(article).to_contain_text(f"{known['truth'].iloc[place]:.2f} %")
        assert article.locator("tbody tr").count() == 18 and article.locator("svg.curve").count() == 2
        article.get_by_role("link", name="← all architectures").click()
        expect(page.locator("#explore")).to_be_visible()


def test_the_median_misjudgement_is_that_of_the_tables(page: Page, tables: RunTables) -> None:
    known = tables.architectures.sort_values(["truth", "architecture"], ascending=[False, True], ignore_index=True)
    name = known["architecture"].iloc[7]
    scores = tables.at_end(tables.scores).pivot(index="architecture", columns="predictor", values="score")
    off = {}
    for predictor in scores:
        ranks = scores[predictor].dropna().rank(ascending=False)
        if name in ranks:
            off[predictor] = abs(8 - (0.5 + (ranks[name] - 0.5) * 60 / len(ranks)))
    row = page.locator('[aria-label="Every architecture"] tbody tr').nth(7)
    cells = row.locator("td")
    assert float(cells.nth(6).get_attribute("data-key")) == pytest.approx(np.median(list(off.values())), abs=1e-6)
    assert off[cells.nth(7).inner_text().split()[0]] == pytest.approx(max(off.values()))
    assert off[cells.nth(8).inner_text().split()[0]] == pytest.approx(min(off.values()))


def test_the_keyboard_alone_moves_the_budget_walks_the_plot_and_opens_a_page(page: Page) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "budget":
            break
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".said")).to_contain_text("After 56 steps")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('scatter')"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".point .name")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#architecture h2")).to_be_focused()


def test_figures_are_downloaded_as_they_are_drawn(page: Page) -> None:
    with page.expect_download() as waiting:
        page.locator("#ranked button.svg").click()
    assert Path(waiting.value.path()).read_text().startswith("<svg xmlns")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the plot as SVG").click()
    assert "stroke-linecap: round" in Path(waiting.value.path()).read_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_no_rule_of_accessibility_is_broken_and_nothing_is_cut(
    browser: Browser, small: str, width: int, theme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page = context.new_page()
    page.goto(small)
    page.wait_for_selector("html[data-ready]")
    page.evaluate("for (const part of document.querySelectorAll('main details:not(.columns)')) part.open = true")
    views = [page.evaluate("location.hash"), page.evaluate("addressOf(3)")]
    for view in views:
        page.evaluate("hash => { location.hash = hash; }", view)
        if view != views[0]:
            expect(page.locator("#architecture h2")).to_be_focused()
        found = [(rule["id"], rule["nodes"][0]["target"]) for rule in Axe().run(page).response["violations"]]
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == []
    context.close()


def test_what_is_cut_has_a_hint_and_headings_stay_in_sight(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 700})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    wide = page.locator('[aria-label^="Ranking after"]')
    assert wide.evaluate("box => box.scrollWidth > box.clientWidth")
    expect(page.locator('.tools:has(+ [aria-label^="Ranking after"]) .hint')).to_contain_text("scroll sideways")
    wide.evaluate("box => { box.scrollIntoView(); box.scrollTop = 300; }")
    tops = wide.evaluate("box => [box, box.querySelector('th')].map(each => each.getBoundingClientRect().top)")
    assert tops[1] == pytest.approx(tops[0], abs=2)
    context.close()


def test_on_paper_every_heading_has_its_words_and_no_number_is_cut(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 700, "height": 1000})  # the text of an A4 page
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('main .box')].filter(box => box.offsetParent).length") >= 10
    too_wide = "box => box.offsetParent && box.querySelector('table').getBoundingClientRect().right > innerWidth + 1"
    assert (
        page.evaluate(f"[...document.querySelectorAll('main .box')].filter({too_wide}).map(box => box.ariaLabel)") == []
    )
    assert page.evaluate("getComputedStyle(document.querySelector('.box th button')).display") == "contents"
    assert not page.locator(".tools").first.is_visible()
    context.close()


def test_without_scripting_every_section_is_there(browser: Browser, address: str, tables: RunTables) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_text("Exploring needs scripting")).to_be_visible()
    assert page.locator("#ranking tbody tr").first.is_visible()
    assert page.locator("#ranking .box").first.locator("tbody tr").count() == len(tables.final)
    context.close()
