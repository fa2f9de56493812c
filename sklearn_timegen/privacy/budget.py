"""What a training may tell of any one owner."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LEFT_OUT", "PrivacyBudget"]

# What stands in a saved budget for values that belong to the data.
LEFT_OUT = "left out of the file"
DATA = ("owners", "public", "public_y")


@dataclass(frozen=True, eq=False)
class PrivacyBudget:
    """How much a training may tell of any one owner, and what of the data is public.

    A generator that is trained with ``private=PrivacyBudget(epsilon, delta)`` is (epsilon,
    delta)-differentially private in its owners: whether all the series of one owner were there,
    or none, changes the probability of any outcome by a factor of exp(epsilon) at most, but for
    cases of probability delta (Dwork and Roth 2014). Each ``fit`` spends a budget of its own, and
    budgets add up: so do the candidates of a grid search.

    Parameters
    ----------
    epsilon : float
        The budget, above 0. Below 1 is strong; above 10 little is promised.
    delta : float
        Probability that the promise fails, above 0, and below one over the number of owners.
    max_grad_norm : float or None, default=None
        Norm to which the gradient of each owner is clipped, for generators with a network;
        ``None`` is 1.
    max_series_norm : float or None, default=None
        Norm to which represented series are clipped, for ``PCAMixture``, which adds noise to
        moments; ``None`` is the square root of the number of their cells.
    owners : array-like of shape (n_samples,) or None, default=None
        Whose each series is: a person, shop or patient, by a name or number. All series of an
        owner are protected together. ``None`` takes each series for an owner of its own, which
        protects nobody whose windows are several of them.
    public : array-like of series or None, default=None
        Series like those of ``fit``, of nobody who is to be protected. What is learned beside
        the model is learned from them: rules, scales, quantiles, kinds of channels, lengths.
        ``None`` is for generators with ``bounds=(low, high)`` for all channels, which are
        public then, ``rules=None``, ``postprocess=None`` and an affine representation.
    public_y : array-like or None, default=None
        Their labels or vectors, for a conditional generator. Without ``public``, the labels that
        there are.

    References
    ----------
    C. Dwork and A. Roth (2014), "The algorithmic foundations of differential privacy",
    https://doi.org/10.1561/0400000042

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.privacy import PrivacyBudget
    >>> X = make_sines(64, 24, 1, random_state=0)
    >>> vae = VAE(encoder="dense", decoder="dense", hidden_dims=(16,), max_epochs=2,
    ...           private=PrivacyBudget(epsilon=4.0, delta=1e-3), bounds=(0, 1), rules=None,
    ...           postprocess=None, random_state=0).fit(X)
    >>> 3.9 < vae.epsilon_ <= 4.0
    True
    """

    epsilon: float
    delta: float
    max_grad_norm: float | None = field(default=None, kw_only=True)
    max_series_norm: float | None = field(default=None, kw_only=True)
    owners: Any = field(default=None, kw_only=True, repr=False)
    public: Any = field(default=None, kw_only=True, repr=False)
    public_y: Any = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        _check_positive("epsilon", self.epsilon)
        _check_positive("delta", self.delta)
        if self.delta >= 1:
            raise ValueError(
                f"delta={self.delta!r} is a probability, below one over the number of owners"
            )
        for name in ("max_grad_norm", "max_series_norm"):
            if getattr(self, name) is not None:
                _check_positive(name, getattr(self, name))

    def owner_codes(self, n_samples: int) -> NDArray[np.int64]:
        """Return the number of the owner of each of ``n_samples`` series, counted from 0.

        Raises
        ------
        ValueError
            If ``owners`` are not as many, or ``delta`` is no promise for as few.
        """
        if self.owners is None:
            codes = np.arange(n_samples)
        else:
            named = np.asarray(self.owners)
            if named.ndim != 1 or len(named) != n_samples:
                raise ValueError(
                    f"owners must be 1-d, with one entry for each of the {n_samples} series, got "
                    f"shape {named.shape}: a budget with owners belongs to one X, and take(rows) "
                    "makes those of folds and other parts of it"
                )
            if named.dtype.kind == "f" and not np.isfinite(named).all():
                raise ValueError("owners contain NaN or inf: name whose each series is")
            codes = np.unique(named, return_inverse=True)[1].astype(np.int64)
        n_owners = int(codes.max()) + 1
        if self.delta * n_owners >= 1:
            raise ValueError(
                f"delta={self.delta!r} is not below 1 / {n_owners}, one over the number of "
                "owners: to publish all of one owner's series would be allowed. Take 1 / n_owners "
                "** 1.1 or less"
            )
        return codes

    def take(self, rows: ArrayLike) -> PrivacyBudget:
        """Return the same budget for some of the series, as for a fold.

        Parameters
        ----------
        rows : array-like of int or bool
            Which of those that ``owners`` names.

        Returns
        -------
        budget : PrivacyBudget
            One of its own: what is spent of it adds to what is spent of this one.

        Examples
        --------
        >>> from sklearn_timegen.privacy import PrivacyBudget
        >>> PrivacyBudget(1.0, 1e-5, owners=["ann", "ann", "bob"]).take([0, 2]).owners.tolist()
        ['ann', 'bob']
        """
        self.check_whole()
        if self.owners is None:
            return replace(self)
        return replace(self, owners=np.asarray(self.owners)[np.asarray(rows)])

    def check_whole(self) -> None:
        """Refuse a budget that a file has left something out of."""
        for name in DATA:
            self._check_there(name)

    def _check_there(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, str) and value == LEFT_OUT:
            raise ValueError(
                f"this budget was loaded from a file, which leaves its {name} out: set private= "
                "to a new PrivacyBudget before fitting again"
            )

    def _state_to_save(self, training_state: bool) -> dict[str, Any]:
        """Return what a file keeps: the budget, and not what belongs to the data."""
        return {
            name: LEFT_OUT if name in DATA and value is not None else value
            for name, value in vars(self).items()
        }


def _check_positive(name: str, value: Any) -> None:
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not math.isfinite(float(value)) or float(value) <= 0:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
