"""Traces of version 2, whose keys named classes by their place and measures by the text of their files.

They are not trained again: one that was made by just this training is read and stored anew under today's key. Such a
file has no checksum; its key, architecture and seed are compared.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

from harness.schema import Architecture, Trace, digest
from harness.storage.trace_key import TraceKey
from harness.storage.traces import TraceStore

VERSION = 2

RECIPE = "harness.train.recipe.Recipe"

MEASURES = MappingProxyType({
    "measure/az_nas": (
        "harness.measures.az_nas.AzNas",
        "81f918db4f94527a611e4773faa9b9f01bed49ed4dd6d3f2843b868c86b1247c",
        "64f58729e28719f9d3de05aba6004167cc6247080adba3ee511c9ac403761a5a",
    ),
    "measure/capacitance": (
        "harness.measures.capacitance.Capacitance",
        "a941f76391a05650363e92908f5fead96e577a04aebf0ac53199af0fa34268a4",
        "3fbc26067eab7ce559b5e5efaf679569c0f4b9d8c1da03500dc1d655b75200f2",
    ),
    "measure/capacitance_network": (
        "harness.measures.capacitance_network.CapacitanceNetwork",
        "5fd951bcd35a958d4962ab7aeaf3cccc754106e3155ccae4b0d1e896f23f7f0d",
        "632ac10fbf5ab768bf30d02863bf06cc1d2f9993763ac020d0b85b70c0d5d054",
    ),
    "measure/fisher": (
        "harness.measures.fisher.Fisher",
        "513480bf926c6ca605b926e07a70484cda95dfcaeadfc372db1bd8cff3648f32",
        "1e8c0a27c8a57d202188ec1b586728dcb3ac010a57d109d008adb1733ccc392d",
    ),
    "measure/grasp": (
        "harness.measures.grasp.Grasp",
        "b4290e91283df59c3fcba181addd9c1ffe4a4c13ffae64c41e79b8f595611e34",
        "2bd89faed9f2b1e50edb073e0626a50585934d85cf6b857a56ee1b60cac1f6d9",
    ),
    "measure/jacobian_covariance": (
        "harness.measures.jacobian_covariance.JacobianCovariance",
        "5b51d5a60cb13ee9f96e883e5cd57d7230b376f128c045bc9fe771cae809bc85",
        "6f251acc8da2be48d7866710e7c767b6c0219c730c98da7d1c20056285072c25",
    ),
    "measure/l2_norm": (
        "harness.measures.l2_norm.L2Norm",
        "3bde958ad3b3af8526042a72d4cad705b43df62cb66a4b53335ca62a8cce0a56",
        "98cf4175266b823e4cbdce1d2d13210d672af09ccd2e1c5175af63b32f65b3e7",
    ),
    "measure/layer_statistics": (
        "harness.measures.layer_statistics.LayerStatistics",
        "ee5a08467c68c56ddc2c9ff61f94f30d14160f338d600b0f064bcee20995d5fe",
        "71f5ede19c530e91d898d87d9ee3d93a6533aa682ea23077000790f5538a8bda",
    ),
    "measure/loss_gradient": (
        "harness.measures.loss_gradient.LossGradient",
        "e73f5338cb0424e4c609b98fcd3652e21cd72eda74b47d565ba53fc2363519cd",
        "aab84b27d3073f320597d488dfdf68d2804690a79da62024ca3dd52a4c55c473",
    ),
    "measure/movement": (
        "harness.measures.movement.Movement",
        "15c6d0001647fe2d0073ba87049bd3630896c06be937f6a36f7ca294bf6d6453",
        "4e49422075e3bd9b138c99e2c672e469bd99bf432c6d234686413da88928fd32",
    ),
    "measure/naswot": (
        "harness.measures.naswot.Naswot",
        "8d482ca011d7b74808742d2f88f29c8e5515a0319e2bffeff920eeb3da4d1c4c",
        "5eaa3aaf67660e732f725cdc54e434887dbcfff38d507a27d32d4b6c0ae6d819",
    ),
    "measure/readout": (
        "harness.measures.readout.Readout",
        "900eeae2a0a9c987e795500ab4ada541b301164f8ae53539ddcf5b7c4404538c",
        "c4bddf61bfadee4e63796b61802fb3eba1819582b07449e39f4539c2c5a8a900",
    ),
    "measure/synflow": (
        "harness.measures.synflow.SynFlow",
        "8cf45801253e3cbe00a86219ed0ee20c259a5e61a41fc0e2d8b56ea81aa23dd5",
        "cd7d1368b1f2e3fb9ca28815f2888280ae1bab83020ba4885b175202a8acc7be",
    ),
    "measure/temporal_graph": (
        "harness.measures.temporal_graph.TemporalGraph",
        "7869501bc4a0a572451a840cf2e6e021ab53144bd6fc686a363769c3b50b08fe",
        "ee022e4de0f55879ad4fe131df7a39e505afaeda3d73489ab4cf3d3ff4fe93c0",
    ),
    "measure/untrained": (
        "harness.measures.untrained.Untrained",
        "0db104bc2dd54c2f8d8bde895bf6c150d1f6ccb9888a927e78533d1f450217f9",
        "4170afbf222c420b970a8c7b255198016881c2341357e348920dda681a7ec60e",
    ),
    "measure/weight_statistics": (
        "harness.measures.weight_statistics.WeightStatistics",
        "9af59de9df1d53e29972551bc6a529afd896f4f4a254fd69a681d6e2d9a88cc8",
        "19cc46ca051f6b95eb4cfa8ed2d8d58c22e9d87b9667f9762a49a8a0b8ca49cf",
    ),
    "measure/zen": (
        "harness.measures.zen.Zen",
        "56b9f56b595f428509f29384a268e0657233bc785429497775c7afdc7c8211e5",
        "287f44d88f4eba72dabf55a9a26093ace9da8296e6d9279a782b9ef95549c8c0",
    ),
    "measure/zico": (
        "harness.measures.zico.ZiCo",
        "0a2b4d5ed2745cf65b76add7429733e9ddde714446d9eb92bbc9bc929fe909b7",
        "7e6a39c69b6075572442ebb2a901b6a3411d38d52631832aa1d187a75ef7ec28",
    ),
})  # fmt: skip
"""By kind: the dotted path of version 2, the digest of its source then, and that of what it computed.

A measure that computes something else today has another digest than the last one, and its traces are trained again.
Where only its code was rearranged, the last one may be replaced by the digest of today.
"""


def read(store: TraceStore, key: TraceKey) -> Trace | None:
    """The trace that version 2 stored of the training of `key`; None where there is none, or none of just this."""
    old = key_of_version_2(key)
    path = store.at(digest([VERSION, old])) if old else None
    if old is None or path is None or not path.is_file():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"trace"])
        held = digest(about["key"]), about["architecture"]["name"], about["seed"]
        if held != (digest(old), key.architecture, key.seed):
            return None
        return Trace(Architecture(**about["architecture"]), about["seed"], table.to_pandas(), about["diverged"])
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def key_of_version_2(key: TraceKey) -> dict[str, Any] | None:
    """The same training as version 2 described it; None for one that it could not have made."""
    if key.recipe.get("kind") != "train/recipe" or key.threads != 1:  # the default; version 2 did not say
        return None
    measures = {}
    for name, described in key.measures.items():
        target, source, computed = MEASURES.get(described["kind"], ("", "", None))
        if described["source"] != computed:
            return None
        measures[name] = {"_target_": target, **_without(described, "kind"), "source": source}
    recipe = {"_target_": RECIPE, **_without(key.recipe, "kind")}
    return {**_without(vars(key), "threads"), "recipe": recipe, "measures": measures}


def _without(settings: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != name}
