"""The description of a network: a list of operations on named feature maps, read from two dialects and checked.

A description is a mapping with `input` (the name of the first map), `mean` and `std` (three numbers in units of
0..255), `size` (side of the images it was trained on) and `ops`. Each operation has `op`, `in` (names of maps) and
`out`. It is data: nothing in it is executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.schema import BadInput, demand

OPERATIONS = {  # name: number of inputs (None: any)
    **dict.fromkeys(("conv", "bn", "fc", "pad", "maxpool", "pool", "flatten", "deal", "half", "identity"), 1),
    "add": 2,
    "cat": None,
}

ACTIVATIONS: dict[object, str] = {
    **{0: "", None: "", "": ""},
    **{1: "relu", "relu": "relu"},
    **{3: "relu6", "relu6": "relu6"},
    "leaky": "leaky",
}

TFLITE = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), "conv"),
    "FULLY_CONNECTED": "fc",
    "ADD": "add",
    "PAD": "pad",
    **dict.fromkeys(("AVERAGE_POOL_2D", "MEAN"), "pool"),
    **dict.fromkeys(("SOFTMAX", "QUANTIZE", "DEQUANTIZE"), "identity"),
    "RESHAPE": "flatten",
}
"""Operations of the dialect of TensorFlow Lite. SOFTMAX is left out: what is returned are logits."""


@dataclass(frozen=True)
class Operation:
    """One operation; `settings` holds what its kind needs besides."""

    kind: str
    inputs: tuple[object, ...]
    output: object
    activation: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network: `features` names the map that the classifier reads, `classifies` says whether it has a classifier.

    Pixels are RGB in units of 0..255; `mean` and `std` are per colour.
    """

    operations: tuple[Operation, ...]
    input: object
    features: object
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classifies: bool


def parse(text: Mapping[str, Any], where: str) -> Graph:
    """The network that `text` describes. Raises BadInput, naming `where`, for what is no such description."""
    try:
        return _canonical(text, where) if "input_shape" not in text else _tflite(text, where)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"bench.models: must be the description of a network (got {where}: {error!r})") from error


def _canonical(text: Mapping[str, Any], where: str) -> Graph:
    operations = tuple(_operation(each, where) for each in text["ops"])
    size = int(text["size"])
    _demand_order(operations, text["input"], where)
    weighted = [each for each in operations if each.kind in ("conv", "fc")]
    demand(bool(weighted), "bench.models", "a network with a convolution or a dense layer", where)
    classifies = bool(text.get("head", True))
    features = text.get("feat", weighted[-1].inputs[0])
    known = {text["input"], *(each.output for each in operations)}
    demand(features in known, "bench.models", f"a network of {where} whose features are one of its maps", features)
    return Graph(operations, text["input"], features, size, _three(text["mean"]), _three(text["std"]), classifies)


def _operation(each: Mapping[str, Any], where: str) -> Operation:
    kind, inputs = str(each["op"]), tuple(each["in"])
    known = kind in OPERATIONS and OPERATIONS[kind] in (None, len(inputs))
    demand(known, "bench.models", f"a network of {where} of known operations ({', '.join(OPERATIONS)})", kind)
    act = each.get("act", 0)
    demand(act in ACTIVATIONS, "bench.models", f"a network of {where} with known activations", act)
    settings = {key: value for key, value in each.items() if key not in ("op", "in", "out", "act")}
    return Operation(kind, inputs, each["out"], ACTIVATIONS[act], settings)


def _tflite(text: Mapping[str, Any], where: str) -> Graph:
    scale, zero, shape = float(text["input_scale"]), float(text["input_zero"]), text["input_shape"]
    operations = [_operation(_translated(each), where) for each in text["ops"]]
    _demand_order(operations, text["input"], where)
    pools = [each.output for each in operations if each.kind == "pool"]
    demand(bool(pools), "bench.models", "a network with a global average", where)
    # scale * (pixel - zero) is the quantised input: a mean of `zero` and a deviation of 1 / scale
    return Graph(tuple(operations), text["input"], pools[0], int(shape[1]), (zero,) * 3, (1 / scale,) * 3, True)


def _translated(each: Mapping[str, Any]) -> dict[str, Any]:
    new = {**each, "op": TFLITE.get(each["op"], each["op"])}
    if new["op"] == "pad":
        _, rows, columns, _ = each["paddings"]  # of images, height, width, colours
        new["p"] = [*columns, *rows]
    new["in"] = list(each["in"])[: 2 if new["op"] == "add" else 1]
    return new


def _three(values: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    demand(len(found) == 3, "bench.models", "a mean and a deviation of three colours", found)
    return found


def _demand_order(operations: Sequence[Operation], first: object, where: str) -> None:
    known = {first}
    for each in operations:
        missing = [name for name in each.inputs if name not in known]
        demand(not missing, "bench.models", f"a network of {where} whose maps are made before they are read", missing)
        known.add(each.output)
