"""Files from outside: where they lie, how they are fetched, how a pickle among them is read without running it."""

from .fetching import fetch, has_checksum, obtain, offline
from .pickles import read_pickle
from .places import Download, Source, find, folder, name_of, present, there

__all__ = [
    "Download", "Source", "fetch", "find", "folder", "has_checksum", "name_of", "obtain", "offline", "present",
    "read_pickle", "there",
]  # fmt: skip
