"""Progress of long work: a bar on a terminal, and lines now and then in scripts and logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Self

from tqdm.auto import tqdm

from sklearn_timegen.metrics import Metric
from sklearn_timegen.metrics.registry import panel_score

__all__ = ["Progress", "by_measures", "preparing"]

EVERY = 10.0  # seconds between two lines
SOON = 1.0  # seconds, after which the first task that ends is told


class Progress:
    """Tells what is begun, how many of so many tasks are done, and how long others may take.

    Parameters
    ----------
    what : str
        What is done.
    verbose : int
        0 tells nothing.

    Examples
    --------
    >>> from sklearn_timegen.evaluation._progress import Progress
    >>> progress = Progress("evaluation", verbose=0)
    >>> progress.tell("reading series")
    >>> with progress.begin(2, "2 folds"):
    ...     progress.update("fold 1")
    ...     progress.update("fold 2")
    """

    def __init__(self, what: str, verbose: int) -> None:
        self.what, self.done, self.total = what, 0, 0
        self._verbose = bool(verbose) and sys.stderr is not None
        self._bar: tqdm | None = None
        self._began = self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def tell(self, words: str) -> None:
        """Say what is done next, at once."""
        if self._verbose:
            print(f"{self.what}: {words}", file=sys.stderr, flush=True)

    def begin(self, total: int, words: str) -> Self:
        """Begin ``total`` tasks, and say what they are."""
        self.tell(words)
        self.total, self._began = total, time.monotonic()
        if self._verbose and sys.stderr.isatty():
            self._bar = tqdm(total=total, desc=self.what)
        self._told = self._began - EVERY + SOON
        return self

    def update(self, task: str = "") -> None:
        """Note that a task is done; a line is written if the last one was some time ago."""
        self.done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(task, refresh=False)
            self._bar.update()
        now = time.monotonic()
        if self._bar is not None or now - self._told < EVERY:
            return
        self._told, spent = now, now - self._began
        left = spent / self.done * (self.total - self.done)
        words = f"{self.done} of {self.total}{f' ({task})' if task else ''}"
        self.tell(f"{words}, {_minutes(spent)} gone, about {_minutes(left)} left")


def by_measures(metrics: Sequence[Metric]) -> str:
    """Return in words what is computed, and what takes most of the time."""
    asked = any(metric.function is panel_score for metric in metrics)
    slow = ", a panel of judges among them" if asked else ""
    measures = "measure" if len(metrics) == 1 else "measures"
    return f"by {len(metrics)} {measures}{slow}"


def preparing(metrics: Sequence[Metric]) -> str:
    """Return in words what is learned of all real series, before any are compared."""
    known = {
        "rules": "looking for rules of the real series",
        "encoder": "training the encoder of context-FID",
    }
    asked = [words for name, words in known.items() if any(m.accepts(name) for m in metrics)]
    return ", ".join(asked) or "getting ready"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
