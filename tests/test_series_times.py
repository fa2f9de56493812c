"""SeriesGenerator on times as they are: with gaps, in sessions, irregular."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, SeriesGenerator

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N = 300
DAYS = pd.date_range("2024-01-01", periods=N, freq="D", name="day")
pytestmark = pytest.mark.usefixtures("quick_joining")


def fit(X, generator=None, y=None, **params):
    return SeriesGenerator(generator, **{"window": 8, "random_state": SEED, **params}).fit(X, y)


def frame(index, seed=SEED):
    rng = np.random.default_rng(seed)
    values = {"load": 20 + rng.normal(size=len(index)), "calls": rng.integers(0, 9, len(index))}
    return pd.DataFrame(values, index)


def with_gaps(index, share=0.15, seed=SEED):
    """Return times of which runs are left out."""
    rng = np.random.default_rng(seed)
    start = rng.random(len(index)) < share / 3
    out = start | np.roll(start, 1) | np.roll(start, 2)
    out[[0, -1]] = False
    return index[~out]


# -- gaps ---------------------------------------------------------------------------------------

REGULAR = {
    "days": DAYS,
    "hours across summer time": pd.date_range("2024-03-25", periods=N, freq="h", tz="Europe/Rome"),
    "days across summer time": pd.date_range("2024-03-01", periods=N, freq="D", tz="Europe/Rome"),
    "months": pd.date_range("1990-01-31", periods=N, freq="ME"),
    "business days": pd.bdate_range("2024-01-01", periods=N),
    "periods": pd.period_range("2000-01", periods=N, freq="M"),
    "integers": pd.Index(range(10, 10 + 5 * N, 5)),
}


@pytest.mark.parametrize("kind", REGULAR)
def test_rows_that_are_left_out_are_left_out_of_samples(kind):
    full = REGULAR[kind]
    X = frame(with_gaps(full))
    fitted = fit(X)
    assert fitted.time_ == "regular"
    drawn = fitted.sample(8)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    times = drawn.index.get_level_values(-1)
    assert times.isin(full).all()
    share = len(drawn) / 8 / len(full)
    assert share == pytest.approx(len(X) / len(full), abs=0.06)
    one = fitted.sample()
    assert type(one.index) is type(X.index)
    assert one.index.dtype == X.index.dtype
    assert one.index.is_monotonic_increasing


def test_rows_of_tables_are_left_out_of_each_series():
    parts = [
        frame(with_gaps(DAYS, seed=SEED + k), SEED + k).assign(shop=f"s{k}", town=f"t{k}")
        for k in range(3)
    ]
    X = pd.concat(parts).reset_index()
    drawn = fit(X, id_columns="shop", time_column="day").sample(3)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    assert drawn.groupby("shop", sort=False)["town"].unique().map(list).tolist() == [
        ["t0"],
        ["t1"],
        ["t2"],
    ]
    assert 0.7 * N < drawn.groupby("shop").size().min() < N


def test_gaps_are_not_refused_where_nothing_is_to_be_missing():
    X = frame(with_gaps(DAYS))
    assert len(fit(X, PCAMixture(missing="complete")).sample()) == N
    with pytest.raises(ValueError, match=r"rows are left out after 2024-.* missing='error'"):
        fit(X, PCAMixture(missing="error"))


def test_segments_are_series_of_their_own():
    index = DAYS.delete([100, 101, 250])
    jump = pd.DataFrame({"x": np.where(index < DAYS[100], 0.0, 100.0)}, index)
    jump["x"] += np.random.default_rng(SEED).normal(size=len(jump))
    fitted = fit(jump, gaps="segments")
    assert fitted.n_windows_ == (100 - 7) + (148 - 7) + (49 - 7)
    assert [len(one) for _, one in fitted.sample(3).groupby(level=0, sort=False)] == [100, 148, 49]
    # No window goes from one level to the other.
    assert np.abs(np.diff(fitted.generator_.sample(300)[:, :, 0], axis=1)).max() < 20
    with pytest.warns(UserWarning, match="leaves 1 of 4 segments, 4 of 296 rows, .* than 8"):
        fit(jump.drop(index=DAYS[245]), gaps="segments")


@pytest.mark.parametrize("index", [DAYS.delete(5), pd.RangeIndex(N).delete(5)])
def test_gaps_may_be_errors(index):
    name = str(index[4]).removesuffix(" 00:00:00")
    X = pd.concat({"a": frame(index[:4]), "b": frame(index)})
    with pytest.raises(ValueError, match=rf"index of series 'b' is irregular: .*{name}"):
        fit(X, gaps="error")


# -- sessions -----------------------------------------------------------------------------------


def sessions(freq="30min", tz=None, days=40):
    """Return the times of trading, from 9:30 to 16:00 on business days."""
    parts = [
        pd.date_range(day + pd.Timedelta("9h30min"), day + pd.Timedelta("16h"), freq=freq, tz=tz)
        for day in pd.bdate_range("2024-01-01", periods=days)
    ]
    return (
        pd.DatetimeIndex(np.concatenate([part.to_numpy() for part in parts]))
        if tz is None
        else (parts[0].append(parts[1:]))
    )


@pytest.mark.parametrize("tz", [None, "America/New_York"])
def test_sessions_are_regular_and_go_on(tz):
    index = sessions(tz=tz)
    X = pd.DataFrame({"price": np.arange(len(index)) % 14 + 0.5}, index)
    X["price"] += 0.1 * np.random.default_rng(SEED).normal(size=len(X))
    fitted = fit(X, window=None)
    assert str(fitted.step_) == "sessions of 14 timesteps, 09:30 to 16:00, every business day"
    assert (fitted.period_, fitted.window_) == (14, 28)
    longer = fitted.sample(n_timesteps=1000)
    assert longer.index[: len(index)].equals(index)
    assert longer.index.equals(sessions(tz=tz, days=80)[:1000])
    later = fitted.sample(n_timesteps=20, start="2025-03-07 14:00")
    assert [str(t)[:16] for t in later.index[[0, 5]]] == ["2025-03-07 14:00", "2025-03-10 09:30"]
    with pytest.raises(ValueError, match=r"no session at that time; there are sessions of 14"):
        fitted.sample(start="2025-03-08 14:00")


def test_sessions_with_gaps_and_a_season():
    index = sessions().delete([100, 101, 300])
    X = pd.Series(index.hour + 0.2 * np.random.default_rng(SEED).normal(size=len(index)), index)
    drawn = fit(X, transform="stl-remainder", window=14).sample(n_timesteps=200)
    assert drawn.index.isin(sessions(days=80)).all()
    assert 180 < len(drawn) <= 200
    assert np.corrcoef(drawn, drawn.index.hour)[0, 1] > 0.9
    shop = pd.date_range("2024-01-01", periods=24 * 30, freq="h")
    shop = shop[(shop.hour >= 8) & (shop.hour < 20)]
    fitted = fit(pd.Series(np.arange(len(shop)) % 12 + 0.0, shop))
    assert str(fitted.step_) == "sessions of 12 timesteps, 08:00 to 19:00, every day"


def test_business_days_go_on_without_weekends():
    index = pd.bdate_range("2024-01-01", periods=N)
    drawn = fit(frame(index.delete([60, 190]))).sample(n_timesteps=400)
    assert (drawn.index.weekday < 5).all()


# -- irregular times ----------------------------------------------------------------------------


def visits(n=60, seed=SEED, longest=20):
    """Return visits some days apart: of some patients often, and when ill sooner."""
    rng, parts = np.random.default_rng(seed), []
    for k in range(n):
        n_visits = int(rng.integers(5, longest))
        ill = rng.random(n_visits) < 0.4
        gaps = 1 + rng.poisson(np.where(ill, 3, 40))
        parts.append(
            pd.DataFrame(
                {
                    "patient": k,
                    "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(gaps.cumsum(), "D"),
                    "ill": ill,
                    "pulse": np.round(70 + 10 * ill + rng.normal(size=n_visits), 1),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


PATIENTS = {"id_columns": "patient", "time_column": "day"}


@pytest.mark.parametrize("window", [None, 5])
def test_irregular_times_go_on_by_their_gaps(window):
    X = visits()
    fitted = fit(X, window=window, **PATIENTS)
    assert (fitted.time_, fitted.step_) == ("irregular", None)
    drawn = fitted.sample(60)
    assert list(drawn.columns) == list(X.columns)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    gaps = drawn.groupby("patient")["day"].diff().dropna().dt.total_seconds() / 86400
    real = X.groupby("patient")["day"].diff().dropna().dt.days
    assert gaps.min() >= 1
    assert (gaps == gaps.round()).all()
    assert gaps.mean() == pytest.approx(real.mean(), rel=0.25)
    # The ill come sooner.
    ill = drawn["ill"][gaps.index]
    assert gaps[ill].mean() < 0.6 * gaps[~ill].mean()
    stood_in = fitted.sample(60, like=list(range(60)))
    assert stood_in.groupby("patient").size().tolist() == X.groupby("patient").size().tolist()
    assert "time since the row before" not in repr(fitted.rules_), "which is no rule of the data"
    assert "time since the row before" not in fitted.feature_names_in_
    assert len(fitted.feature_names_in_) == fitted.n_features_in_


def test_irregular_times_begin_where_they_are_asked_to():
    ticks = np.random.default_rng(SEED).exponential(3e6, size=400).cumsum().astype("int64")
    stamps = pd.DatetimeIndex(pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(ticks, "us"))
    X = pd.Series(np.random.default_rng(SEED).normal(size=400), stamps, name="price")
    fitted = fit(X)
    drawn = fitted.sample(n_timesteps=900, start="2025-05-05 12:00")
    assert drawn.index[0] == pd.Timestamp("2025-05-05 12:00", tz="UTC")
    assert drawn.index.dtype == X.index.dtype
    assert drawn.index.is_monotonic_increasing
    assert drawn.index.is_unique
    mean = (drawn.index[-1] - drawn.index[0]) / 899
    assert mean / ((stamps[-1] - stamps[0]) / 399) == pytest.approx(1, rel=0.4)
    assert np.isfinite(fitted.score(X))
    items = fit([X, X[:50]]).sample(2)
    assert [len(one) for one in items] == [400, 50]


def test_irregular_times_that_were_to_be_regular():
    with pytest.raises(ValueError, match="index of series 0 is irregular|index of series"):
        fit(visits(), time="regular", **PATIENTS)
    for params in ({"transform": "difference"}, {"calendar": ["weekday"]}):
        with pytest.raises(ValueError, match="needs regular times, but those of series 0 have no"):
            fit(visits(), **params, **PATIENTS)
    with pytest.raises(ValueError, match="gaps"):
        fit(visits(), gaps="bridge", **PATIENTS)
    asked = fit(frame(DAYS), time="irregular").sample(n_timesteps=20)
    assert asked.index.equals(pd.DatetimeIndex(DAYS[:20], freq=None))


# -- hierarchies --------------------------------------------------------------------------------


def hierarchy(index=DAYS):
    """Return stores within regions, with the sums that sktime's Aggregator puts beside them."""
    stores = [("north", "a"), ("north", "b"), ("south", "c")]
    bottom = {key: frame(index, SEED + k) for k, key in enumerate(stores)}
    sums = {
        ("__total", "__total"): sum(bottom.values()),
        ("north", "__total"): bottom["north", "a"] + bottom["north", "b"],
        ("south", "__total"): bottom["south", "c"],
    }
    return pd.concat(bottom | sums, names=["region", "store"]).sort_index()


def test_totals_are_the_sums_of_what_was_sampled():
    X = hierarchy()
    drawn = fit(X).sample(3, n_timesteps=50)
    assert drawn.index.names == X.index.names
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    assert drawn.index.is_monotonic_increasing
    bottom = drawn[drawn.index.get_level_values("store") != "__total"]
    assert len(bottom) == 150
    total = drawn.loc[("__total", "__total")]
    pd.testing.assert_frame_equal(total, bottom.groupby(level="day").sum(), check_freq=False)
    north = bottom.loc["synthetic_0"].groupby(level="day").sum()
    total = drawn.loc[("synthetic_0", "__total")]
    pd.testing.assert_frame_equal(total, north, check_freq=False)
    one = fit(X["calls"]).sample(3)
    assert isinstance(one, pd.Series)
    assert one.loc[("__total", "__total")].sum() == one.drop("__total", level="store").sum()


def test_totals_that_are_no_sums_are_told():
    X = hierarchy()
    X.loc[("north", "__total"), "load"] = 0
    with pytest.warns(UserWarning, match=r"\('north', '__total'\) are not the sums"):
        drawn = fit(X).sample(3)
    assert "__total" not in drawn.index.get_level_values("store")


# -- messages, and what pandas knows of times ----------------------------------------------------


def test_offsets_without_a_name_of_their_own():
    X = pd.Series(np.arange(60.0) % 12, pd.date_range("2020-01-01", periods=60, freq="MS"))
    fitted = fit(X.asfreq(pd.DateOffset(months=1)), window=None)
    assert (fitted.period_, fitted.window_) == (12, 8)
    assert fitted.sample(n_timesteps=80).index[-1] == pd.Timestamp("2026-08-01")


def test_a_season_of_the_day_goes_by_the_clock():
    hours = pd.date_range("2024-03-01", periods=24 * 29, freq="h", tz="Europe/Berlin")
    noise = 0.1 * np.random.default_rng(SEED).normal(size=len(hours))
    fitted = fit(
        pd.Series(np.where(hours.hour == 15, 10, 0) + noise, hours), transform="stl-remainder"
    )
    for start in ("2024-04-02", "2023-08-01"):  # summer time, after and before
        drawn = fitted.sample(n_timesteps=240, start=pd.Timestamp(start, tz="Europe/Berlin"))
        assert drawn.groupby(drawn.index.hour).mean().idxmax() == 15


def test_what_is_no_table_is_refused_with_what_to_do():
    for X, message in (
        ("sales.csv", "pd.read_csv"),
        ({"a": frame(DAYS)}, r"list\(X.values\(\)\) if each entry is a series"),
        (iter([1.0, 2.0]), r"pass list\(X\)"),
    ):
        with pytest.raises(TypeError, match=message):
            fit(X)
    with pytest.raises(ValueError, match=r"of float64; .*unit='s'"):
        fit(frame(np.arange(N) / 2))
    two = pd.concat({"a": frame(DAYS), "b": frame(DAYS.delete(5))})
    with pytest.raises(ValueError, match=r"of series 'b' .* after 2024-01-05 .* comes 2024-01-07"):
        fit(two, gaps="error")


# -- gaps of whole days ---------------------------------------------------------------------------


def days_off(seed, n=6, n_days=40):
    """Return hourly values of plants that stand still on some days, and holes in one channel."""
    rng, parts = np.random.default_rng(seed), []
    for k in range(n):
        hours = pd.date_range("2024-01-01", periods=24 * n_days, freq="h")
        off = rng.random(n_days) < 0.1
        off[[0, -1]] = False
        X = pd.DataFrame({"plant": f"p{k}", "hour": hours, "load": rng.normal(size=len(hours))})
        X["flow"] = np.where(rng.random(len(X)) < 0.05, np.nan, rng.normal(size=len(X)))
        parts.append(X[~np.repeat(off, 24)])
    return pd.concat(parts, ignore_index=True)


def test_days_that_are_left_out_come_back_as_days():
    counts, holes = [], []
    for seed in range(SEED, SEED + 3):
        X = days_off(seed)
        fitted = fit(X, id_columns="plant", time_column="hour", max_windows=500)
        drawn = fitted.sample(6)
        gaps = [
            Y.groupby("plant")["hour"].diff().dropna() / pd.Timedelta("1h") - 1 for Y in (X, drawn)
        ]
        real, made = (gap[gap > 0] for gap in gaps)
        assert (made % 24 == 0).all()
        assert (drawn.loc[made.index, "hour"].dt.hour == 0).all()
        counts.append((len(real), len(made)))
        holes.append(drawn["flow"].isna().mean())
        assert not drawn["load"].isna().any()
    n_real, n_made = np.sum(counts, axis=0)
    # Counts of rare gaps, in two samples: within three standard deviations of their difference.
    assert abs(n_real - n_made) < 3 * np.sqrt(n_real + n_made)
    assert np.mean(holes) == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("n_series", [4, 12])
def test_series_begin_where_one_of_training_could(n_series):
    rng = np.random.default_rng(SEED)
    hours = pd.date_range("2024-01-01", periods=60, freq="h")
    half = pd.Timedelta("30min")
    X = pd.concat(
        pd.DataFrame({"id": k, "t": hours + half * (k % 2), "x": rng.normal(size=60)})
        for k in range(n_series)
    )
    series = SeriesGenerator(
        window=8, id_columns="id", time_column="t", random_state=SEED, calendar=()
    ).fit(X)
    for start in ("2024-03-01 05:00", "2024-03-01 05:30"):
        drawn = series.sample(3, 20, start=start)
        assert (drawn.groupby("id")["t"].first() == pd.Timestamp(start)).all()
    own = ["2024-03-01 05:30", "2024-03-01 05:00"]
    firsts = series.sample(2, 20, start=own).groupby("id")["t"].first()
    assert firsts.tolist() == [pd.Timestamp(start) for start in own]
    with pytest.raises(ValueError, match="05:10.*does not lie on the frequency"):
        series.sample(3, 20, start="2024-03-01 05:10")


def test_series_of_several_time_zones_begin_at_their_own_clocks():
    rng = np.random.default_rng(SEED)
    zones = ["UTC", "Europe/Zurich", "America/New_York"]
    X = [
        pd.DataFrame(
            {"x": rng.normal(size=60)}, pd.date_range("2024-01-01", periods=60, freq="h", tz=zone)
        )
        for zone in zones
    ]
    series = SeriesGenerator(window=8, random_state=SEED).fit(X)
    naive = series.sample(3, 20, start="2024-03-01")
    assert [str(x.index[0].tz) for x in naive] == zones
    assert {x.index[0].tz_localize(None) for x in naive} == {pd.Timestamp("2024-03-01")}
    at_once = series.sample(3, 20, start=pd.Timestamp("2024-03-01", tz="Asia/Tokyo"))
    assert len({x.index[0].tz_convert("UTC") for x in at_once}) == 1
    without = SeriesGenerator(window=8).fit([x.tz_localize(None) for x in X])
    with pytest.raises(ValueError, match="it has a time zone, and the times of training have"):
        without.sample(1, 20, start=pd.Timestamp("2024-03-01", tz="UTC"))
