"""Which run a results folder holds: its name, and a digest of all that its tables were made from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.runs.context import RunContext, Sample
from harness.runs.environment import code_fingerprint, environment
from harness.schema import SCHEMA_VERSION, Trace, Truth, digest, settings
from harness.storage.tables import CONFIG, ENVIRONMENT, write_results


def folder(context: RunContext) -> Path:
    """The folder of this run's tables; its name is the same exactly for runs of the same settings on the same data.

    Kernels, device, threads and the type of GPU are among the settings as they were resolved: they round differently.
    """
    spec, campaign = context.spec, context.campaign
    parts: list[Any] = [spec.bench, spec.recipe, spec.evaluation, *spec.measures.values(), *spec.predictors.values()]
    parts += [*spec.fit_benches, *([spec.signal] if spec.signal else [])]
    names = [*spec.measures, *spec.predictors]
    device = campaign.device.partition(":")[0]
    threads = campaign.threads if device == "cpu" else 1
    machine = [context.kernels, device, threads, *([campaign.gpu] if campaign.gpu else [])]
    hashed = digest([names, [settings(part) for part in parts], campaign.fingerprint, *machine])[:8]
    names += [*(f"sample {given}" for given in spec.sample), *(f"target {name}" for name in spec.targets)]
    count = "all" if spec.architectures is None else f"n{spec.architectures}"
    count = f"given{len(spec.sample)}" if spec.sample else count
    part = f"{count}-skip{spec.skip}" if spec.skip else count
    return spec.results / f"{spec.bench.name}-{campaign.images.name}" / f"seed{spec.seed}-{part}-{hashed}"


def identity(context: RunContext, sample: Sample) -> str:
    """SHA-256 (hex) of everything besides the traces that the tables depend on: settings, truth, code."""
    spec = context.spec
    components = [spec.bench, spec.dataset, spec.evaluation, *spec.measures.values(), *spec.predictors.values()]
    known_as = folder(context).relative_to(spec.results).as_posix()
    truth = truth_fingerprint(sample.truth)
    targets = {name: truth_fingerprint(target) for name, target in sample.targets.items()}
    others = [targets] if targets else []
    return digest([known_as, truth, sample.truth.source, code_fingerprint(components), *others])


def truth_fingerprint(truth: Truth) -> str:
    """SHA-256 (hex) of the accuracies, with their architectures and seeds."""
    return digest(truth.accuracy.to_json(double_precision=15))


def status(context: RunContext, sample: Sample, traces: Sequence[Trace]) -> dict[str, Any]:
    """What was run, on which data, against which truth."""
    spec, truth, recorded = context.spec, sample.truth, context.recorded
    return {
        "state": "complete" if len(traces) == len(sample.architectures) else "partial",
        "bench": spec.bench.name,
        "dataset": context.campaign.images.name,
        "dataset_fingerprint": context.campaign.fingerprint,
        "seed": spec.seed,
        "architectures": len(sample.architectures),
        "skip": spec.skip,
        "trained": len(traces),
        "diverged": sum(trace.diverged is not None for trace in traces),
        "truth": _about(truth),
        **({"targets": {name: _about(target) for name, target in sample.targets.items()}} if sample.targets else {}),
        "evaluation": vars(spec.evaluation),
        "signal": {
            "split": spec.signal.split if spec.signal else ", ".join(spec.recipe.watch),
            "train_images": context.train_images,
            "recorded": recorded.label if recorded else None,
            "test_leak": recorded.leak if recorded else "test" in spec.recipe.watch,
        },
        "recipe": vars(spec.recipe),
        "network": spec.bench.network(),
        "fit_on": [bench.network() for bench in spec.fit_benches],
        "kernels": context.kernels,
        "device": context.campaign.device,
        "schema_version": SCHEMA_VERSION,
        "identity": identity(context, sample),
        **({"command": spec.command} if spec.command else {}),
        "seconds": round(time.time() - context.started, 1),
    }


def _about(truth: Truth) -> dict[str, Any]:
    """Where a ground truth comes from."""
    return {
        "train_set": truth.train_set,
        "split": truth.split,
        "epochs": truth.epochs,
        "seeds": list(truth.accuracy.columns),
        "source": truth.source,
        "fingerprint": truth_fingerprint(truth),
    }


def write(context: RunContext, tables: Mapping[str, pd.DataFrame], status: Mapping[str, Any]) -> None:
    """Store the tables, the configuration and the environment in the run's folder."""
    about = environment(context.campaign.device, context.kernels)
    texts = {CONFIG: context.spec.settings, ENVIRONMENT: f"{json.dumps(about, indent=2)}\n"}
    write_results(folder(context), tables, texts, status)
