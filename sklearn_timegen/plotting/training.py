"""How training went."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.plotting._common import (
    PALETTE,
    Array,
    Axes,
    divided_place,
    label_axes,
    legend_above,
    panels_legend,
    single_place,
)

__all__ = ["TrainingDisplay"]

WIDE = 20  # a range that a linear axis would squeeze
# What is watched in a game besides the losses: its panel, and whose it is.
WATCHED = {
    "train_distance": ("distance", "training series"),
    "valid_distance": ("distance", "held-out series"),
    "discriminator_gradient": ("gradient norm", "discriminator"),
    "generator_gradient": ("gradient norm", "generator"),
    "discriminator_accuracy": ("accuracy", "discriminator"),
    "effective_sample_ratio": ("effective ratio", "training series"),
}
JUDGES = ("valid_distance", "train_distance", "valid_loss")  # the first there is
LOOKS = {
    "training series": (PALETTE[0][0], "-"),
    "held-out series": (PALETTE[1][0], "--"),
    "discriminator": (PALETTE[2][0], "-"),
    "generator": (PALETTE[3][0], "--"),
}


class TrainingDisplay:
    """The losses of a generator's network, epoch by epoch, or all that is known of a game.

    A validation loss that rises while the training loss falls is overfitting. The axis of the
    losses is logarithmic if they are positive and span more than a factor of 20. The losses of
    two networks in a game, as those of a :class:`~sklearn_timegen.GAN`, do not tell how good
    samples are: a game has a panel for each of these.

    ===================  =======================================================================
    ``distance``         Of samples from training and held-out series: it is to fall.
    ``loss``             Of both networks.
    ``gradient norm``    Of both networks: it is neither to vanish nor to explode.
    ``accuracy``         Share of pairs of a real and a generated series that the discriminator
                         orders rightly. In the grey, the generator learns little from it.
    ``effective ratio``  Effective number of different samples, beside that of training series.
                         In the grey, they have collapsed to few modes.
    ===================  =======================================================================

    Parameters
    ----------
    losses : dict of str to ndarray of shape (n_epochs,)
        The losses by name; NaN where an epoch has none.
    epochs : ndarray of shape (n_epochs,)
        The epochs' numbers.
    watched : dict of str to ndarray of shape (n_epochs,), default=None
        What else is known of a game, under the names that it has in ``history_``.

    Attributes
    ----------
    best_epoch_ : int or None
        That with the least ``valid_distance``, ``train_distance`` or ``valid_loss``: the first
        of these that there is.
    axes_ : ndarray of shape (n_panels,) of Axes
        The panels: a single one, but several for a game.
    ax_ : Axes
        The first of them.
    figure_ : Figure
        The figure that holds them.

    See Also
    --------
    TrainingDisplay.from_estimator

    Examples
    --------
    >>> from sklearn_timegen import NSGAN, VAE
    >>> from sklearn_timegen.datasets import make_sines
    >>> from sklearn_timegen.plotting import TrainingDisplay
    >>> X = make_sines(40, random_state=0)
    >>> vae = VAE(hidden_dims=(4,), max_epochs=3, validation_fraction=0.2, random_state=0)
    >>> list(TrainingDisplay.from_estimator(vae.fit(X)).losses)
    ['train_loss', 'valid_loss']
    >>> gan = NSGAN(hidden_dims=(4,), max_epochs=3, encoder_steps=5, random_state=0)
    >>> [panel.get_ylabel() for panel in TrainingDisplay.from_estimator(gan.fit(X)).axes_]
    ['distance', 'loss', 'gradient norm', 'accuracy', 'effective ratio']
    """

    def __init__(
        self,
        losses: dict[str, Array],
        *,
        epochs: Array,
        watched: dict[str, Array] | None = None,
    ) -> None:
        self.losses = losses
        self.epochs = epochs
        self.watched = watched or {}
        every = losses | self.watched
        self._judge = next((every[name] for name in JUDGES if name in every), None)
        self.best_epoch_ = None if self._judge is None else int(epochs[np.nanargmin(self._judge)])

    @classmethod
    def from_estimator(
        cls, generator: GeneratorLike, *, ax: Axes | None = None
    ) -> TrainingDisplay:
        """Draw the losses that ``generator.net_.history`` holds, and what else a game records.

        Parameters
        ----------
        generator : generator
            Fitted, with a network ``net_``. All numbers of its epochs whose names end with
            ``_loss`` are drawn.
        ax : Axes, default=None
            Where to draw; for a game, its place is divided.

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
        columns = _columns(rows)
        losses = [key for key in columns if key not in WATCHED]
        if not losses:
            raise ValueError(
                f"the history of {name}.net_ holds no loss: {len(rows)} epochs, and in them no "
                "number whose name ends with _loss"
            )
        losses.sort(key=lambda key: (key != "train_loss", key != "valid_loss"))
        return cls(
            {key: columns[key] for key in losses},
            epochs=np.array([row.get("epoch", k + 1) for k, row in enumerate(rows)]),
            watched={key: columns[key] for key in WATCHED if key in columns},
        ).plot(ax=ax)

    def plot(self, *, ax: Axes | None = None) -> TrainingDisplay:
        """Draw into ``ax``, for a game into its place, or a new figure; returns the display."""
        panels = self._panels()
        if self.watched:
            host, grid = divided_place(ax, len(panels), 1, 1 + 0.95 * len(panels), sharex=True)
            self.axes_ = grid[:, 0]
        else:
            self.axes_ = np.array([single_place(ax)])
        self.ax_, self.figure_ = self.axes_[0], self.axes_[0].get_figure(root=True)
        for panel, (title, lines) in zip(self.axes_, panels.items(), strict=True):
            self._draw(panel, lines)
            self._mark_best(panel, lines)
            _scale(panel, title, np.concatenate(list(lines.values())))
            label_axes(panel, ylabel=title)
        self.ax_.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        label_axes(self.axes_[-1], "epoch", self.axes_[-1].get_ylabel())
        if not self.watched:
            legend_above(self.ax_)
            return self
        self.figure_.align_ylabels(self.axes_)
        # Without a host there is no room for a legend of all: the upper two have all labels.
        for explained in self.axes_[:2, None] if host is None else [self.axes_]:
            panels_legend(host, explained)
        return self

    def _panels(self) -> dict[str, dict[str, Array]]:
        """The lines of each panel, by their labels."""
        panels: dict[str, dict[str, Array]] = {"distance": {}, "loss": {}}
        for name, (title, label) in WATCHED.items():
            if name in self.watched:
                panels.setdefault(title, {})[label] = self.watched[name]
        for name, loss in self.losses.items():
            player = name.removesuffix("_loss")
            label = player if self.watched and player in LOOKS else name.replace("_", " ")
            panels["loss"][label] = loss
        return {title: lines for title, lines in panels.items() if lines}

    def _draw(self, panel: Axes, lines: dict[str, Array]) -> None:
        for k, (label, values) in enumerate(lines.items(), 2 * bool(self.watched)):
            colour, style = LOOKS.get(label, PALETTE[k % len(PALETTE)][::2])
            # An epoch of a game may be too short for a step of the generator: no gap in a line.
            known = np.isfinite(values) if self.watched else np.full(len(values), True)
            x, y, marker = self.epochs[known], values[known], "." if known.sum() == 1 else None
            panel.plot(x, y, color=colour, ls=style, lw=1.2, marker=marker, label=label)

    def _mark_best(self, panel: Axes, lines: dict[str, Array]) -> None:
        if self._judge is None or self.best_epoch_ is None:
            return
        panel.axvline(self.best_epoch_, color="0.5", linewidth=1, linestyle=":", zorder=0)
        if any(values is self._judge for values in lines.values()):
            label = f"best epoch ({self.best_epoch_})"
            best = self.best_epoch_, np.nanmin(self._judge)
            panel.plot(*best, "*", color="black", mec="white", ms=11, zorder=3, label=label)


def _scale(panel: Axes, title: str, values: Array) -> None:
    """Choose the vertical axis, and mark what is known of its values."""
    from sklearn_timegen.training import COLLAPSED, SATURATED  # what it needs is slow to import

    least, greatest = np.nanmin(values), np.nanmax(values)
    if title == "accuracy":
        panel.set_ylim(-0.05, 1.05)
        _mark(panel, 0.5, "chance", (SATURATED, 1.05), "saturated")
    elif title == "effective ratio":
        panel.set_ylim(0, max(1.1, 1.05 * greatest))
        _mark(panel, 1, "as data", (0, COLLAPSED), "collapsed")
    elif (title == "gradient norm" and greatest > 0) or 0 < WIDE * least < greatest:
        panel.set_yscale("log")


def _mark(panel: Axes, level: float, name: str, bad: tuple[float, float], problem: str) -> None:
    """Mark a level, and a range that is bad, with their names on the right."""
    panel.axhline(level, color="0.6", linewidth=0.6, zorder=0)
    panel.axhspan(*bad, color="0.88", linewidth=0, zorder=-1)
    looks: dict[str, Any] = {"fontsize": "x-small", "color": "0.3", "verticalalignment": "center"}
    for y, text in ((level, name), (sum(bad) / 2, problem)):
        panel.text(1.02, y, text, transform=panel.get_yaxis_transform(), **looks)


def _columns(rows: list[dict[Any, Any]]) -> dict[str, Array]:
    """The losses and what is watched, as far as they are finite numbers; NaN elsewhere."""
    known = [{str(key): row[key] for key in row if _is_drawn(key, row[key])} for row in rows]
    names = dict.fromkeys(name for row in known for name in row)
    return {name: np.array([float(row.get(name, np.nan)) for row in known]) for name in names}


def _is_drawn(name: Any, value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    is_named = str(name).endswith("_loss") or name in WATCHED
    return is_named and is_number and bool(np.isfinite(float(value)))
