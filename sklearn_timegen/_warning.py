"""Warnings that point at the user's own line, and what can be filtered by its class."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import sklearn

__all__ = ["SingleSeriesWarning", "warn_user"]

# scikit-learn stands between a user and us in fit_transform, pipelines and searches.
INSIDE = tuple(str(Path(str(f)).parent) + os.sep for f in (__file__, sklearn.__file__))


class SingleSeriesWarning(UserWarning):
    """A generator was fitted to one series: all that it draws is that series, or varies it.

    Nothing of the series is hidden, whatever the generator.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_timegen import PCAMixture, SingleSeriesWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", SingleSeriesWarning)
    ...     PCAMixture(random_state=0).fit([[1.0, 2.0, 5.0]]).sample(1)
    array([[1., 2., 5.]], dtype=float32)
    """


def warn_user(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the first line of the stack that is not this package's, nor scikit-learn's.

    How deep that is depends on the way in: ``fit``, ``fit_transform``, ``partial_fit``, within a
    search or not.
    """
    depth, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(INSIDE):
        frame = frame.f_back
        depth += 1
    warnings.warn(message, category, stacklevel=depth)
