"""The engine on a GPU: agreement with the CPU, equal bits, images a second against the plain peer, memory, recovery.

    python -m perf.gpu [PART ...] [--out FOLDER] [--seconds 285] [--dry]

runs each part in a process of its own with a time limit, and writes FOLDER/gpu.json and FOLDER/gpu.md after every part,
so that what was measured stays where a later part fails. `smoke` is a part that is only run by its name. `--dry` goes
through the parts on a CPU with stand-ins for streams and graphs: its figures mean nothing. Needs no Hydra.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from perf.gpu_table import tables

PARTS = {
    "throughput": ("perf.gpu_parts", 110),
    "peer": ("perf.gpu_parts", 60),
    "agreement": ("perf.gpu_parts", 50),
    "recovery": ("perf.gpu_recovery", 45),
    "small": ("perf.gpu_parts", 30),
    "bits": ("perf.gpu_parts", 45),
    "step": ("perf.gpu_smoke", 45),
    "smoke": ("perf.gpu_smoke", 60),
}
"""Where a part is, and how many seconds it may take."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are named, or all but smoke."""
    parser = argparse.ArgumentParser(prog="python -m perf.gpu", description="The engine on a GPU.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all but smoke)")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder of gpu.json and gpu.md (default: gpu)")
    parser.add_argument("--seconds", type=float, default=285, help="what all parts may take together (default: 285)")
    parser.add_argument("--dry", action="store_true", help="on a CPU, with stand-ins: figures mean nothing")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if asked.inside:
        return inside(asked.parts[0], asked.out, asked.dry)
    if not asked.dry and not cards():
        print("perf.gpu: needs a CUDA device (got none); never run on this machine", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + asked.seconds
    for name in asked.parts or [name for name in PARTS if name != "smoke"]:
        run_part(name, asked.out, min(PARTS[name][1], end - time.monotonic()), asked.dry)
    return 0


def cards() -> int:
    """Number of GPUs."""
    import torch

    return torch.cuda.device_count()


def run_part(name: str, out: Path, seconds: float, dry: bool) -> None:
    """One part in a process of its own, ended when its time is over; what it noted until then counts."""
    begin = time.monotonic()
    command = [sys.executable, "-m", "perf.gpu", name, "--inside", "--out", str(out), *(["--dry"] if dry else [])]
    ended = "no time was left"
    if seconds > 5:
        try:
            code = subprocess.run(command, timeout=seconds, stdin=subprocess.DEVNULL).returncode
            ended = "completed" if code == 0 else f"ended with code {code}"
        except subprocess.TimeoutExpired:
            ended = f"stopped after {seconds:.0f} s"
    noted = out / f"{name}.json"
    found = json.loads(noted.read_text()) if noted.exists() else {}
    whole = out / "gpu.json"
    everything = json.loads(whole.read_text()) if whole.exists() else {}
    everything[name] = {"ended": ended, "seconds": round(time.monotonic() - begin, 1), **found}
    whole.write_text(json.dumps(everything, indent=1) + "\n")
    (out / "gpu.md").write_text(tables(everything), encoding="utf-8")
    print(f"{name}: {ended}, {time.monotonic() - begin:.1f} s", flush=True)


def inside(name: str, out: Path, dry: bool) -> int:
    """The part itself, in the process that was started for it."""
    from perf.gpu_site import Site

    noted = out / f"{name}.json"
    noted.unlink(missing_ok=True)
    found: dict[str, object] = {}

    def note(key: str, value: object) -> None:
        found[key] = value
        noted.write_text(json.dumps(found))
        print(f"  {name}.{key}: {value}", flush=True)

    getattr(import_module(PARTS[name][0]), name)(Site(dry), note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
