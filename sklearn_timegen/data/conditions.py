"""What a series is drawn given: class labels or vectors, encoded to ``(n_samples, n_conditions)``.

Labels become one column each (one-hot); real-valued vectors are standardised. The encoder also
remembers the labels' training frequencies, which is how classes are drawn when it matters.
"""

from __future__ import annotations

import warnings
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_timegen.data.labels import as_target, codes_of, holds_labels, shown

__all__ = ["ConditionEncoder", "allocate", "as_conditions", "groups_of"]

MOST_SPREADS = 1e9  # from the mean of a condition's vectors: no question, but an error of units


class ConditionEncoder:
    """Encode ``y`` as conditions.

    A 1-d ``y``, or one column of integers, strings or booleans, holds labels, unless it holds
    fractions; any other 2-d ``y`` holds vectors, be it one column of floats.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or None
        The sorted labels; ``None`` if the conditions are vectors.
    class_counts_ : ndarray of shape (n_classes,) or None
        How often each label occurred in training.
    n_conditions_ : int
        Number of encoded columns.
    """

    def fit(self, y: Any, n_samples: int) -> ConditionEncoder:
        if y is None:
            raise ValueError(
                "y is missing: conditional=True needs a label or a vector for each series "
                "(requires y to be passed, but the target y is None)"
            )
        values = _as_array(as_target(y))
        if len(values) != n_samples:
            raise ValueError(f"y has {len(values)} entries, but X has {n_samples} series")
        _check_labels(values)
        self.is_vector_ = not holds_labels(values)
        self.classes_: NDArray[Any] | None = None
        self.class_counts_: NDArray[np.int64] | None = None
        if self.is_vector_:
            vectors = _as_vectors(values)
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                spread = vectors.std(axis=0)
            _check_spread(vectors, spread)
            self.mean_, self.scale_ = vectors.mean(axis=0), np.where(spread > 0, spread, 1.0)
            self.n_conditions_ = vectors.shape[1]
        else:
            self.classes_, self.class_counts_ = np.unique(values, return_counts=True)
            if values.dtype.kind in "fiu" and len(self.classes_) > max(10, n_samples // 2):
                warnings.warn(
                    f"y holds {len(self.classes_)} distinct labels for {n_samples} series; if "
                    "these are quantities and not labels, pass y.reshape(-1, 1).astype(float)",
                    UserWarning,
                    stacklevel=5,
                )
            self.n_conditions_ = len(self.classes_)
        return self

    def encode(self, y: Any, n_samples: int) -> NDArray[np.float32]:
        """Encode ``y``, one entry for each of ``n_samples`` or a single one for all of them."""
        values = self._entries(y, n_samples)
        encoded = self._encode(values)
        if len(encoded) == n_samples:
            return encoded
        return np.broadcast_to(encoded, (n_samples, self.n_conditions_))

    def _encode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        if self.classes_ is None:
            encoded = (_as_vectors(values) - self.mean_) / self.scale_
            if np.abs(encoded).max() > MOST_SPREADS:
                raise ValueError(
                    f"y lies {np.abs(encoded).max():.3g} standard deviations from what fit saw, "
                    "of which nothing can be known there"
                )
            return encoded.astype(np.float32)
        codes = codes_of(values, self.classes_)
        if (codes < 0).any():
            raise ValueError(
                f"y contains labels that fit did not see: {shown(values[codes < 0])}; it saw "
                f"{shown(self.classes_)}"
            )
        return np.eye(self.n_conditions_, dtype=np.float32)[codes]

    @property
    def class_frequencies(self) -> NDArray[np.float64]:
        """Shares of the labels in training."""
        if self.class_counts_ is None:
            raise ValueError("y held vectors: there are no classes to have frequencies")
        return self.class_counts_ / self.class_counts_.sum()

    def _entries(self, y: Any, n_samples: int) -> NDArray[Any]:
        """Return ``y`` as an array with one entry for all series, or one for each."""
        if y is None:
            known = "a vector" if self.classes_ is None else f"one of {shown(self.classes_)}"
            raise ValueError(
                f"y is missing: the generator is conditional, so pass {known} for all series or "
                f"an array with one for each of the {n_samples}"
            )
        values = as_target(y)
        single = values.ndim == 0 or (
            self.is_vector_ and values.ndim == 1 and self.n_conditions_ > 1
        )
        values = values.reshape(1, -1) if single else values
        if values.size == 0:
            raise ValueError("y is empty")
        values = _as_array(values)
        if not self.is_vector_:
            values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
            _check_labels(values)
        if len(values) != n_samples and not single:
            raise ValueError(
                f"y has {len(values)} entries, but there are {n_samples} series (n_samples, or "
                "the rows of X); pass one label for all, or one entry for each"
            )
        if self.is_vector_ and _as_vectors(values).shape[1] != self.n_conditions_:
            raise ValueError(
                f"y has vectors of {_as_vectors(values).shape[1]} values, but fit saw vectors of "
                f"{self.n_conditions_}"
            )
        if not self.is_vector_ and values.ndim != 1:
            raise ValueError(f"y must be labels, a 1-d array; got shape {values.shape}")
        return values


def allocate(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Split ``total`` draws over classes in proportion to ``counts``, by largest remainder.

    Every class gets at least one, so that a predictor trained on the draws knows all classes.
    """
    if total < len(counts):
        raise ValueError(f"{total} synthetic series cannot cover {len(counts)} classes")
    exact = counts / counts.sum() * total
    shares = np.maximum(np.floor(exact).astype(np.int64), 1)
    while shares.sum() != total:
        step = 1 if shares.sum() < total else -1
        gap = np.where((shares > 1) | (step > 0), step * (exact - shares), -np.inf)
        shares[np.argmax(gap)] += step
    return shares


def groups_of(c: NDArray[Any] | None, n_samples: int, is_vector: bool) -> NDArray[np.int64]:
    """Return the class of each series; one for all where there are no classes."""
    if c is None or is_vector:
        return np.zeros(n_samples, dtype=np.int64)
    return c.argmax(axis=1)


def as_conditions(y: Any) -> NDArray[Any]:
    """Return what a container holds: a column of labels as 1-d, numbers in their own type."""
    return _labels_in_a_row(as_target(y))


def _labels_in_a_row(values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind != "f":
        return values[:, 0]
    return values  # a column of floats is a vector of one


def _as_array(values: NDArray[Any]) -> NDArray[Any]:
    values = _labels_in_a_row(values)
    if values.ndim not in (1, 2):
        raise ValueError(f"y must be 1-d labels or 2-d vectors, got {values.ndim}-d")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("y contains NaN or inf")
    return values


def _check_labels(values: NDArray[Any]) -> None:
    if values.dtype.kind not in "fiub" and values.ndim != 1:
        raise ValueError(f"labels must be a 1-d array, got shape {values.shape}")
    if values.dtype.kind == "c":
        raise ValueError("y holds complex numbers; labels or real numbers are expected")
    if values.dtype.kind != "O":
        return
    kinds = {_kind_of(label) for label in values}
    if len(kinds) > 1:
        raise ValueError(f"y mixes labels of the types {', '.join(sorted(kinds))}")


def _kind_of(label: Any) -> str:
    if isinstance(label, Number):
        return "number"
    return "str" if isinstance(label, str) else type(label).__name__  # numpy's own are str_


def _as_vectors(values: NDArray[Any]) -> NDArray[np.float64]:
    vectors = values if values.ndim == 2 else values[:, None]
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"y has to hold vectors of numbers, as fit saw them, got {shown(values)} of type "
            f"{values.dtype}"
        )
    return vectors.astype(np.float64)


def _check_spread(vectors: NDArray[np.float64], spread: NDArray[np.float64]) -> None:
    lost = (np.ptp(vectors, axis=0) > 0) & ((spread == 0) | ~np.isfinite(spread))
    if lost.any():
        k = int(lost.argmax())
        raise ValueError(
            f"column {k} of y holds numbers of {np.abs(vectors[:, k]).max():.3g}, whose variance "
            "float64 cannot hold: give it in other units"
        )
