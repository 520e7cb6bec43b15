"""JSON and YAML files read without trust: any content is a mapping of plain values, or one line that says what is not.

YAML references (`&a`, `*a`) are refused: nothing here writes them, and nested ones make a small file fill the memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from harness.schema import BadInput

LARGEST, LARGEST_YAML = 2**22, 2**18
"""Bytes of the largest files that are read; ours have a few thousand, and YAML is slow to read."""

DEEPEST = 40
"""Levels of nesting that are followed; ours have fewer than ten."""

MISSING = "missing file"


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises BadInput, in one line that names the file, for any other content."""
    return _mapping(path, _json, "a JSON object")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. Raises BadInput, in one line that names the file, for any other content."""
    return _mapping(path, _yaml, "a YAML mapping", LARGEST_YAML)


def read_text(path: Path, largest: int = LARGEST) -> str:
    """The text of a UTF-8 file of a limited size. Raises BadInput, in one line that names the file."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a device never ends
            raise unreadable(path, "a file", "something else")
        with path.open("rb") as file:
            content = file.read(largest + 1)
        if len(content) > largest:
            raise unreadable(path, f"a file of at most {largest} bytes", "a larger one")
        return content.decode("utf-8")
    except FileNotFoundError as error:
        raise BadInput(f"{path}: must be an existing file (got {MISSING})") from error
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, "a readable UTF-8 file", error) from error


def unreadable(path: Path, wanted: str, found: Exception | str) -> BadInput:
    """The error of a file that is not what it should be: one line, whatever the cause says of itself."""
    text = found if isinstance(found, str) else f"{type(found).__name__}: {' '.join(str(found).split())[:160]}"
    plain = text.encode("ascii", "backslashreplace").decode()
    return BadInput(f"{path}: must be {wanted} (got {''.join(c if c.isprintable() else '?' for c in plain)})")


def _mapping(path: Path, parse: Callable[[str], Any], wanted: str, largest: int = LARGEST) -> dict[str, Any]:
    text = read_text(path, largest)
    try:
        value = parse(text)
        if not isinstance(value, dict):
            raise unreadable(path, wanted, type(value).__name__)
        _demand_plain(value)
        return value
    except BadInput:
        raise
    except (ValueError, yaml.YAMLError, RecursionError, TypeError, AttributeError, OverflowError) as error:
        raise unreadable(path, wanted, error) from error


def _demand_plain(value: Any, depth: int = 0) -> None:
    """Raise ValueError for values that JSON does not have and for nesting beyond DEEPEST."""
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} levels")
    if isinstance(value, dict):
        for key, each in value.items():
            _demand_plain(key)
            _demand_plain(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _demand_plain(each, depth + 1)
    elif isinstance(value, str):
        value.encode()  # half of a surrogate pair cannot be written again
    elif value is not None and not isinstance(value, bool | int | float):
        raise ValueError(f"a value of type {type(value).__name__}")


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_PlainLoader)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


class _PlainLoader(yaml.SafeLoader):
    """YAML's safe loader, without references."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references are not read")
        return super().compose_node(parent, index)
