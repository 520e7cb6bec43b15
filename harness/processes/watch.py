"""What a worker process does first: it watches whether its parent is alive.

A light module: a worker imports it before anything else.
"""

from __future__ import annotations

import os
import sys
import threading
import time

SECONDS = 1.0
"""How often a worker looks for its parent."""


def end_with_parent(parent: int) -> None:
    """Have this process end within about a second after its parent, the process `parent`, has ended.

    A parent that is killed with SIGKILL cannot end its workers. The kernel's own notice (PR_SET_PDEATHSIG) is not used:
    it comes when the thread that started the worker ends, and on Linux alone.
    """
    _keep_what_is_cached()
    if os.name == "posix":
        threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS)
    os._exit(1)  # files are renamed into place: nothing is half written


def _keep_what_is_cached() -> None:
    """Have loky not replace this process when it has grown by 300 MB, which it takes for a leak: what a worker keeps
    is imported libraries and what its next tasks read again."""
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize
