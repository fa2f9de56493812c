"""In what space an attacker compares series: only the reference, which is public, tells it."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_timegen._random import derive_seed
from sklearn_timegen._rows import flat_rows
from sklearn_timegen.metrics._common import Array
from sklearn_timegen.metrics._features import as_rows, summaries
from sklearn_timegen.metrics.encoder import ContrastiveEncoder

__all__ = ["check_encoder", "encode", "least_distance"]

ENCODERS = ("flat", "summaries", "contrastive")


def check_encoder(encoder: Any) -> None:
    """Refuse what encodes nothing."""
    known = isinstance(encoder, str) and encoder in ENCODERS
    if not known and (isinstance(encoder, str) or not hasattr(encoder, "transform")):
        names = ", ".join(map(repr, ENCODERS))
        raise ValueError(f"encoder must be {names} or a fitted transformer, got {encoder!r}")


def least_distance(distances: Array, tolerance: float) -> float:
    """Return the distance below which logarithms end: copies are near, not infinitely."""
    return max(tolerance, 1e-6 * float(np.median(distances)), 1e-12)


def encode(encoder: Any, reference: Array, *samples: Array, seed: int) -> list[Array]:
    """Return complete series as rows, those of the reference first.

    ``"flat"`` rows hold all values, each channel divided by its spread in the reference;
    ``"summaries"`` moments and correlations, each divided by its spread there.
    """
    if encoder == "flat":
        return flat_rows(reference, *samples)
    if encoder == "summaries":
        names = [str(d) for d in range(reference.shape[2])]
        rows = [as_rows(summaries(reference, x, names)) for x in (reference, *samples)]
        spread = rows[0].std(axis=0)
        return [row / np.where(spread > 0, spread, 1.0) for row in rows]
    if encoder == "contrastive":
        encoder = ContrastiveEncoder(random_state=derive_seed(seed, "encoder")).fit(reference)
    return [np.asarray(encoder.transform(x), dtype=np.float64) for x in (reference, *samples)]
