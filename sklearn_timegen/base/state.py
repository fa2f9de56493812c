"""What a fit leaves behind that did not get to its end.

An error takes everything back, and the estimator is what it was before the call, fitted or not.
Ctrl-C does so, too, as long as there is nothing to keep; once a model is trained it is kept, the
rest is left out, and ``interrupted_`` and a warning say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sklearn_timegen._warning import warn_user

__all__ = ["note_interruption", "rollback_on_error"]


class ChangedInPlace(Protocol):
    """A part of an estimator that training changes, and does not replace."""

    def snapshot(self) -> Any:
        """Return all that training changes."""

    def restore(self, kept: Any) -> None:
        """Go back to what ``snapshot`` returned."""


@contextmanager
def rollback_on_error(estimator: Any, *parts: ChangedInPlace) -> Iterator[Callable[[], None]]:
    """Leave an estimator whose fit fails as it was: an older fit is not lost.

    Parameters
    ----------
    estimator : object
        The estimator; the block may set, replace and delete its attributes.
    *parts : object
        Those of its attributes that the block changes in place.

    Yields
    ------
    roll_back : callable
        Takes everything back without an error.
    """
    before = dict(vars(estimator))
    kept = [(part, part.snapshot()) for part in parts]

    def roll_back() -> None:
        vars(estimator).clear()
        vars(estimator).update(before)
        for part, state in kept:
            part.restore(state)

    try:
        yield roll_back
    except BaseException:
        roll_back()
        raise


def note_interruption(estimator: Any, message: str) -> None:
    """Say that Ctrl-C has cut a fit short, and what there is in place of the rest."""
    estimator.interrupted_ = True
    warn_user(message)
