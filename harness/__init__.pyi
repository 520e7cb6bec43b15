"""What type checkers see of the package; `__init__.py` imports each name when it is first used."""

from harness.api.compare import Compared as Compared
from harness.api.compare import compare as compare
from harness.api.networks import Tracker as Tracker
from harness.api.networks import score as score
from harness.api.networks import track as track
from harness.api.predict import predict as predict
from harness.api.results import Results as Results
from harness.api.results import read as read
from harness.api.run import run as run
from harness.schema import BadInput as BadInput
from harness.schema import Trace as Trace

__version__: str
__all__: list[str]
