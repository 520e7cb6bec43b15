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
        "a7a12feceec91896417270977fae487f9504f81aa80f646b2f3a98191b17c1cf",
    ),
    "measure/capacitance": (
        "harness.measures.capacitance.Capacitance",
        "a941f76391a05650363e92908f5fead96e577a04aebf0ac53199af0fa34268a4",
        "a2880722fb8bd1d11ce09dad71db94afd18a280ee96b20b3cddb21469fa205ae",
    ),
    "measure/capacitance_network": (
        "harness.measures.capacitance_network.CapacitanceNetwork",
        "5fd951bcd35a958d4962ab7aeaf3cccc754106e3155ccae4b0d1e896f23f7f0d",
        "b30c4ea9710b0aa4b77fdf4d4b947161fceb311f219568f8a8249b965504762d",
    ),
    "measure/grasp": (
        "harness.measures.grasp.Grasp",
        "b4290e91283df59c3fcba181addd9c1ffe4a4c13ffae64c41e79b8f595611e34",
        "bf887b78754408e82b2fbbaed83f05f97194be5af1f771077d41efbdfa788397",
    ),
    "measure/jacobian_covariance": (
        "harness.measures.jacobian_covariance.JacobianCovariance",
        "5b51d5a60cb13ee9f96e883e5cd57d7230b376f128c045bc9fe771cae809bc85",
        "c80e7dbcb1f9e652a10f047bad13d27940111911d2c798586230b9f5ee7669f8",
    ),
    "measure/l2_norm": (
        "harness.measures.l2_norm.L2Norm",
        "3bde958ad3b3af8526042a72d4cad705b43df62cb66a4b53335ca62a8cce0a56",
        "6b5ef0ff5472ebcfafa672cd58187d54fb33947d1360f7b77e8391b4e9574acb",
    ),
    "measure/layer_statistics": (
        "harness.measures.layer_statistics.LayerStatistics",
        "ee5a08467c68c56ddc2c9ff61f94f30d14160f338d600b0f064bcee20995d5fe",
        "0bd323325a8ccef0508fc34735dd5d5aa8a51c57edf4d9a8f034b61061f4d26c",
    ),
    "measure/loss_gradient": (
        "harness.measures.loss_gradient.LossGradient",
        "e73f5338cb0424e4c609b98fcd3652e21cd72eda74b47d565ba53fc2363519cd",
        "3e5d3f8987fb95faa12738d1cebfa879271f52f8c1ae8a7cbdbf35cfca4e4dbc",
    ),
    "measure/movement": (
        "harness.measures.movement.Movement",
        "15c6d0001647fe2d0073ba87049bd3630896c06be937f6a36f7ca294bf6d6453",
        "dfca0ebd296859a4fa5ec1cdc8b855c11e1a37a85d0292ca72d008691d840114",
    ),
    "measure/naswot": (
        "harness.measures.naswot.Naswot",
        "8d482ca011d7b74808742d2f88f29c8e5515a0319e2bffeff920eeb3da4d1c4c",
        "04503938fb247cc5e429c5474e9566cdc3b8d4fdbb84b10cf50ebbd151102541",
    ),
    "measure/readout": (
        "harness.measures.readout.Readout",
        "900eeae2a0a9c987e795500ab4ada541b301164f8ae53539ddcf5b7c4404538c",
        "c06139d4d0d087241ba5e47dbf9e612c9ea4f9121685285eaaaa669051758352",
    ),
    "measure/synflow": (
        "harness.measures.synflow.SynFlow",
        "8cf45801253e3cbe00a86219ed0ee20c259a5e61a41fc0e2d8b56ea81aa23dd5",
        "da6c07c8169163cf32e1caf908dd039c634532c94a2eb29342e107525fab41f7",
    ),
    "measure/temporal_graph": (
        "harness.measures.temporal_graph.TemporalGraph",
        "7869501bc4a0a572451a840cf2e6e021ab53144bd6fc686a363769c3b50b08fe",
        "ffa5c842bc4c7636fa5573af25ab74e71082bf86fda9250cb782e66ac09901f3",
    ),
    "measure/untrained": (
        "harness.measures.untrained.Untrained",
        "0db104bc2dd54c2f8d8bde895bf6c150d1f6ccb9888a927e78533d1f450217f9",
        "e3f7aa02c41eef98bae7a89e06ee45ec65e27a0ad53243b979097f36ce20bec7",
    ),
    "measure/weight_statistics": (
        "harness.measures.weight_statistics.WeightStatistics",
        "9af59de9df1d53e29972551bc6a529afd896f4f4a254fd69a681d6e2d9a88cc8",
        "f0dc154d6dfead16247db3312c5905e1951a5b051c0996e9cb20174287d9e54b",
    ),
    "measure/zen": (
        "harness.measures.zen.Zen",
        "56b9f56b595f428509f29384a268e0657233bc785429497775c7afdc7c8211e5",
        "95f25a98b6f7eb7023c00dba986678b7ef3a5039d60fc05946d5daf536250b2c",
    ),
    "measure/zico": (
        "harness.measures.zico.ZiCo",
        "0a2b4d5ed2745cf65b76add7429733e9ddde714446d9eb92bbc9bc929fe909b7",
        "fb283b224f308d2194aa9b05b24cf5321e99295efaa4a1a7ccb597c4d62e52b8",
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
    return {**_without(key.content(), "threads"), "recipe": recipe, "measures": measures}


def _without(settings: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != name}
