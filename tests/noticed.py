"""A stream that says when something was written to it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable


class Noticed(io.StringIO):
    """Sets the event `noticed`, and does `act`, when `words` are first written to it."""

    def __init__(self, words: str, act: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.words, self.act, self.noticed = words, act, threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if self.words in text and not self.noticed.is_set():
            self.noticed.set()
            self.act()
        return count
