"""What the rooms share: architectures, image sets, traces, the protocols, column names. No torch, no Hydra."""

from .asking import Benchmark, DataSet, Drawable
from .base import BASE_COLUMNS, FACT_COLUMNS, SCHEMA_VERSION, BadInput, NoScore, demand, digest, seed_of, settings
from .data import Architecture, ImageSet, Recorded, StoredCurves, Trace, Truth
from .scoring import Collective, Learned, Predictor, Reasoned, Uncertain
from .watching import Connection, Gentle, HeadMaker, Measure, Observer, Occasional, Scene, Shared, Wired

__all__ = [
    "BASE_COLUMNS",
    "FACT_COLUMNS",
    "SCHEMA_VERSION",
    "Architecture",
    "BadInput",
    "Benchmark",
    "Collective",
    "Connection",
    "DataSet",
    "Drawable",
    "Gentle",
    "HeadMaker",
    "ImageSet",
    "Learned",
    "Measure",
    "NoScore",
    "Observer",
    "Occasional",
    "Predictor",
    "Reasoned",
    "Recorded",
    "Scene",
    "Shared",
    "StoredCurves",
    "Trace",
    "Truth",
    "Uncertain",
    "Wired",
    "demand",
    "digest",
    "seed_of",
    "settings",
]  # fmt: skip
