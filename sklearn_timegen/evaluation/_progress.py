"""Progress of long work: a bar on a terminal, and lines now and then in scripts and logs."""

from __future__ import annotations

import sys
import time
from typing import Self

from tqdm.auto import tqdm

__all__ = ["Progress"]

EVERY = 10.0  # seconds between two lines


class Progress:
    """Tells how many of so many tasks are done, and how long the others may take.

    Parameters
    ----------
    total : int
        Number of tasks.
    what : str
        What is done.
    verbose : int
        0 tells nothing.

    Examples
    --------
    >>> from sklearn_timegen.evaluation._progress import Progress
    >>> with Progress(2, "evaluation", verbose=0) as progress:
    ...     progress.update("fold 1")
    ...     progress.update("fold 2")
    """

    def __init__(self, total: int, what: str, verbose: int) -> None:
        self.total, self.what, self.done = total, what, 0
        on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._bar = tqdm(total=total, desc=what) if verbose and on_terminal else None
        self._in_lines = bool(verbose) and not on_terminal
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, task: str = "") -> None:
        """Note that a task is done; a line is written if the last one was some time ago."""
        self.done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(task, refresh=False)
            self._bar.update()
        now = time.monotonic()
        if not self._in_lines or now - self._told < EVERY:
            return
        self._told, spent = now, now - self._began
        left = spent / self.done * (self.total - self.done)
        words = f"{self.what}: {self.done} of {self.total}{f' ({task})' if task else ''}"
        times = f"{_minutes(spent)} gone, about {_minutes(left)} left"
        print(f"{words}, {times}", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
