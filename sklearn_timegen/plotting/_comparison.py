"""What displays of real beside synthetic series share: they are drawn of a generator, too."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.plotting._common import real_and_synthetic

__all__ = ["ComparisonDisplay"]


class ComparisonDisplay:
    """A display that ``from_samples`` makes of real and synthetic series."""

    @classmethod
    def from_samples(cls, *args: Any, **kwargs: Any) -> Self:
        """Make the display of two samples of series."""
        raise NotImplementedError

    @classmethod
    def from_estimator(
        cls,
        generator: GeneratorLike,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        random_state: RandomState = None,
        **params: Any,
    ) -> Self:
        """Make the display of ``X`` and of as many samples of a fitted generator.

        Parameters
        ----------
        generator : generator
            Fitted.
        X : array-like of shape (n_samples, n_timesteps[, n_channels])
            Real series, or flat rows of all channels.
        y : array-like of shape (n_samples,), default=None
            Their labels, if the generator is conditional.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the samples.
        **params : object
            As for ``from_samples``.

        Returns
        -------
        display : object
            The drawn display.
        """
        real, synthetic = real_and_synthetic(generator, X, y, random_state)
        return cls.from_samples(real, synthetic, **cls._adapted(params, generator, y))

    @classmethod
    def _adapted(
        cls, params: dict[str, Any], generator: GeneratorLike, y: ArrayLike | None
    ) -> dict[str, Any]:
        """Return what ``from_samples`` is given beside the samples."""
        return params
