"""One name for a model or a data set that publications spell in several ways."""

from __future__ import annotations

import functools

from .torchvision_facts import torchvision_facts

DATASETS = {
    "aircraft": ("fgvcaircraft",),
    "birdsnap": (),
    "caltech101": (),
    "cars": ("stanfordcars",),
    "cifar10": (),
    "cifar100": (),
    "cub200": ("cub", "cub2002011", "cub200birds"),
    "dogs": ("stanforddogs",),
    "dtd": ("texture", "textures", "describabletextures"),
    "flowers": ("flowers102", "oxfordflowers", "oxfordflowers102"),
    "food": ("food101",),
    "nabirds": ("nabird",),
    "pets": ("pet", "oxfordpets", "oxfordiiitpet", "oxfordiiitpets"),
    "sun397": ("sun",),
    "voc2007": ("voc", "pascalvoc2007"),
}
"""The name of each data set, and its other spellings without case and punctuation."""

MODELS = {"mnasnet": "mnasnet1_0"}
"""Spellings of torchvision's models, without case and punctuation, that have another name there."""


def dataset_name(text: str) -> str:
    """The name of the data set `text`: one of `DATASETS`, else the text in lower case."""
    return _spellings().get(_letters(text), text.strip().lower())


def model_name(text: str) -> str:
    """The name of the model `text`: torchvision's if it has such a model, else the text as it is."""
    return _models().get(_letters(text), text.strip())


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


@functools.cache
def _spellings() -> dict[str, str]:
    return {spelling: name for name, others in DATASETS.items() for spelling in (name, *others)}


@functools.cache
def _models() -> dict[str, str]:
    return {**{_letters(name): name for name in torchvision_facts().index}, **MODELS}
