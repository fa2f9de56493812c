"""An encoder that learns, from real series alone, what to compare series by."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen._random import RandomState, derive_seed, draw_seed, seeded_weights
from sklearn_timegen._rows import channel_scale, flat_rows
from sklearn_timegen.base.state import rollback_on_error
from sklearn_timegen.data.samples import padded, read_real
from sklearn_timegen.metrics._common import one_torch_thread
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics.contrastive import hierarchical_contrastive_loss
from sklearn_timegen.metrics.dilated import DilatedEncoder

__all__ = ["ContrastiveEncoder", "encode_both"]

Array = NDArray[np.float64]


class ContrastiveEncoder(TransformerMixin, BaseEstimator):
    """Encode series by features that tell them apart, in the manner of TS2Vec.

    Dilated convolutions are trained so that two overlapping, randomly masked crops of a series
    agree where they overlap, and differ from other timesteps and other series, at all scales of
    time; the encoding of a series is the maximum over its timesteps. Differences from the
    published code: as many blocks as it takes to span the series (published: ten), no dropout
    of features, a dense output layer, one crop for a whole batch, weights averaged over the
    second half of training only, and gradients clipped at 10.

    Where series miss values or end early, it is shown the channel's median, and beside it which
    values are there and how long the series is; of that, what does not vary in ``fit`` is not
    told later either.

    Parameters
    ----------
    latent_dim : int, default=320
        Length of an encoding.
    hidden_dim : int, default=64
        Width of the convolutions.
    n_steps : int or "auto", default="auto"
        Training steps; ``"auto"`` is the published 200, or 600 above 100,000 values.
    batch_size : int, default=16
        Series a step.
    random_state : int, RandomState, Generator or None, default=None
        Seed of weights, batches, crops and masks.

    Attributes
    ----------
    module_ : DilatedEncoder
        The torch module, its weights averaged over the second half of training.
    losses_ : ndarray of shape (n_steps,)
        The training loss.

    References
    ----------
    Z. Yue, Y. Wang, J. Duan, T. Yang, C. Huang, Y. Tong and B. Xu (2022), "TS2Vec: towards
    universal representation of time series", AAAI 36. https://arxiv.org/abs/2106.10466

    Examples
    --------
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.metrics import ContrastiveEncoder
    >>> X = make_sines(100, 24, 2, random_state=0)
    >>> ContrastiveEncoder(n_steps=5, random_state=0).fit(X).transform(X[:7]).shape
    (7, 320)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "latent_dim": [Interval(Integral, 1, None, closed="left")],
        "hidden_dim": [Interval(Integral, 1, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        latent_dim: int = 320,
        hidden_dim: int = 64,
        *,
        n_steps: int | str = "auto",
        batch_size: int = 16,
        random_state: RandomState = None,
    ) -> None:
        self.latent_dim = latent_dim
        self.hidden_dim = hidden_dim
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> ContrastiveEncoder:
        """Train on real series.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series.
        y : object
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.
        """
        with rollback_on_error(self):
            self._validate_params()
            x, self._reading = read_real(X, "X")
            self._completion, self._shape = Completion.of(x, more=True), x.shape[1:]
            x = self._completion(x)
            self._mean, self._scale = x.mean(axis=(0, 1)), channel_scale(x)
            sizes = x.shape[1], x.shape[2], self.hidden_dim, self.latent_dim
            seed = draw_seed(self.random_state)
            with seeded_weights(derive_seed(seed, "weights")):
                self.module_ = DilatedEncoder(*sizes)
            rng = np.random.default_rng(derive_seed(seed, "views"))
            with one_torch_thread():
                self._train(self._standardised(x), rng)
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Return the encodings of series.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Series of the sizes seen in ``fit``.

        Returns
        -------
        features : ndarray of shape (n_samples, latent_dim)
            The encodings.

        Raises
        ------
        ValueError
            If the series have other sizes.
        """
        check_is_fitted(self)
        x = self._reading.read(X, "X", "fit")
        if self._completion.with_length and x.shape[1] < self._shape[0]:
            x = padded(x, self._shape[0])
        if x.shape[1:] != self._shape:
            raise ValueError(
                f"X has series of shape {x.shape[1:]}, the encoder was fitted on {self._shape}"
            )
        with one_torch_thread(), torch.no_grad():
            shown = self._standardised(self._completion(x))
            parts = [self.module_(part).amax(dim=1) for part in shown.split(512)]
        return torch.cat(parts).numpy().astype(np.float64)

    def _standardised(self, x: Array) -> Tensor:
        return torch.from_numpy(((x - self._mean) / self._scale).astype(np.float32))

    def _train(self, x: Tensor, rng: np.random.Generator) -> None:
        n_steps = self.n_steps
        if isinstance(n_steps, str):
            n_steps = 200 if x.numel() <= 100_000 else 600
        optimizer = torch.optim.AdamW(self.module_.parameters(), lr=1e-3, fused=True)
        averaged = torch.optim.swa_utils.AveragedModel(self.module_)
        losses = []
        for step in range(n_steps):
            rows = torch.from_numpy(rng.choice(len(x), min(self.batch_size, len(x)), False))
            loss = self._loss(x[rows], rng)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.module_.parameters(), 10.0)
            optimizer.step()
            losses.append(float(loss.detach()))
            if step >= n_steps // 2:
                averaged.update_parameters(self.module_)
        self.module_.load_state_dict(averaged.module.state_dict())
        self.losses_ = np.array(losses)

    def _loss(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Encode two crops of each series, and contrast them where they overlap."""
        n_timesteps = x.shape[1]
        shared = int(rng.integers(min(2, n_timesteps), n_timesteps + 1))
        begin = int(rng.integers(0, n_timesteps - shared + 1))
        first = int(rng.integers(0, begin + 1))
        last = int(rng.integers(begin + shared, n_timesteps + 1))
        a, b = x[:, first : begin + shared], x[:, begin:last]
        return hierarchical_contrastive_loss(
            self.module_(a, _mask(a, rng))[:, begin - first :],
            self.module_(b, _mask(b, rng))[:, :shared],
        )


def _mask(x: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy((rng.random(x.shape[:2]) < 0.5).astype(np.float32))


def encode_both(
    encoder: str | BaseEstimator, real: Array, synthetic: Array, seed: int
) -> tuple[Array, Array]:
    """Encode two samples by an encoder, ``"flat"`` rows, or one trained on the real series."""
    if isinstance(encoder, str) and encoder in ("flat", "contrastive"):
        shown = Completion.of(real, synthetic)
        real, synthetic = shown(real), shown(synthetic)
    if isinstance(encoder, str) and encoder == "flat":
        rows = flat_rows(real, synthetic)
        return rows[0], rows[1]
    if isinstance(encoder, str) and encoder == "contrastive":
        encoder = ContrastiveEncoder(random_state=derive_seed(seed, "encoder")).fit(real)
    elif isinstance(encoder, str) or not hasattr(encoder, "transform"):
        raise ValueError(
            f"encoder must be 'contrastive', 'flat' or a fitted transformer, got {encoder!r}"
        )
    return np.asarray(encoder.transform(real)), np.asarray(encoder.transform(synthetic))
