"""Train on synthetic, test on real, for forecasting."""

from __future__ import annotations

from typing import Any

from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from sklearn_timegen._random import RandomState
from sklearn_timegen._types import GeneratorLike
from sklearn_timegen.data.checks import check_count
from sklearn_timegen.forecasting._base import SyntheticForecaster
from sklearn_timegen.forecasting._synthesis import Panel

__all__ = ["TSTRForecaster"]


class TSTRForecaster(SyntheticForecaster):
    """Train any forecaster on synthetic series alone, to be tested on the real future.

    In sktime's ``evaluate`` this is train-on-synthetic, test-on-real for forecasting: what a
    forecaster loses to ``train_on="real"`` is what the synthetic series lack. A forecaster that
    pools learns from the synthetic series and then forecasts from the actual ones; of any other,
    such as exponential smoothing, one is fitted to each synthetic series, and their forecasts are
    averaged, so that it starts from the ends of the synthetic ones.

    Parameters
    ----------
    forecaster : sktime forecaster
        Any; cloned.
    generator : generator
        What learns the windows of the remainders: any generator of this library; cloned.
    n_series : int, default=10
        Synthetic versions of each series.
    train_on : {"synthetic", "real", "both"}, default="synthetic"
        What the forecaster is trained on: TSTR, its control TRTR, or augmentation.
    window : int or "auto", default="auto"
        Timesteps of a window; see :class:`GeneratorBootstrap`.
    sp : int or "auto", default="auto"
        Timesteps of a season; see :class:`GeneratorBootstrap`.
    decomposition : {"stl", "stl-robust"} or None, default="stl"
        Whether to generate what trend and season leave over, or the series themselves. With
        ``"stl"`` trend and season are the actual ones: then what is judged is the remainder.
    anchor_end : bool, default=False
        Whether versions end as the actual series does; then forecasters that start from those
        ends are not judged by where these happen to be, but know the latest values.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the synthetic series, and of the generator if its own is ``None``.

    Attributes
    ----------
    forecaster_ : sktime forecaster
        The fitted forecaster.
    n_series_ : int
        How many synthetic versions of each series it was fitted to.
    series_generator_ : SeriesGenerator or None
        The fitted generator; ``None`` for ``train_on="real"``.

    References
    ----------
    C. Esteban, S. Hyland and G. Raetsch (2017), "Real-valued (medical) time series generation
    with recurrent conditional GANs". https://arxiv.org/abs/1706.02633

    Examples
    --------
    >>> from sktime.datasets import load_airline
    >>> from sktime.forecasting.naive import NaiveForecaster
    >>> from sklearn_timegen import PCAMixture
    >>> from sklearn_timegen.forecasting import TSTRForecaster
    >>> tstr = TSTRForecaster(NaiveForecaster(sp=12), PCAMixture(), random_state=0)
    >>> tstr.fit(load_airline(), fh=[1, 2]).predict().shape
    (2,)
    """

    def __init__(
        self,
        forecaster: BaseForecaster,
        generator: GeneratorLike,
        n_series: int = 10,
        train_on: str = "synthetic",
        window: int | str = "auto",
        sp: int | str = "auto",
        decomposition: str | None = "stl",
        anchor_end: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.forecaster = forecaster
        self.generator = generator
        self.n_series = n_series
        self.train_on = train_on
        self.window = window
        self.sp = sp
        self.decomposition = decomposition
        self.anchor_end = anchor_end
        self.random_state = random_state
        super().__init__()

    @property
    def _trained_on(self) -> str:
        return self.train_on

    @property
    def _how(self) -> dict[str, bool]:
        return {"anchor_end": self.anchor_end}

    def _check_parameters(self) -> None:
        check_count(self.n_series, "n_series")
        if self.train_on not in ("synthetic", "real", "both"):
            raise ValueError(
                f"train_on must be 'synthetic', 'real' or 'both', got {self.train_on!r}"
            )

    def _choose_n_series(self, panel: Panel, fh: ForecastingHorizon | None, in_step: bool) -> int:
        return 0 if self.train_on == "real" else int(self.n_series)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Return parameters that sktime's checks are run with."""
        from sklearn.linear_model import Ridge
        from sktime.forecasting.compose import make_reduction
        from sktime.forecasting.naive import NaiveForecaster

        from sklearn_timegen.classical import BlockBootstrap, PCAMixture

        ridge = make_reduction(Ridge(), window_length=3, pooling="global")
        return [
            {"forecaster": ridge, "generator": PCAMixture(), "n_series": 2},
            {
                "forecaster": NaiveForecaster(),
                "generator": BlockBootstrap(),
                "n_series": 2,
                "random_state": 0,
            },
            {
                "forecaster": NaiveForecaster(strategy="drift"),
                "generator": PCAMixture(),
                "n_series": 1,
                "train_on": "both",
            },
        ]
