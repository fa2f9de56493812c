"""SeriesGenerator: what goes in comes out, of any length, and without a seam to be seen."""

import pickle
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.preprocessing import StandardScaler

from sklearn_timegen import BaseGenerator, PCAMixture, SeriesGenerator, TimeVAE
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_ar

from .generators import Resampler
from .global_seed import GLOBAL_RANDOM_SEED as SEED

N = 120
VALUES = np.sin(np.arange(N)[:, None] / 3 + [0, 1]) * [40, 2] + [100, 5]
DAYS = pd.date_range("2024-01-01", periods=N, freq="D", name="day")


@estimator
class Replay(BaseGenerator):
    """Draws the training windows in their order, whatever is asked."""

    def _fit(self, series):
        self._rows = series.values

    def _draw(self, n_samples, c, rng):
        return self._rows[np.arange(n_samples) % len(self._rows)]


def replayed(X, transform, **params):
    """A generator whose one window is the whole, transformed series."""
    lost = 1 if "difference" in np.atleast_1d(np.asarray(transform, dtype=object)) else 0
    window = len(X) - lost
    return SeriesGenerator(Replay(), window, transform=transform, **params).fit(X)


def frame(index=DAYS):
    columns = {"units": VALUES[:, 0].astype(int), "price": VALUES[:, 1].astype("float32")}
    return pd.DataFrame(columns, index=index)


# -- containers -------------------------------------------------------------------------------


INDEXES = {
    "days": DAYS,
    "no freq": pd.DatetimeIndex(DAYS, freq=None),
    "months": pd.date_range("2000-01-31", periods=N, freq="ME"),
    "business days": pd.date_range("2024-01-01", periods=N, freq="B", name="b"),
    "ten minutes": pd.date_range("2024-03-30", periods=N, freq="10min", tz="Europe/Berlin"),
    "periods": pd.period_range("1949-01", periods=N, freq="M", name="Period"),
    "weeks": pd.period_range("2020-01-01", periods=N, freq="W"),
    "range": pd.RangeIndex(5, 5 + 2 * N, 2, name="step"),
    "integers": pd.Index(np.arange(10, 10 + N), name="t"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
@pytest.mark.parametrize("kind", ["series", "frame"])
@pytest.mark.usefixtures("quick_joining")
def test_pandas_come_back_alike(index, kind):
    X = frame(index)
    X = X["units"] if kind == "series" else X
    fitted = SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(X)
    same = fitted.sample()
    assert type(same) is type(X)
    assert same.index.equals(X.index)
    assert same.index.name == X.index.name
    assert type(same.index) is type(X.index)
    assert getattr(same.index, "freq", None) == getattr(X.index, "freq", None)
    assert same.index.dtype == X.index.dtype
    if kind == "series":
        assert (same.name, same.dtype) == (X.name, X.dtype)
    else:
        assert same.dtypes.equals(X.dtypes)
    longer = fitted.sample(n_timesteps=2 * N + 1)
    assert len(longer) == 2 * N + 1
    assert longer.index[:N].equals(X.index)
    late = fitted.sample(n_timesteps=7, start=X.index[3])
    assert late.index.equals(X.index[3:10])
    panel = fitted.sample(3)
    assert isinstance(panel, pd.DataFrame)
    assert panel.index.names == ["series", X.index.name]
    assert panel.index.get_level_values(0).unique().tolist() == [
        f"synthetic_{k}" for k in range(3)
    ]
    assert panel.loc["synthetic_2"].index.equals(X.index)


def test_nullable_and_unsigned_dtypes():
    X = pd.DataFrame({"a": pd.array(range(40), dtype="Int32"), "b": np.arange(40, dtype="uint8")})
    drawn = (
        SeriesGenerator(PCAMixture(), window=5, random_state=SEED).fit(X).sample(n_timesteps=400)
    )
    assert drawn.dtypes.equals(X.dtypes)
    assert drawn["b"].max() <= 255


def test_names_of_columns_and_tuples():
    X = pd.DataFrame(VALUES, columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    drawn = SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(X).sample()
    assert drawn.columns.equals(X.columns)


def test_panels_keep_levels_and_lengths():
    parts = {("north", 1): frame(), ("north", 2): frame()[:50], ("south", 7): frame()[20:]}
    X = pd.concat(parts, names=["region", "store"])
    total = X.groupby(level="day").sum()
    total = pd.concat({("__total", "__total"): total}, names=["region", "store"])
    fitted = SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(pd.concat([X, total]))
    drawn = fitted.sample(4)
    assert drawn.index.names == ["region", "store", "day"]
    assert drawn.dtypes.equals(X.dtypes)
    sizes = drawn.drop("__total", level="region").groupby(level=[0, 1], sort=False).size()
    assert sizes.to_dict() == {
        ("synthetic_0", 8): N,
        ("synthetic_0", 9): 50,
        ("synthetic_1", 10): N - 20,
        ("synthetic_2", 11): N,
    }
    south = drawn[drawn.index.get_level_values("store") == 10]
    assert south.index.get_level_values("day").equals(DAYS[20:])
    series = SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(X["price"]).sample(2)
    assert isinstance(series, pd.Series)
    assert series.name == "price"


def test_panels_have_one_frequency(rng):
    def panel(**parts):
        X = pd.concat({k: frame(index)[: len(index)] for k, index in parts.items()})
        return SeriesGenerator(PCAMixture(), window=3, random_state=SEED).fit(X)

    def frame(index):
        return pd.DataFrame({"y": rng.normal(size=len(index))}, index)

    business = pd.bdate_range("2024-01-01", periods=40)
    fitted = panel(long=business, short=business[:5])
    drawn = fitted.sample(2, n_timesteps=8)
    assert (drawn.index.get_level_values(1).weekday < 5).all(), "the short one follows the long"
    months = pd.date_range("2024-01-01", periods=30, freq="MS")
    drawn = panel(long=months, short=months[:3]).sample(2, n_timesteps=5)
    assert (drawn.index.get_level_values(1).day == 1).all()
    hours = pd.date_range("2024-01-01", periods=30, freq="h")
    with pytest.raises(ValueError, match="'b' does not have the frequency MS of the longest"):
        panel(a=months, b=hours[:20])
    nameless = pd.concat({"a": frame(months), None: frame(months[:3])})
    with pytest.raises(ValueError, match="3 rows belong to a series whose name is missing"):
        SeriesGenerator(PCAMixture(), window=3).fit(nameless)
    X = pd.concat({"a": frame(months), "b": frame(months), "__total": frame(months) + 99})
    with pytest.warns(UserWarning, match="are not the sums of the other series"):
        assert SeriesGenerator(PCAMixture(), 3).fit(X).n_windows_ == 2 * 28


def test_one_short_series_does_not_cost_the_others_their_season(rng):
    y = pd.Series(np.tile([0.0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 7)[:80], INDEXES["periods"][:80])
    X = pd.concat({"long": y, "short": y[:20]}) + rng.normal(size=100) / 10
    fitted = SeriesGenerator(PCAMixture(), 6, transform="stl-remainder", random_state=SEED).fit(X)
    assert fitted.period_ == 12
    drawn = fitted.sample(2, n_timesteps=90)
    long = drawn[drawn.index.get_level_values(0) == "synthetic_0"]
    assert (long.to_numpy()[1::12] > 3).all()
    assert np.isfinite(drawn).all()


def test_names_of_levels_and_items():
    columns = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["kind", "number"])
    X = pd.DataFrame(VALUES, columns=columns)
    drawn = SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(X).sample()
    assert drawn.columns.names == ["kind", "number"]
    items = [pd.Series(VALUES[:, 0].astype(int), name="a"), pd.Series(VALUES[:, 1], name="b")]
    made = SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(items).sample(2)
    assert [(one.name, one.dtype.kind) for one in made] == [("a", "i"), ("b", "f")]


def test_long_tables():
    X = pd.concat([frame().reset_index().assign(shop=name) for name in "ab"], ignore_index=True)
    generator = SeriesGenerator(PCAMixture(), window=12, random_state=SEED)
    fitted = clone(generator).set_params(id_columns="shop", time_column="day").fit(X)
    drawn = fitted.sample(3)
    assert drawn.columns.equals(X.columns)
    assert drawn.dtypes.equals(X.dtypes)
    assert drawn["shop"].unique().tolist() == ["synthetic_0", "synthetic_1", "synthetic_2"]
    assert isinstance(drawn.index, pd.RangeIndex)
    one = clone(generator).set_params(time_column="day").fit(frame().reset_index())
    assert one.sample()["day"].equals(frame().reset_index()["day"])


def test_arrays_and_lists():
    def fit(X):
        return SeriesGenerator(PCAMixture(), window=12, random_state=SEED).fit(X)

    assert fit(VALUES[:, 0]).sample().shape == (N,)
    assert fit(VALUES[:, 0]).sample(2).shape == (2, N, 1)
    assert fit(VALUES).sample(n_timesteps=300).shape == (300, 2)
    assert fit(VALUES).sample(3).shape == (3, N, 2)
    assert fit(VALUES.astype("float32")[None]).sample().dtype == np.float32
    assert fit(VALUES[None].astype(int)).sample().dtype == int
    lists = fit([VALUES, VALUES[:30].astype(int)]).sample(3)
    assert [one.shape for one in lists] == [(N, 2), (30, 2), (N, 2)]
    frames = fit([frame(), frame()[:40]]).sample(2)
    assert frames[1].index.equals(DAYS[:40])
    assert fit(VALUES[:, 0].tolist()).sample().shape == (N,)


# -- transforms -------------------------------------------------------------------------------


class Shift:
    """Not a transformer at all."""


def sktime_detrender():
    from sktime.transformations.series.detrend import Detrender

    return Detrender()


def sktime_differencer():
    from sktime.transformations.series.difference import Differencer

    return Differencer()


ROUND_TRIPS = [
    None,
    "difference",
    "log",
    "box-cox",
    "stl-remainder",
    ["log", "difference"],
    ["box-cox", "stl-remainder"],
    ["difference", "stl-remainder"],
    StandardScaler(),
    ["log", StandardScaler(), "difference"],
    sktime_detrender,
]


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
@pytest.mark.parametrize("transform", ROUND_TRIPS, ids=lambda t: getattr(t, "__name__", str(t)))
def test_transforms_are_undone(transform, rng):
    transform = transform() if callable(transform) else transform
    time = np.arange(84)
    y = np.exp(0.01 * time + 0.2 * np.sin(2 * np.pi * time / 12)) * 100
    y = pd.Series(y + rng.normal(size=84), pd.period_range("2000-01", periods=84, freq="M"))
    drawn = replayed(y, transform).sample()
    assert_allclose(drawn, y, rtol=1e-5)
    assert drawn.index.equals(y.index)


class Seen(Replay):
    """Keeps, on the class, the windows that it is fitted to."""

    windows: ClassVar[list] = []

    def _fit(self, series):
        self.windows.append(self.representation_.inverse_transform(series.values))
        super()._fit(series)


@pytest.mark.usefixtures("quick_joining")
def test_the_lambda_of_box_cox_is_the_most_likely_one(rng):
    def transformed(y):
        SeriesGenerator(Seen(), 20, transform="box-cox", rules=None).fit(pd.Series(y))
        return Seen.windows[-1][0, :, 0]

    x = np.exp(rng.normal(size=500)) + 3
    assert_allclose(transformed(x**2), np.log(x[:20] ** 2), atol=1e-2)  # kept within [0, 1]
    y = rng.normal(10, 2, size=1000) ** 2
    likely = stats.boxcox_normmax(y, method="mle")
    assert 0.2 < likely < 0.8
    assert_allclose(transformed(y), stats.boxcox(y[:20], likely), rtol=1e-2)
    still = np.arange(500.0) % 3
    assert_allclose(transformed(still), still[:20], atol=1e-5)  # with zeros, as it is


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_differences_start_where_the_series_was():
    y = pd.Series(np.arange(40.0) ** 2, DAYS[:40])
    drawn = replayed(y, "difference").sample(n_timesteps=10, start=DAYS[20])
    # The replayed differences begin anew, from the level of that day.
    assert_allclose(drawn, 400 + np.arange(10.0) ** 2, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_trend_and_season_are_those_of_the_dates():
    time = np.arange(60)
    y = pd.Series(
        10.0 * time + 50 * (time % 12 == 3), pd.period_range("2000-01", periods=60, freq="M")
    )
    fitted = replayed(y, "stl-remainder")
    assert fitted.period_ == 12
    late = fitted.sample(n_timesteps=24, start="2002-01")
    assert_allclose(late, y[24:48], atol=2)
    beyond = fitted.sample(n_timesteps=24, start="2005-01")
    # Beyond the end: the season goes on in its phase, the trend stays where it was.
    assert (np.flatnonzero(beyond.diff() > 25) % 12 == 3).all()
    assert abs(beyond.iloc[0] - beyond.iloc[12]) < 5
    before = fitted.sample(n_timesteps=12, start="1999-01")
    assert before.to_numpy().argmax() == 3


def test_a_panel_is_decomposed_series_by_series():
    low = pd.Series(np.sin(np.arange(60.0)) + 10, DAYS[:60])
    X = pd.concat({"low": low, "high": 1000 * low})
    drawn = SeriesGenerator(PCAMixture(), 10, transform="stl-remainder", random_state=SEED).fit(X)
    means = drawn.sample(2).groupby(level=0).mean()
    assert means["synthetic_0"] == pytest.approx(10, rel=0.1)
    assert means["synthetic_1"] == pytest.approx(10_000, rel=0.1)


@pytest.mark.filterwarnings("ignore::sklearn_timegen.SingleSeriesWarning")
def test_others_may_stand_in_for_the_training_series(rng):
    y = pd.Series(np.arange(60.0), DAYS[:60])
    fitted = replayed(y + rng.normal(size=60), "stl-remainder")
    like = fitted.sample(like=y + 1000)
    assert like.iloc[0] == pytest.approx(1000, abs=10)
    with pytest.raises(ValueError, match="2 columns, but fit saw 1"):
        fitted.sample(like=frame())


def test_periods_of_frequencies():
    def period(freq, n=200):
        index = pd.date_range("2020-01-01", periods=n, freq=freq)
        return SeriesGenerator(None, window=2).find_period(pd.Series(range(n), index))

    found = {freq: period(freq) for freq in ("ME", "MS", "QS", "W", "D", "B", "h", "30min", "YE")}
    expected = {
        "ME": 12,
        "MS": 12,
        "QS": 4,
        "W": 52,
        "D": 7,
        "B": 5,
        "h": 24,
        "30min": 48,
        "YE": 1,
    }
    assert found == expected
    assert period("ME", 20) == 1, "two seasons do not fit"
    assert period("3MS") == 4
    assert SeriesGenerator(None, window=2, period=6).find_period(pd.Series(range(30))) == 6


# -- calendars --------------------------------------------------------------------------------


def test_calendars_are_conditions():
    hours = pd.date_range("2024-01-01", periods=24 * 40, freq="h")
    y = pd.Series(np.where(hours.hour == 15, 10.0, 0.0), hours)
    y += np.random.default_rng(SEED + 1).normal(size=len(y)) / 10
    fitted = SeriesGenerator(PCAMixture(), 8, calendar=["hour"], random_state=SEED).fit(y)
    drawn = fitted.sample(n_timesteps=96, start="2025-06-01 13:00")
    peaks = drawn.groupby(drawn.index.hour).mean()
    assert peaks.idxmax() == 15
    assert peaks[15] > 3 * peaks.drop([14, 15, 16]).abs().max()
    assert SeriesGenerator(PCAMixture(), 8, random_state=SEED).fit(y).calendar_ == ("hour",)
    blind = SeriesGenerator(PCAMixture(), 8, calendar=(), random_state=SEED).fit(y)
    firsts = [blind.sample(n_timesteps=8, start=hours[13], random_state=k) for k in range(20)]
    assert np.mean([one.iloc[2] for one in firsts]) < 5, "without a calendar, any hour may begin"


# -- estimator --------------------------------------------------------------------------------


def test_the_estimator_contract():
    generator = SeriesGenerator(PCAMixture(), window=12, random_state=SEED)
    assert repr(clone(generator)) == repr(generator)
    fitted = generator.fit(frame())
    assert fitted.feature_names_in_.tolist() == ["units", "price"]
    assert fitted.n_windows_ == N - 11
    pd.testing.assert_frame_equal(fitted.sample(), fitted.sample())
    pd.testing.assert_frame_equal(fitted.sample(), pickle.loads(pickle.dumps(fitted)).sample())
    assert not fitted.sample().equals(fitted.sample(random_state=SEED + 1))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    fitted.sample(5)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert fitted.score(frame()) > -0.2
    assert fitted.score(frame() * 3) < fitted.score(frame())
    search = GridSearchCV(
        SeriesGenerator(TimeVAE(max_epochs=2), window=6, random_state=SEED),
        {"generator__latent_dim": [1, 2], "window": [4, 6]},
        cv=TimeSeriesSplit(2),
    )
    assert len(search.fit(frame()).best_estimator_.sample(n_timesteps=50)) == 50


def test_one_timestep_and_lost_ones():
    fitted = SeriesGenerator(PCAMixture(), 5, transform="difference", random_state=SEED).fit(
        frame()
    )
    assert len(fitted.sample(n_timesteps=1)) == 1
    assert fitted.sample(n_timesteps=1).iloc[0, 0] == frame().iloc[0, 0]
    twice = SeriesGenerator(PCAMixture(), 5, transform=["difference"] * 2, random_state=SEED)
    assert len(twice.fit(frame()).sample(n_timesteps=1)) == 1


# -- bad input --------------------------------------------------------------------------------


def broken(change):
    X = frame().astype(float)
    return change(X)


def with_gap(X):
    return X.drop(X.index[5])


BAD = {
    "longer than the shortest series, of 10 timesteps": lambda X: X[:10],
    "2 series up to 50": lambda X: [X[:10], X[:50]],
    "irregular: steps of 1 day": with_gap,
    "irregular: a gap after its entry 4": lambda X: with_gap(X.reset_index(drop=True)),
    "duplicated timestamps, the first 2024-01-01": lambda X: pd.concat([X[:1], X]),
    "unsorted": lambda X: X[::-1],
    "missing timestamps": lambda X: X.set_axis([pd.NaT, *X.index[1:]]),
    "time_column='when'": lambda X: X.assign(when=X.index),
    "holds no series": lambda X: X[:0],
    "two columns named 'a'": lambda X: X.set_axis(["a", "a"], axis=1),
    "DatetimeIndex, a PeriodIndex or of integers": lambda X: X.set_axis(X.index.astype(str)),
    "got shape": lambda X: X.to_numpy()[None, None],
    "mixes items: frame and, at 1, array": lambda X: [X, X.to_numpy()],
    "3 columns, but fit saw 2|X has 1 columns": lambda X: [X, X[["price"]]],
}


@pytest.mark.parametrize("message", BAD)
def test_bad_series_are_refused(message):
    with pytest.raises(ValueError, match=message):
        SeriesGenerator(Resampler(), window=12, gaps="error").fit(broken(BAD[message]))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"window": 1}, "window"),
        ({"transform": "log"}, "needs positive values, but column 'price' goes down to"),
        ({"transform": "square"}, "must be one of difference, log"),
        ({"transform": Shift()}, "must be one of difference, log"),
        ({"transform": "stl-remainder", "period": 80}, "two seasons of period=80"),
        ({"calendar": ["era"]}, "calendar has 'era'"),
        ({"overlap": 12}, "overlap=12 must be less than window=12"),
        ({"id_columns": "shop"}, "no column 'shop'"),
        ({"generator": Resampler(conditional=True)}, "no calendar to condition it on"),
        ({"transform": sktime_differencer()}, "take transform='difference'"),
    ],
)
def test_bad_parameters_are_refused(params, message):
    with pytest.raises(ValueError, match=message):
        SeriesGenerator(**{"generator": Resampler(), "window": 12, **params}).fit(frame() - 60)


def test_more_that_is_refused():
    with pytest.raises(TypeError, match="got str"):
        SeriesGenerator(Resampler(), 12).fit("sales.csv")
    with pytest.raises(ValueError, match="needs dates"):
        SeriesGenerator(Resampler(), 12, calendar=["hour"]).fit(VALUES)
    fitted = SeriesGenerator(Resampler(), 12).fit(frame())
    with pytest.raises(ValueError, match="start='soon' is no time"):
        fitted.sample(start="soon")
    for index, start in (("months", "2000-01-15"), ("days", "2024-02-01 12:00")):
        with pytest.raises(ValueError, match="does not lie on the frequency"):
            SeriesGenerator(Resampler(), 5).fit(frame(INDEXES[index])).sample(start=start)
    with pytest.raises(ValueError, match="no multiple of 2"):
        SeriesGenerator(Resampler(), 5).fit(frame(INDEXES["range"])).sample(start=8)
    with pytest.raises(ValueError, match="n_series"):
        fitted.sample(0)
    with pytest.raises(ValueError, match="columns"):
        fitted.score(frame().rename(columns={"price": "cost"}))


def test_ar_goes_on_as_it_should():
    """Far beyond a window, the joined series still has the process' autocovariance."""
    phi = 0.8
    X = make_ar(100, 100, coefficients=(phi,), random_state=SEED)
    fitted = SeriesGenerator(PCAMixture(n_mixture_components=1), 16, random_state=SEED).fit(X)
    late = fitted.sample(200, n_timesteps=400)[:, 200:, 0]
    late = late - late.mean()
    covariances = np.array([(late[:, lag:] * late[:, : 200 - lag]).mean() for lag in range(12)])
    real = X[:, :, 0] - X.mean()
    variance = (real**2).mean()
    assert_allclose(covariances, variance * phi ** np.arange(12), atol=0.1 * variance)


@pytest.mark.parametrize("transform", [None, "difference"])
def test_channels_of_joined_series_stand_still(transform):
    """Walks that are read in halves stand still in half of the steps."""
    steps = 0.3 * np.random.default_rng(SEED).normal(size=(8, 300, 1))
    x = np.round(2 * steps.cumsum(axis=1)) / 2
    generator = SeriesGenerator(
        PCAMixture(), 24, stride=12, transform=transform, random_state=SEED
    )
    generator.fit(list(x))
    assert list(generator.postprocess_.lasting_[0].grids_) == [0]
    for length in (20, 24, 150):
        drawn = np.stack(generator.sample(60, n_timesteps=length))
        still, expected = (np.mean(np.diff(one, axis=1) == 0) for one in (drawn, x))
        assert still == pytest.approx(expected, abs=0.08)
        assert np.array_equal(2 * drawn, np.rint(2 * drawn))


def test_joined_series_leave_the_values_of_training_in_steps():
    x = np.round(np.random.default_rng(SEED).normal(0.1, 0.5, size=1500).cumsum())
    generator = SeriesGenerator(PCAMixture(), 12, transform="difference", random_state=SEED)
    drawn = generator.fit(x).sample(n_timesteps=4000)
    assert drawn.max() > x.max() + 20
    assert np.array_equal(drawn, np.rint(drawn))
    assert np.mean(np.diff(drawn[2000:]) == 0) == pytest.approx(np.mean(np.diff(x) == 0), abs=0.1)
