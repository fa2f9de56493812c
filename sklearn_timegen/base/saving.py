"""Estimators that can be saved without pickle."""

from __future__ import annotations

from pathlib import Path

from sklearn_timegen.io.saved import save

__all__ = ["Saving"]


class Saving:
    """An estimator with the method ``save``, whose files :func:`sklearn_timegen.load` reads."""

    def save(
        self, path: str | Path, *, training_state: bool = False, real_data: str = "keep"
    ) -> None:
        """Write the estimator, fitted or not, to a file that holds no code.

        The file is a zip of JSON and of arrays (safetensors); :func:`sklearn_timegen.load` makes
        the estimator of it again, in another process and on another machine, and it draws the
        same series from the same seed. It is written whole or not at all.

        Parameters
        ----------
        path : str or Path
            The file; what stood there is replaced.
        training_state : bool, default=False
            Whether the optimizers' memory is kept, so that further training goes on as if there
            had been no break; it takes twice the weights' space. Without it, optimizers begin
            anew, and a warning says so.
        real_data : {"keep", "thin", "drop"}, default="keep"
            What is done with values of training series that the estimator holds. With "thin",
            those are left out that it works without, and of its quantiles at most 100 are kept
            for each cell, each the mean of several values; samples may be a little different
            then. With "drop", an error says what is held nevertheless, and why. Such statistics
            as means, extremes and the names of categories are in every file.
            :func:`sklearn_timegen.io.describe` says what a file holds.

        Raises
        ------
        CannotSave
            A ``TypeError``: something in the estimator has no form without code, such as a
            function or a class of one's own (:func:`sklearn_timegen.io.register`).
        OSError
            If the file cannot be written; what stood there is as it was.
        """
        save(self, path, training_state=training_state, real_data=real_data)
