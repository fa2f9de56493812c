"""Ctrl-C, told apart from the other ends of a training."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["noticing_ctrl_c"]


@contextmanager
def noticing_ctrl_c() -> Iterator[list[int]]:
    """Yield a list that fills when Ctrl-C is pressed; what else the signal does goes on.

    A KeyboardInterrupt does not tell: it is also skorch's way for a callback, such as early
    stopping, to end training. Signals reach the main thread only, and so does the handler.
    """
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return

    def handler(number: int, frame: Any) -> Any:
        pressed.append(number)
        return before(number, frame)

    signal.signal(signal.SIGINT, handler)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
