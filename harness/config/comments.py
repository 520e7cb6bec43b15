"""What the configuration files say of each key: the comment behind it, which has its unit and its choices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from omegaconf import DictConfig

Keys = tuple[str, ...]
"""A key by the keys above it, e.g. ("train", "batch")."""

_KEY = re.compile(r"^( *)([\w]+):(?:\s|$)")
_COMMENT = re.compile(r"(?:^|\s)#\s*(.*)$")


def comments_in(text: str) -> dict[Keys, str]:
    """The comment behind each key of a YAML text; one that goes on in lines of its own is joined.

    >>> comments_in("batch: 128  # images\\nonly:  # files,\\n       # by group\\n  measure: null")
    {('batch',): 'images', ('only',): 'files, by group'}
    """
    found: dict[Keys, str] = {}
    above: list[tuple[int, str]] = []
    last: Keys | None = None
    for line in text.splitlines():
        key, comment = _KEY.match(line), _COMMENT.search(line)
        if key:
            indent = len(key[1])
            above = [*((depth, name) for depth, name in above if depth < indent), (indent, key[2])]
            last = tuple(name for _, name in above) if comment else None
            if last and comment:
                found[last] = comment[1].strip()
        elif last and comment and line.lstrip().startswith("#") and line.startswith(" "):
            found[last] += f" {comment[1].strip()}"
        else:
            last = None
    return found


def comments(config: DictConfig) -> dict[Keys, str]:
    """The comments on the keys of a composed configuration that has Hydra's own part.

    They are those of the chosen file of each group, and of the files of that group which it begins with. Only files are
    read: a configuration that a package carries in an archive has no comments.
    """
    sources = config.hydra.runtime.config_sources
    folders = [Path(source["path"]) for source in sources if source["schema"] == "file"]
    found = comments_in(_text(folders, config.hydra.job.config_name or ""))
    for group, choice in config.hydra.runtime.choices.items():
        if "/" not in str(group) and isinstance(choice, str):
            found |= {(str(group), *keys): text for keys, text in _of_group(folders, str(group), choice).items()}
    return found


def _of_group(folders: Sequence[Path], group: str, choice: str) -> Mapping[Keys, str]:
    """The comments of one file of a group, over those of the files that its defaults name."""
    text = _text(folders, f"{group}/{choice}")
    first: dict[Keys, str] = {}
    for each in (yaml.safe_load(text) or {}).get("defaults", []):
        if isinstance(each, str) and each not in ("_self_", choice):
            first |= _of_group(folders, group, each)
    return first | comments_in(text)


def _text(folders: Sequence[Path], name: str) -> str:
    """The text of a configuration file in the first folder that has it; empty where none has."""
    files = (folder / f"{name}.yaml" for folder in folders)
    return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), "")
