"""Windows and splitters: nothing overlaps, by exhaustion over many sizes."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_score

from sklearn_timegen.model_selection import (
    WindowKFold,
    WindowTimeSeriesSplit,
    find_window_starts,
    make_windows,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED


def test_windows_hold_what_their_starts_say():
    series = np.arange(40).reshape(20, 2)
    windows, starts = make_windows(series, 6, stride=4)
    assert windows.shape == (4, 6, 2)
    assert windows.dtype == series.dtype
    for window, start in zip(windows, starts, strict=True):
        assert np.array_equal(window, series[start : start + 6])
    windows[0] = -1
    assert series[0, 0] == 0, "windows are copies"


@pytest.mark.parametrize(
    ("series", "sizes", "message"),
    [
        (np.zeros(5), (6,), "5 timesteps holds no window of 6"),
        (np.zeros((2, 3, 4, 5)), (2,), "1-d .* or 2-d"),
        (np.zeros(5), (0,), "n_timesteps must be"),
        (np.zeros(5), (2, 0), "stride must be"),
        (np.zeros(5), (2.5,), "n_timesteps must be"),
    ],
)
def test_windows_of_what_is_no_series(series, sizes, message):
    with pytest.raises(ValueError, match=message):
        make_windows(series, *sizes)


def overlapping(starts, train, test, length, gap):
    distance = np.abs(starts[train][:, None] - starts[test][None])
    return (distance < length + gap).any()


@pytest.mark.parametrize("splitter", [WindowKFold, WindowTimeSeriesSplit])
@pytest.mark.parametrize("stride", [1, 3, 7])
@pytest.mark.parametrize("gap", [0, 4])
@pytest.mark.parametrize("n_splits", [2, 5])
def test_no_window_falls_on_two_sides(splitter, stride, gap, n_splits):
    windows, starts = make_windows(np.arange(200.0), 6, stride)
    cv = splitter(n_splits, stride=stride, gap=gap)
    tested = []
    for (train, test), (train_2, test_2) in zip(
        cv.split(windows), cv.split(windows, window_starts=starts), strict=True
    ):
        assert np.array_equal(train, train_2)
        assert np.array_equal(test, test_2)
        assert not overlapping(starts, train, test, 6, gap)
        if splitter is WindowTimeSeriesSplit:
            assert starts[train].max() + 6 + gap <= starts[test].min()
        else:  # nothing more is left out than has to be
            spared = set(range(len(starts))) - set(train) - set(test)
            block = (starts[test].min(), starts[test].max())
            assert all(block[0] - 6 - gap < starts[i] < block[1] + 6 + gap for i in spared)
        tested.extend(test)
    assert len(tested) == len(set(tested))
    if splitter is WindowKFold:
        assert sorted(tested) == list(range(len(starts)))


def test_shuffled_windows_are_split_by_their_starts():
    windows, starts = make_windows(np.arange(100.0), 5)
    order = np.random.default_rng(SEED).permutation(len(starts))
    for train, test in WindowKFold(4).split(windows[order], window_starts=starts[order]):
        assert not overlapping(starts[order], train, test, 5, 0)


def test_scikit_learns_contract():
    windows, starts = make_windows(np.sin(np.arange(120.0)), 8)
    X, y = windows[:, :-1, 0], windows[:, -1, 0]
    cv = WindowKFold(3, n_timesteps=8)
    assert check_cv(cv) is cv
    assert cv.get_n_splits(X, y) == 3
    assert repr(cv) == "WindowKFold(gap=0, n_blocks=1, n_splits=3, n_timesteps=8, stride=1)"
    assert cross_val_score(Ridge(), X, y, cv=cv, groups=starts).shape == (3,)
    assert GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=cv).fit(X, y).n_splits_ == 3


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (WindowKFold(1), "n_splits must be at least 2"),
        (WindowKFold(30), "less than the number of windows, 20"),
        (WindowKFold(2, gap=-1), "gap must be"),
        (WindowKFold(2, n_timesteps=0), "n_timesteps must be"),
        (WindowTimeSeriesSplit(2, gap=50), "leaves no training window"),
    ],
)
def test_impossible_splits_are_refused(cv, message):
    with pytest.raises(ValueError, match=message):
        list(cv.split(np.zeros((20, 4))))


@pytest.mark.parametrize("name", ["groups", "window_starts"])
def test_starts_are_integers(name):
    with pytest.raises(ValueError, match=f"{name}.* start of each of the 20 windows"):
        list(WindowKFold(2).split(np.zeros((20, 4)), **{name: np.arange(3)}))
    dates = np.arange("2020-01-01", "2020-01-21", dtype="datetime64[D]")
    words, flags = np.arange(20).astype(str), np.arange(20) > 9
    for starts in (
        dates,
        np.arange(20.0),
        words,
        flags,
        pd.Series([*range(19), None], dtype="Int64"),
    ):
        with pytest.raises(ValueError, match=f"{name}.* as an integer"):
            list(WindowKFold(2).split(np.zeros((20, 4)), **{name: starts}))
    far = np.arange(20, dtype=np.uint64) + np.uint64(2**63)
    with pytest.raises(ValueError, match=f"{name}.* subtract the first"):
        list(WindowKFold(2).split(np.zeros((20, 4)), **{name: far}))


def test_starts_have_one_name_at_a_time():
    with pytest.raises(ValueError, match="pass one"):
        list(WindowKFold(2).split(np.zeros((9, 2)), groups=range(9), window_starts=range(9)))


INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", object]


@pytest.mark.parametrize("cv", [WindowKFold(4, gap=2), WindowTimeSeriesSplit(4, gap=2)])
@pytest.mark.parametrize("dtype", [*INTEGERS, "Int64", "UInt8", list])
@pytest.mark.parametrize("step", [1, 2])
def test_starts_of_any_integer_type_split_alike(cv, dtype, step):
    starts = np.arange(60) * step
    given = starts.tolist() if dtype is list else pd.Series(starts).astype(dtype)
    X = np.zeros((60, 6, 1))
    for (train, test), expected in zip(
        cv.split(X, window_starts=given), cv.split(X, window_starts=starts), strict=True
    ):
        assert np.array_equal(train, expected[0])
        assert np.array_equal(test, expected[1])
        assert not overlapping(starts, train, test, 6, 2)
    grouped = cross_val_score(
        Ridge(), X[:, :, 0], starts, cv=cv, groups=given, error_score="raise"
    )
    assert grouped.shape == (4,)


def test_starts_are_routed_to_the_splitter():
    windows, starts = make_windows(np.sin(np.arange(120.0)), 8)
    order = np.random.default_rng(SEED).permutation(len(starts))
    X, y, starts = windows[order, :-1, 0], windows[order, -1, 0], starts[order]
    cv = WindowKFold(3, n_timesteps=8)
    expected = cross_val_score(Ridge(), X, y, cv=cv, groups=starts)
    with config_context(enable_metadata_routing=True):
        for name in ("groups", "window_starts"):
            scores = cross_val_score(Ridge(), X, y, cv=cv, params={name: starts})
            assert np.array_equal(scores, expected)


def test_starts_of_what_are_no_windows():
    with pytest.raises(ValueError, match=r"2-d or 3-d, got shape \(5,\)"):
        find_window_starts(np.zeros(5))


def test_blocks_of_a_test_set_are_spread_over_time():
    starts = np.arange(300)
    X = np.zeros((300, 10, 1))
    tested = []
    for train, test in WindowKFold(3, n_blocks=4).split(X, window_starts=starts):
        assert np.abs(starts[train][:, None] - starts[test]).min() >= 10
        assert (np.diff(np.sort(test)) > 1).sum() == 3
        tested.extend(test)
    assert sorted(tested) == list(range(300))
