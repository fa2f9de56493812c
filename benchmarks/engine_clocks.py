"""How the parts of ``python -m benchmarks.engine`` are timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

__all__ = ["alternate", "cpu_seconds", "wall_seconds"]


def cpu_seconds(run: Callable[[], Any]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def wall_seconds(run: Callable[[], Any]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def alternate(
    first: Callable[[], Any],
    second: Callable[[], Any],
    rounds: int,
    clock: Callable[[Callable[[], Any]], float],
) -> tuple[float, float, float]:
    """Medians of both, and the median of the ratios round by round, after one warm-up each."""
    first(), second()
    pairs = [(clock(first), clock(second)) for _ in range(rounds)]
    ratios = [a / b for a, b in pairs]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(ratios),
    )
