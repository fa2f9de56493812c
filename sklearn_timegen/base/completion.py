"""Series of which a part is known: what is missing is drawn given the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.data import Series
from sklearn_timegen.data.checks import check_count, ends_of
from sklearn_timegen.representation import REPRESENTATIONS, represent

if TYPE_CHECKING:
    from sklearn_timegen.base.generator import BaseGenerator

__all__ = ["Completing", "check_cell_by_cell", "masks_of", "with_gaps"]

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]


def _completes(generator: BaseGenerator) -> bool:
    generator._check_completes()
    return True


class Completing:
    """``impute``, of a generator that can draw a part of a series given the rest of it.

    A subclass whose represented series are cells with a density implements
    ``_complete_represented``; one that has another way implements ``_complete``. Both say by
    ``_check_completes``, which raises nothing then, that they do.
    """

    @available_if(_completes)
    def impute(
        self: Any,
        X: ArrayLike,
        y: Any = None,
        *,
        n_samples: int | None = None,
        random_state: RandomState = None,
    ) -> Any:
        """Fill the NaN in ``X`` with draws given the values that are there.

        Known values come back as they are, and what is drawn keeps the rules that the series of
        ``fit`` kept. How the draws are made, and whether exactly, is said with the class.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``, with NaN where values are missing, anywhere.
        y : label, vector or array-like, default=None
            Their conditions, if the generator is conditional.
        n_samples : int or None, default=None
            Number of completions of each series; ``None`` is one, in the layout of ``X``.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws; ``None`` means the generator's own ``random_state``.

        Returns
        -------
        X_filled : ndarray of series
            Like ``X``, with a first axis of ``n_samples`` completions if that is given: of lists
            and frames, a list of these. Of series that end at different times, each ends where it
            did.

        Raises
        ------
        ValueError
            If values are infinite, or sizes differ from those of ``fit``.
        AttributeError
            If the generator, or its representation, leaves no way to condition on known values.
        """
        check_is_fitted(self)
        n_draws = 1 if n_samples is None else check_count(n_samples, "n_samples")
        x, known = with_gaps(X, self)
        c = self._encode_conditions(y, len(x))
        seed = draw_seed(self.random_state if random_state is None else random_state)
        drawn = self._complete(x, known, c, n_draws, derive_seed(seed, "impute"))
        if self._layout.ragged:  # what lies beyond the end of a series is not missing
            ends = ends_of(np.where(known, x, np.nan))
            drawn[:, np.arange(x.shape[1]) >= ends[:, None]] = np.nan
        if n_samples is None:
            return self._layout.restore(drawn[0])
        return self._layout.restore_groups(drawn.reshape(-1, *x.shape[1:]), n_draws)

    # -- hooks -------------------------------------------------------------------------------

    def _check_completes(self) -> None:
        """Raise an AttributeError if there is no ``impute``, which says what has it."""
        raise AttributeError(
            f"{type(self).__name__} knows no distribution of a part of a series given the rest, "
            "which impute needs: use PCAMixture, FlowMatching, TeacherForcing, or a VAE"
        )

    def _complete(
        self: Any, x: FloatArray, known: Mask, c: FloatArray | None, n_draws: int, seed: int
    ) -> FloatArray:
        """Return ``(n_draws, *x.shape)`` completions of series whose ``known`` cells count."""
        completed = np.tile(x, (n_draws, 1, 1, 1))
        rng, rows = self._make_rng(seed), np.flatnonzero(~known.all(axis=(1, 2)))
        if len(rows) == 0:
            return completed
        x, known, c = x[rows], known[rows], None if c is None else c[rows]
        u, fixed = self._structure.encode_known(x, known)
        # Where nothing is known, a represented series is at its centre.
        centre = self._preprocessing.coordinates(np.zeros((1, *self._space.shape), np.float32))
        v = represent(self.representation_, np.where(fixed, u, centre))
        series = Series(np.where(fixed, v, np.float32(0)), c, observed=fixed)
        draw, row = np.divmod(np.arange(n_draws * len(rows)), len(rows))
        for part in self._batches(len(row)):
            of = row[part]
            drawn = self._complete_represented(series[of], rng)
            drawn = self._as_represented(drawn, len(drawn), "_complete_represented")
            completed[draw[part], rows[of]] = self._preprocessing.complete(
                self._preprocessing.coordinates(drawn), u[of], fixed[of], x[of], known[of]
            )
        return completed

    def _complete_represented(self, series: Series, rng: Any) -> FloatArray:
        """Return represented values, drawn given those of ``series`` that were observed."""
        raise NotImplementedError


def with_gaps(X: Any, generator: BaseGenerator) -> tuple[FloatArray, Mask]:
    """Return series with zeros for what is missing, and which cells are known."""
    x = generator._preprocessing.read(X, generator, missing=True)
    known = np.isfinite(x)
    generator._structure.limits_.check(x)
    return np.where(known, x, np.float32(0)), known


def masks_of(known: Mask) -> list[tuple[Mask, NDArray[np.int64]]]:
    """Return each mask ``(n_timesteps, n_channels)`` that occurs, with the series that have it."""
    masks, of = np.unique(known.reshape(len(known), -1), axis=0, return_inverse=True)
    each = masks.reshape(-1, *known.shape[1:])
    return [(mask, np.flatnonzero(of.ravel() == k)) for k, mask in enumerate(each)]


def check_cell_by_cell(generator: BaseGenerator) -> None:
    """Raise an AttributeError if no represented cell follows from a cell of a series."""
    representation: Any = getattr(generator, "representation_", generator.representation)
    if isinstance(representation, str):
        representation = REPRESENTATIONS[representation]
    if not getattr(representation, "cell_by_cell", False):
        alone = [name for name, one in REPRESENTATIONS.items() if hasattr(one, "cell_by_cell")]
        raise AttributeError(
            f"representation={representation!r} mixes cells, so that nothing of it is known of a "
            f"series with gaps, and impute needs that: use "
            f"{', '.join(map(repr, alone[:-1]))} or {alone[-1]!r}"
        )
