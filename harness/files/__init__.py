"""Files from outside: the data folder, downloads, locks, and pickles read without executing them."""

from harness.files.fetching import fetch, has_checksum, obtain, offline
from harness.files.pickles import read_pickle
from harness.files.places import (
    Availability,
    Download,
    Source,
    availability,
    exists,
    fetchable,
    find,
    folder,
    name_of,
    present,
)

__all__ = [
    "Availability",
    "Download",
    "Source",
    "availability",
    "exists",
    "fetch",
    "fetchable",
    "find",
    "folder",
    "has_checksum",
    "name_of",
    "obtain",
    "offline",
    "present",
    "read_pickle",
]  # fmt: skip
