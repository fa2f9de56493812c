"""Windows of tables: none runs into another series, or over a gap, and folds share no timestep."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupKFold

from sklearn_timegen import PCAMixture
from sklearn_timegen.model_selection import WindowKFold, WindowTimeSeriesSplit, make_windows

from .global_seed import GLOBAL_RANDOM_SEED as SEED

LENGTH, WINDOW = 60, 6
CLOCKS = {
    "hours": pd.date_range("2024-03-30", periods=LENGTH, freq="h", tz="Europe/Berlin"),
    "days": pd.date_range("2024-03-01", periods=LENGTH, freq="D", tz="Europe/Berlin"),
    "business days": pd.date_range("2024-01-01", periods=LENGTH, freq="B"),
    "weeks": pd.date_range("2024-01-03", periods=LENGTH, freq="W-WED"),
    "ends of months": pd.date_range("2020-01-31", periods=LENGTH, freq="ME"),
    "quarters": pd.date_range("2010-03-31", periods=LENGTH, freq="QE"),
    "periods": pd.period_range("2020-01", periods=LENGTH, freq="M"),
    "elapsed": pd.timedelta_range("0s", periods=LENGTH, freq="5min"),
    "numbers": pd.Index(10 + 3 * np.arange(LENGTH)),
}
every_clock = pytest.mark.parametrize("clock", CLOCKS)


def shops(clock, n_series=3, missing=()):
    """Return a long table whose values tell series and timestep: 1000 a series, and the step."""
    parts = [
        pd.DataFrame(
            {
                "item": k % 2,
                "shop": f"s{k}",
                "at": CLOCKS[clock],
                "x": 1000.0 * k + np.arange(LENGTH),
            }
        )
        for k in range(n_series)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[~(table["x"] % 1000).isin(missing)].reset_index(drop=True)


def shuffled(table):
    return table.sample(frac=1, random_state=SEED)


NAMES = {"id_columns": "shop", "time_column": "at"}


def as_long(table):
    return table.drop(columns="item"), NAMES


def as_long_by_two(table):
    return table, {"id_columns": ["item", "shop"], "time_column": "at"}


def as_dated_long(table):
    return table.drop(columns="item").set_index("at"), {"id_columns": "shop"}


def as_panel(table):
    return table.set_index(["shop", "at"])[["x"]], {}


def as_hierarchy(table):
    totals = table.assign(item="__total", shop="__total", x=-1e6).drop_duplicates("at")
    whole = pd.concat([table.astype({"item": object}), totals])
    return whole.set_index(["item", "shop", "at"]), {}


def as_list(table):
    return [part.set_index("at")[["x"]] for _, part in table.groupby("shop")], {}


FORMS = [as_long, as_long_by_two, as_dated_long, as_panel, as_hierarchy, as_list]


# Beside id_columns, numbers in the index are those of rows.
PAIRS = [(c, f) for c in CLOCKS for f in FORMS if (c, f) != ("numbers", as_dated_long)]


@pytest.mark.parametrize(("clock", "form"), PAIRS)
def test_no_window_runs_on(clock, form):
    missing = (20, 21, 41)
    table, names = form(shuffled(shops(clock, missing=missing)))
    windows, starts, origins = make_windows(table, WINDOW, 2, return_origins=True, **names)
    assert windows.shape[1:] == (WINDOW, 1)
    assert (np.diff(windows[:, :, 0], axis=1) == 1).all(), "each timestep follows the last"
    assert (windows[:, 0, 0] % 1000 == starts).all(), "starts are steps of time"
    lengths = (20, 41 - 22, LENGTH - 42)
    assert len(windows) == 3 * sum((n - WINDOW) // 2 + 1 for n in lengths)
    assert (origins.iloc[:, -1] == CLOCKS[clock][starts]).all()
    series = origins.iloc[:, -2]
    assert series.nunique() == 3
    assert (np.diff(windows[:, 0, 0] // 1000) != 0).sum() == 2, "series come one by one"


@pytest.mark.parametrize("cv", [WindowKFold(4, gap=2), WindowTimeSeriesSplit(3, gap=2)])
def test_folds_of_time_share_no_timestep(cv):
    table, names = as_long(shuffled(shops("hours", missing=(30,))))
    windows, starts = make_windows(table, WINDOW, **names)
    for train, test in cv.split(windows, groups=starts):
        steps = [set((windows[rows, :, 0] % 1000).ravel()) for rows in (train, test)]
        assert not steps[0] & steps[1]
        assert len({x // 1000 for x in windows[test, 0, 0]}) == 3, "all series are tested"


def test_folds_of_series_leave_whole_ones_out():
    table, names = as_long(shops("hours"))
    windows, _, origins = make_windows(table, WINDOW, return_origins=True, **names)
    for train, test in GroupKFold(3).split(windows, groups=origins["shop"]):
        assert not set(windows[train, 0, 0] // 1000) & set(windows[test, 0, 0] // 1000)


def test_series_too_short_for_folds_of_time():
    table, names = as_long(shops("hours", missing=range(WINDOW + 3, LENGTH)))
    windows, starts = make_windows(table, WINDOW, **names)
    with pytest.raises(ValueError, match="begin at the same times, .* GroupKFold"):
        list(WindowKFold(2).split(windows, window_starts=starts))


def test_series_begin_at_their_own_times():
    table = shops("business days")
    late = table[(table["shop"] != "s1") | (table["x"] % 1000 >= 25)]
    _, starts, origins = make_windows(as_panel(late)[0], WINDOW, return_origins=True)
    assert starts[(origins["shop"] == "s1").argmax()] == 25


@every_clock
def test_one_series_with_dates(clock):
    frame = as_list(shops(clock, 1, missing=(10,)))[0][0]
    windows, starts = make_windows(frame["x"].sample(frac=1, random_state=SEED), WINDOW)
    assert (windows[:, :, 0] == starts[:, None] + np.arange(WINDOW)).all()
    assert 5 not in starts
    assert list(make_windows(frame, 3, return_origins=True)[2].columns) == ["at"]


def test_strings_of_dates_are_dates():
    table, names = as_long(shuffled(shops("business days", missing=(20,))))
    expected = make_windows(table, WINDOW, **names)
    for spelling in ("%Y-%m-%d", "%d.%m.%Y"):
        spelled = table.assign(at=table["at"].dt.strftime(spelling))
        windows, starts = make_windows(spelled, WINDOW, **names)
        assert np.array_equal(windows, expected[0])
        assert np.array_equal(starts, expected[1])


@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_nights_between_sessions_are_no_gaps(tz):
    minutes = pd.date_range("2024-03-25", periods=12 * 1440, freq="10min", tz=tz)
    times = minutes[(minutes.hour >= 9) & (minutes.hour < 17) & (minutes.dayofweek < 5)]
    series = pd.Series(np.arange(len(times)), times)
    windows, starts, origins = make_windows(series, 36, 36, return_origins=True)
    assert starts.tolist() == list(range(0, len(times) - 35, 36))
    assert (windows[:, 0, 0] == starts).all(), "and weekends are none"
    assert set(origins["time"].dt.hour) == {9, 11, 13, 15}
    windows, starts = make_windows(series.drop(times[[100, 101]]), 36)
    assert (windows[:, :, 0] == starts[:, None] + np.arange(36)).all()
    assert set(starts) & set(range(65, 102)) == set(), "times that a session is without are"


def test_words_stay_in_frames():
    rng = np.random.default_rng(SEED)
    table = shops("hours").assign(
        sky=lambda t: pd.Categorical(rng.choice(["clear", "cloudy"], len(t))),
        open=lambda t: rng.random(len(t)) < 0.5,
    )
    windows, starts, origins = make_windows(
        table.drop(columns="item"), WINDOW, 3, return_origins=True, **NAMES
    )
    assert len(windows) == len(starts) == len(origins)
    assert all((window.dtypes == table.dtypes[["x", "sky", "open"]]).all() for window in windows)
    drawn = PCAMixture(random_state=SEED).fit(windows).sample(3)
    assert [list(x.columns) for x in drawn] == [["x", "sky", "open"]] * 3


def test_numbers_are_an_array():
    table = shops("hours").astype({"x": "Float64"})
    table.loc[3, "x"] = pd.NA
    windows, _ = make_windows(table.drop(columns="item"), WINDOW, **NAMES)
    assert windows.dtype == np.float64
    assert np.isnan(windows[3, 0, 0])
    whole = shops("hours")[["shop", "at", "item"]].set_index(["shop", "at"])
    assert make_windows(whole, 2)[0].dtype == np.int64


def test_arrays_of_several_series():
    series = np.arange(40.0).reshape(2, 10, 2)
    for form in (series, list(series)):
        windows, starts, origins = make_windows(form, 4, 3, return_origins=True)
        assert windows.shape == (6, 4, 2)
        assert starts.tolist() == [0, 3, 6] * 2
        assert origins.to_dict("list") == {"series": [0] * 3 + [1] * 3, "time": [0, 3, 6] * 2}
    _, starts, origins = make_windows(series[0], 4, 3, return_origins=True)
    assert origins["time"].tolist() == starts.tolist()


def test_series_without_a_window_are_named():
    table, names = as_long(shops("hours", missing=range(WINDOW - 1, LENGTH)))
    whole = shops("hours", 1)
    long = pd.concat([table, whole.assign(shop="long").drop(columns="item")])
    with pytest.warns(UserWarning, match="3 of 4 series .* 6 timesteps .*: 's0', 's1', 's2'"):
        windows, _ = make_windows(long, WINDOW, **names)
    assert len(windows) == LENGTH - WINDOW + 1
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(ValueError, match="no series holds a window of 6 .* 's0' has 5"),
    ):
        make_windows(table, WINDOW, **names)


def irregular():
    return pd.to_datetime("2024") + pd.to_timedelta([0, 1, 5, 6.5, 9.25, 20, 31], "D")


def frame_at(times, **columns):
    return pd.DataFrame({"x": np.arange(len(times)) * 1.0, **columns}, index=times)


REFUSED = {
    "no such column": (shops("hours"), {"id_columns": "store"}, "no column 'store'"),
    "no such time": (shops("hours"), {"time_column": "day"}, "no column 'day'"),
    "no time": (shops("hours"), {"id_columns": "shop"}, "needs time_column"),
    "no table": (np.zeros((9, 2)), NAMES, "columns of a DataFrame, got ndarray"),
    "twice named": (
        shops("hours"),
        {"id_columns": ["shop", "at"], "time_column": "at"},
        "name a column twice",
    ),
    "no values": (shops("hours")[["shop", "at"]], NAMES, "no column of values beside"),
    "no rows": (shops("hours")[:0], NAMES, "no rows"),
    "unnamed": (shops("hours").assign(shop=["s", None] * 90), NAMES, "'shop' is missing in 90"),
    "no date": (
        shops("hours").assign(at=lambda t: t["at"].where(t.index != 7)),
        NAMES,
        "time of 1 rows is missing, the first of them row 7",
    ),
    "words for dates": (
        shops("hours").assign(at="noon"),
        NAMES,
        r"'at' is to hold times, but 'noon' is none",
    ),
    "seconds": (
        shops("hours").assign(at=lambda t: t.index / 2),
        NAMES,
        "of float64 such as 0.0: pd.to_datetime .* seconds",
    ),
    "twice a time": (
        shops("hours").assign(shop="s"),
        NAMES,
        "two rows of series 's' are at 2024-03-30 .*id_columns",
    ),
    "irregular": (frame_at(irregular()), {}, "times are irregular.*1 days 00:00:00, 4 days"),
    "irregular numbers": (frame_at([0, 7, 9, 20, 24, 31, 77]), {}, "first steps are 7, 2, 11"),
    "list of panels": ([as_panel(shops("hours"))[0]] * 2, {}, "item 0 of the list is a panel"),
    "other columns": (
        [frame_at(range(9)), frame_at(range(9), y=1)],
        {},
        r"item 1 .*\['x', 'y'\], but item 0 has \['x'\]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_tables_that_cannot_be_cut(name):
    table, names, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        make_windows(table, 3, **names)
