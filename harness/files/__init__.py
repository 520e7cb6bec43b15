"""Files from outside: where they lie, how they are fetched, how a pickle among them is read without running it."""

from harness.files.fetching import fetch, has_checksum, obtain, offline
from harness.files.pickles import read_pickle
from harness.files.places import Availability, Download, Source, find, folder, name_of, present, standing, there

__all__ = [
    "Availability",
    "Download",
    "Source",
    "fetch",
    "find",
    "folder",
    "has_checksum",
    "name_of",
    "obtain",
    "offline",
    "present",
    "read_pickle",
    "standing",
    "there",
]  # fmt: skip
