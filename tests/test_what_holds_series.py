"""What is handed over as series: every door reads it, or says what it got, and what would do."""

import decimal
import re
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import sklearn_timegen
from sklearn_timegen import VAE, BlockBootstrap, PCAMixture, SeriesGenerator
from sklearn_timegen.evaluation import evaluate_samples
from sklearn_timegen.metrics import get_generation_scorer, mmd
from sklearn_timegen.model_selection import make_windows

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 40, 8
X = np.random.default_rng(SEED).normal(size=(N, T)).cumsum(axis=1)
DAYS = pd.date_range("2024-01-01", periods=N)
PACKAGE = str(Path(sklearn_timegen.__file__).parent)
FITTED = PCAMixture(random_state=SEED).fit(X)

DOORS = {
    "mixture": lambda x: PCAMixture(rules=None, random_state=SEED).fit(x),
    "bootstrap": lambda x: BlockBootstrap(rules=None, random_state=SEED).fit(x),
    "network": lambda x: VAE(hidden_dims=(4,), max_epochs=1, random_state=SEED).fit(x),
    "score": lambda x: FITTED.score(x),
    "metric, real": lambda x: mmd(x, X),
    "metric, synthetic": lambda x: mmd(X, x),
    "scorer": lambda x: get_generation_scorer("mmd")(FITTED, x),
    "evaluation": lambda x: evaluate_samples(X, x, metrics=["mmd"], n_repeats=1),
    "windows": lambda x: make_windows(x, 4),
    "series": lambda x: SeriesGenerator(BlockBootstrap(), 4, rules=None).fit(x),
}
every_door = pytest.mark.parametrize("door", DOORS)
# Of those that read by the same code, one.
READERS = [name for name in DOORS if name not in ("network", "bootstrap", "scorer")]
each_reader = pytest.mark.parametrize("door", READERS)
# Where rows are series; an evaluation takes tables, too.
WINDOW_DOORS = [name for name in DOORS if name not in ("windows", "series", "evaluation")]
FITS = ("mixture", "bootstrap")


class Foreign:
    """A frame of a library that pandas can be made of, as of polars and pyarrow."""

    def __init__(self, frame):
        self.frame = frame

    def to_pandas(self):
        return self.frame


class Lazy:
    def collect(self):
        return Foreign(pd.DataFrame(X))


def objects(value):
    x = X.astype(object)
    x[3, 2] = value
    return x


def decimals():
    return np.array([[decimal.Decimal(repr(round(v, 2))) for v in row] for row in X.tolist()])


REFUSED = {
    "None": (None, "got None"),
    "dict": ({"a": X[0]}, r"got dict.*list\(.*\.values\(\)\)"),
    "set": ({1, 2}, "got set.*no order"),
    "name of a file": ("x.csv", "got str 'x.csv': read the file first"),
    "path": (Path("x.csv"), "got .*Path.*'x.csv'.*: read the file first"),
    "bytes": (b"x", "got bytes.*: read the file first"),
    "class": (PCAMixture, "got ABCMeta"),
    "function": (len, "got builtin_function_or_method"),
    "iterator": (lambda: iter(X), r"which can be read once only: pass list\("),
    "generator": (lambda: (x for x in X), r"which can be read once only: pass list\("),
    "lazy frame": (Lazy(), r"got Lazy.*not computed yet: pass .*\.collect\(\)"),
    "records": (np.zeros(9, [("a", float), ("b", int)]), r"fields \['a', 'b'\].*pd\.DataFrame"),
    "list of dicts": ([{"a": 1.0}], "got a list of dict.*pd.DataFrame"),
    "list of paths": ([Path("x.csv")], "got a list of .*Path: read each"),
    "sparse": (sparse.csr_matrix(X), r"Sparse.*\.toarray\(\)"),
    "sparse array": (sparse.csr_array(X), r"Sparse.*\.toarray\(\)"),
    "complex": (X + 1j, "[Cc]omplex"),
    "ragged": ([[[1.0], [2.0, 3.0]], [[1.0], [2.0]]], "ragged"),
    "4-d": (np.zeros((2, 3, 4, 5)), r"2, 3, 4, 5\)"),
}


@every_door
@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_series_is_refused_in_our_words(door, kind):
    given, message = REFUSED[kind]
    made = kind in ("iterator", "generator")
    with pytest.raises((TypeError, ValueError), match=message) as told:
        DOORS[door](given() if made else given)
    raised_in = traceback.extract_tb(told.value.__traceback__)[-1].filename
    assert raised_in.startswith(PACKAGE), "the message is not that of a library below"
    assert len(str(told.value)) < 400
    assert re.search(r"\b(X|X_real|X_synthetic|series|item)\b", str(told.value))


SAME = {
    "NA in objects": objects(pd.NA),
    "None in objects": objects(None),
    "NaT in objects": objects(pd.NaT),
    "NA in a list": objects(pd.NA).tolist(),
    "None in a list": objects(None).tolist(),
    "frame of nullable numbers": pd.DataFrame(objects(np.nan).astype(float)).astype("Float64"),
    "frame of objects": pd.DataFrame(objects(pd.NA)),
    "masked": np.ma.masked_array(X, np.isnan(objects(np.nan).astype(float))),
}


@each_reader
@pytest.mark.parametrize("kind", SAME)
def test_what_is_missing_is_missing(door, kind):
    DOORS[door](SAME[kind])
    if door == "mixture":
        expected = DOORS[door](objects(np.nan).astype(float)).sample(3)
        drawn = np.asarray(DOORS[door](SAME[kind]).sample(3), dtype=float)
        assert np.allclose(drawn, expected, equal_nan=True)


@each_reader
@pytest.mark.parametrize(
    "given",
    [
        Foreign(pd.DataFrame(X)),
        X.astype(object),
        X.tolist(),
        decimals(),
        decimals().tolist(),
        pd.DataFrame(decimals()),
        np.ma.masked_array(X),
    ],
    ids=["foreign", "objects", "list", "Decimal", "list of Decimal", "frame of Decimal", "masked"],
)
def test_numbers_of_any_type_are_numbers(door, given):
    DOORS[door](given)


# -- another layout ----------------------------------------------------------------------------


def dated(index):
    return pd.DataFrame({"load": X[:, 0], "heat": X[:, 1]}, index=index)


@pytest.mark.parametrize("door", WINDOW_DOORS)
@pytest.mark.parametrize(
    "index", [DAYS, DAYS.to_period("D"), DAYS - DAYS[0]], ids=lambda i: type(i).__name__
)
def test_rows_that_are_times_are_no_series(door, index):
    message = f"{type(index).__name__}.*make_windows.*SeriesGenerator.*reset_index"
    for table in (dated(index), dated(index)[["load"]], dated(index)["load"]):
        with pytest.raises(ValueError, match=message):
            DOORS[door](table)


@pytest.mark.parametrize("door", ["mixture", "metric, real", "windows", "series"])
def test_windows_and_series_take_rows_that_are_times(door):
    if door not in WINDOW_DOORS:
        DOORS[door](dated(DAYS))
    profiles = pd.DataFrame(X, index=DAYS, columns=[f"{h:02}:00" for h in range(T)])
    DOORS[door](profiles)  # a series each day


@pytest.mark.parametrize("door", FITS)
def test_rows_of_few_timesteps_at_times_are_doubted(door):
    with pytest.warns(UserWarning, match="taken as 40 series of 3 timesteps"):
        DOORS[door](pd.DataFrame(X[:, :3], index=DAYS))


def panel(times=None):
    frames = {f"s{k}": pd.DataFrame({"a": x, "b": -x}, index=times) for k, x in enumerate(X)}
    return pd.concat(frames, names=["instance", "timepoint"])


@pytest.mark.parametrize("door", FITS)
def test_panels_are_lists_of_series(door):
    shuffled = panel().sample(frac=1, random_state=SEED).sort_index(level=0, sort_remaining=False)
    drawn = DOORS[door](shuffled).sample(3)
    assert drawn.index.names == ["instance", "timepoint"]
    assert drawn.index.levshape == (3, T)
    assert list(drawn.columns) == ["a", "b"]
    listed = DOORS[door]([part.droplevel(0) for _, part in panel().groupby(level=0)]).sample(3)
    assert all(drawn.loc[k].reset_index(drop=True).equals(part) for k, part in enumerate(listed))


def test_panels_are_compared_as_lists():
    whole, listed = panel(DAYS[:T]), [part for _, part in panel().groupby(level=0, sort=False)]
    other = [part * 1.1 for part in listed]
    assert mmd(whole, other) == mmd(listed, other)
    assert len(evaluate_samples(whole, other, metrics=["mmd"], n_repeats=1)) == 1
    single = panel(DAYS[:T])["a"]
    assert mmd(single, single * 1.1) == mmd([x[["a"]] for x in listed], [x[["a"]] for x in other])


@pytest.mark.parametrize("door", FITS)
def test_panels_with_dates_are_for_other_generators(door):
    with pytest.raises(ValueError, match=r"DatetimeIndex.*SeriesGenerator.*make_windows"):
        DOORS[door](panel(DAYS[:T]))


@pytest.mark.parametrize("door", [*FITS, "metric, real"])
def test_panels_with_gaps_are_refused(door):
    with pytest.raises(ValueError, match="series 's2' of X.* has a gap between 2 and 4"):
        DOORS[door](panel().drop(index=("s2", 3)))


SECONDS = DAYS.astype("datetime64[ns]").astype("int64") // 10**9
CLOCKS = {
    "seconds": SECONDS,
    "milliseconds": 1000 * SECONDS,
    "nanoseconds": 10**9 * SECONDS,
    "floats": SECONDS.astype(float),
}


@pytest.mark.parametrize("unit", CLOCKS)
@pytest.mark.parametrize("door", [*FITS, "metric, real", "scorer", "windows"])
def test_unix_times_are_no_channel(door, unit):
    table = pd.DataFrame({"when": CLOCKS[unit], "a": X[:, 0], "b": X[:, 1]})
    with pytest.raises(ValueError, match=r"column 'when' of .* time.*pd\.to_datetime"):
        DOORS[door](table)
    with pytest.raises(ValueError, match=r"column 0 of .* time.*pd\.to_datetime"):
        DOORS[door](table.to_numpy())
    if door != "windows":
        stacked = np.stack([X, np.tile(CLOCKS[unit][:T], (N, 1))], axis=2)
        with pytest.raises(ValueError, match="channel 1 of .* times"):
            DOORS[door](stacked)
        with pytest.raises(ValueError, match="column 'b' of .* times"):
            DOORS[door]([pd.DataFrame(x, columns=["a", "b"]) for x in stacked])


def test_windows_of_a_clock_are_series():
    windows, _ = make_windows(SECONDS[0] + 86400 * np.arange(N), 4)
    PCAMixture(random_state=SEED).fit(windows[:, :, 0] - SECONDS[0])


@pytest.mark.parametrize("door", [*FITS, "windows"])
def test_names_of_series_among_channels_are_doubted(door):
    table = pd.DataFrame({"shop": np.repeat([7, 3, 12, 5], 10), "a": X[:, 0], "b": X[:, 1]})
    with pytest.warns(UserWarning, match="column 'shop' of .* looks like .*id_columns"):
        DOORS[door](table)
    if door != "windows":
        stacked = np.stack([X, np.tile(np.arange(N)[:, None], T)], axis=2)
        with pytest.warns(UserWarning, match="channel 1 of X counts the series"):
            DOORS[door](stacked)


@pytest.mark.parametrize("text", [False, True])
def test_dates_among_channels_are_times(text):
    table = pd.DataFrame({"day": DAYS.astype(str) if text else DAYS, "a": X[:, 0]})
    with pytest.raises(ValueError, match="column 'day' of series holds the time of each row"):
        make_windows(table, 4)
    with pytest.raises(ValueError, match="make_windows"):
        PCAMixture().fit(table)


@pytest.mark.parametrize("door", [*FITS, "metric, real"])
@pytest.mark.parametrize("shape", [(30, 3, 20), (30, 1, 24)])
def test_time_on_the_last_axis_is_doubted(door, shape):
    series = np.random.default_rng(SEED).normal(size=shape).cumsum(axis=2)
    read = DOORS[door] if door in FITS else lambda x: mmd(x, x + 0.1)
    message = rf"{shape[1]} timesteps and {shape[2]} channels.*numpy3D"
    with pytest.warns(UserWarning, match=message):
        read(series)


@pytest.mark.parametrize("door", ["mixture", "bootstrap"])
def test_many_channels_are_no_time(door):
    """Where they follow their past more than each other."""
    series = np.random.default_rng(SEED).normal(size=(30, 2, 10)).cumsum(axis=1)
    DOORS[door](series + 5 * np.random.default_rng(SEED + 1).normal(size=10))


# -- targets -----------------------------------------------------------------------------------

TARGETS = {
    "missing": ([*["a"] * 39, None], "1 missing labels.*the first at 39"),
    "NA": (pd.Series(["a", pd.NA] * 20), "20 missing labels.*the first at 1"),
    "sparse": (sparse.csr_matrix(np.ones((N, 1))), r"y is sparse.*y\.toarray\(\)"),
    "dict": (dict.fromkeys(range(N), 1), "y is a dict"),
    "iterator": (iter([1] * N), "iterator"),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_are_refused_in_our_words(kind):
    y, message = TARGETS[kind]
    with pytest.raises((TypeError, ValueError), match=message):
        PCAMixture(conditional=True).fit(X, y)
