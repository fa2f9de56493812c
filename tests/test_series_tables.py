"""SeriesGenerator on tables as they are: with holes, words, flags, orders and dates."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, SeriesGenerator
from sklearn_timegen.data.sentinels import suspected_sentinel

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N = 400
DAYS = pd.date_range("2024-01-01", periods=N, freq="D", name="day")
HOURS = pd.date_range("2024-03-25", periods=N, freq="h", tz="Europe/Berlin", name="hour")
TOWNS = ["Aachen", "Bonn", "Celle"]
LENGTHS = (5, 14, 40, N, 600)
WINDOW = 14


def walk(rng, n=N, phi=0.8):
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + rng.normal()
    return x


def lasting(rng, n=N, stays=0.6, n_states=3):
    """Return states of which each lasts for a while."""
    new = rng.random(n) > stays
    new[0] = True
    return rng.integers(n_states, size=new.sum())[np.cumsum(new) - 1]


def frame(seed=SEED, index=HOURS):
    """Return readings of a plant: of two sensors that fail, one for hours, and a count."""
    rng = np.random.default_rng(seed)
    n = len(index)
    low = 20 + walk(rng, n)
    high = low + rng.exponential(size=n)
    X = pd.DataFrame({"low": low, "high": high, "calls": rng.poisson(4, n)}, index)
    X["calls"] = X["calls"].astype("Int64").mask(rng.random(n) < 0.05)
    off = lasting(rng, n, 0.8, 8) == 0
    X.loc[off, ["low", "high"]] = np.nan
    return X


def panel(seed=SEED):
    """Return stations, each in its town, of two lengths: words, flags, and rain with holes."""
    rng, parts = np.random.default_rng(seed), {}
    for k, town in enumerate(TOWNS):
        n = N - 100 * (k == 1)
        rain = np.where(rng.random(n) < 0.4, np.round(rng.gamma(0.8, 5, n), 1), 0)
        parts[f"s{k}"] = pd.DataFrame(
            {
                "town": town,
                "sky": np.array(["clear", "cloudy", "overcast"])[lasting(rng, n)],
                "alarm": rng.random(n) < 0.1,
                "rain": np.where(rng.random(n) < 0.15, np.nan, rain),
            },
            DAYS[:n],
        )
    return pd.concat(parts, names=["station"])


def table(seed=SEED):
    """Return a long table of shops: an order, a flag, a price, and since when each is open."""
    rng, parts = np.random.default_rng(seed), []
    for k, town in enumerate(TOWNS):
        grades = pd.Categorical.from_codes(lasting(rng), ["c", "b", "a", "never"], ordered=True)
        shop = pd.DataFrame({"shop": f"shop {k}", "day": DAYS, "town": pd.Categorical([town] * N)})
        shop["town"] = shop["town"].astype(pd.CategoricalDtype(TOWNS))
        shop["grade"] = grades
        shop["price"] = np.round(5 + walk(rng), 2)
        shop["sale"] = pd.array(rng.random(N) < 0.2, dtype="boolean")
        shop["opened"] = pd.Timestamp("2001-02-03") + pd.Timedelta(days=1000 * k)
        shop["best"] = pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 9999, N), "D")
        shop.loc[rng.random(N) < 0.1, ["grade", "best"]] = None
        parts.append(shop)
    return pd.concat(parts, ignore_index=True)


DATA = {
    "frame": (frame, {}),
    "panel": (panel, {}),
    "table": (table, {"id_columns": "shop", "time_column": "day"}),
}


def fit(X, generator=None, **params):
    generator = PCAMixture() if generator is None else generator
    return SeriesGenerator(generator, **{"window": WINDOW, "random_state": SEED, **params}).fit(X)


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize("kind", DATA)
def test_tables_come_back_alike(kind):
    make, params = DATA[kind]
    X = make()
    fitted = fit(X, **params)
    for length in LENGTHS:
        drawn = fitted.sample(1 if kind == "frame" else 3, n_timesteps=length)
        pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
        assert len(drawn) == length * (1 if kind == "frame" else 3)
        if kind == "frame":
            assert (drawn.index.freq, drawn.index.tz, drawn.index.name) == (
                X.index.freq,
                X.index.tz,
                X.index.name,
            )
            assert not (drawn["low"] > drawn["high"]).any()
            assert (drawn["low"].isna() == drawn["high"].isna()).all()
        elif kind == "panel":
            assert drawn.index.names == X.index.names
            towns = drawn.groupby(level=0, sort=False)["town"].unique()
            assert [list(one) for one in towns] == [[town] for town in TOWNS]
            assert (drawn["rain"].dropna() >= 0).all()
        else:
            assert list(drawn.columns) == list(X.columns)
            own = drawn.groupby("shop", sort=False)[["town", "opened"]].agg(["nunique", "first"])
            assert (own.xs("nunique", axis=1, level=1) == 1).all(axis=None)
            assert own["town", "first"].tolist() == TOWNS
            real = X.groupby("shop")["opened"].first()
            assert own["opened", "first"].tolist() == real.tolist()
            assert drawn["price"].round(2).equals(drawn["price"])
            assert drawn["best"].dt.normalize().equals(drawn["best"])


def shares(X):
    """Return how often each category, and what is missing, occurs."""
    found = {f"{name} missing": X[name].isna().mean() for name in X.columns}
    for name in {"sky", "alarm", "grade", "sale"} & set(X.columns):
        counts = X[name].value_counts(normalize=True)
        found |= {f"{name} {value}": share for value, share in counts.items()}
    return pd.Series(found)


@pytest.mark.parametrize("kind", DATA)
def test_shares_are_kept(kind):
    """Of what is missing within three points on average over seeds, of categories within six."""
    make, params = DATA[kind]
    long, short = [], []
    for seed in range(3):
        X = make(SEED + seed)
        fitted = fit(X, random_state=seed, **params)
        for length in LENGTHS:
            drawn = shares(fitted.sample(max(12, 1000 // length), n_timesteps=length))
            gap = drawn.reindex(shares(X).index).fillna(0) - shares(X)
            (short if length <= WINDOW else long).append(gap)
    gaps = pd.concat(long, axis=1).mean(axis=1).abs()
    assert gaps.filter(like="missing").max() < 0.03
    # What is new in lasting states is hardly independent where windows were joined.
    assert gaps.max() < 0.06
    # Few timesteps, most of which are in one state, say little about how often it comes.
    assert pd.concat(short, axis=1).mean(axis=1).abs().max() < 0.08


def test_gaps_are_as_long_as_they_were():
    def mean_gap(missing):
        starts = missing & ~missing.groupby(level=0).shift(fill_value=False)
        return missing.sum() / starts.sum()

    real, drawn = [], []
    for seed in range(3):
        hours = pd.date_range("2024-01-01", periods=1500, freq="h")
        X = pd.concat({"plant": frame(SEED + seed, hours)})
        real.append(mean_gap(X["low"].isna()))
        sampled = fit(X, random_state=seed).sample(9, n_timesteps=N)
        drawn.append(mean_gap(sampled["low"].isna()))
    assert np.mean(drawn) == pytest.approx(np.mean(real), rel=0.25)


@pytest.mark.parametrize(
    "transform",
    [
        pytest.param("log", marks=pytest.mark.exhaustive),
        "box-cox",
        ["log", "difference"],
        "stl-remainder",
        pytest.param("difference", marks=pytest.mark.exhaustive),
    ],
)
def test_transforms_see_what_is_real_and_nothing_missing(transform):
    X = table().assign(price=lambda shops: shops["price"] + 30)
    X.loc[::9, "price"] = np.nan
    fitted = fit(X, transform=transform, **DATA["table"][1])
    for drawn in (fitted.sample(2, n_timesteps=60), fitted.sample(3, like=X, anchor_end=True)):
        assert drawn.dtypes.equals(X.dtypes)
        assert set(drawn["grade"].dropna()) <= {"a", "b", "c"}
        assert 0.02 < drawn["price"].isna().mean() < 0.25
        if "log" in transform:
            assert (drawn["price"].dropna() > 0).all()


@pytest.mark.usefixtures("quick_joining")
def test_dates_that_go_on_with_time():
    rng = np.random.default_rng(SEED)
    X = pd.DataFrame(
        {"load": walk(rng), "due": DAYS + pd.to_timedelta(rng.integers(1, 5, N), "D")}
    )
    drawn = fit(X, transform="difference").sample(n_timesteps=200)
    assert drawn["due"].dtype == X["due"].dtype
    assert drawn["due"].diff().mean() / pd.Timedelta("1D") == pytest.approx(1, abs=0.2)


# -- what is asked of the generator ----------------------------------------------------------


@pytest.mark.usefixtures("quick_joining")
def test_missing_values_are_treated_as_the_generator_is_told():
    X = panel()
    assert not fit(X, PCAMixture(missing="complete")).sample(3).isna().any(axis=None)
    with pytest.raises(
        ValueError, match=r"missing \(NaN\) values of series 's0'.*column 'rain' at"
    ):
        fit(X, PCAMixture(missing="error"))
    values = frame().astype(float).to_numpy()
    listed = fit([values, values[:90]]).sample(2)
    assert [len(one) for one in listed] == [N, 90]
    assert all(np.isnan(one).any() for one in listed)
    assert np.isnan(fit(np.stack([values] * 3)).sample(3)).any()


@pytest.mark.usefixtures("quick_joining")
def test_new_series_may_have_holes_that_those_of_fit_had_not():
    complete = frame().astype(float)
    rng = np.random.default_rng(SEED)
    complete["low"], complete["high"] = walk(rng), 20 + walk(rng)
    fitted = fit(complete.interpolate().bfill())
    holes = complete.mask(rng.random(complete.shape) < 0.1)
    assert np.isfinite(fitted.score(holes))
    assert not fitted.sample(like=holes).isna().any(axis=None)


def test_a_channel_may_be_missing_in_a_whole_series():
    parts = {name: frame(SEED + k).astype(float) for k, name in enumerate("abc")}
    parts["b"]["calls"] = np.nan
    drawn = fit(pd.concat(parts)).sample(3)
    share = drawn["calls"].isna().groupby(level=0, sort=False).mean()
    assert share.iloc[1] == 1
    assert share.iloc[[0, 2]].max() < 0.3


@pytest.mark.usefixtures("quick_joining")
def test_what_only_rises_ends_where_the_last_reading_is_missing():
    rng = np.random.default_rng(SEED)
    meters = rng.exponential(size=(25, 60)).cumsum(axis=1)
    holes = np.where(rng.random(meters.shape) < 0.1, np.nan, meters)
    holes[:, -1] = np.nan
    fitted = fit([pd.Series(one) for one in holes])
    assert "never falls" in repr(fitted.rules_)
    drawn = fitted.sample(25, anchor_end=True)
    ends = np.array([np.nanmax(one) for one in drawn])
    # Where more readings are missing at an end, the last that is there lies before it.
    assert np.quantile(np.abs(ends - np.nanmax(holes, axis=1)), 0.8) < 8
    assert all((np.diff(one.dropna()) >= 0).all() for one in drawn)


@pytest.mark.usefixtures("quick_joining")
def test_kinds_and_rare_and_unseen_categories():
    X = panel()
    X["code"] = np.tile([3.0, 7.0], len(X) // 2)
    X.iloc[0, X.columns.get_loc("sky")] = "hail"
    coded = fit(X, PCAMixture(channel_kinds={"code": "categorical"}))
    assert set(coded.sample(2)["code"]) <= {3, 7}
    merged = fit(X, PCAMixture(rare_categories=2))
    assert "hail" not in set(merged.sample(3, n_timesteps=2000)["sky"])
    assert "other" in repr(merged.rules_)
    with pytest.raises(ValueError, match="rare_categories=4 .* X holds 3"):
        fit(X, PCAMixture(rare_categories=4))
    new = X.replace({"sky": {"hail": "fog"}})
    with pytest.raises(ValueError, match="'fog', which was not in training"):
        coded.score(new)
    lenient = fit(X, PCAMixture(rare_categories=2, unseen_categories="other"))
    assert np.isfinite(lenient.score(new))


@pytest.mark.usefixtures("quick_joining")
def test_arrays_and_lists_of_words_and_flags():
    rng = np.random.default_rng(SEED)
    words = np.array(["a", "b", "c"])[lasting(rng)]
    assert set(fit(words).sample()) <= {"a", "b", "c"}
    assert fit(rng.random((N, 2)) < 0.3).sample(2).dtype == bool
    mixed = [[word, value] for word, value in zip(words, rng.normal(size=N), strict=True)]
    drawn = fit(mixed).sample(n_timesteps=30)
    assert set(drawn[:, 0]) <= {"a", "b", "c"}
    assert all(isinstance(value, float) for value in drawn[:, 1])
    kinds = [pd.Series(pd.Categorical(rng.choice(list(two), N))) for two in ("ab", "bc")]
    drawn = fit(kinds).sample(2)
    assert [list(one.cat.categories) for one in drawn] == [["a", "b", "c"]] * 2
    swapped = pd.DataFrame({1: words, 0: rng.normal(size=N)})
    assert fit(swapped).sample().dtypes.equals(swapped.dtypes)
    narrow = pd.DataFrame({"a": pd.array(rng.integers(-128, 128, N), dtype="Int8")})
    assert fit(narrow, transform="difference").sample(n_timesteps=900)["a"].dtype == "Int8"


@pytest.mark.usefixtures("quick_joining")
@pytest.mark.parametrize("decimals", [2, 6, 9])
def test_no_number_has_more_decimals_than_those_of_its_column(decimals):
    walk = np.random.default_rng(SEED).normal(size=200).cumsum()
    X = pd.Series((50 + walk).round(decimals), pd.RangeIndex(200), name="latitude")
    drawn = fit(X).sample(3).to_numpy()
    assert (drawn == drawn.round(decimals)).all()
    assert (drawn != drawn.round(decimals - 1)).any()


def test_a_sentinel_in_a_small_table_is_told_and_three_large_numbers_are_not():
    rng = np.random.default_rng(SEED)
    x = rng.normal(20, 4, size=180)
    x[[3, 77, 150]] = -9999
    assert suspected_sentinel(x) == -9999
    x[[3, 77, 150]] = 60, 61, 62
    assert suspected_sentinel(x) is None
    x[[3, 77]] = -9999
    assert suspected_sentinel(x) is None
    for draw in (rng.poisson(3, 180), rng.geometric(0.3, 180), rng.pareto(1, 180).round(1)):
        assert suspected_sentinel(draw.astype(float)) is None


@pytest.mark.usefixtures("quick_joining")
def test_sentinels_are_told_once_and_by_name(recwarn):
    X = frame().astype(float)
    X.loc[X.index[::17], "high"] = -200
    with pytest.warns(UserWarning, match="'high' holds -200"):
        fit(X)
    assert not list(recwarn)


# -- bad input ----------------------------------------------------------------------------------

BAD = {
    "'new' holds values of several kinds": ["a", 1] * (N // 2),
    "column 'new' is missing in all of X": [None] * N,
    "1 infinite values, the first in column 'new' at 2024-03-25": [np.inf, *[0.0] * (N - 1)],
    "one value a timestep": [[1]] * N,
    "total_seconds": pd.to_timedelta(1, unit="s"),
    "complex128, which is no kind of channel": 1j,
    "'new' holds the time of each row": HOURS,
}


@pytest.mark.parametrize("message", BAD)
def test_columns_that_are_no_channels(message):
    with pytest.raises(ValueError, match=message):
        fit(frame().assign(new=BAD[message]))


def test_a_forgotten_time_column():
    with pytest.raises(ValueError, match="pass time_column='day'"):
        fit(table())


@pytest.mark.usefixtures("quick_joining")
def test_more_bad_input():
    empty = frame().astype(float) * np.nan
    with pytest.raises(ValueError, match="series 'b' has no value at all"):
        fit(pd.concat({"a": frame().astype(float), "b": empty}))
    fitted = fit(panel())
    with pytest.raises(ValueError, match="'rain' holds 'much', but was continuous"):
        fitted.score(panel().assign(rain="much"))
    with pytest.raises(ValueError, match="3 columns, but fit saw 4"):
        fitted.score(panel().drop(columns="rain"))
    with pytest.raises(ValueError, match="needs positive values, but column 'low' goes down to"):
        fit(frame() - 99, transform="log")
