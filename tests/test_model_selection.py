"""Windows and splitters: nothing overlaps, by exhaustion over many sizes."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_score

from sklearn_timegen.model_selection import WindowKFold, WindowTimeSeriesSplit, make_windows


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
        (np.zeros((2, 3, 4)), (2,), "1-d .* or 2-d"),
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
        cv.split(windows), cv.split(windows, groups=starts), strict=True
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
    order = np.random.default_rng(0).permutation(len(starts))
    for train, test in WindowKFold(4).split(windows[order], groups=starts[order]):
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


def test_groups_must_be_starts():
    with pytest.raises(ValueError, match="start of each of the 20 windows"):
        list(WindowKFold(2).split(np.zeros((20, 4)), groups=np.arange(3)))
    dates = np.arange("2020-01-01", "2020-01-21", dtype="datetime64[D]")
    for groups in (dates, np.arange(20.0), np.arange(20).astype(str)):
        with pytest.raises(ValueError, match="as an integer"):
            list(WindowKFold(2).split(np.zeros((20, 4)), groups=groups))


def test_blocks_of_a_test_set_are_spread_over_time():
    starts = np.arange(300)
    X = np.zeros((300, 10, 1))
    tested = []
    for train, test in WindowKFold(3, n_blocks=4).split(X, groups=starts):
        assert np.abs(starts[train][:, None] - starts[test]).min() >= 10
        assert (np.diff(np.sort(test)) > 1).sum() == 3
        tested.extend(test)
    assert sorted(tested) == list(range(300))
