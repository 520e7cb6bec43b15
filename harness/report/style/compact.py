"""SVG as small as a page wants it: Matplotlib's own files name every group and repeat every style."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.etree import ElementTree

from harness.report.style.dark import dark

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

DECIMALS = 1
"""Of coordinates, which are in points: an error of a twentieth of a point is a third of a pixel of a printer."""


def compact(svg: str) -> str:
    """The drawing in fewer bytes, which turns dark where the reader prefers dark pages.

    Coordinates are rounded to DECIMALS (those of markers and clips, which are small, to one more), styles become
    classes with a counterpart for dark pages, and names that nothing refers to, groups without attributes, comments and
    line ends are left out. Raises xml.etree.ElementTree.ParseError for what is no SVG.
    """
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(svg)
    made = _Shrunk(
        {old: f"i{at}" for at, old in enumerate(dict.fromkeys(re.findall(r'(?:href="|url\()#([^")]+)', svg)))}
    )
    made.shrink(root, DECIMALS)
    _unwrap(root)
    ElementTree.SubElement(root, f"{{{SVG}}}style").text = made.rules()
    return ElementTree.tostring(root, encoding="unicode")


def address(svg: str) -> str:
    """The drawing as an address for an attribute in double quotes; a third shorter than base64."""
    return "data:image/svg+xml," + quote(svg.replace('"', "'"), safe=" !$'()*+,-./:;<=>?@[]^_`{|}~")


@dataclass
class _Shrunk:
    """`names` are the short ones of what is referred to, `classes` the styles that were met."""

    names: dict[str, str]
    classes: dict[str, str] = field(default_factory=dict)

    def shrink(self, element: ElementTree.Element, decimals: int) -> None:
        """Rewrite an element and all in it."""
        tag = element.tag.rpartition("}")[2]
        decimals += tag in ("defs", "clipPath")
        element.text = element.text if tag == "style" else None
        element.tail = None
        old = dict(element.attrib)
        element.attrib.clear()
        for key, value in old.items():
            name, text = self._attribute(tag, key, value, decimals)
            if name:
                element.set(name, text)
        for child in element:
            self.shrink(child, decimals)

    def _attribute(self, tag: str, key: str, value: str, decimals: int) -> tuple[str, str]:
        """An attribute's new name, empty where it is left out, and its new value."""
        if key == "id":
            return ("id", self.names[value]) if value in self.names else ("", "")
        if key == f"{{{XLINK}}}href":
            return "href", f"#{self.names[value[1:]]}" if value.startswith("#") else value
        if key == "clip-path":
            return key, re.sub(r"#([^)]+)", lambda found: f"#{self.names[found[1]]}", value)
        if key == "style":
            return "class", self.classes.setdefault(value.rstrip("; "), f"c{len(self.classes)}")
        if key == "d":
            return key, re.sub(r" ?([A-Za-z]) ?", r"\1", _round(" ".join(value.split()), decimals)).replace(" -", "-")
        return key, _round(value, decimals) if key in ("x", "y", "width", "height") and tag != "svg" else value

    def rules(self) -> str:
        """A rule for every class, and its colours on dark pages."""
        light, turned = [], []
        for style, name in self.classes.items():
            light.append(f".{name}{{{style.replace(': ', ':').replace('; ', ';')}}}")
            colours = re.findall(r"(fill|stroke): (#[0-9a-f]{6})", style)
            turned.append(
                f".{name}{{{';'.join(f'{what}:{dark(colour)}' for what, colour in colours)}}}" if colours else ""
            )
        images = "image{filter:invert(1) hue-rotate(180deg)}"
        return f"{''.join(light)}@media (prefers-color-scheme:dark){{{''.join(turned)}{images}}}"


def _round(text: str, decimals: int) -> str:
    """The text with every number in it rounded, without zeros at its end and without a minus before zero."""
    return re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), decimals) + 0.0:g}", text)


def _unwrap(element: ElementTree.Element) -> None:
    """Put in the place of every group without attributes what is in it."""
    inside: list[ElementTree.Element] = []
    for child in element:
        _unwrap(child)
        inside += list(child) if child.tag == f"{{{SVG}}}g" and not child.attrib else [child]
    element[:] = inside
