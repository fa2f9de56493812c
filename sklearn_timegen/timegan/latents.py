"""Embeddings as latents: what ``transform`` gives, and what comes back from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if

from sklearn_timegen._checks import StrOptions
from sklearn_timegen.base import LatentGenerator, NeuralGenerator, estimator, param
from sklearn_timegen.base.tensors import EXACT, as_numpy

__all__ = ["EmbeddingLatents"]

FloatArray = NDArray[np.float32]


def _flat(h: torch.Tensor) -> torch.Tensor:
    return h.flatten(1)


def _mean(h: torch.Tensor) -> torch.Tensor:
    return h.mean(dim=1)


def _last(h: torch.Tensor) -> torch.Tensor:
    return h[:, -1]


POOLS = {None: _flat, "mean": _mean, "last": _last}


def _has_embedding(generator: Any) -> bool:
    if not generator.embedding:
        raise AttributeError("embedding=False leaves out embedder and recovery: no latents")
    return True


def _has_whole_embedding(generator: Any) -> bool:
    if _has_embedding(generator) and generator.pooling is not None:
        raise AttributeError(
            f"of embeddings with pooling={generator.pooling!r} no series can be made; set "
            "pooling=None"
        )
    return True


@estimator
class EmbeddingLatents(LatentGenerator, NeuralGenerator):
    """A generator whose networks ``embed`` series and ``recover`` them, step by step.

    Its parameters ``embedding``, whether there are such networks, and ``hidden_dim`` are a
    subclass's to declare.
    """

    pooling: str | None = param(
        default=None,
        doc="""What ``transform`` makes of an embedding: its mean over time, its last timestep,
        or, for ``None``, all timesteps one after the other, of which alone
        ``inverse_transform`` can make series again.""",
        check=[StrOptions({"mean", "last"}), None],
        mutable=True,
    )

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the embeddings of the series in ``X``: deterministic, float32.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_timesteps * hidden_dim) or (n_samples, hidden_dim)
            The embedder's output, timestep after timestep, or pooled (``pooling``).
        """
        return super().transform(X)

    # Recovery is not conditional: there is no y in these three.

    @available_if(_has_whole_embedding)
    def inverse_transform(self, Z: ArrayLike) -> FloatArray:
        """Return the series that recovery makes of the embeddings ``Z``.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_timesteps * hidden_dim)
            Embeddings of all timesteps.

        Returns
        -------
        X : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``.
        """
        return super().inverse_transform(Z)

    @available_if(_has_whole_embedding)
    def reconstruct(self, X: ArrayLike) -> FloatArray:
        """Return the series that recovery makes of the embeddings of ``X``.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.

        Returns
        -------
        X_hat : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``.
        """
        return self.inverse_transform(self.transform(X))

    @available_if(_has_whole_embedding)
    def interpolate(self, X_a: ArrayLike, X_b: ArrayLike, n: int = 8) -> FloatArray:
        """Return series on the straight way from the embedding of each of ``X_a`` to ``X_b``'s.

        Parameters
        ----------
        X_a, X_b : array-like of series
            Equally many, of the sizes seen in ``fit``.
        n : int, default=8
            Number of series on each way, with both ends; 2 at least.

        Returns
        -------
        X : ndarray of shape (n_pairs, n, n_timesteps[, n_channels])
            In the units and the layout of the ``X`` seen in ``fit``.

        Raises
        ------
        ValueError
            If there are not as many series in one as in the other, or ``n`` is below 2.
        """
        return super().interpolate(X_a, X_b, n)

    def _latent_conditions(self, y: Any, n_samples: int) -> None:
        """Embeddings are decoded without conditions."""

    def _encode(self, v: FloatArray) -> FloatArray:
        z = np.empty((len(v), self._n_features_out), dtype=np.float32)
        with self._inference(EXACT) as networks:
            for rows in self._batches(len(v)):
                h = networks.averaged.embed(self._tensor(v[rows], EXACT)).transpose(0, 1)
                z[rows] = as_numpy(POOLS[self.pooling](h))
        return z

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        v = np.empty((len(z), *self._space.shape), dtype=np.float32)
        with self._inference(EXACT) as networks:
            for rows in self._batches(len(z)):
                h = self._tensor(z[rows], EXACT).unflatten(1, (self._space.shape[0], -1))
                v[rows] = as_numpy(networks.averaged.recover(h.transpose(0, 1)))
        return v

    @property
    def _n_features_out(self) -> int:
        n_timesteps = self._space.shape[0] if self.pooling is None else 1
        return n_timesteps * self.hidden_dim


# Only now: scikit-learn wraps a class's own transform when the class is made, and what it wraps is
# there for everybody.
EmbeddingLatents.transform = available_if(_has_embedding)(EmbeddingLatents.transform)  # type: ignore[method-assign]
