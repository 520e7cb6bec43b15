"""Transferability scores of a network in training, from its features and from its source classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.schema import NoReading, Observer, Scene, demand

from .readout import leave_one_out
from .source_reading import read_source
from .transferability.energy import energy
from .transferability.features import Features, Matrix, NoValue, prepare
from .transferability.gbc import gbc
from .transferability.h_score import h_score, h_score_shrunk
from .transferability.knn import knn
from .transferability.leep import leep, nce
from .transferability.lfc import lfc
from .transferability.logme import logme
from .transferability.ncti import PARTS
from .transferability.nleep import nleep
from .transferability.parc import parc
from .transferability.sfda import sfda
from .transferability.transrate import transrate

OF_FEATURES = ("logme", "h_score", "h_score_shrunk", "nleep", "transrate", "gbc", "parc", "sfda", "lfc",
               *PARTS, "linear_probe", "knn")  # fmt: skip
OF_LOGITS = ("leep", "nce", "energy")


@dataclass(frozen=True)
class Transferability:
    """Transferability scores of the features and of the source classifier, one column a score.

        logme = log of the maximum evidence of a linear model (You et al. 2021)
        h_score = trace of cov(f)^-1 cov(E[f | y]) (Bao et al. 2019)
        h_score_shrunk = the same with a shrunk covariance (Ibrahim et al. 2021)
        nleep = LEEP of clusters of the features (Li et al. 2021)
        transrate = coding rate of all features less that within classes (Huang et al. 2022)
        gbc = minus the Bhattacharyya overlap of the classes as Gaussians (Pandy et al. 2022)
        parc = rank correlation of distances of features and of labels (Bolya et al. 2021)
        sfda = self-challenging Fisher discriminant analysis (Shao et al. 2022)
        lfc = correlation of the kernels of features and of labels (Deshpande et al. 2021)
        ncti_structure, ncti_centres, ncti_collapse = parts of NCTI (Wang et al. 2023)
        linear_probe = leave-one-out accuracy (%) of a ridge regression, as in measure/readout
        knn = leave-one-out accuracy (%) of the nearest `neighbours` by cosine similarity
        leep = log expected empirical prediction of the labels from source classes (Nguyen et al. 2020)
        nce = minus the conditional entropy of the labels given source classes (Tran et al. 2019)
        energy = log sum exp of the source logits (the energy part of ETran, Gholami et al. 2023)

    `scores` names those that are read; higher is better for all. They are of the first `images` of the measure batch
    (null: all), of a `SourceModel`, or of the input of the head of any other network. The network is in evaluation
    mode, BatchNorm with running statistics: features do not depend on the other images. Clusters are drawn from the
    run's probe seed. A score without a value is nan and has a reason. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/transferability"
    needs_source_model: ClassVar[bool] = True

    scores: list[str] = field(default_factory=lambda: [*OF_FEATURES, *OF_LOGITS])
    images: int | None = None
    neighbours: int = 5
    every: int = 4

    def __post_init__(self) -> None:
        key, known = "measure.transferability", (*OF_FEATURES, *OF_LOGITS)
        once = bool(self.scores) and len(set(self.scores)) == len(self.scores) and set(self.scores) <= set(known)
        demand(once, f"{key}.scores", f"a list of one or more of {', '.join(known)}, each once", self.scores)
        demand(self.images is None or self.images >= 2, f"{key}.images", "at least 2 (or null)", self.images)
        demand(self.neighbours >= 1, f"{key}.neighbours", "at least 1", self.neighbours)
        demand(self.every >= 1, f"{key}.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return tuple(self.scores)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the scores of whatever model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            images, labels = batch[0][: self.images], batch[1][: self.images]
            logits = not set(self.scores).isdisjoint(OF_LOGITS)
            key = ("source reading", self.images, logits)
            seen = scene.shared.get(key, lambda: read_source(model, images, logits))
            made = self._of_features(seen.features, labels, scene) | of_logits(seen.logits, labels)
            return {name: value(made[name]) for name in self.scores}

        return observe

    def _of_features(self, found: Tensor, labels: Tensor, scene: Scene) -> dict[str, Callable[[], float]]:
        """For each score of features a function that computes it; all raise one NoValue where none has a value."""
        plain: dict[str, Callable[[Features], float]] = {
            "logme": logme, "h_score": h_score, "h_score_shrunk": h_score_shrunk, "transrate": transrate, "gbc": gbc,
            "parc": parc, "sfda": sfda, "lfc": lfc, **PARTS, "nleep": partial(nleep, seed=scene.probe_seed),
            "knn": partial(knn, neighbours=self.neighbours),
            "linear_probe": lambda _: leave_one_out(found, labels, scene.classes)[1],
        }  # fmt: skip
        try:
            features = prepare(numbers(found), integers(labels))
        except NoValue as error:
            return dict.fromkeys(plain, partial(refuse, str(error)))
        return {name: partial(score, features) for name, score in plain.items()}


def of_logits(logits: Tensor | None, labels: Tensor) -> dict[str, Callable[[], float]]:
    """For each score of source logits a function that computes it, or raises NoValue."""
    if logits is None:
        return dict.fromkeys(OF_LOGITS, partial(refuse, "the network has no classifier of a source data set"))
    found, y = numbers(logits), np.unique(integers(labels), return_inverse=True)[1]
    if not np.isfinite(found).all():
        return dict.fromkeys(OF_LOGITS, partial(refuse, "a source logit is not finite"))
    if y.max(initial=0) < 1:
        none = partial(refuse, "fewer than two classes among the images")
        return {"leep": none, "nce": none, "energy": partial(energy, found)}
    return {"leep": partial(leep, found, y), "nce": partial(nce, found, y), "energy": partial(energy, found)}


def value(score: Callable[[], float]) -> float:
    """The score, or nan with the reason why it has none."""
    try:
        found = score()
    except (NoValue, np.linalg.LinAlgError) as error:
        return NoReading(str(error))
    return found if np.isfinite(found) else NoReading("not finite")


def refuse(reason: str) -> float:
    """Raises NoValue with this reason."""
    raise NoValue(reason)


def numbers(tensor: Tensor) -> Matrix:
    """The tensor as float64 on the CPU."""
    return np.asarray(tensor.detach().cpu().double().numpy())


def integers(labels: Tensor) -> NDArray[np.int64]:
    """The labels as int64 on the CPU."""
    return np.asarray(labels.cpu().long().numpy())
