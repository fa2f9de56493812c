"""Generators with latents."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_timegen.base.declaration import estimator
from sklearn_timegen.base.generator import BaseGenerator
from sklearn_timegen.base.hooks import check_returned
from sklearn_timegen.data.checks import check_count

__all__ = ["LatentGenerator"]

FloatArray = NDArray[np.float32]


@estimator
class LatentGenerator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseGenerator):
    """A generator with latents: adds ``transform``, ``inverse_transform`` and what they allow.

    A subclass implements ``_encode(v)`` and ``_decode(z, c)``, on arrays.
    """

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the latents of the series in ``X``: deterministic, float32.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.

        Returns
        -------
        Z : ndarray of shape (n_samples, latent_dim)
            The latents.
        """
        check_is_fitted(self)
        v = self._represent(X)
        shape, hook = (len(v), self._n_features_out), f"{type(self).__name__}._encode"
        return check_returned(self._encode(v), shape, hook, "_n_features_out numbers a series")

    def inverse_transform(self, Z: ArrayLike, y: Any = None) -> FloatArray:
        """Return the series that the latents ``Z`` stand for.

        Parameters
        ----------
        Z : array-like of shape (n_samples, latent_dim)
            Latents.
        y : label, vector or array-like, default=None
            Conditions, if the generator is conditional.

        Returns
        -------
        X : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``.
        """
        check_is_fitted(self)
        z = self._check_latents(Z)
        c = self._latent_conditions(y, len(z))
        v = self._as_represented(self._decode(z, c), len(z), "_decode")
        return self._layout.restore(self._to_data_units(v, decoded=True))

    def reconstruct(self, X: ArrayLike, y: Any = None) -> FloatArray:
        """Return the series that the latents of ``X`` stand for.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.

        Returns
        -------
        X_hat : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``.
        """
        return self.inverse_transform(self._latents(X, y), y)

    def interpolate(self, X_a: ArrayLike, X_b: ArrayLike, n: int = 8, y: Any = None) -> Any:
        """Return series on the way from each of ``X_a`` to its partner in ``X_b``.

        The way is straight in the latents, at equal steps; its ends are the reconstructions. For
        a flow it is an arc: half-way between two draws of noise lies no draw of noise.

        Parameters
        ----------
        X_a, X_b : array-like of series
            Equally many, of the sizes seen in ``fit``.
        n : int, default=8
            Number of series on each way, with both ends; 2 at least.
        y : label, vector or array-like, default=None
            Conditions of the ways, if the generator is conditional.

        Returns
        -------
        X : ndarray of shape (n_pairs, n, n_timesteps[, n_channels]), or list
            In the units and the layout of the ``X`` seen in ``fit``: of a list or a frame, a list
            with one for each pair.

        Raises
        ------
        ValueError
            If there are not as many series in one as in the other, or ``n`` is below 2.
        """
        if check_count(n, "n") < 2:
            raise ValueError(f"n must be at least 2, for the two ends, got {n}")
        z_a, z_b = self._latents(X_a, y), self._latents(X_b, y)
        if len(z_a) != len(z_b):
            raise ValueError(f"X_a has {len(z_a)} series, but X_b has {len(z_b)}: pass pairs")
        fraction = np.linspace(0, 1, n, dtype=np.float32)[:, None]
        c = self._latent_conditions(y, len(z_a))
        c = None if c is None else np.repeat(c, n, axis=0)
        z = self._between(z_a, z_b, fraction).reshape(-1, z_a.shape[1])
        v = self._as_represented(self._decode(z, c), len(z), "_decode")
        return self._layout.restore_groups(self._to_data_units(v, decoded=True), len(z_a))

    def _latents(self, X: ArrayLike, y: Any) -> FloatArray:
        """Return the latents of series whose conditions may be known."""
        return self.transform(X)

    def _latent_conditions(self, y: Any, n_samples: int) -> FloatArray | None:
        """Encode the conditions that latents are decoded under."""
        return self._encode_conditions(y, n_samples)

    def _between(self, z_a: FloatArray, z_b: FloatArray, fraction: FloatArray) -> FloatArray:
        """Return the latents ``(n_pairs, n, latent_dim)`` at fractions ``(n, 1)`` of the way."""
        return (1 - fraction) * z_a[:, None] + fraction * z_b[:, None]

    def _check_latents(self, Z: ArrayLike) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore"):  # of a sum that tells whether all are
            z: FloatArray = check_array(Z, dtype=np.float32, input_name="Z")
        if z.shape[1] != self._n_features_out:
            raise ValueError(
                f"Z has {z.shape[1]} columns, but {type(self).__name__} has "
                f"{self._n_features_out} latents"
            )
        return z

    @abstractmethod
    def _encode(self, v: FloatArray) -> FloatArray: ...

    @abstractmethod
    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray: ...

    @property
    @abstractmethod
    def _n_features_out(self) -> int: ...

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
