"""How training went."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen.plotting._common import (
    PALETTE,
    Array,
    label_axes,
    legend_above,
    single_place,
)

__all__ = ["TrainingDisplay"]

WIDE = 20  # a range of losses that a linear axis would squeeze


class TrainingDisplay:
    """The losses of a generator's network, epoch by epoch.

    The axis of the losses is logarithmic if they are positive and span more than a factor of 20.
    A validation loss that rises while the training loss falls is overfitting.

    Parameters
    ----------
    losses : dict of str to ndarray of shape (n_epochs,)
        The losses by name; NaN where an epoch has none.
    epochs : ndarray of shape (n_epochs,)
        The epochs' numbers.

    Attributes
    ----------
    best_epoch_ : int or None
        The epoch with the least ``valid_loss``, if there is one.
    ax_ : Axes
        The panel.
    figure_ : Figure
        The figure that holds it.

    See Also
    --------
    TrainingDisplay.from_estimator

    Examples
    --------
    >>> from sklearn_timegen import VAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import TrainingDisplay
    >>> vae = VAE(hidden_dims=(4,), max_epochs=3, validation_fraction=0.2, random_state=0)
    >>> display = TrainingDisplay.from_estimator(vae.fit(make_sines(40, random_state=0)))
    >>> list(display.losses)
    ['train_loss', 'valid_loss']
    """

    def __init__(self, losses: dict[str, Array], *, epochs: Array) -> None:
        self.losses = losses
        self.epochs = epochs
        valid = losses.get("valid_loss")
        self.best_epoch_ = None if valid is None else int(epochs[np.nanargmin(valid)])

    @classmethod
    def from_estimator(cls, generator: Any, *, ax: Any = None) -> TrainingDisplay:
        """Draw the losses that ``generator.net_.history`` holds.

        Parameters
        ----------
        generator : generator
            Fitted, with a network ``net_``. All numbers of its epochs whose names end with
            ``_loss`` are drawn.
        ax : Axes, default=None
            Where to draw.

        Returns
        -------
        display : TrainingDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the generator has no ``net_``, though it is fitted.
        NotFittedError
            If it is not fitted.
        ValueError
            If the history holds no losses.
        """
        name = type(generator).__name__
        if not hasattr(generator, "net_"):
            check_is_fitted(generator)
            raise TypeError(
                f"TrainingDisplay needs a generator that trains a network, but {name} has no net_"
            )
        rows = [dict(row) for row in generator.net_.history]
        found = dict.fromkeys(key for row in rows for key in row if _is_loss(key, row[key]))
        if not found:
            raise ValueError(
                f"the history of {name}.net_ holds no loss: {len(rows)} epochs, and in them no "
                "number whose name ends with _loss"
            )
        names = sorted(found, key=lambda key: (key != "train_loss", key != "valid_loss"))
        losses = {
            key: np.array(
                [row[key] if key in row and _is_loss(key, row[key]) else np.nan for row in rows],
                dtype=np.float64,
            )
            for key in names
        }
        epochs = np.array([row.get("epoch", k + 1) for k, row in enumerate(rows)])
        return cls(losses, epochs=epochs).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> TrainingDisplay:
        """Draw into ``ax``, or into a new figure; returns the display."""
        ax = single_place(ax)
        self.ax_, self.figure_ = ax, ax.get_figure(root=True)
        marker = "." if len(self.epochs) == 1 else None
        for k, (name, loss) in enumerate(self.losses.items()):
            colour, _, style = PALETTE[k % len(PALETTE)]
            label = name.replace("_", " ")
            ax.plot(
                self.epochs,
                loss,
                color=colour,
                linestyle=style,
                linewidth=1.2,
                marker=marker,
                label=label,
            )
        if self.best_epoch_ is not None:
            label = f"best epoch ({self.best_epoch_})"
            ax.axvline(self.best_epoch_, color="0.5", linewidth=1, linestyle=":", zorder=0)
            least = np.nanmin(self.losses["valid_loss"])
            star = {"color": "black", "markeredgecolor": "white", "markersize": 11, "zorder": 3}
            ax.plot(self.best_epoch_, least, "*", label=label, **star)
        every = np.concatenate(list(self.losses.values()))
        if np.nanmin(every) > 0 and np.nanmax(every) > WIDE * np.nanmin(every):
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        label_axes(ax, "epoch", "loss")
        legend_above(ax)
        return self


def _is_loss(name: Any, value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return str(name).endswith("_loss") and is_number and bool(np.isfinite(float(value)))
