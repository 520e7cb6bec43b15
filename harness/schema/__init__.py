"""What the rooms share: architectures, image sets, traces, the protocols, column names. No torch, no Hydra."""

from harness.schema.architecture import Architecture
from harness.schema.base import (
    ADDED_LATER,
    BASE_COLUMNS,
    COUNTED,
    FACT_COLUMNS,
    NO_IDENTITY,
    SCHEMA_VERSION,
    BadInput,
    NoScore,
    demand,
    digest,
    kind_of,
    seed_of,
    settings,
)
from harness.schema.benchmark import (
    Benchmark,
    DataSet,
    Drawable,
    Individual,
    RecipeProvider,
    Recording,
    facts_of,
)
from harness.schema.description import (
    Described,
    Description,
    are_properties,
    description_columns,
    descriptions_of,
    is_property,
)
from harness.schema.estimate import Estimate
from harness.schema.image_set import ImageSet
from harness.schema.measure import (
    Connection,
    GraphProvider,
    HeadMaker,
    Measure,
    NonMutating,
    NoReading,
    Observer,
    Periodic,
    Scene,
    Shared,
)
from harness.schema.predictor import Collective, Explained, Learned, Predictor, Uncertain, at_initialization
from harness.schema.source_model import SourceModel
from harness.schema.stored_curves import Recorded, StoredCurves
from harness.schema.suggestion import suggestion
from harness.schema.trace import Trace
from harness.schema.truth import Truth

__all__ = [
    "ADDED_LATER",
    "BASE_COLUMNS",
    "COUNTED",
    "FACT_COLUMNS",
    "NO_IDENTITY",
    "SCHEMA_VERSION",
    "Architecture",
    "BadInput",
    "Benchmark",
    "Collective",
    "Connection",
    "DataSet",
    "Described",
    "Description",
    "Drawable",
    "Estimate",
    "Explained",
    "GraphProvider",
    "HeadMaker",
    "ImageSet",
    "Individual",
    "Learned",
    "Measure",
    "NoReading",
    "NoScore",
    "NonMutating",
    "Observer",
    "Periodic",
    "Predictor",
    "RecipeProvider",
    "Recorded",
    "Recording",
    "Scene",
    "Shared",
    "SourceModel",
    "StoredCurves",
    "Trace",
    "Truth",
    "Uncertain",
    "are_properties",
    "at_initialization",
    "demand",
    "description_columns",
    "descriptions_of",
    "digest",
    "facts_of",
    "is_property",
    "kind_of",
    "seed_of",
    "settings",
    "suggestion",
]  # fmt: skip
