"""Missing values, lengths, kinds of channels and attributes; of every generator see the laws."""

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import FlowMatching, PCAMixture

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def walks(n=60, n_timesteps=8, n_channels=2, seed=SEED):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_timesteps, n_channels)).cumsum(axis=1)


def with_holes(x, fraction=0.2, seed=SEED):
    holes = np.random.default_rng(seed + 1).random(x.shape) < fraction
    holes[:, 0] = False
    return np.where(holes, np.nan, x)


def runs(x, seed=SEED):
    rng, x = np.random.default_rng(seed), x.copy()
    for row in x[::2]:
        start = rng.integers(1, x.shape[1] - 2)
        row[start : start + 3, 0] = np.nan
    return x


def frames(n=80, seed=SEED, longest=9):
    """Return visits: a department, a state, a flag, a count, an amount, an order, a date."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        length = int(rng.integers(3, longest + 1))
        department = rng.choice(["north", "south", "east"], p=[0.5, 0.3, 0.2])
        frame = pd.DataFrame(
            {
                "department": department,
                "state": rng.choice(["sun", "rain"], size=length),
                "flag": rng.random(length) < 0.3,
                "count": rng.poisson(2, length),
                "amount": np.round(rng.exponential(size=length) + (department == "north"), 2),
                "rating": pd.Categorical(
                    rng.choice(["low", "mid", "high"], length),
                    categories=["low", "mid", "high", "never"],
                    ordered=True,
                ),
                "born": pd.Timestamp("1960-01-01") + pd.Timedelta(days=int(rng.integers(9999))),
            }
        )
        frame.loc[rng.random(length) < 0.1, "amount"] = np.nan
        found.append(frame)
    return found


# -- missing values --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["runs", "dead", "together", "always"])
def test_patterns_come_back(how):
    x = walks(400)
    rng = np.random.default_rng(SEED)
    if how == "runs":
        x = runs(x)
    elif how == "dead":  # a sensor that is off in a fifth of the series
        x[rng.random(400) < 0.2, :, 1] = np.nan
    elif how == "together":
        x[rng.random(x.shape[:2]) < 0.2] = np.nan
    else:  # never seen at one timestep
        x[:, 3, 0] = np.nan
    fitted = PCAMixture(random_state=SEED).fit(x)
    mask = np.isnan(fitted.sample(2000))
    assert np.abs(mask.mean(axis=(0, 1)) - np.isnan(x).mean(axis=(0, 1))).max() < 0.04
    if how == "dead":
        assert set(mask[:, :, 1].sum(axis=1)) == {0, 8}
    if how == "together":
        assert (mask[:, :, 0] == mask[:, :, 1]).all()
    if how == "always":
        np.testing.assert_array_equal(mask.all(axis=0), np.isnan(x).all(axis=0))
        np.testing.assert_array_equal(mask.any(axis=0), np.isnan(x).any(axis=0))


def test_filling_keeps_spread_and_autocorrelation():
    rng, worse = np.random.default_rng(SEED), []
    for _ in range(3):
        x = np.zeros((600, 40))
        e = rng.normal(size=x.shape)
        for t in range(1, 40):
            x[:, t] = 0.9 * x[:, t - 1] + e[:, t]
        x = x[:, 20:, None]
        drawn = PCAMixture(missing="complete", random_state=0).fit(with_holes(x, 0.3)).sample(1500)

        def rho(v):
            return (v[:, 1:] * v[:, :-1]).mean() / (v**2).mean()

        worse.append((drawn.std() / x.std(), rho(drawn) - rho(x)))
    spread, correlation = np.mean(worse, axis=0)
    assert abs(spread - 1) < 0.04
    assert abs(correlation) < 0.03


def test_rules_are_kept_where_values_are_missing():
    rng = np.random.default_rng(SEED)
    low = rng.normal(size=(300, 12)).cumsum(axis=1)
    x = np.stack([low, low + rng.exponential(size=low.shape)], axis=2)
    fitted = PCAMixture(random_state=0).fit(with_holes(x))
    assert "channel 0 <= channel 1" in repr(fitted.rules_)
    drawn = fitted.sample(500)
    assert not (drawn[:, :, 0] > drawn[:, :, 1]).any()
    filled = fitted.impute(with_holes(x)[:50])
    assert (filled[:, :, 0] <= filled[:, :, 1]).all()


def test_a_channel_without_any_value_is_refused():
    x = walks()
    x[:, :, 1] = np.nan
    with pytest.raises(ValueError, match="channel 1 has no value in any series"):
        PCAMixture().fit(x)
    x = walks()
    x[4] = np.nan
    with pytest.raises(ValueError, match="series 4 of X has no value at all"):
        PCAMixture().fit(x)


# -- lengths -------------------------------------------------------------------------------------


def test_a_tail_of_nan_is_an_end():
    rng = np.random.default_rng(SEED)
    lengths = rng.integers(4, 9, size=60)
    X = walks()
    padded = np.where(np.arange(8)[None, :, None] < lengths[:, None, None], X, np.nan)
    one = PCAMixture(random_state=0).fit(padded)
    other = PCAMixture(random_state=0).fit([row[:k] for row, k in zip(X, lengths, strict=True)])
    drawn, listed = one.sample(9), other.sample(9)
    for row, series in zip(drawn, listed, strict=True):
        end = len(series)
        np.testing.assert_allclose(row[:end], series, rtol=1e-6)
        assert np.isnan(row[end:]).all()


def test_lengths_that_are_not_there():
    fitted = PCAMixture(random_state=0).fit(walks())
    assert fitted.sample(3, n_timesteps=5).shape == (3, 5, 2)
    for wrong in (0, 9, 2.5, [1, 2]):
        with pytest.raises(ValueError, match="n_timesteps must"):
            fitted.sample(3, n_timesteps=wrong)


def test_series_of_one_channel_may_be_rows_of_several_lengths():
    rng = np.random.default_rng(SEED)
    X = [rng.normal(size=int(rng.integers(3, 9))).cumsum() for _ in range(60)]
    drawn = PCAMixture(random_state=0).fit(X).sample(20)
    assert {series.ndim for series in drawn} == {1}
    nested = PCAMixture(random_state=0).fit([row.tolist() for row in X]).sample(20)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, nested, strict=True))


def test_labels_go_with_lengths_and_holes():
    rng = np.random.default_rng(SEED)
    y = np.repeat(["up", "down"], 60)
    X = [
        row[: int(rng.integers(4, 9))] + (3 if label == "up" else -3)
        for row, label in zip(walks(120), y, strict=True)
    ]
    X[3][1, 0] = np.nan
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, y)
    up, down = (np.nanmean(np.concatenate(fitted.sample(50, y=label))) for label in ("up", "down"))
    assert up > 1 > -1 > down


# -- kinds and attributes ------------------------------------------------------------------------


def test_shares_of_categories_are_kept():
    X = frames(400)
    drawn, real = pd.concat(PCAMixture(random_state=0).fit(X).sample(1000)), pd.concat(X)
    for column in ("department", "state", "flag", "rating"):
        shares = [f[column].value_counts(normalize=True) for f in (real, drawn)]
        assert (shares[0] - shares[1]).abs().max() < 0.05, column
    assert abs(drawn["count"].mean() - real["count"].mean()) < 0.15
    assert abs(drawn["amount"].isna().mean() - real["amount"].isna().mean()) < 0.03


def test_what_depends_on_a_category_still_does():
    gaps = []
    for seed in range(3):
        fitted = PCAMixture(random_state=seed).fit(frames(200, seed=SEED + seed))
        means = pd.concat(fitted.sample(400)).groupby("department")["amount"].mean()
        gaps.append(means["north"] - means[["south", "east"]].mean())
    assert 0.5 < np.mean(gaps) < 1.3  # in the data, 1


def test_attributes_can_be_asked_for():
    fitted = PCAMixture(random_state=0).fit(frames(60))
    drawn = fitted.sample(30, attributes={"department": "east", "born": "1970-05-05"})
    assert {f["department"].iloc[0] for f in drawn} == {"east"}
    assert {str(f["born"].iloc[0].date()) for f in drawn} == {"1970-05-05"}
    asked = ["east", "north", "south"]
    drawn = fitted.sample(3, attributes={"department": asked}, n_timesteps=4)
    assert [f["department"].iloc[0] for f in drawn] == asked
    assert {len(f) for f in drawn} == {4}
    for wrong, message in (
        ({"department": "west"}, "'west', which was not in training"),
        ({"town": "x"}, "'town', which is no channel that is constant"),
        ({"amount": 1.0}, "'amount', which is no channel that is constant"),
        ({"department": ["east"]}, "has 1 values for 3 series"),
        ({}, "must be a dict"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted.sample(3, attributes=wrong)


def test_attributes_of_arrays_are_found():
    x = walks(200)
    x[:, :, 1] = np.random.default_rng(SEED).normal(size=(200, 1))
    fitted = PCAMixture(random_state=0).fit(x)
    assert "channel 1 is constant in each series" in repr(fitted.rules_)
    drawn = fitted.sample(50)
    assert (np.ptp(drawn[:, :, 1], axis=1) == 0).all()
    assert np.unique(drawn[:, 0, 1]).size == 50
    asked = fitted.sample(50, attributes={1: 0.5})
    np.testing.assert_allclose(asked[:, :, 1], 0.5, atol=1e-3)


def test_arrays_of_words_flags_and_integers():
    rng = np.random.default_rng(SEED)
    words = rng.choice(["a", "b", "c"], size=(80, 6))
    drawn = PCAMixture(random_state=0).fit(words).sample(30)
    assert drawn.shape == (30, 6)
    assert set(drawn.ravel()) <= {"a", "b", "c"}
    flags = rng.random((80, 6)) < 0.3
    assert PCAMixture(random_state=0).fit(flags).sample(9).dtype == bool
    counts = rng.poisson(3, size=(80, 6))
    assert PCAMixture(random_state=0).fit(counts).sample(9).dtype == counts.dtype
    mixed = np.empty((80, 6, 2), dtype=object)
    mixed[:, :, 0], mixed[:, :, 1] = words, rng.normal(size=(80, 6))
    drawn = PCAMixture(random_state=0).fit(mixed).sample(9)
    assert drawn.shape == (9, 6, 2)
    assert set(drawn[:, :, 0].ravel()) <= {"a", "b", "c"}
    table = pd.DataFrame(words, columns=[f"t{k}" for k in range(6)])
    assert list(PCAMixture(random_state=0).fit(table).sample(4).columns) == list(table.columns)


def test_kinds_can_be_said():
    rng = np.random.default_rng(SEED)
    x = np.stack([rng.integers(0, 4, (80, 6)) * 10.0, rng.normal(size=(80, 6))], axis=2)
    fitted = PCAMixture(channel_kinds={0: "categorical"}, random_state=0).fit(x)
    assert "one of 0.0, 10.0, 20.0, 30.0" in repr(fitted.rules_)
    assert set(np.unique(fitted.sample(50)[:, :, 0])) <= {0, 10, 20, 30}
    with pytest.raises(ValueError, match="channel_kinds names 7"):
        PCAMixture(channel_kinds={7: "categorical"}).fit(x)
    with pytest.raises(ValueError, match="'nominal'; the kinds are continuous"):
        PCAMixture(channel_kinds={0: "nominal"}).fit(x)


def test_rare_and_unseen_categories():
    X = frames(30)
    X[0].loc[0, "state"] = "hail"
    with pytest.raises(ValueError, match="'hail', which was not in training"):
        PCAMixture(random_state=0).fit(X[1:]).score(X)
    fitted = PCAMixture(unseen_categories="other", random_state=0).fit(X[1:])
    assert np.isfinite(fitted.score(X))
    merged = PCAMixture(rare_categories=3, random_state=0).fit(X)
    assert "hail" not in set(pd.concat(merged.sample(50))["state"])
    assert "state is one of rain, sun, other, which stands for hail" in repr(merged.rules_)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(mixed=[1, "a", *[2] * (len(f) - 2)]), "values of several kinds"),
        (lambda f: f.assign(lists=[[1]] * len(f)), "one value a timestep"),
        (lambda f: f.assign(gap=pd.to_timedelta(1, unit="s")), "total_seconds"),
        (lambda f: f.assign(far=np.inf), "inf"),
    ],
)
def test_channels_that_are_no_channels(change, message):
    with pytest.raises(ValueError, match=message):
        PCAMixture().fit([change(f) for f in frames(20)])


def test_lists_that_do_not_fit_together():
    X = frames(20)
    with pytest.raises(ValueError, match="series 3 of X is empty"):
        PCAMixture().fit([*X[:3], X[3].iloc[:0], *X[4:]])
    with pytest.raises(ValueError, match="series 2 of X has the channels"):
        PCAMixture().fit([*X[:2], X[2].drop(columns="flag")])
    with pytest.raises(ValueError, match="mixes frames and arrays"):
        PCAMixture().fit([*X[:2], np.zeros((4, 7))])
    fitted = PCAMixture(random_state=0).fit(X)
    with pytest.raises(ValueError, match="more than the 9 of the longest"):
        fitted.score([pd.concat([X[0], X[1], X[2], X[3]], ignore_index=True), X[1]])


def test_missing_values_of_other_types():
    X = frames(30)
    for frame in X:
        frame["nullable"] = pd.array([1, None, *[3] * (len(frame) - 2)], dtype="Int64")
        frame["sure"] = pd.array([True, None, *[False] * (len(frame) - 2)], dtype="boolean")
        frame["word"] = pd.array(["x", None, *["y"] * (len(frame) - 2)], dtype="string")
    drawn = [f for seed in range(3) for f in PCAMixture(random_state=seed).fit(X).sample(20)]
    assert (drawn[0].dtypes == X[0].dtypes).all()
    for column in (
        "nullable",
        "sure",
        "word",
    ):  # always missing there, and in hardly any other row
        second = np.mean([f[column].isna().iloc[1] for f in drawn if len(f) > 1])
        others = np.mean([f[column].isna().iloc[2:].mean() for f in drawn if len(f) > 2])
        assert second > 0.6 > 0.3 > others


def test_flows_train_on_what_was_observed():
    X = with_holes(walks(100), 0.3)
    fitted = FlowMatching(hidden_dim=16, n_layers=1, max_epochs=2, random_state=0).fit(X)
    assert np.isfinite(fitted.sample(5)[:, 0]).all()


class OfAnotherLibrary:
    """A frame as polars and pyarrow have them, as far as it matters."""

    def __init__(self, frame):
        self._frame = frame

    def to_pandas(self):
        return self._frame


def test_frames_of_other_libraries():
    X = frames(20)
    one = PCAMixture(random_state=0).fit([OfAnotherLibrary(frame) for frame in X]).sample(3)
    other = PCAMixture(random_state=0).fit(X).sample(3)
    assert all(a.equals(b) for a, b in zip(one, other, strict=True))


def test_what_stands_for_missing_in_other_types():
    x = pd.DataFrame(walks(40)[:, :, 0].round(2))
    known = x.copy()
    known.iloc[3, 2] = np.nan
    expected = PCAMixture(random_state=0).fit(known).sample(4)
    for frame in (x.astype(object), x.astype("Float64")):
        frame.iloc[3, 2] = pd.NA
        drawn = PCAMixture(random_state=0).fit(frame).sample(4)
        np.testing.assert_array_equal(drawn, expected)
    array = np.array(x, dtype=object)
    array[3, 2] = pd.NA
    np.testing.assert_array_equal(PCAMixture(random_state=0).fit(array).sample(4), expected)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (np.round(walks(40)[:, :, 0], 2).astype(str), "words that are numbers"),
        (np.array([[f"n{i}.{j}" for j in range(6)] for i in range(40)]), "names, which tell"),
    ],
)
def test_words_that_are_no_categories(words, message):
    with pytest.raises(ValueError, match=message):
        PCAMixture().fit(words)
