"""What synthetic series have once: beginnings, lengths, attributes, first readings, names."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import PCAMixture, SeriesGenerator, load
from sklearn_timegen.data.tables.names import new_keys

from .global_seed import GLOBAL_RANDOM_SEED as SEED

pytestmark = pytest.mark.usefixtures("quick_joining")
SEEDS = [SEED, SEED + 1, SEED + 2]
REGIONS = {"Ulm": "south", "Hof": "south", "Kiel": "north"}
N_SHOPS, N_DAYS = 40, 50


def shops(seed, n=N_SHOPS):
    """Return sales of shops, of a size and in a town, on which their levels hang."""
    rng, parts = np.random.default_rng(seed), []
    for k in range(n):
        town = str(rng.choice(list(REGIONS)))
        size = round(float(rng.lognormal(4, 0.5)), 1)
        days = pd.date_range("2024-01-01", periods=N_DAYS)[int(rng.integers(25)) :]
        if k % 2:
            days = days[: int(rng.integers(12, len(days) + 1))]
        level = size * (3 if town == "Kiel" else 1)
        parts.append(
            pd.DataFrame(
                {
                    "shop": f"S{k}",
                    "day": days,
                    "town": town,
                    "region": REGIONS[town],
                    "size": size,
                    "since": pd.Timestamp("1990-01-01") + pd.Timedelta(days=int(size * 50)),
                    "sales": level * np.exp(0.1 * rng.normal(size=len(days))),
                    "meter": rng.uniform(0, 1e4) + rng.gamma(1, size=len(days)).cumsum(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def fit(X, seed=SEED, **params):
    params = {"id_columns": "shop", "time_column": "day", "window": 6, **params}
    return SeriesGenerator(PCAMixture(), random_state=seed, **params).fit(X)


def heads(X, by="shop"):
    return X.groupby(by, sort=False).agg(
        first=("day", "first"),
        length=("day", "size"),
        town=("town", "first"),
        region=("region", "first"),
        size=("size", "first"),
        since=("since", "first"),
        meter=("meter", "first"),
        level=("sales", "mean"),
    )


@pytest.fixture(scope="module")
def drawn():
    """Return heads, real and synthetic, over seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_timegen._joining.RIDGES", (1e-2, 1.0))
        patch.setattr("sklearn_timegen._joining.N_JOINS", 1)
        patch.setattr("sklearn_timegen.series._windows.N_LEARNED", 50)
        pairs = [(shops(seed), fit(shops(seed), seed)) for seed in SEEDS]
        return [(heads(X), heads(fitted.sample(N_SHOPS))) for X, fitted in pairs]


def test_no_series_has_the_head_of_the_one_at_its_place(drawn):
    for real, synthetic in drawn:
        for name in ("size", "since", "meter", "level"):
            same = real[name].to_numpy() == synthetic[name].to_numpy()
            assert same.mean() < 0.1, name
            # What is of the same order would be a hint, too.
            ranks = real[name].rank().to_numpy(), synthetic[name].rank().to_numpy()
            assert np.corrcoef(*ranks)[0, 1] < 0.6, name
        # A town comes at its place as often as chance has it: a third of 40, and a margin.
        assert (real["town"].to_numpy() == synthetic["town"].to_numpy()).mean() < 0.7


def test_whole_heads_are_hardly_ever_those_of_real_series(drawn):
    """Sizes in steps of 0.1, and a handful of towns and lengths, meet now and then by chance."""
    together = ["town", "size", "since", "first", "length"]
    copies = [len(pd.merge(*pair, on=together)) for pair in drawn]
    assert sum(copies) <= 3
    # First readings of meters are fine enough for none to come twice.
    assert not any(set(pair[0]["meter"]) & set(pair[1]["meter"]) for pair in drawn)


def test_attributes_levels_and_times_are_drawn_jointly(drawn):
    real = pd.concat([pair[0] for pair in drawn])
    synthetic = pd.concat([pair[1] for pair in drawn])
    shares = [X["town"].value_counts(normalize=True) for X in (real, synthetic)]
    assert (shares[0] - shares[1]).abs().max() < 0.2
    assert set(zip(synthetic["town"], synthetic["region"], strict=True)) <= set(REGIONS.items())
    for X in (real, synthetic):
        logs = np.log(X["level"]), np.log(X["size"]) + np.log(3) * (X["town"] == "Kiel")
        assert np.corrcoef(*logs)[0, 1] > 0.8
        assert np.corrcoef(X["size"], X["since"].astype("int64"))[0, 1] > 0.9
    assert synthetic["size"].round(1).equals(synthetic["size"])
    for name in ("size", "meter"):
        assert synthetic[name].median() == pytest.approx(real[name].median(), rel=0.4)
    last = real["first"] + pd.to_timedelta(real["length"], "D")
    end = synthetic["first"] + pd.to_timedelta(synthetic["length"], "D")
    assert synthetic["first"].between(real["first"].min(), real["first"].max()).all()
    assert synthetic["length"].between(real["length"].min(), real["length"].max()).all()
    assert (end == last.max()).mean() == pytest.approx((last == last.max()).mean(), abs=0.25)


def test_few_series_are_stood_in_for_and_it_is_said():
    few, many = fit(shops(SEED, 9)), fit(shops(SEED, 10))
    assert (few.draws_heads_, many.draws_heads_) == (False, True)
    names = ["town", "size", "first", "length"]
    assert heads(few.sample(9))[names].to_numpy().tolist() == (
        heads(shops(SEED, 9))[names].to_numpy().tolist()
    )
    one = many.sample(1, like="S4")
    assert heads(one)["size"].tolist() == [heads(shops(SEED, 10))["size"]["S4"]]


def test_what_is_asked_for_is_given_and_the_rest_fits_it():
    fitted = fit(shops(SEED))
    asked = fitted.sample(30, attributes={"town": "Kiel", "size": 50.0}, n_timesteps=20)
    found = heads(asked)
    assert found[["town", "region", "size", "length"]].drop_duplicates().to_numpy().tolist() == [
        ["Kiel", "north", 50.0, 20]
    ]
    assert 100 < found["level"].median() < 225
    assert found["first"].nunique() > 3
    begun = fitted.sample(4, start="2025-03-01")
    assert (heads(begun)["first"] == pd.Timestamp("2025-03-01")).all()
    assert heads(begun)["size"].nunique() == 4
    # A town and a size that never came together.
    assert (
        heads(fitted.sample(2, attributes={"town": "Hof", "region": "north"}))[["town", "region"]]
        .to_numpy()
        .tolist()
        == [["Hof", "north"]] * 2
    )


def test_labels_are_drawn_with_the_rest():
    X = shops(SEED)
    size = X.groupby("shop", sort=False)["size"].first()
    y = np.where(size > size.median(), "large", "small")
    fitted = SeriesGenerator(window=6, random_state=SEED, id_columns="shop", time_column="day")
    fitted.fit(X, y)
    small, large = (heads(fitted.sample(20, y=label))["size"] for label in ("small", "large"))
    assert small.median() < size.median() < large.median()
    assert set(fitted.sample(5)["town"]) <= set(REGIONS)


def test_a_transform_is_that_of_the_nearest_series():
    X = shops(SEED).drop(columns="meter")
    drawn = fit(X, transform="stl-remainder", period=7, window=5).sample(20)
    assert np.isfinite(drawn["sales"]).all()
    assert drawn.groupby("shop")["size"].first().nunique() > 12


# -- times ------------------------------------------------------------------------------------


def test_irregular_series_begin_on_working_days_in_the_morning(rng):
    weeks = pd.to_timedelta(7 * rng.integers(20, size=60) + rng.integers(5, size=60), "D")
    first = pd.Timestamp("2024-01-01 08:00", tz="Europe/Berlin") + weeks
    parts = [
        pd.DataFrame(
            {
                "shop": k,
                "day": [
                    one + pd.Timedelta(minutes=int(m)) for m in rng.integers(1, 99, 9).cumsum()
                ],
                "x": rng.normal(size=9),
            }
        )
        for k, one in enumerate(first)
    ]
    fitted = fit(pd.concat(parts, ignore_index=True), window=None)
    times = fitted.sample(100).groupby("shop")["day"].first()
    assert fitted.time_ == "irregular"
    assert (times.dt.weekday < 5).mean() > 0.97
    assert times.dt.hour.between(7, 11).all()  # clocks are turned in between
    assert times.between(first.min(), first.max() + pd.Timedelta(hours=3)).all()


@pytest.mark.parametrize("transform", [None, "difference"])
@pytest.mark.parametrize(
    ("first", "other", "step"),
    [
        ("2024-01-01", "2024-01-01 12:00", "D"),
        ("2024-01-01", "2024-01-02", "2D"),
        ("2024-01-01", "2024-01-01 00:30", "h"),
        ("2024-01-01", "2024-01-01 12:00", "B"),
        ("2024-01-01", "2024-01-01 06:00", "MS"),
        ("2024-01", "2024-02", "2M"),
        (0, 1, 2),
    ],
)
def test_series_of_one_step_need_not_share_a_time(first, other, step, transform, rng, tmp_path):
    def times(start):
        if isinstance(start, int):
            return pd.RangeIndex(start, start + 24 * step, step)
        make = pd.period_range if step == "2M" else pd.date_range
        return make(start, periods=24, freq=step)

    parts = [
        pd.DataFrame(
            {"shop": k, "day": times(other if k % 3 else first)[1:], "x": rng.normal(size=23)}
        )
        for k in range(12)
    ]
    fitted = fit(pd.concat(parts, ignore_index=True), transform=transform)
    drawn = fitted.sample(20).groupby("shop")["day"]
    own = {*times(first), *times(other)}
    assert {time for _, series in drawn for time in series} <= own
    assert drawn.first().isin(times(first)).any()
    assert drawn.first().isin(times(other)).any()
    fitted.save(tmp_path / "shops.zip")
    assert drawn.first().equals(
        load(tmp_path / "shops.zip").sample(20).groupby("shop")["day"].first()
    )


def test_whole_numbers_may_be_far_apart(rng):
    numbers = [np.arange(20) + 10**12 * k for k in range(12)]
    parts = [
        pd.DataFrame({"shop": k, "day": own, "x": rng.normal(size=20)})
        for k, own in enumerate(numbers)
    ]
    first = fit(pd.concat(parts, ignore_index=True)).sample(20).groupby("shop")["day"].first()
    assert first.between(0, 11 * 10**12).all()
    assert first.nunique() > 5


@pytest.mark.parametrize("step", ["h", "D"])
def test_series_of_several_time_zones_stay_in_them(step, rng):
    zones = ["America/New_York", "Europe/Berlin"]
    X = [
        pd.DataFrame(
            {"x": rng.normal(size=20)},
            index=pd.date_range("2024-01-01", periods=20, freq=step, tz=zones[k % 2]),
        )
        for k in range(12)
    ]
    drawn = fit(X, id_columns=None, time_column=None).sample(20)
    assert {str(one.index.tz) for one in drawn} == set(zones)
    if step == "D":
        assert all((one.index.hour == 0).all() for one in drawn)


# -- names ------------------------------------------------------------------------------------


def departments(seed=SEED):
    """Return departments of stores, which have what is known of a store in common."""
    rng, parts = np.random.default_rng(seed), []
    for _, own in shops(seed, 12).groupby("shop", sort=False):
        names = ["milk", "bread", "toys", "shoes"][: int(rng.integers(1, 5))]
        parts += [
            own.assign(dept=name, sales=own["sales"] * (k + 1)) for k, name in enumerate(names)
        ]
    return pd.concat(parts, ignore_index=True)


def test_names_of_several_columns_are_new_and_nested_alike():
    X, ids = departments(), ["shop", "dept"]
    fitted = fit(X, id_columns=ids)
    n = X.groupby(ids).ngroups
    drawn = fitted.sample(n)
    for name in ids:
        assert not set(drawn[name]) & set(X[name])
    own = drawn.groupby(ids)
    assert own.ngroups == n
    real, found = (
        Y.groupby("shop")["dept"].nunique().value_counts().to_dict() for Y in (X, drawn)
    )
    assert real == found
    assert drawn["dept"].nunique() == X["dept"].nunique()
    for name in ("town", "region", "size", "since"):
        assert (drawn.groupby("shop")[name].nunique() == 1).all(), name
    assert drawn.groupby("shop")["size"].first().nunique() > 3
    kept = fit(X, id_columns=ids, static_columns=["dept"]).sample(n)
    assert set(kept["dept"]) == set(X["dept"])
    assert not set(kept["shop"]) & set(X["shop"])
    milk, toys = (kept.loc[kept["dept"] == name, "sales"].median() for name in ("milk", "toys"))
    assert toys > 1.3 * milk
    with pytest.raises(ValueError, match="by which all of a series is named"):
        fit(X, id_columns=ids, static_columns=ids)


def test_a_column_of_names_may_be_called_auto():
    X = shops(SEED, 12).rename(columns={"shop": "auto"})
    assert not set(fit(X, id_columns="auto").sample(2)["auto"]) & set(X["auto"])


def test_new_keys_are_never_taken_and_never_twice():
    known = [("a", 1), ("a", 2), ("b", 1), ("synthetic_0", 3)]
    keys = new_keys(known, [*known, *known[:2], ("a", 1)])
    assert len(set(keys)) == 7
    assert not {key[0] for key in keys} & {key[0] for key in known}
    assert min(key[1] for key in keys) == 4
    with pytest.raises(ValueError, match="named by Timestamp"):
        new_keys([(pd.Timestamp("2024"), "a")], [])


def test_a_loaded_generator_draws_the_same_heads(tmp_path):
    fitted = fit(shops(SEED))
    for real_data in ("keep", "thin"):
        fitted.save(tmp_path / "shops.zip", real_data=real_data)
        pd.testing.assert_frame_equal(load(tmp_path / "shops.zip").sample(5), fitted.sample(5))
