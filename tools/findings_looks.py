"""What the templates of findings may look up, and the table of all predictors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from tools.findings_tables import (
    FOLDER,
    HARD,
    NONE,
    cell,
    count,
    counted,
    estimate,
    opposite,
    percent,
    read,
    row,
    rows,
    span,
    value,
)
from tools.readme import short


def above(published: Path, name: str, labels: int) -> str:
    """How many differences with `labels` labels or more have an interval above 0, as "1 of 120"."""
    found = read(FOLDER / f"{name}.csv")
    found = found[(found["labels"] >= labels) & found["predictor"].str.startswith("description + proxies + ")]
    return f"{(found['delta_tau_low'] > 0).sum()} of {len(found)}"


def seconds(published: Path, predictor: str) -> str:
    """Query time per architecture of a predictor in the published run."""
    return f"{float(row(published, 'metrics', predictor=predictor)['seconds']):.2f}"


def predictors(published: Path) -> str:
    """How many predictors the published run has scores of."""
    metrics = read(published / "metrics.parquet")
    return str(metrics["predictor"].nunique())


def ended(published: Path, side: str, loss: float) -> tuple[int, str, int]:
    """Networks of the sweep of scale and rate whose last training loss is "below" or "above" `loss`.

    How many there are, at which share of its largest value so far their |β_eff| ends, and how many are at 40 % or more.
    Scale 10 at rate 1, where nothing is learned, is left out.
    """
    whole = read(FOLDER / "neural_capacitance_courses.csv")
    swept = whole[whole["run"].str.startswith("scale ") & (whole["run"] != "scale 10, rate 1")].sort_values("epoch")
    each = swept.assign(size=swept["beta_eff"].abs()).groupby(["run", "architecture"])
    ends, share = each["train_loss"].last(), each["size"].last() / each["size"].max()
    kept = share[ends < loss] if side == "below" else share[ends > loss]
    return len(kept), f"{100 * kept.min():.0f} to {100 * kept.max():.0f}{HARD}%", int((kept >= 0.4).sum())


def mean_of(published: Path, names: list[str], column: str, /, **where: Any) -> str:
    """The mean of a number over tables of several runs, as .61; a dash where one of them has none."""
    found = [float(row(published, name, **where)[column]) for name in names]
    return short(sum(found) / len(found)) if isfinite(sum(found)) else NONE


def lead(published: Path, dataset: str) -> str:
    """How far boosting on statistics per layer is ahead of boosting on hyper-parameters in R²."""
    asked = {"dataset": dataset, "model": "boosting"}
    first, second = (
        float(row(published, "accuracy_from_weights", **asked, input=name)["r2"])
        for name in ("statistics per layer", "hyper-parameters")
    )
    return short(first - second)


def transferred(published: Path, name: str, epoch: int, home: bool) -> str:
    """The least and the largest τ of a regressor of input `name` at home, or applied to the other data sets."""
    whole = rows(published, "accuracy_from_weights_transfer", input=name, epoch=epoch)
    found = whole.loc[(whole["learned_on"] == whole["applied_to"]) == home, "tau"]
    return f"{short(float(found.min()))} to {short(float(found.max()))}"


def needed(published: Path, dataset: str, table: str = "accuracy_from_weights_needed", /, **where: Any) -> str:
    """How many networks statistics per layer need for R² .98, by the curve's power: the range of its two fits."""
    found = rows(published, table, dataset=dataset, input="statistics per layer", **where)["networks"]
    return " to ".join(f"{float(f'{number:.2g}'):,.0f}" for number in sorted(found))


Row = tuple[str, bool, str, str, str, str, str]
"""Name, whether it is fitted on labels, and where its τ is found: on `digits`, CIFAR-10, GTSRB, scattered CIFAR-10 and
pre-trained networks. A place is a predictor's name, before which CIFAR-10 has table and labels; empty for none."""

ROWS: tuple[Row, ...] = (
    ("*counts and facts*", False, "", "", "", "", ""),
    ("live FLOPs", False, "live_flops", "halves 0 live_flops", "live_flops", "live_flops", ""),
    ("FLOPs", False, "flops", "halves 0 flops", "flops", "flops", "flops"),
    ("parameters", False, "params", "halves 0 params", "flops", "flops", "params"),
    ("trainable layers", False, "layers", "halves 0 layers", "layers", "layers", "layers"),
    ("ImageNet top-1", False, "", "", "", "", "source_accuracy"),
    ("mean rank on other sets (`static_rank`)", False, "", "", "", "", "static_rank"),
    ("*descriptions*", False, "", "", "", "", ""),
    ("boosting", True, "description_boosting", "halves 100 boosting", "", "", ""),
    ("Gaussian process", True, "description_process", "halves 100 process", "100 description", "100 description", ""),
    (
        "and proxies",
        True,
        "description_and_proxies",
        "halves 100 process with proxies",
        "100 description + proxies",
        "100 description + proxies",
        "",
    ),
    (
        "fitted on CIFAR-10, unchanged",
        True,
        "",
        "",
        "description, fitted on CIFAR-10",
        "description, fitted on CIFAR-10",
        "",
    ),
    ("*proxies of the untrained network*", False, "", "", "", "", ""),
    ("five, joined by rank", False, "", "seconds_2_B untrained_aggregate", "aggregate", "aggregate", ""),
    ("AZ-NAS", False, "az_nas", "", "", "", ""),
    ("SynFlow", False, "synflow", "", "", "", ""),
    ("NASWOT", False, "naswot", "", "", "", "naswot"),
    ("LogME", False, "", "", "", "", "logme"),
    ("*brief training*", False, "", "", "", "", ""),
    ("training loss", False, "train_loss", "seconds_10_B train_loss", "train_loss", "train_loss", "train_loss"),
    ("validation accuracy", False, "valacc", "", "valid_accuracy", "valid_accuracy", "valacc"),
    ("readout of the features", False, "", "seconds_10_B readout", "readout_error_mean", "readout_error_mean", ""),
    ("LogME of the trained features", False, "", "", "", "", "logme_trained"),
    ("weight displacement", False, "movement", "seconds_10_B movement", "movement", "movement", "movement"),
    ("gradient norm", False, "grad_norm_trained", "", "", "", ""),
    ("learning curve, ν-SVR", True, "lcsvr", "", "", "", "lcsvr"),
    ("weight statistics, dense net", True, "weight_statistics_dense", "", "", "", ""),
    ("temporal graph, logistic", True, "temporal_graph_classifier", "", "", "", ""),
    ("proxies and training loss", False, "", "", "aggregate + train_loss", "aggregate + train_loss", ""),
    ("proxies, displacement, readout", False, "", "seconds_10_B trained_aggregate", "", "", ""),
    ("every signal, stacked", True, "stack", "", "", "", ""),
    ("every signal but β_eff", True, "stack_without_capacitance", "", "", "", ""),
    ("*neural capacitance*", False, "", "", "", "", ""),
    ("β_eff, the last (`beta_eff`)", False, "beta_eff", "early 0 beta_eff", "beta_eff", "beta_eff", "beta_eff"),
    ("its trend", False, "beta_eff_trend", "", "", "", "beta_eff_trend"),
    ("ridge, read at 0", False, "beta_eff_ridge", "", "", "", ""),
    ("β_eff of all weights", False, "beta_eff_network", "", "", "", "beta_eff_network"),
    ("*ceiling, test–retest*", False, "", "", "ceiling, retraining", "ceiling, retraining", ""),
)

HEAD = ("predictor", "`digits`", "top 50 %", "given loss", "CIFAR-10", "GTSRB", "scattered", "pre-trained")


def table(published: Path) -> str:
    """Predictors by what they need, and their τ on each task; a star marks what is fitted on labels."""
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    for name, fitted, *places in ROWS:
        star = r" \*" if fitted else ""
        lines.append(f"| {' | '.join([name + star, *_cells(published, name, *places)])} |")
    return "\n".join(lines)


def _cells(
    published: Path, name: str, digits: str, cifar: str, gtsrb: str, scattered: str, pretrained: str
) -> list[str]:
    columns = ("tau", "tau_half", "tau_given_train_loss")
    cells = [_cell(published, "metrics", column, predictor=digits) if digits else NONE for column in columns]
    if name.startswith("*ceiling"):
        kinds = [_cell(published, "ceiling", subset=subset, kind="retraining") for subset in ("all", "top 50 %")]
        cells[:2] = kinds
    cells.append(_cifar(published, cifar))
    cells += [_task(published, task, place) for task, place in (("gtsrb43", gtsrb), ("scattered_cifar10", scattered))]
    over = {"experiment": "watched", "predictor": pretrained}
    cells.append(_cell(published, "pretrained_over_sets", **over) if pretrained else NONE)
    return [""] * len(cells) if set(cells) == {NONE} else cells


def _cell(published: Path, name: str, column: str = "tau", **where: Any) -> str:
    """An estimate over two lines; a dash for a number that the table leaves out."""
    text = estimate(published, name, column, **where)
    return NONE if text.startswith("nan") else text.replace(f"{HARD}[", "<br>[")


def _cifar(published: Path, place: str) -> str:
    if not place:
        return NONE
    name, _, predictor = place.partition(" ")
    if name == "early":
        return _task(published, "cifar10", predictor)
    if name != "halves":
        return _cell(published, name, predictor=predictor)
    labels, _, predictor = predictor.partition(" ")
    return _cell(published, name, half="B", labels=int(labels), predictor=predictor)


def _task(published: Path, task: str, place: str) -> str:
    if not place:
        return NONE
    labels, _, predictor = place.partition(" ")
    if labels.isdigit():
        asked: dict[str, Any] = {"task": task, "target": task, "labels": int(labels), "predictor": predictor}
        return _cell(published, "early_training", **asked)
    return _cell(published, f"changed_task_{task}", predictor=place)


LOOKS: Mapping[str, Callable[..., object]] = {
    "value": value,
    "est": estimate,
    "cell": cell,
    "opposite": opposite,
    "percent": percent,
    "span": span,
    "counted": counted,
    "count": count,
    "above": above,
    "ended": ended,
    "mean_of": mean_of,
    "lead": lead,
    "transferred": transferred,
    "needed": needed,
    "predictors": predictors,
    "seconds": seconds,
    "table": table,
}
"""What the template may call, but for the folder of the published run."""
