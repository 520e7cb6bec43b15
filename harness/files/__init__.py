"""Files from outside: where they lie, how they are fetched, how a pickle among them is read without running it."""

from .fetching import fetch, obtain, offline
from .pickles import read_pickle
from .places import Download, Source, find, folder, present

__all__ = ["Download", "Source", "fetch", "find", "folder", "obtain", "offline", "present", "read_pickle"]
