"""TimeVAE, whose decoder is a sum of components that can be read, fixed, bounded and edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Integral, Real
from typing import Any

from numpy.typing import ArrayLike
from torch import nn

from sklearn_timegen._checks import Interval, StrOptions
from sklearn_timegen.base import estimator, param, pinned
from sklearn_timegen.data.checks import SeriesLayout
from sklearn_timegen.nn.convolutional import ConvolutionalEncoder
from sklearn_timegen.representation import Representation, SeriesScaler
from sklearn_timegen.rules import LINEAR_KINDS
from sklearn_timegen.vae._calendar import CalendarEncoder
from sklearn_timegen.vae._structure import check_seasonalities, make_structure
from sklearn_timegen.vae.components import ComponentVAE
from sklearn_timegen.vae.decomposition import DecompositionDecoder
from sklearn_timegen.vae.general import VAE

__all__ = ["TimeVAE"]


@estimator
class TimeVAE(ComponentVAE):
    """TimeVAE: a convolutional encoder, and a decoder that sums level, trend, seasons, residual.

    With the defaults it is the published base model, level and residual: latents, layers and
    their initial weights, loss, min-max scaling of each cell, and a stop after 50 epochs without
    progress of the training loss. Two things differ: batches are of 32 and not of 16 series, and
    the learning rate is not halved on plateaus (``callbacks=[LRScheduler("ReduceLROnPlateau",
    monitor="train_loss", factor=0.5, patience=30)]`` of skorch does that).

    With ``trend_degree`` or ``seasonalities`` it is the interpretable model, whose components
    ``decompose`` and ``sample_components`` return, in the units of ``X``. So that they mean
    something, the residual is kept orthogonal to what the others can draw, each channel has one
    scale for all timesteps, and the paper's heads of as many hidden units as outputs have at
    least 32. What is known of trend and seasons can be given: fixed, bounded, or dated.

    See Also
    --------
    VAE : The general class, with its attributes.

    References
    ----------
    A. Desai, C. Freeman, Z. Wang and I. Beaver (2021), "TimeVAE: a variational auto-encoder for
    multivariate time series generation". https://arxiv.org/abs/2111.08095

    Examples
    --------
    >>> from sklearn_timegen import TimeVAE
    >>> from sklearn_timegen.datasets import make_labelled_sines
    >>> X, y = make_labelled_sines(64, 24, random_state=0)
    >>> generator = TimeVAE(conditional=True, max_epochs=2, random_state=0).fit(X, y)
    >>> generator.sample(3, y="fast").shape
    (3, 24)
    >>> generator.transform(X).shape
    (64, 8)

    With a structure that can be read:

    >>> generator = TimeVAE(trend_degree=1, seasonalities=[(4, 1)], max_epochs=2, random_state=0)
    >>> list(generator.fit(X).decompose(X))
    ['level', 'trend', 'season_1', 'residual', 'noise']
    >>> steeper = generator.inverse_transform(
    ...     generator.transform(X), components={"trend": lambda trend: 1.2 * trend}
    ... )
    """

    encoder: str | Callable[..., nn.Module] = pinned("convolutional")
    decoder: str | Callable[..., nn.Module] = pinned("level-residual")
    error: str = pinned("squared-and-mean")
    level: bool = param(
        default=True,
        doc="""Whether series have a level of their own: a value for each channel. Without it, all
        have that which the representation subtracts: with ``"auto"`` the channel's mean, with
        ``SeriesScaler("minmax", per="channel")`` its minimum.""",
        check=["boolean"],
    )
    trend_degree: int = param(
        default=0,
        doc="""P in the trend ``sum_p theta_p (t / T)^p``, t the timestep and T the number of
        them; 0 for no trend.""",
        check=[Interval(Integral, 0, None, closed="left")],
    )
    seasonalities: Sequence[Any] = param(
        default=(),
        doc="""Cycles, by the number of their seasons and how many timesteps each lasts: ``(7,
        1)`` is the days of the week in daily data, ``[(24, 1), (7, 24)]`` hours and days in
        hourly data.""",
        check=["array-like"],
        type="sequence of (n_seasons, season_length)",
    )
    residual: bool = param(
        default=True,
        doc="Whether there is a residual, which a convolutional decoder draws.",
        check=["boolean"],
    )
    trend_coefficients: ArrayLike | None = param(
        default=None,
        doc="""theta, where it is known, in the units of ``X``: theta_1 is the rise over T
        timesteps.""",
        check=[Real, "array-like", None],
        type="float, array-like of shape (P,) or (P, n_channels), or None",
    )
    trend_bounds: tuple[Any, Any] | None = param(
        default=None,
        doc="""Bounds of theta, each ``None`` or as ``trend_coefficients``: ``(0, None)`` never
        falls.""",
        check=[tuple, list, None],
        type="(low, high) or None",
    )
    season_profiles: list[Any] | None = param(
        default=None,
        doc="""For each seasonality its profile, where it is known, or ``None``: an array of shape
        ``(n_seasons,)`` or ``(n_seasons, n_channels)`` in the units of ``X``.""",
        check=[list, tuple, None],
        type="list or None",
    )
    season_bounds: list[Any] | None = param(
        default=None,
        doc="For each seasonality ``None`` or bounds ``(low, high)`` of its profile.",
        check=[list, tuple, None],
        type="list or None",
    )
    calendar: str | None = param(
        default=None,
        doc="""What ``y`` says of seasons, for windows that start anywhere (needs
        ``conditional=True``). ``"start"``: one whole number for each window, the position of its
        first timestep, so that the season at t is ``((y + t) // season_length) % n_seasons``;
        hours since Monday would do for the hourly example above. ``"index"``: the season of every
        timestep, of shape ``(n_samples, n_timesteps)`` or, for several seasonalities,
        ``(n_samples, n_timesteps, n_seasonalities)``. Without it, all windows start in season 0.
        (Whole numbers in one dimension look like labels to ``evaluate_generator``: give it
        ``y.reshape(-1, 1).astype(float)``.)""",
        check=[StrOptions({"start", "index"}), None],
    )
    representation: str | Representation = param(
        default="auto",
        doc="""``"auto"`` is the paper's ``"minmax"`` for the base model, and otherwise
        ``SeriesScaler("standard", per="channel")``: trends and seasons need a scale that is the
        same at all timesteps.""",
        check=[
            StrOptions({"auto"}),
            *VAE._parameter_constraints["representation"],
        ],
    )
    max_epochs: int = param(default=1000, doc="Most epochs to train for.")
    n_iter_no_change: int | None = param(
        default=50, doc="Stop after so many epochs without progress."
    )
    hidden_dims: Sequence[int] = param(
        default=(50, 100, 200),
        doc="""Filters of the encoder's convolutions; the residual's decoder has them in reverse
        order.""",
    )
    reconstruction_weight: float = param(
        default=3.0,
        doc="""w in ``w (sum (x - x^)^2 + sum_t (mean_d (x - x^))^2) + KL``; the paper uses 0.5 to
        3.5. Greater values follow the data more closely and spread samples more.""",
    )

    def _choose_representation(self, n_timesteps: int) -> str | Representation:
        if not isinstance(self.representation, str) or self.representation != "auto":
            return self.representation
        if self.trend_degree == 0 and not check_seasonalities(self.seasonalities):
            return "minmax"
        return SeriesScaler("standard", per="channel")

    @property
    def _rule_kinds(self) -> Sequence[str]:
        # Trend and seasons are those of the channels themselves.
        structured = self.trend_degree != 0 or len(check_seasonalities(self.seasonalities)) > 0
        return LINEAR_KINDS if structured else super()._rule_kinds

    def _prior_condition(self, c: Any) -> Any:
        # Only seasons read a calendar: latents do not depend on it.
        return None if self.calendar is not None else c

    def _make_condition_encoder(self, layout: SeriesLayout) -> Any:
        if self.calendar is None:
            return super()._make_condition_encoder(layout)
        seasonalities = check_seasonalities(self.seasonalities)
        return CalendarEncoder(self.calendar, layout.n_timesteps, seasonalities)

    def _networks(self, n_timesteps: int, n_channels: int) -> tuple[Any, Any]:
        structure = make_structure(self, n_timesteps)
        return ConvolutionalEncoder, partial(DecompositionDecoder, structure=structure)
