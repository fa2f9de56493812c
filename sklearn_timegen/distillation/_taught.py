"""What a student takes over from its teacher: all that was learned of the data."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._random import derive_seed, draw_seed, seed_estimator
from sklearn_timegen.base import LatentGenerator, NeuralGenerator, estimator, param
from sklearn_timegen.base.taken_over import TakesOverData
from sklearn_timegen.data import Series
from sklearn_timegen.flow import FlowMatching
from sklearn_timegen.flow.fitted import arc

__all__ = ["TaughtGenerator"]

FloatArray = NDArray[np.float32]


@estimator
class TaughtGenerator(TakesOverData, LatentGenerator, NeuralGenerator):
    """A generator that sees series, conditions and latents as its teacher does."""

    teacher: FlowMatching | FrozenEstimator | None = param(
        default=None,
        doc="""The flow. ``fit`` fits a clone of it, with seeds of ours where it has none; one
        that is fitted already, or frozen, stays as it is, and ``X`` must have its sizes. ``None``
        is ``FlowMatching()``. What belongs to the data is set there: ``conditional``,
        ``representation``, ``rules``, ``on_violation``, ``bounds``, ``postprocess``,
        ``n_channels``, ``layout``, ``missing``, ``channel_kinds``, ``rare_categories`` and
        ``unseen_categories``.""",
        check=[FlowMatching, FrozenEstimator, None],
        type="FlowMatching, Diffusion, FrozenEstimator or None",
    )

    def transform(self, X: ArrayLike, y: Any = None) -> FloatArray:
        """Return the noise that the teacher's flow leads to the series of ``X``: float32.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector or array-like, default=None
            Their conditions, if the teacher is conditional; ``None`` is its flow without any.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_timesteps * n_kept_channels)
            Latents: deterministic.
        """
        check_is_fitted(self)
        return self.teacher_.flow_.to_noise(self._represent(X), y)

    # -- the teacher -------------------------------------------------------------------------

    def _fit_preprocessing(self, X: ArrayLike, y: Any) -> Series:
        teacher = self._given_teacher()
        self._check_choices(teacher)
        if teacher.__sklearn_is_fitted__():
            # A copy: what it is fitted to later must not change the way back.
            self.teacher_: FlowMatching = copy.deepcopy(teacher)
        else:
            seed = derive_seed(draw_seed(self.random_state), "teacher")
            self.teacher_ = seed_estimator(clone(teacher), seed).fit(X, y)
            self.interrupted_ = self.teacher_.interrupted_
        return self._take_over(self.teacher_, X, y)

    def _given_teacher(self) -> FlowMatching:
        """Return the teacher as it was given, outside of what freezes it."""
        if self.teacher is None:
            return FlowMatching()
        if not isinstance(self.teacher, FrozenEstimator):
            return self.teacher
        inner = self.teacher.estimator
        if not isinstance(inner, FlowMatching):
            raise ValueError(
                f"the teacher must be a FlowMatching or a Diffusion, perhaps frozen, got {inner!r}"
            )
        check_is_fitted(inner)
        return inner

    def _check_choices(self, teacher: FlowMatching) -> None:
        """Refuse what contradicts itself, before any training."""

    # -- latents -------------------------------------------------------------------------------

    def _encode(self, v: FloatArray) -> FloatArray:
        return self.teacher_.flow_.to_noise(v)

    def _latents(self, X: ArrayLike, y: Any) -> FloatArray:
        return self.transform(X, y)

    def _between(self, z_a: FloatArray, z_b: FloatArray, fraction: FloatArray) -> FloatArray:
        return arc(z_a, z_b, fraction)

    @property
    def _n_features_out(self) -> int:
        return int(np.prod(self._space.shape))
