"""Tables under evaluation: whole series or blocks of time are held out, and nothing leaks."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import KFold

from sklearn_timegen import (
    EvaluationReport,
    PCAMixture,
    SeriesGenerator,
    compare_generators,
    compare_samples,
    evaluate_generator,
    evaluate_samples,
)
from sklearn_timegen.datasets import make_ar
from sklearn_timegen.model_selection import WindowKFold

from .global_seed import GLOBAL_RANDOM_SEED as SEED

NAMES = {"id_columns": "shop", "time_column": "day"}
CHEAP = ["marginal_difference", "near_copy_fraction"]


class Echo(BaseEstimator):
    """A generator of series that remembers what it was fitted to, and draws that again."""

    fitted, asked = [], []

    def __init__(self, window=None, series_column=None, time_column=None, random_state=None):
        self.window = window
        self.series_column = series_column
        self.time_column = time_column
        self.random_state = random_state

    def fit(self, X, y=None):
        assert self.series_column is self.time_column is None
        Echo.fitted.append(X)
        self.series_ = [part.droplevel(0) for _, part in X.groupby(level=0, sort=False)]
        return self

    def sample(self, n_series=1, n_timesteps=None, start=None, *, random_state=None):
        Echo.asked.append((n_series, n_timesteps, start))
        series = [self.series_[i % len(self.series_)] for i in range(n_series)]
        if n_timesteps is not None:
            times = pd.date_range(start, periods=n_timesteps, freq="D", name="day")
            series = [one.iloc[:n_timesteps].set_axis(times[: len(one)]) for one in series]
        return pd.concat(series, keys=range(n_series))


@pytest.fixture(autouse=True)
def _forget():
    Echo.fitted, Echo.asked = [], []


def table(lengths, seed=SEED, columns=("sales", "town")):
    rng = np.random.default_rng(seed)
    parts = []
    for k, n in enumerate(lengths):
        days = pd.date_range("2024-01-01", periods=n, freq="D", name="day")
        values = make_ar(1, n, random_state=int(rng.integers(1000)))[0, :, 0]
        part = pd.DataFrame({"shop": f"s{k}", "day": days, "sales": values})
        parts.append(part.assign(town=rng.choice(["x", "y"], n)))
    return pd.concat(parts, ignore_index=True)[["shop", "day", *columns]]


def test_whole_series_are_held_out_where_there_are_many():
    lengths = np.random.default_rng(SEED).integers(8, 15, 16)
    X = table(lengths)
    result = evaluate_generator(
        Echo(6, "shop", "day"), X, cv=4, metrics=[*CHEAP, "length_difference"]
    )
    assert result.loc["near_copy_fraction", "score"] == 1
    assert result.loc["near_copy_fraction", "floor"] < 0.5
    known = {
        values.tobytes() for values in (part["sales"].to_numpy() for _, part in X.groupby("shop"))
    }
    for panel in Echo.fitted:
        learned = {part["sales"].to_numpy().tobytes() for _, part in panel.groupby(level=0)}
        assert len(learned) == 12
        assert learned < known
        assert list(panel.columns) == ["sales", "town"]
        assert isinstance(panel.index.levels[-1], pd.DatetimeIndex)
    assert Echo.asked == [(4, None, None)] * 4


def test_blocks_of_time_are_held_out_where_there_are_few():
    X = table([60, 63], columns=["sales"])
    evaluate_generator(Echo(6, "shop", "day"), X, cv=3, metrics="mmd")
    starts = {(n, start) for _, n, start in Echo.asked}
    days = pd.date_range("2024-01-01", periods=63)
    assert starts == {(20, days[k]) for k in (0, 20, 40)} | {(21, days[k]) for k in (0, 21, 42)}
    assert len(Echo.fitted) == 3
    for k, panel in enumerate(Echo.fitted):
        held_out = days[20 * k : 20 * k + 20]
        first_shop = panel[panel["sales"].isin(X[X["shop"] == "s0"]["sales"])]
        times = first_shop.index.get_level_values(-1)
        assert len(times) == 40
        assert not times.isin(held_out).any()
        for _, stretch in panel.groupby(level=0):  # none goes over what was held out
            gaps = stretch.index.get_level_values(-1).to_series().diff().dropna()
            assert (gaps == pd.Timedelta("1D")).all()


@pytest.mark.parametrize("form", ["series", "frame", "panel", "long", "array", "list"])
def test_every_form_of_series_is_taken(form):
    X = table([40] * (1 if form in ("series", "frame") else 8), columns=["sales"])
    panel = X.set_index(["shop", "day"])
    given = {
        "series": panel.loc["s0"]["sales"],
        "frame": panel.loc["s0"],
        "panel": panel,
        "long": X,
        "array": panel["sales"].to_numpy().reshape(-1, 40, 1),
        "list": [part for _, part in panel.droplevel(0).groupby(panel.index.get_level_values(0))],
    }[form]
    names = NAMES if form == "long" else {}
    generator = SeriesGenerator(PCAMixture(), 6)
    result = evaluate_generator(generator, given, cv=2, metrics=CHEAP, **names)
    assert np.isfinite(result[["score", "floor", "copies"]].to_numpy()).all()
    if form not in ("array", "list"):  # these are samples of series to all but generators of such
        result = evaluate_samples(given, given, metrics=CHEAP, n_splits=2, **names)
        assert result.loc["near_copy_fraction", "score"] == 1


def test_columns_of_names_are_read_from_the_generator():
    X = table([10] * 8, columns=["sales"])
    generator = SeriesGenerator(PCAMixture(), 5, id_columns="shop", time_column="day")
    said = evaluate_generator(generator, X, cv=2, metrics="mmd", **NAMES)
    told = evaluate_generator(generator, X, cv=2, metrics="mmd")
    assert told.loc["mmd", "score"] == said.loc["mmd", "score"]
    with pytest.raises(ValueError, match=r"time_column='when', but the generator 'generator'"):
        evaluate_generator(generator, X, cv=2, time_column="when")


def test_generators_of_windows_and_of_series_are_compared():
    X = table([12] * 20)
    generators = {
        "series": SeriesGenerator(PCAMixture(), 6, id_columns="shop", time_column="day"),
        "windows": PCAMixture(),
    }
    result = compare_generators(generators, X, cv=2, metrics=CHEAP)
    assert result["rank"].notna().all()
    assert result.loc["mean rank", "score"].sum() == 3


def test_the_truth_is_at_the_floor():
    class Truth(Echo):
        def sample(self, n_series=1, n_timesteps=None, start=None, *, random_state=None):
            drawn = table([12] * n_series, int(random_state), columns=["sales"])
            return drawn.set_index(["shop", "day"])

    X = table([12] * 120, columns=["sales"])
    result = evaluate_generator(
        Truth(time_column="day", series_column="shop"), X, cv=4, metrics=CHEAP
    )
    for name, row in result.iterrows():
        folds = result.attrs["folds"][name]
        slack = 4 * (row["std"] + np.std(folds["floor"])) / 2 + 0.02
        assert abs(row["score"] - row["floor"]) < slack, name


def test_a_splitter_splits_series_and_groups_stay_together():
    X = table([9] * 9, columns=["sales"])
    evaluate_generator(Echo(3, "shop", "day"), X, cv=KFold(3), metrics="mmd")
    assert [n for n, _, _ in Echo.asked] == [3, 3, 3]
    Echo.fitted = []
    groups = np.repeat(["a", "b", "c"], 3)
    evaluate_generator(Echo(3, "shop", "day"), X, cv=3, groups=groups, metrics="mmd")
    by_shop = X.groupby("shop")["sales"].first().to_numpy()
    for panel in Echo.fitted:
        learned = np.isin(by_shop, panel["sales"].to_numpy())
        assert all(len(set(learned[groups == name])) == 1 for name in "abc")


def test_samples_in_tables_of_other_column_order():
    X, other = table([12] * 12), table([12] * 12, SEED + 1)
    result = evaluate_samples(X, other[["day", "town", "shop", "sales"]], metrics=CHEAP, **NAMES)
    assert result.loc["near_copy_fraction", "score"] < 0.7
    with pytest.raises(ValueError, match=r"X_synthetic has the columns \['sales'\]"):
        evaluate_samples(X, other.drop(columns="town"), metrics=CHEAP, **NAMES)
    with pytest.raises(ValueError, match="X_synthetic could not be read as a table of series"):
        evaluate_samples(X, other.drop(columns="day"), metrics=CHEAP, **NAMES)


def test_windows_are_cut_from_each_series_alone():
    X = table([30] * 10, columns=["sales"])
    other = X.assign(sales=X["sales"] + 100)
    result = evaluate_samples(X, other, window=6, metrics=["marginal_difference"], **NAMES)
    assert result.loc["marginal_difference", "score"] > 0.9
    assert result.loc["marginal_difference", "floor"] < 0.5


def test_several_samples_are_ranked():
    X = table([12] * 40, columns=["sales"])
    like, far = table([12] * 40, SEED + 1, ["sales"]), table([12] * 40, SEED + 2, ["sales"])
    far["sales"] += 5
    params = {"metrics": ["marginal_difference", "sliced_wasserstein"], **NAMES}
    result = compare_samples({"far": far, "like": like}, X, **params)
    assert result.index.names == ["metric", "samples"]
    for name in [*params["metrics"], "mean rank"]:
        assert list(result.loc[name].index) == ["like", "far"]
        assert list(result.loc[name, "ties_with_best"]) == [True, False]
    alone = evaluate_samples(X, like, n_splits=10, **params)
    assert np.isclose(
        alone.loc["sliced_wasserstein", "score"],
        result.loc[("sliced_wasserstein", "like"), "score"],
    )
    for samples, error in (([like], TypeError), ({"like": like}, ValueError)):
        with pytest.raises(error, match=r"evaluate_samples\(X_real, X_synthetic\)"):
            compare_samples(samples, X, **params)


def test_report_of_a_table(tmp_path):
    X = table([12] * 10)
    generator = SeriesGenerator(PCAMixture(), 6, id_columns="shop", time_column="day")
    report = EvaluationReport.from_estimator(generator, X, cv=2, metrics=CHEAP)
    assert "10 series of 12 timesteps" in report.to_html(tmp_path / "r.html").read_text()
    report = EvaluationReport.from_samples(X, X, metrics=CHEAP, n_splits=2, **NAMES)
    assert "10 real series" in report.to_html(tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"cv": 9}, "too few to hold whole series out in 9 folds"),
        ({"y": np.linspace(0, 1, 8)}, "holds numbers such as 0.0, which are no labels"),
        ({"y": [0, 1]}, "X holds 8 series: pass one label"),
        ({"window_starts": np.arange(8)}, "leave window_starts out"),
        ({"cv": WindowKFold(2)}, "splits windows, but X is a table"),
        ({"window": 1}, "window"),
        ({"window": "long"}, "window must be 'auto' or a number of timesteps"),
        ({"time_column": "when"}, "no column 'when'"),
        ({"groups": np.zeros(3)}, "group of each of the 8 series"),
    ],
)
def test_bad_requests_are_refused_before_any_training(params, message):
    X = table([10] * 8, columns=["sales"])
    with pytest.raises(ValueError, match=message):
        evaluate_generator(Echo(5), X, **{"metrics": "mmd", **NAMES, **params})
    assert Echo.fitted == []


@pytest.mark.parametrize("steps", ["gaps", "irregular"])
def test_tables_are_judged_whose_times_have_gaps_or_no_step(steps):
    rng = np.random.default_rng(SEED)
    parts = []
    for k in range(24):
        days = np.arange(12) + (np.arange(12) > 5) * 2
        if steps == "irregular":
            days = np.cumsum(rng.integers(1, 40, 12))
        at = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
        parts.append(pd.DataFrame({"shop": k, "day": at, "sales": rng.poisson(9, 12)}))
    X = pd.concat(parts, ignore_index=True)
    generator = SeriesGenerator(**NAMES, random_state=0)
    synthetic = generator.fit(X).sample(24)
    told = evaluate_samples(X, synthetic, **NAMES, metrics=CHEAP[0], n_splits=2, verbose=0)
    folds = evaluate_generator(generator, X, cv=2, metrics=CHEAP[0], verbose=0)
    assert np.isfinite([told.loc[CHEAP[0], "score"], folds.loc[CHEAP[0], "score"]]).all()


def with_gaps(X):
    return X.drop(X[X["day"].isin(pd.to_datetime(["2024-01-09", "2024-01-10"]))].index[::2])


def in_sessions(X):
    minutes = pd.Timedelta("30min") * (X.groupby("shop").cumcount() % 8 + 18)
    days = X.groupby("shop").cumcount() // 8
    return X.assign(day=pd.Timestamp("2024-01-01") + days * pd.Timedelta("1D") + minutes)


def at_any_time(X):
    hours = np.random.default_rng(SEED).exponential(20, len(X)).round(1) + 0.1
    since = pd.Series(hours, X.index).groupby(X["shop"]).cumsum()
    return X.assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(since, "h").dt.round("s"))


@pytest.mark.parametrize("times", [with_gaps, in_sessions, at_any_time])
def test_times_are_read_as_generators_read_them(times):
    X = times(table([40] * 8).assign(visits=lambda X: X.index % 5))
    generator = SeriesGenerator(PCAMixture(), 8, **NAMES)
    result = evaluate_generator(generator, X, cv=2, metrics=CHEAP, random_state=SEED)
    assert result.loc["marginal_difference", "score"] < 1
    drawn = generator.set_params(random_state=SEED).fit(X).sample(8)
    scores = evaluate_samples(X, drawn, metrics=CHEAP, random_state=SEED, **NAMES)
    assert np.isfinite(scores["score"]).all()


def test_segments_of_a_series_are_held_out_together():
    X = with_gaps(table([40] * 8, columns=["sales"]))
    generator = SeriesGenerator(PCAMixture(), 8, gaps="segments", **NAMES)
    evaluate_generator(generator, X, cv=2, metrics="mmd", random_state=SEED)
    kinds = {"missing": clone(generator).set_params(gaps="missing"), "segments": generator}
    with pytest.raises(ValueError, match="'segments' has gaps='segments', and another one"):
        compare_generators(kinds, X, cv=2, metrics="mmd")
    with pytest.raises(ValueError, match="irregular: a gap|irregular: steps of"):
        evaluate_generator(clone(generator).set_params(gaps="error"), X, cv=2, metrics="mmd")


@pytest.mark.parametrize("n_days", [12, 130])
@pytest.mark.parametrize("by_name", [True, False])
def test_labels_of_series_are_those_of_their_windows(n_days, by_name):
    rng, tables, kinds = np.random.default_rng(SEED), [], {}
    for k in range(40):
        name, kinds[f"s{k}"] = f"s{k}", ["low", "high"][k % 2]
        x = rng.normal(3 * (k % 2), size=n_days)
        tables.append(pd.DataFrame({"shop": name, "day": np.arange(n_days), "x": x}))
    y = kinds if by_name else list(kinds.values())
    asked = {"id_columns": "shop", "time_column": "day", "metrics": "tstr_score", "n_splits": 2}
    halves = pd.concat(tables[:20]), pd.concat(tables[20:])
    labels = (y, y) if by_name else (y[:20], y[20:])
    table = evaluate_samples(
        *halves, y_real=labels[0], y_synthetic=labels[1], random_state=0, verbose=0, **asked
    )
    assert table.loc["tstr_score", "score"] > 0.8
    with pytest.raises(ValueError, match=r"y_synthetic has shape \(3,\), but X holds 20 series"):
        evaluate_samples(*halves, y_real=labels[0], y_synthetic=[1, 2, 3], verbose=0, **asked)


def labelled(n_series, n_days):
    """Return series that are low or high, and in which of them names say."""
    rng = np.random.default_rng(SEED)
    frames = [
        pd.DataFrame(
            {"shop": f"s{k}", "day": np.arange(n_days), "x": rng.normal(3 * (k % 2), size=n_days)}
        )
        for k in range(n_series)
    ]
    return pd.concat(frames), {f"s{k}": ["low", "high"][k % 2] for k in range(n_series)}


@pytest.mark.parametrize(
    ("n_series", "n_days", "generator"),
    [
        (
            24,
            20,
            SeriesGenerator(PCAMixture(n_components=2), id_columns="shop", time_column="day"),
        ),
        (4, 160, SeriesGenerator(window=8, id_columns="shop", time_column="day")),  # by time
        (24, 20, PCAMixture(n_components=2, conditional=True)),
    ],
)
def test_generators_learn_the_labels_of_series(n_series, n_days, generator):
    X, y = labelled(n_series, n_days)
    asked = {"cv": 2, "metrics": ["mmd", "tstr_score"], "verbose": 0}
    asked |= {"id_columns": "shop", "time_column": "day"}
    by_name = evaluate_generator(generator, X, y, **asked)
    in_order = evaluate_generator(generator, X, list(y.values()), **asked)
    assert by_name["score"].equals(in_order["score"])
    assert by_name.loc["tstr_score", "score"] > 0.8
    with pytest.raises(ValueError, match="no label of series"):
        evaluate_generator(generator, X, {"s0": "low"}, **asked)


def test_each_class_has_series_to_learn_from():
    X, y = labelled(16, 12)
    y["s3"] = "rare"
    asked = {"cv": 2, "metrics": "mmd", "verbose": 0, "id_columns": "shop", "time_column": "day"}
    conditional = PCAMixture(n_components=2, conditional=True)
    with pytest.raises(ValueError, match="class 'rare' fall into one fold"):
        evaluate_generator(conditional, X, y, **asked)
    with pytest.raises(ValueError, match="y is missing"):
        evaluate_generator(conditional, X, **asked)
