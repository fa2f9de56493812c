"""Long tables: names of several columns, times as strings, rows in any order."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, SeriesGenerator
from sklearn_timegen.data.tables.layouts import take_apart
from sklearn_timegen.data.tables.stamps import read_stamps
from sklearn_timegen.io import read_table

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N = 60
DAYS = pd.date_range("2024-01-01", periods=N, freq="D")
NAMED = {"id_columns": ["region", "shop"], "time_column": "day"}


def table(seed=SEED, regions=("north", "south"), shops=(1, 2)):
    """Return sales of shops, which are numbered within their regions."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"sales": rng.normal(size=N), "shop": shop, "day": DAYS, "region": region})
        for region in regions
        for shop in shops
    ]
    return pd.concat(parts, ignore_index=True)


def fit(X, **params):
    return SeriesGenerator(**{"window": 8, "random_state": SEED, **params}).fit(X)


@pytest.mark.usefixtures("quick_joining")
def test_several_columns_name_a_series():
    X = table()
    drawn = fit(X, **NAMED).sample(4)
    assert list(drawn.columns) == list(X.columns)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    assert drawn.groupby(["region", "shop"]).size().tolist() == [N] * 4
    for _, own in drawn.groupby(["region", "shop"]):
        assert own["day"].tolist() == list(DAYS)


@pytest.mark.usefixtures("quick_joining")
def test_the_old_name_of_id_columns_is_taken_with_a_warning():
    X = table(regions=("north",)).drop(columns="region")
    with pytest.warns(
        FutureWarning, match="series_column of SeriesGenerator is called id_columns"
    ):
        old = SeriesGenerator(window=8, series_column="shop", time_column="day", random_state=0)
    new = fit(X, id_columns="shop", time_column="day", random_state=0)
    pd.testing.assert_frame_equal(old.fit(X).sample(2), new.sample(2))


def test_rows_are_sorted_by_their_times():
    X = table()
    shuffled = X.sample(frac=1, random_state=SEED)
    _, parts = take_apart(X, **NAMED)
    _, sorted_parts = take_apart(shuffled, **NAMED)
    expected = {part.key: part.frame["sales"].tolist() for part in parts}
    assert {part.key: part.frame["sales"].tolist() for part in sorted_parts} == expected
    assert len(expected) == 4


@pytest.mark.usefixtures("quick_joining")
def test_series_that_alternate_do_so_in_samples():
    X = table().sort_values("day", kind="stable")
    drawn = fit(X, **NAMED).sample(4)
    assert drawn["day"].is_monotonic_increasing
    assert len(drawn[:4].groupby(["region", "shop"])) == 4
    assert isinstance(drawn.index, pd.RangeIndex)


FORMATS = [
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S+02:00",
    "%Y/%m/%d %H:%M",
    "%-m/%-d/%Y",
    "%Y-%m-%d %H:%M:%S.000",
    "%b %d, %Y",
]


@pytest.mark.parametrize("format", FORMATS)
def test_dates_as_strings_come_back_in_their_format(format):
    index = pd.date_range("2024-01-01", periods=40, freq="D")
    texts = pd.Series(
        [
            stamp.strftime(format.replace("%-m", str(stamp.month)).replace("%-d", str(stamp.day)))
            for stamp in index
        ],
        name="when",
    )
    read, stamps = read_stamps(texts)
    assert [(t.year, t.month, t.day) for t in read] == [(t.year, t.month, t.day) for t in index]
    pd.testing.assert_series_equal(stamps.write(read), texts, check_names=False)


def early_days(format, descending=False):
    """Return days that could all be months, of two months."""
    days_ = [pd.Timestamp(2024, month, day) for month in (3, 4) for day in (1, 5, 9, 12)]
    return pd.Series([day.strftime(format) for day in sorted(days_, reverse=descending)], name="t")


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("format", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y %H:%M"])
def test_the_order_of_dates_tells_days_from_months_in_files_as_in_columns(
    format, descending, tmp_path
):
    texts = early_days(format, descending)
    with pytest.warns(UserWarning, match=f"column 't'.* were read as {format}.* and not as"):
        read, stamps = read_stamps(texts)
    assert sorted(set(read.month)) == [3, 4]
    assert stamps.write(read).tolist() == texts.tolist()
    path = tmp_path / "table.csv"
    texts.to_frame().assign(x=range(8)).to_csv(path, index=False)
    table = read_table(path)
    assert table.frame["t"].tolist() == list(read)
    assert any(f"read as {format}" in note for note in table.notes)


def test_dates_in_no_order_are_in_neither_way():
    texts = early_days("%d/%m/%Y").sample(frac=1, random_state=2)
    with pytest.raises(ValueError, match="begin with the day or with the month"):
        read_stamps(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ["2024Q1", "2024Q2", "2024Q3"],
        ["20240131", "20240201", "20240202"],
        ["Mon 01 Jan 2024", "Tue 02 Jan 2024", "Wed 03 Jan 2024"],
    ],
)
def test_less_usual_dates_come_back_too(texts):
    read, stamps = read_stamps(pd.Series(texts))
    assert read.is_monotonic_increasing
    assert stamps.write(read).tolist() == texts


@pytest.mark.usefixtures("quick_joining")
def test_samples_of_a_table_with_dates_as_strings():
    X = table().assign(day=lambda X: X["day"].dt.strftime("%d.%m.%Y"))
    fitted = fit(X, **NAMED)
    drawn = fitted.sample(4)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    assert drawn["day"][:N].tolist() == X["day"][:N].tolist()
    later = fitted.sample(1, n_timesteps=3, start="2025-02-27")
    assert later["day"].tolist() == ["27.02.2025", "28.02.2025", "01.03.2025"]
    dates = table().assign(day=lambda X: X["day"].dt.date)
    assert fit(dates, **NAMED).sample(1)["day"].tolist() == dates["day"][:N].tolist()
    categories = table().assign(day=lambda X: X["day"].dt.strftime("%Y-%m-%d").astype("category"))
    assert fit(categories, **NAMED).sample(1)["day"][0] == "2024-01-01"


def days(*texts):
    return lambda X: X.iloc[: len(texts)].assign(day=list(texts))


def twice(X):
    return pd.concat([X, X[(X["region"] == "south") & (X["day"] == DAYS[5])]])


BAD = {
    r"begin with the day or with the month: '01/02/2024'.*format='%d/%m/%Y'": days(
        "01/02/2024", "02/02/2024", "03/02/2024"
    ),
    r"several formats: '2024-01-01'.*'02/01/2024'": days("2024-01-01", "02/01/2024"),
    r"several formats: '2024-01-01'.*'03/01/2024'": days(
        "2024-01-01", "2024-01-02", "03/01/2024", "2024-01-04", "05/01/2024"
    ),
    "'31.02.2024' in row 2 is no date: there is no such day": days(
        "28.02.2024", "31.02.2024", "02.03.2024"
    ),
    "'13/13/2024' in row 1 is no date": days("13/13/2024", "02/03/2024"),
    "'soon' is none that can be read": days("soon", "later"),
    "newest rows first, as series ('north', 1)": lambda X: X[::-1].sort_values(
        ["region", "shop"], kind="stable"
    ),
    r"of series \('south', 1\) has duplicated timestamps, the first 2024-01-06": twice,
    "no column 'shop'": lambda X: X.drop(columns="shop"),
    "a series whose name is missing": lambda X: X.assign(region=X["region"].where(X["shop"] > 1)),
    "of series .* has missing timestamps": lambda X: X.assign(day=X["day"].mask(X["shop"] > 1)),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_tables_are_refused_by_name_and_time(message):
    with pytest.raises(ValueError, match=message.replace("('north', 1)", r"\('north', 1\)")):
        fit(BAD[message](table()), **NAMED)


def test_columns_are_named_once_and_with_their_time():
    for ids, message in ((["shop", "shop"], "name a column twice"), ("day", "column twice")):
        with pytest.raises(ValueError, match=message):
            fit(table(), id_columns=ids, time_column="day")
    with pytest.raises(ValueError, match="id_columns need a time_column"):
        fit(table(), id_columns="shop")
    with pytest.raises(ValueError, match="name columns of a DataFrame, got ndarray"):
        fit(np.zeros((N, 2)), id_columns="shop", time_column="day")


# -- what is chosen if nobody says ----------------------------------------------------------


@pytest.mark.usefixtures("quick_joining")
def test_the_default_generator_and_window():
    X = table()
    fitted = SeriesGenerator(random_state=SEED, **NAMED).fit(X)
    assert isinstance(fitted.generator_, PCAMixture)
    assert fitted.window_ == 14, "two weeks of days"
    pd.testing.assert_frame_equal(fitted.sample(2), fitted.sample(2))
    named = {"calendar": ["weekday"], **NAMED}
    drawn = SeriesGenerator(random_state=SEED, **named).fit(X).sample(2)
    assert len(drawn) == 2 * N


def window_of(x, **params):
    generator = PCAMixture(n_mixture_components=1)
    return SeriesGenerator(generator, rules=None, random_state=SEED, **params).fit(x).window_


@pytest.mark.usefixtures("quick_joining")
def test_windows_by_season_memory_and_length(rng):
    time = np.arange(400)
    waves = np.sin(2 * np.pi * time / 17) + 0.3 * rng.normal(size=400)
    assert window_of(waves) == pytest.approx(34, abs=2), "the autocorrelation tells the season"
    assert window_of(waves[:120]) == 15, "as long as eight of them fit"
    assert window_of(rng.normal(size=400)) == 24
    walk = np.zeros((20, 400))
    for t in range(1, 400):
        walk[:, t] = 0.95 * walk[:, t - 1] + rng.normal(size=20)
    assert 48 < window_of(list(walk)) <= 96, "twice the memory"
    assert window_of([walk[0], walk[1, :10]]) == 10, "the shortest series"
    assert window_of([walk[0], walk[1, :10]], transform="difference") == 9
    with pytest.raises(ValueError, match=r"shortest series, of 1 timesteps \(series 1\)"):
        window_of([walk[0], walk[1, :1]])
    holes = np.where(rng.random(400) < 0.2, np.nan, waves)
    assert window_of(holes) == pytest.approx(34, abs=2)
    assert window_of(np.ones(100)) == 12
