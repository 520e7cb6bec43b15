"""Weights of a network from a file: .npz with a description, or a state dict; nothing in it is executed."""

from __future__ import annotations

import json
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.schema import BadInput, demand

from . import squeezenet
from .catalogue import Entry

DESCRIPTION = "spec"
SCALE = ".scale"

_FAULTS = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, pickle.UnpicklingError)

PACKAGED = {f"squeezenet{version}": version for version in squeezenet.FIRES}


def read(entry: Entry, path: Path) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """Description and weights (float32, by name) of the network in this file.

    int8 arrays of a .npz file have one factor per row in `NAME.scale`. Raises BadInput for a damaged file, one that is
    neither, and a state dict without a description.
    """
    try:
        described, weights = _npz(path) if path.suffix == ".npz" else (None, _state_dict(path))
    except _FAULTS as error:
        if isinstance(error, BadInput):
            raise
        reason = " ".join(str(error).split())[:200]
        wanted = "an intact .npz file or state dict"
        raise BadInput(f"bench.models: must be {wanted} (got {path}: {type(error).__name__}: {reason})") from error
    return _description(entry, described), weights


def _description(entry: Entry, described: Mapping[str, Any] | None) -> Mapping[str, Any]:
    given = entry.description if entry.description is not None else described
    if isinstance(given, str):
        wanted = f"one of {', '.join(PACKAGED)} or a mapping"
        demand(given in PACKAGED, f"models.yaml: {entry.name}.description", wanted, given)
        return squeezenet.description(PACKAGED[given])
    wanted = "a mapping of input, mean, std, size and ops"
    demand(isinstance(given, dict), f"models.yaml: {entry.name}.description", wanted, given)
    assert isinstance(given, dict)
    return given


def _npz(path: Path) -> tuple[Mapping[str, Any] | None, dict[str, Tensor]]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        described = json.loads(str(arrays[DESCRIPTION])) if DESCRIPTION in arrays.files else None
        names = [name for name in arrays.files if name != DESCRIPTION and not name.endswith(SCALE)]
        return described, {name: _array(name, arrays) for name in names}


def _array(name: str, arrays: Any) -> Tensor:
    values = arrays[name].astype(np.float32)
    if f"{name}{SCALE}" in arrays.files:
        values = values * arrays[f"{name}{SCALE}"].reshape(-1, *([1] * (values.ndim - 1)))
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _state_dict(path: Path) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a pickle's protocol: what cannot be read is an error
        read = torch.load(path, map_location="cpu", weights_only=True)
    held = isinstance(read, dict) and all(isinstance(value, Tensor) for value in read.values())
    demand(held, "bench.models", "a state dict (names and tensors)", str(path))
    return {str(name): value.float() for name, value in read.items()}
