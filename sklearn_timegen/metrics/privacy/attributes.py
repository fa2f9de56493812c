"""Attribute inference: who knows a part of a series, does he learn the rest from the samples?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen._rows import channel_scale
from sklearn_timegen.data.samples import Reading, read_samples
from sklearn_timegen.metrics._common import Array, nearest
from sklearn_timegen.metrics._reading import Completion
from sklearn_timegen.metrics.privacy._owners import Codes, Mask, mean_by_owner, owners_of_both
from sklearn_timegen.metrics.privacy.attack import AttackResult

__all__ = ["attribute_attack", "guess_scores", "hidden_cells"]


def attribute_attack(
    X_real: ArrayLike,
    X_synthetic: ArrayLike,
    *,
    X_train: ArrayLike,
    secret: int | str | None = None,
    owners: ArrayLike | None = None,
    train_owners: ArrayLike | None = None,
    random_state: RandomState = None,
) -> AttackResult:
    """Guess a channel of series from the others by the synthetic ones.

    The attacker knows all channels of a series but one, looks up the synthetic series that is
    nearest in these, and guesses that the secret channel is as it is there. What can be guessed
    of everyone is no leak: a good generator teaches how channels depend on each other. The
    question is whether guesses are better for owners whose series were trained on. The score of
    an owner is minus the root mean squared error, in spreads, averaged over the owner's series;
    an AUC of 0.5 says that they are not.

    Parameters
    ----------
    X_real, X_synthetic, X_train : array-like of shape (n_samples, n_timesteps[, n_channels]), \
or list
        As for :func:`membership_attack`.
    secret : int, str or None, default=None
        The channel that is guessed, by number or by its name in frames; ``None`` is the last
        one, and of univariate series the second half of the timesteps.
    owners, train_owners : array-like, default=None
        As for :func:`membership_attack`.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the intervals.

    Returns
    -------
    result : AttackResult
        Whether errors tell members from others.

    Raises
    ------
    ValueError
        If samples are infinite or not alike, there is no such channel, no values of it, or
        nothing else to know, or owners are not one a series or are in both samples.

    References
    ----------
    M. Giomi, F. Boenisch, C. Wehmeyer and B. Tasnadi (2023), "A unified framework for quantifying
    privacy risk in synthetic data", PoPETs, which guesses by the nearest synthetic record, too,
    and compares with others that were not trained on. https://arxiv.org/abs/2211.10459

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.metrics import attribute_attack
    >>> train, held_out = np.random.default_rng(0).normal(size=(2, 100, 12, 2))
    >>> attribute_attack(held_out, train, X_train=train).auc
    1.0
    """
    seed = draw_seed(random_state)
    names = ("X_real", "X_synthetic", "X_train")
    (real, synthetic, train), reading = read_samples(X_real, X_synthetic, X_train, names=names)
    owner_of, is_member = owners_of_both(train_owners, len(train), owners, len(real))
    hidden = hidden_cells(secret, reading, real.shape[1:])
    x = np.concatenate([train, real])
    shown = Completion.of(x, synthetic)
    scores = guess_scores(
        shown(x), owner_of, shown(synthetic), hidden, np.isfinite(x), len(is_member)
    )
    kept = np.isfinite(scores)  # of owners of whom there is something to guess
    return AttackResult(
        scores[kept], is_member[kept], np.flatnonzero(kept), seed=derive_seed(seed, "owners")
    )


def hidden_cells(secret: int | str | None, reading: Reading, shape: tuple[int, int]) -> Mask:
    """Return which cells of a series are secret, of those that hold values."""
    n_timesteps, n_columns = shape
    hidden = np.zeros(shape, dtype=bool)
    columns = _columns(reading, n_columns)
    if secret is None and len(columns) == 1:
        if n_timesteps < 2:
            raise ValueError(
                "series of one channel and one timestep have nothing that could be guessed from "
                "the rest: attack their membership instead"
            )
        hidden[n_timesteps // 2 :] = True
        return hidden
    chosen: Any = len(columns) - 1 if secret is None else secret
    names = list(columns)
    if isinstance(chosen, int | np.integer) and not isinstance(chosen, bool):
        chosen = names[chosen] if 0 <= chosen < len(names) else secret
    if chosen not in columns:
        raise ValueError(
            f"secret must be a channel of X_real, one of {names} or its number, got {secret!r}"
        )
    if len(columns) == 1:
        raise ValueError(
            f"secret={secret!r} is the only channel, and nothing is left to guess it from: leave "
            "secret=None, which guesses the second half of each series from the first"
        )
    hidden[:, columns[chosen]] = True
    return hidden


def _columns(reading: Reading, n_columns: int) -> dict[Any, list[int]]:
    """Return the columns of each channel, by its name or number."""
    if reading.schema is None:
        return {d: [d] for d in range(n_columns)}
    found, at = {}, 0
    for channel, codes in zip(reading.schema.channels, reading.codes, strict=True):
        width = max(1, len(codes))
        found[channel.name] = list(range(at, at + width))
        at += width
    return found


def guess_scores(
    x: Array, owner_of: Codes, synthetic: Array, hidden: Mask, observed: Mask, n_owners: int
) -> Array:
    """Return minus the mean error of the guesses for each owner, NaN where nothing is to guess.

    ``x`` and ``synthetic`` are complete, with channels beside the others that say what is
    missing; the attacker knows these. ``observed`` says which values of ``x`` there are.
    """
    n_timesteps, n_columns = hidden.shape
    scale = channel_scale(x)
    rows, drawn = x / scale, synthetic / scale
    known = np.ones((n_timesteps, x.shape[2]), dtype=bool)
    known[:, :n_columns] = ~hidden
    _, at = nearest(rows[:, known], drawn[:, known], tolerance=0.0)
    misses = (rows - drawn[at])[:, :, :n_columns] ** 2
    counted = hidden & observed
    n_counted = counted.sum(axis=(1, 2))
    told = n_counted > 0
    if not told.any():
        raise ValueError("no value of the secret channel was observed: choose another as secret")
    errors = np.sqrt(np.where(counted, misses, 0.0).sum(axis=(1, 2))[told] / n_counted[told])
    return mean_by_owner(-errors, owner_of[told], n_owners)
