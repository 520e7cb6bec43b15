"""SVG of a page: fewer bytes, the same drawing, in two themes."""

from __future__ import annotations

import re
from io import StringIO
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from harness.report.style.compact import address, compact
from harness.report.style.dark import dark


@pytest.fixture(scope="module")
def drawn() -> str:
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, 1, 2.123456], [3, 1, 2], "o-", color="#d55e00")
    axes.set_title("a <name> & more -- than one")
    text = StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()


def numbers(path: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", path)]


def by_tag(svg: str, tag: str) -> list[ElementTree.Element]:
    return [element for element in ElementTree.fromstring(svg).iter() if element.tag.endswith(f"}}{tag}")]


def test_every_path_keeps_its_points_to_a_tenth_of_a_point(drawn: str) -> None:
    before, after = by_tag(drawn, "path"), by_tag(compact(drawn), "path")
    assert len(before) == len(after) > 10
    for one, other in zip(before, after, strict=True):
        assert numbers(other.get("d", "")) == pytest.approx(numbers(one.get("d", "")), abs=0.0501)
        assert re.sub(r"[^A-Za-z]", "", other.get("d", "")) == re.sub(r"[^A-Za-z]", "", one.get("d", ""))


def test_it_is_less_than_two_thirds_and_names_nothing_that_users_wrote(drawn: str) -> None:
    made = compact(drawn)
    assert len(made) < 0.67 * len(drawn) and "name" not in made and "<!--" not in made


def test_what_is_referred_to_is_there_once(drawn: str) -> None:
    made = compact(drawn)
    wanted = set(re.findall(r'(?:href="|url\()#([^")]+)', made))
    there = [element.get("id") for element in ElementTree.fromstring(made).iter() if element.get("id")]
    assert wanted == set(there) and len(there) == len(set(there)) > 3


def test_every_colour_has_a_rule_for_light_and_for_dark_pages(drawn: str) -> None:
    light, _, turned = compact(drawn).partition("@media (prefers-color-scheme:dark)")
    for what, colour in (("stroke", "#d55e00"), ("fill", "#ffffff")):
        name = re.search(rf"\.(c\d+){{[^}}]*{what}:{colour}", light)
        assert name is not None
        assert re.search(rf"\.{name[1]}{{[^}}]*{what}:{dark(colour)}", turned)
    assert "style=" not in light


def test_an_address_is_the_drawing_again_and_fits_between_double_quotes(drawn: str) -> None:
    made = compact(drawn)
    coded = address(made)
    assert not set('"&#\n') & set(coded) and len(coded) < 1.1 * len(made)
    head, _, body = coded.partition(",")
    assert head == "data:image/svg+xml" and unquote(body) == made.replace('"', "'")
