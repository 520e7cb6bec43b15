"""The figures of perf.gpu as tables for docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]


def tables(found: Found) -> str:
    """Markdown of what is there of a gpu.json; parts that did not complete say so."""
    parts = [_throughput(found), _step(found), _agreement(found), _bits(found), _small(found), _recovery(found)]
    ended = [f"{name}: {part['ended']}" for name, part in found.items() if part["ended"] != "completed"]
    return (
        "\n\n".join([_machine(found), *filter(None, parts), *(["Not completed: " + "; ".join(ended)] if ended else [])])
        + "\n"
    )


def _machine(found: Found) -> str:
    facts: Found = next((part["machine"] for part in found.values() if "machine" in part), {})
    named = [
        f"{facts[key]}" if key == "computed_on" else f"{key} {facts[key]}"
        for key in ("computed_on", "torch", "cuda", "cudnn", "processor")
        if key in facts
    ]
    return f"Machine: {', '.join(named) or 'unknown'}."


def _throughput(found: Found) -> str:
    part, peer = found.get("throughput", {}), found.get("peer", {}).get("plain", {})
    rows = [(name, value) for name, value in part.items() if isinstance(value, dict) and "images_per_s" in value]
    if not rows:
        return ""
    base = peer.get("images_per_s")
    lines = [
        [
            name,
            f"{value['images_per_s']:,}",
            _ratio(value["images_per_s"], base),
            f"{value['s']}",
            f"{value['used_GiB']}",
            f"{value['held_GiB']}",
        ]
        for name, value in rows
    ]
    marginal = part.get("marginal images_per_s, 4 streams")
    if marginal:
        lines.append(["4 streams, further updates", f"{marginal:,}", _ratio(marginal, base), "", "", ""])
    for name in ("plain", "8 loader workers"):
        each = found.get("peer", {}).get(name)
        if each:
            lines.append(
                [
                    f"peer, {name} ({each['architectures']} architectures)",
                    f"{each['images_per_s']:,}",
                    _ratio(each["images_per_s"], base),
                    f"{each['s']}",
                    "",
                    "",
                ]
            )
    return _table(
        [
            "64 architectures, C = 16, N = 5, 32 x 32, batch 256",
            "images/s",
            "times the peer",
            "s",
            "GiB used",
            "GiB held",
        ],
        lines,
    )


def _step(found: Found) -> str:
    part = found.get("step", {})
    rows = [
        [name, f"{value['replayed']}", f"{value['recording']}"]
        for name, value in part.items()
        if isinstance(value, dict) and "replayed" in value
    ]
    rows += [
        [name.removesuffix(" ms"), f"{value}", ""]
        for name, value in part.items()
        if name.startswith("peer") and name.endswith(" ms")
    ]
    return _table(["one update of 256 images", "ms", "recording, ms"], rows) if rows else ""


def _agreement(found: Found) -> str:
    part = found.get("agreement", {})
    columns = part.get("deviation of the GPU from the CPU", {})
    other = part.get("deviation of the CPU's two ways", {})
    rows = [
        [column, what, _list(values[what]), _list(other.get(column, {}).get(what, []))]
        for column, values in columns.items()
        for what in ("median", "max")
    ]
    if not rows:
        return ""
    heads = [
        "relative difference at each observation",
        "of 16",
        "GPU and CPU",
        f"CPU: {part.get('other way of the CPU')} and torch",
    ]
    scores = [
        [name.removeprefix("tau of "), *(f"{value[key]}" for key in ("gpu", "cpu", "other", "gpu_cpu", "cpu_other"))]
        for name, value in part.items()
        if name.startswith("tau of ")
    ]
    taus = _table(["score", "τ, GPU", "τ, CPU", "τ, CPU other way", "GPU against CPU", "CPU's two ways"], scores)
    return f"{_table(heads, rows)}\n\n{taus}" if scores else _table(heads, rows)


def _bits(found: Found) -> str:
    rows = [
        [
            name,
            ", ".join(f"{n} of {value['of']}" for n in value["equal_traces"]),
            ", ".join(value["differing"]) or "none",
            ", ".join(map(str, value["s"])),
        ]
        for name, value in found.get("bits", {}).items()
        if isinstance(value, dict)
    ]
    return (
        _table(
            ["equal traces, of 4, 4 and 1 streams with 1 stream", "equal", "columns that differ", "s of each run"], rows
        )
        if rows
        else ""
    )


def _small(found: Found) -> str:
    rows = [
        [name if name != "CPU" else f"CPU, {value['cores']} cores, {value['kernels']}", f"{value['updates_per_s']:,}"]
        for name, value in found.get("small", {}).items()
        if isinstance(value, dict)
    ]
    return _table(["digits, C = 8, N = 1, batch 128", "updates/s"], rows) if rows else ""


def _recovery(found: Found) -> str:
    part = found.get("recovery", {})
    if "stored" not in part:
        return ""
    said = "\n".join(f"    {line}" for line in part.get("lines", []))
    counts = f"{sum(part['stored'])} of {len(part['stored'])} stored in {part.get('s')} s"
    return f"Recovery: {counts}; failures: {part['failures']}.\n\n{said}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])


def _ratio(value: float, base: float | None) -> str:
    return f"{value / base:.1f}" if base else ""


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
