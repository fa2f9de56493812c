"""Latents of a network that was trained without any way back: learned after the game."""

from __future__ import annotations

import copy
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from torch import nn

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen._random import derive_seed, draw_seed
from sklearn_timegen.base import LatentGenerator, NeuralGenerator, estimator, param
from sklearn_timegen.base.state import note_interruption
from sklearn_timegen.base.tensors import EXACT, as_numpy, decode_in_batches
from sklearn_timegen.data import Series
from sklearn_timegen.data.magnitude import to_float32
from sklearn_timegen.gan._latents import LatentRegression, refined
from sklearn_timegen.gan._warnings import warn_of_bad_training
from sklearn_timegen.nn.discriminator import BODIES

__all__ = ["AdversarialLatents"]

FloatArray = NDArray[np.float32]
N_RECONSTRUCTED = 1024  # series of which reconstruction_error_ is taken


@estimator
class AdversarialLatents(LatentGenerator, NeuralGenerator):
    """``transform`` of a generator that plays against a discriminator, not an encoder."""

    encoder: str = param(
        default="dense",
        doc="Network of ``transform``: a name, as for ``discriminator``.",
        check=[StrOptions(set(BODIES))],
    )
    encoder_steps: int = param(
        default=1000,
        doc="Steps of its training, after the game, on generated series.",
        check=[Interval(Integral, 1, None, closed="left")],
        mutable=True,
    )
    refine: int = param(
        default=0,
        doc="""Steps by which ``transform`` improves the encoder's latents, so that they lead back
        to the series more closely.""",
        check=[Interval(Integral, 0, None, closed="left")],
        mutable=True,
    )

    def _fit(self, series: Series, n_epochs: int | None = None) -> None:
        self.__dict__.pop("encoder_", None)
        super()._fit(series, n_epochs)

    def _after_training(self, series: Series) -> None:
        v, c = series.values, series.conditions
        if np.ptp(v, axis=0).any():
            warn_of_bad_training(self.net_)
        seed = derive_seed(draw_seed(self.random_state), "encoder")
        self.reconstruction_error_ = float("nan")
        try:
            self._learn_latents(v, c, seed)
            self.reconstruction_error_ = self._reconstruction_error(v, c, seed)
        except KeyboardInterrupt:
            what_is_left = "uses what was learned of it"
            if not hasattr(self, "encoder_"):
                what_is_left = "has nothing to go by until partial_fit has trained an encoder"
            note_interruption(
                self,
                "the regression of latents was interrupted: samples are not touched by that, "
                f"transform {what_is_left}",
            )

    def _learn_latents(self, v: FloatArray, c: FloatArray | None, seed: int) -> None:
        """Train the encoder, which is there for others once it has learned anything."""
        regression = LatentRegression(self.net_.networks, v.shape[1:], self._tensor(c), seed)
        net = getattr(self, "encoder_", None)
        again = net is not None and not net.interrupted_
        if net is None:
            net = regression.make_net(self.encoder, self._encoder_widths)
        fraction = min(1.0, self.net_.n_epochs_ / self.max_epochs) if again else 1.0
        try:
            regression.train(net, max(1, round(fraction * self.encoder_steps)))
        finally:
            if net.optimizer_.state:  # it has taken a step
                self.encoder_ = net

    def _reconstruction_error(self, v: FloatArray, c: FloatArray | None, seed: int) -> float:
        """Share of the series' variance that their latents miss."""
        rows = np.random.default_rng(seed).permutation(len(v))[:N_RECONSTRUCTED]
        missed = v[rows] - self._decode(self._encode(v[rows]), None if c is None else c[rows])
        spread = float(np.square(v[rows] - v.mean(axis=0)).sum())
        return float(np.square(missed).sum()) / spread if spread > 0 else 0.0

    def _encode(self, v: FloatArray) -> FloatArray:
        if not hasattr(self, "encoder_"):
            raise NotFittedError(
                f"this {type(self).__name__} has no encoder, which the latents of series need: "
                "Ctrl-C ended fit before the regression of latents took a step. partial_fit(X), "
                "or a fit with warm_start=True, goes on training and makes up for it"
            )
        # In float64, latents do not depend on a series' neighbours in the batch.
        encoder = copy.deepcopy(self.encoder_.module_).to(EXACT).eval()
        networks: Any = self.net_.networks
        if self.refine:
            networks = copy.deepcopy(networks).to(EXACT).eval().requires_grad_(False)
        parts = []
        for rows in self._batches(len(v)):
            x = self._tensor(v[rows], EXACT)
            with torch.no_grad():
                z, c = encoder(x).split([networks.n_latents, self._n_conditions], dim=1)
            if self.refine:
                z = refined(networks, x, z, self._settled(c), self.refine)
            parts.append(as_numpy(z))
        return to_float32(np.concatenate(parts))

    def _settled(self, c: torch.Tensor) -> torch.Tensor | None:
        """Conditions as they can be: a label is one of those known."""
        if self._condition_encoder is None:
            return None
        if self._given_vectors:
            return c
        return nn.functional.one_hot(c.argmax(dim=1), c.shape[1]).to(c)

    def _decode(self, z: FloatArray, c: FloatArray | None) -> FloatArray:
        with self._inference() as networks:
            return decode_in_batches(self, networks.sample, z, c)

    @property
    def _encoder_widths(self) -> tuple[int, ...]:
        raise NotImplementedError

    @property
    def _n_conditions(self) -> int:
        return 0 if self._condition_encoder is None else int(self._condition_encoder.n_conditions_)

    @property
    def _n_features_out(self) -> int:
        return int(self.net_.networks.n_latents)
