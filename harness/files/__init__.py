"""Files from outside: where they lie, how they are fetched, how a pickle among them is read without running it."""

from .fetching import fetch, has_checksum, obtain, offline
from .pickles import read_pickle
from .places import Download, Source, Standing, find, folder, name_of, present, standing, there

__all__ = [
    "Download", "Source", "Standing", "fetch", "find", "folder", "has_checksum", "name_of", "obtain", "offline",
    "present", "read_pickle", "standing", "there",
]  # fmt: skip
