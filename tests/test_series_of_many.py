"""SeriesGenerator on many series: names, levels, attributes, labels, lengths of their own."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import BlockBootstrap, PCAMixture, SeriesGenerator

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N = 60
DAYS = pd.date_range("2024-01-01", periods=N, freq="D")
SHOPS = {"id_columns": "shop", "time_column": "day"}
pytestmark = pytest.mark.usefixtures("quick_joining")


def table(levels=(10, 50, 90), names=None, n=N, seed=SEED):
    """Return sales of shops at different levels, each in a town, of a size."""
    rng = np.random.default_rng(seed)
    names = [f"shop {k}" for k in range(len(levels))] if names is None else names
    parts = [
        pd.DataFrame(
            {
                "shop": name,
                "day": DAYS[:n],
                "town": ["Bonn", "Celle"][k % 2],
                "size": 100.5 + 7 * k,
                "sales": level + rng.normal(size=n),
            }
        )
        for k, (name, level) in enumerate(zip(names, levels, strict=True))
    ]
    return pd.concat(parts, ignore_index=True)


def fit(X, generator=None, y=None, **params):
    params = {"window": 8, "random_state": SEED, **SHOPS, **params}
    return SeriesGenerator(generator, **params).fit(X, y)


def of_each(X, column="sales", how="mean"):
    return X.groupby("shop", sort=False)[column].agg(how)


# -- levels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", [PCAMixture(), BlockBootstrap()])
def test_three_shops_keep_their_levels(generator):
    X = table()
    fitted = fit(X, generator)
    for length in (6, N, 200):
        drawn = fitted.sample(3, n_timesteps=length)
        np.testing.assert_allclose(of_each(drawn), of_each(X), atol=2.5)


def test_levels_of_counts_flags_and_of_many_shops(rng):
    rates, odds = rng.gamma(2, 4, size=40) + 0.5, rng.beta(1, 2, size=40)
    X = table(levels=20 + 4 * rng.normal(size=40))
    shop = np.repeat(np.arange(40), N)
    X["calls"], X["sale"] = rng.poisson(rates[shop]), rng.random(len(X)) < odds[shop]
    fitted = fit(X)
    drawn = fitted.sample(40, n_timesteps=2 * N, like=[f"shop {k}" for k in range(40)])
    assert drawn.dtypes.equals(X.dtypes)
    for column in ("sales", "calls", "sale"):
        pair = of_each(drawn, column), of_each(X, column)
        assert np.corrcoef(*pair)[0, 1] > 0.8, column
        assert abs(pair[0].mean() - pair[1].mean()) < 0.15 * pair[1].std() + 0.05, column


def test_series_that_are_alike_have_no_levels():
    fitted = fit(table(levels=[10] * 30))
    own = of_each(fitted.sample(30, n_timesteps=2 * N))
    assert own.std() < 0.5
    assert np.corrcoef(own, of_each(table(levels=[10] * 30)))[0, 1] < 0.7


def test_of_many_windows_some_are_drawn():
    fitted = fit(table(), max_windows=50)
    assert fitted.n_windows_ == 50
    np.testing.assert_allclose(of_each(fitted.sample(3)), [10, 50, 90], atol=2.5)
    pd.testing.assert_frame_equal(fitted.sample(3), fit(table(), max_windows=50).sample(3))
    labelled = fit(table(), y=list("aba"), max_windows=50)
    assert labelled.n_windows_ == 50


# -- names ------------------------------------------------------------------------------------


def test_names_are_new_and_of_the_same_type():
    def names(of, **params):
        return fit(table(names=of), **params).sample(4)["shop"].drop_duplicates().tolist()

    assert names([3, 17, 5]) == [18, 19, 20, 21]
    assert names(["a", "b", "c"]) == [f"synthetic_{i}" for i in range(4)]
    assert names(["synthetic_0", "synthetic_2", "x"]) == [f"synthetic_{i}" for i in (1, 3, 4, 5)]
    assert names([0.5, 1.5, 2.5]) == [3.0, 4.0, 5.0, 6.0]
    X = table().astype({"shop": "category"})
    drawn = fit(X).sample(2)
    assert isinstance(drawn["shop"].dtype, pd.CategoricalDtype)
    assert drawn["shop"].drop_duplicates().tolist() == ["synthetic_0", "synthetic_1"]
    with pytest.raises(ValueError, match="named by Timestamp.*convert the names to strings"):
        fit(table(names=list(DAYS[:3])))


def test_names_of_training_series_say_which_ones_are_stood_in_for():
    fitted = fit(table())
    drawn = fitted.sample(3, like=["shop 2", "shop 0"])
    np.testing.assert_allclose(of_each(drawn), [90, 10, 90], atol=2.5)
    assert of_each(drawn, "size", "first").tolist() == [114.5, 100.5, 114.5]
    np.testing.assert_allclose(of_each(fitted.sample(like="shop 1")), [50], atol=2.5)
    with pytest.raises(
        ValueError, match="like names 'shop 9', which is no training series; .*'sh"
    ):
        fitted.sample(like="shop 9")
    numbered = fit(table(names=[4, 5, 6]))
    np.testing.assert_allclose(of_each(numbered.sample(like=6)), [90], atol=2.5)
    two = fit(table().assign(region="north"), id_columns=["region", "shop"])
    assert two.sample(like=("north", "shop 1"))["size"].tolist() == [107.5] * N


# -- lengths and beginnings --------------------------------------------------------------------


def test_lengths_and_beginnings_of_each():
    fitted = fit(table())
    drawn = fitted.sample(3, n_timesteps=[5, 70, 12], start=["2025-01-01", DAYS[3], "2023-05-05"])
    assert of_each(drawn, "day", "size").tolist() == [5, 70, 12]
    firsts = of_each(drawn, "day", "first")
    assert firsts.tolist() == [pd.Timestamp(t) for t in ("2025-01-01", DAYS[3], "2023-05-05")]
    for wrong in ({"n_timesteps": [5, 6]}, {"start": list(DAYS[:2])}):
        with pytest.raises(ValueError, match=r"has 2 values for n_series=3: pass one for all"):
            fitted.sample(3, **wrong)
    with pytest.raises(ValueError, match="n_timesteps"):
        fitted.sample(2, n_timesteps=[5, 0])


def visits(n=120, seed=SEED):
    """Return visits of patients, whose number differs; the ill come more often."""
    rng, parts = np.random.default_rng(seed), []
    for k in range(n):
        ill = bool(rng.random() < 0.4)
        n_visits = int(rng.integers(8, 13) if ill else rng.integers(2, 6))
        parts.append(
            pd.DataFrame(
                {
                    "shop": k,
                    "day": np.arange(n_visits),
                    "ill": ill,
                    "born": int(rng.integers(1930, 2000)),
                    "pulse": 70 + 15 * ill + rng.normal(size=n_visits),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_short_series_are_windows_and_have_lengths_of_their_own():
    X = visits()
    fitted = fit(X, window=None)
    assert (fitted.window_, fitted.n_windows_) == (12, 120)
    drawn = fitted.sample(120, like=list(range(120)))
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    assert of_each(drawn, "day", "size").tolist() == of_each(X, "day", "size").tolist()
    assert of_each(drawn, "born", "first").tolist() == of_each(X, "born", "first").tolist()
    assert (of_each(drawn, "born", "nunique") == 1).all()
    means = drawn.groupby("ill")["pulse"].mean()
    assert means[True] - means[False] > 10
    assert of_each(fitted.sample(3, n_timesteps=[2, 9, 12]), "day", "size").tolist() == [2, 9, 12]
    assert not fitted.sample(3, n_timesteps=12).isna().any(axis=None)
    with pytest.raises(ValueError, match="n_timesteps=13 is longer than the longest training"):
        fitted.sample(1, n_timesteps=13)
    assert np.isfinite(fitted.score(visits(seed=SEED + 1)))
    with pytest.raises(ValueError, match="anchor_end"):
        fitted.sample(1, anchor_end=True)


# -- attributes -------------------------------------------------------------------------------


def test_attributes_are_constant_and_those_of_the_series_stood_in_for():
    X = table()
    drawn = fit(X).sample(6, n_timesteps=100)
    for column in ("town", "size"):
        assert (of_each(drawn, column, "nunique") == 1).all()
        assert of_each(drawn, column, "first").tolist() == 2 * of_each(X, column, "first").tolist()


def test_attributes_that_are_asked_for():
    X = table(levels=(10, 50, 90, 130))
    fitted = fit(X)
    drawn = fitted.sample(3, attributes={"town": "Celle"})
    assert set(drawn["town"]) == {"Celle"}
    np.testing.assert_allclose(of_each(drawn), [50, 130, 50], atol=2.5)
    sized = fitted.sample(2, attributes={"size": [101.0, 119.25], "town": ["Bonn", "Celle"]})
    assert of_each(sized, "size", "unique").map(list).tolist() == [[101.0], [119.25]]
    np.testing.assert_allclose(of_each(sized), [10, 130], atol=2.5)
    frame = pd.DataFrame({"town": ["Celle", "Bonn"]})
    towns = of_each(fitted.sample(2, attributes=frame), "town", "first")
    assert towns.tolist() == ["Celle", "Bonn"]
    with pytest.raises(ValueError, match="attributes has 'sales', which is no column"):
        fitted.sample(attributes={"sales": 3})
    with pytest.raises(ValueError, match="'Berlin', which was not in training"):
        fitted.sample(attributes={"town": "Berlin"})
    with pytest.raises(ValueError, match="no training series has town='Celle'"):
        fitted.sample(like="shop 0", attributes={"town": "Celle"})


def test_columns_that_have_to_be_attributes():
    assert "size is constant in each series" in repr(fit(table(), static_columns=["size"]).rules_)
    with pytest.raises(
        ValueError, match="'sales' is one of static_columns, but changes of series 's"
    ):
        fit(table(), static_columns=["sales"])
    with pytest.raises(ValueError, match="names; got 'colour', and X has"):
        fit(table(), static_columns="colour")


# -- labels -----------------------------------------------------------------------------------


def test_labels_of_series():
    X = table(levels=(10, 50, 10, 50))
    y = ["low", "high", "low", "high"]
    fitted = fit(X, y=y)
    np.testing.assert_allclose(of_each(fitted.sample(4)), [10, 50, 10, 50], atol=2.5)
    asked = of_each(fitted.sample(3, y=["high", "high", "low"], n_timesteps=20))
    np.testing.assert_allclose(asked, [50, 50, 10], atol=2.5)
    np.testing.assert_allclose(of_each(fitted.sample(2, y="high")), [50, 50], atol=2.5)
    by_name = {f"shop {k}": label for k, label in enumerate(y)}
    pd.testing.assert_frame_equal(fit(X, y=by_name).sample(4), fitted.sample(4))
    assert np.isfinite(fitted.score(X, y))
    with pytest.raises(ValueError, match="y holds 'middle', but fit saw 'low', 'high'"):
        fitted.sample(y="middle")
    with pytest.raises(ValueError, match="pass y, the label of each series"):
        fitted.sample(like=X)


def test_labels_and_a_calendar_are_both_known_to_windows():
    X = table(levels=[10] * 6)
    day = pd.DatetimeIndex(X["day"]).weekday.to_numpy()
    busy = X["shop"].isin(["shop 0", "shop 2", "shop 4"]).to_numpy()
    X["sales"] += 20 * ((day == 2) & busy) + 20 * ((day == 5) & ~busy)
    fitted = fit(X, y=["mid", "end"] * 3, calendar=["weekday"], window=7)
    for label, weekday in (("mid", 2), ("end", 5)):
        drawn = fitted.sample(4, n_timesteps=70, y=label)
        means = drawn.groupby(drawn["day"].dt.weekday)["sales"].mean()
        assert means.idxmax() == weekday
        assert means[weekday] - means.drop(weekday).max() > 5
    assert np.isfinite(fitted.score(X, ["mid", "end"] * 3))


def test_labels_that_do_not_fit():
    X = table()
    with pytest.raises(ValueError, match="X holds 3 series: pass one label for each"):
        fit(X, y=["a", "b"])
    with pytest.raises(ValueError, match="y needs a generator with the parameter conditional"):
        fit(X, SeriesGenerator(), y=list("abc"))
    with pytest.raises(ValueError, match="which are no labels"):
        fit(X, y=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="y has no label of series 'shop 2'"):
        fit(X, y={"shop 0": "a", "shop 1": "b"})
    with pytest.raises(ValueError, match="fit was given no labels"):
        fit(X).sample(y="a")


def test_beginnings_are_read_as_times_of_the_table_are():
    """A day that comes before the month, in what is asked for, too."""
    X = table()
    fitted = fit(X.assign(day=X["day"].dt.strftime("%d.%m.%Y")))
    for start in ("01.07.2025", "2025-07-01", pd.Timestamp("2025-07-01")):
        assert fitted.sample(1, n_timesteps=3, start=start)["day"].iloc[0] == "01.07.2025"
    with pytest.raises(ValueError, match=r"'7/1/25' is neither of the format '%d.%m.%Y'"):
        fitted.sample(1, start="7/1/25")
