"""Windows of a long series, and splitters that let no overlap leak.

Windows cut with a stride below their length share values. Shuffled into folds, the test fold
then holds what the training fold knows, and a generator that memorises looks good. The splitters
here cut the time axis into blocks and leave out every training window that shares a timestep
with a test window, or lies nearer to one than ``gap``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator
from inspect import isclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator

from sklearn_timegen._types import CrossValidation
from sklearn_timegen.data.axes import channels_last, laid_out
from sklearn_timegen.data.checks import check_count, check_window_starts
from sklearn_timegen.data.overlaps import find_window_starts
from sklearn_timegen.data.reading import as_pandas, is_table
from sklearn_timegen.data.suspicions import check_rows

__all__ = ["WindowKFold", "WindowTimeSeriesSplit", "find_window_starts", "make_windows"]

Index = NDArray[np.int64]
SEVERAL = (
    "Some begin at the same times, as those of several series do: leave whole series out, with "
    "GroupKFold().split(windows, groups=...) and names of series by "
    "make_windows(return_origins=True); or use fewer splits"
)


def make_windows(
    series: Any,
    n_timesteps: int,
    stride: int = 1,
    *,
    id_columns: Any = None,
    time_column: Hashable = None,
    layout: str = "channels-last",
    return_origins: bool = False,
) -> Any:
    """Cut series into windows: none runs from one series into the next, or over a gap.

    Parameters
    ----------
    series : array-like, Series, DataFrame or list
        One series in time order, of shape (length,) or (length, n_channels), or with its times in
        the index (dates, periods or integers); or several: a panel, whose last index level is the
        time, a long table with ``id_columns`` and ``time_column``, an array of shape (n_series,
        length, n_channels), or a list of frames or of 2-d arrays. Where there are times, rows are
        sorted by them, and where one is missing is a gap. Nights between sessions, the same
        hours of every day or business day, are no gaps: windows go over them. Of a hierarchy, the
        sums that sktime calls ``__total`` are left out.
    n_timesteps : int
        Length of a window.
    stride : int, default=1
        Timesteps between the starts of neighbouring windows, counted anew after each gap. Windows
        overlap if it is less than ``n_timesteps``; split them with :class:`WindowKFold` then.
    id_columns : str or list of str, default=None
        Columns of a long table that name the series of each row.
    time_column : str, default=None
        Column of a long table that holds the times: dates, strings of dates in one format, periods
        or integers.
    layout : {"channels-last", "channels-first"}, default="channels-last"
        The order of the axes of several series in arrays: ``"channels-first"`` is ``(n_series,
        n_channels, length)``, or a list of ``(n_channels, length)``, as in aeon and sktime. An
        array of windows has the same order.
    return_origins : bool, default=False
        Whether to return of which series each window is, too.

    Returns
    -------
    windows : ndarray of shape (n_windows, n_timesteps, n_channels), or list of DataFrame
        The windows, those of each series in time order: a copy, of the series' dtype. Where
        channels hold words, flags beside numbers or dates, a list with a frame for each window,
        which generators and metrics take as well.
    starts : ndarray of shape (n_windows,)
        Timesteps from the earliest time of all series to where each window begins. With them as
        ``window_starts``, :class:`WindowKFold` tests on the same stretches of time in all series.
    origins : DataFrame with n_windows rows
        Only with ``return_origins``: the names of the series of each window, under those of
        ``id_columns`` or of the index (else ``"series"``), and the first time, under that of the
        time. Of one series there is the time only. As ``groups``, the names leave whole series out
        (:class:`~sklearn.model_selection.GroupKFold`, and evaluations of this library).

    Raises
    ------
    ValueError
        If no series is as long as a window; if series are no arrays or tables of the kinds above;
        if a series has a time twice, or irregular ones, which leave gaps untold.

    Warns
    -----
    UserWarning
        If some series hold no window: these are left out.

    Examples
    --------
    >>> from sklearn_timegen.model_selection import make_windows
    >>> windows, starts = make_windows(range(7), n_timesteps=4, stride=3)
    >>> windows[:, :, 0]
    array([[0, 1, 2, 3],
           [3, 4, 5, 6]])
    >>> starts
    array([0, 3])

    A table of two shops, of which the first was closed on the third day:

    >>> import pandas as pd
    >>> days = pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-04", "2025-01-05"])
    >>> table = pd.DataFrame(
    ...     {"shop": list("aaaabbbb"), "day": [*days] * 2, "sales": range(8)}
    ... ).drop(index=4)
    >>> windows, starts, origins = make_windows(
    ...     table, 2, id_columns="shop", time_column="day", return_origins=True
    ... )
    >>> windows[:, :, 0]
    array([[0, 1],
           [2, 3],
           [6, 7]])
    >>> origins.assign(start=starts)
      shop        day  start
    0    a 2025-01-01      0
    1    a 2025-01-04      3
    2    b 2025-01-04      3
    """
    n_timesteps = check_count(n_timesteps, "n_timesteps")
    stride = check_count(stride, "stride")
    series = channels_last(as_pandas(series, "series"), layout, "series")
    if id_columns is None and time_column is None and not is_table(series):
        windows, starts = _windows_of_array(series, n_timesteps, stride)
        return (windows, starts, _origins_in_time(starts)) if return_origins else (windows, starts)
    from sklearn_timegen.data.windows import windows_of_table  # pandas takes a while

    windows, starts, origins = windows_of_table(
        series, n_timesteps, stride, id_columns, time_column
    )
    if isinstance(windows, np.ndarray):  # frames name their channels
        windows = laid_out(windows, layout)
    return (windows, starts, origins) if return_origins else (windows, starts)


def _origins_in_time(starts: Index) -> Any:
    import pandas as pd

    return pd.DataFrame({"time": starts})


def _windows_of_array(series: Any, n_timesteps: int, stride: int) -> tuple[NDArray[Any], Index]:
    """Cut windows from one series that is an array, whose rows are time."""
    try:
        values = np.asarray(series)
    except ValueError as error:
        raise ValueError(
            "series is ragged: each timestep has to have all channels, and several series of "
            "unequal length are a list of frames or of arrays (length, n_channels)"
        ) from error
    if values.ndim not in (1, 2) or values.dtype.kind == "c":
        raise ValueError(
            "series must be 1-d (length,) or 2-d (length, n_channels), got shape "
            f"{values.shape} of {values.dtype}"
        )
    if len(values) < n_timesteps:
        raise ValueError(
            f"a series of {len(values)} timesteps holds no window of {n_timesteps} timesteps"
        )
    check_rows(values)
    values = values.reshape(len(values), -1)
    windows = np.lib.stride_tricks.sliding_window_view(values, n_timesteps, axis=0)[::stride]
    return windows.transpose(0, 2, 1).copy(), np.arange(len(windows)) * stride


def check_cv_parameter(cv: Any, name: str = "cv") -> CrossValidation:
    """Return ``cv`` if it is a number of folds, None, a splitter or pairs of rows, else refuse it.

    scikit-learn takes any iterable, and would fail while it is unpacked.
    """
    if cv is None or (isinstance(cv, Integral) and not isinstance(cv, bool)):
        return cv
    if hasattr(cv, "split") and hasattr(cv, "get_n_splits") and not isclass(cv):
        return cv
    try:
        folds = [(np.asarray(train), np.asarray(test)) for train, test in cv]
    except (TypeError, ValueError):
        folds = []
    if not folds or any(rows.ndim != 1 for fold in folds for rows in fold):
        raise ValueError(
            f"{name} must be a number of folds, a splitter of scikit-learn's kind, or pairs "
            f"(rows to train on, rows to test on), got {cv!r}"
        )
    return folds


def nearest_gap(starts: Index, references: Index) -> Index:
    """Return the timesteps from each start to the nearest of the references, which are sorted.

    Both are signed integers, as :func:`check_window_starts` returns them.
    """
    right = np.searchsorted(references, starts).clip(0, len(references) - 1)
    left = (right - 1).clip(0)
    gaps: Index = np.minimum(np.abs(starts - references[left]), np.abs(starts - references[right]))
    return gaps


class _WindowSplitter(BaseCrossValidator):
    """Blocks of time; subclasses say which training windows a test block leaves."""

    def __init__(
        self,
        n_splits: int = 5,
        *,
        n_timesteps: int | None = None,
        stride: int = 1,
        gap: int = 0,
    ) -> None:
        self.n_splits = n_splits
        self.n_timesteps = n_timesteps
        self.stride = stride
        self.gap = gap

    def get_n_splits(self, X: Any = None, y: Any = None, groups: ArrayLike | None = None) -> int:
        """Return the number of splits."""
        return self.n_splits

    # Under metadata routing, what scikit-learn's cross-validation is given is handed on.
    __metadata_request__split: ClassVar[dict[str, bool]] = {
        "groups": True,
        "window_starts": True,
    }

    def split(
        self,
        X: Any,
        y: Any = None,
        groups: ArrayLike | None = None,
        *,
        window_starts: ArrayLike | None = None,
    ) -> Iterator[tuple[Index, Index]]:
        """Yield the indices of training and test windows.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_timesteps[, n_channels])
            The windows.
        y : object
            Ignored.
        groups : array-like of shape (n_windows,), default=None
            The same as ``window_starts``, by the name under which scikit-learn's
            ``cross_val_score(..., groups=starts)`` and ``GridSearchCV.fit(..., groups=starts)``
            hand something on to a splitter.
        window_starts : array-like of int of shape (n_windows,), default=None
            Start of each window, as :func:`make_windows` returns it; without it, the windows
            are taken to be in time order, ``stride`` timesteps apart. Windows of several series
            that begin at the same time are tested together.

        Yields
        ------
        train, test : ndarray
            Indices into ``X``.
        """
        n_windows, length = self._sizes(X)
        starts = self._starts(n_windows, groups, window_starts)
        reach = length + check_count(self.gap, "gap", least=0)
        order = np.argsort(starts, kind="stable")
        for test in self._test_blocks(order):
            train = self._train(starts, np.sort(starts[test]), reach)
            if len(train) == 0:
                alike = len(np.unique(starts)) < len(starts)
                raise ValueError(
                    f"n_splits={self.n_splits} leaves no training window outside the test block "
                    f"that starts at {starts[test].min()}: with windows of {length} timesteps "
                    f"and gap={self.gap}, all overlap it. "
                    + (SEVERAL if alike else "Use fewer splits or a longer series")
                )
            yield train, np.sort(test)

    def _starts(
        self, n_windows: int, groups: ArrayLike | None, window_starts: ArrayLike | None
    ) -> Index:
        if groups is None and window_starts is None:
            return np.arange(n_windows) * check_count(self.stride, "stride")
        if groups is None:
            return check_window_starts(window_starts, n_windows)
        if window_starts is None:
            return check_window_starts(groups, n_windows, "groups (of a splitter of windows)")
        raise ValueError(
            "groups and window_starts are the same to a splitter of windows: pass one"
        )

    def _sizes(self, X: Any) -> tuple[int, int]:
        shape = np.shape(X)
        n_splits = check_count(self.n_splits, "n_splits")
        if self.n_timesteps is None and len(shape) < 2:
            raise ValueError(f"X must be windows, 2-d or 3-d, got shape {shape}")
        if n_splits < 2 or n_splits >= shape[0]:
            raise ValueError(
                f"n_splits must be at least 2 and less than the number of windows, {shape[0]}; "
                f"got {n_splits}"
            )
        length = shape[1] if self.n_timesteps is None else self.n_timesteps
        return shape[0], check_count(length, "n_timesteps")

    @abstractmethod
    def _test_blocks(self, order: Index) -> list[Index]: ...

    @abstractmethod
    def _train(self, starts: Index, tested: Index, reach: int) -> Index: ...


class WindowKFold(_WindowSplitter):
    """K blocks of windows; no training window overlaps a test block.

    Each block is the test set once; training windows lie before and after it. With ``n_blocks``,
    a test set is several blocks, spread over time, so that it holds more than one regime.

    Parameters
    ----------
    n_splits : int, default=5
        Number of blocks; at least 2.
    n_timesteps : int or None, default=None
        Length of a window; ``None`` is ``X.shape[1]``. Give it if the rows of a 2-d ``X`` hold
        several channels, or only a part of the window.
    stride : int, default=1
        Timesteps between the starts of neighbouring windows, unless ``window_starts`` tells them.
    gap : int, default=0
        Further timesteps to leave out on both sides of the test block.
    n_blocks : int, default=1
        Blocks of each test set.

    See Also
    --------
    WindowTimeSeriesSplit : Trains on the past only.

    References
    ----------
    M. Lopez de Prado (2018), "Advances in Financial Machine Learning", Wiley, chapter 7
    ("purged" cross-validation).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.model_selection import WindowKFold, make_windows
    >>> windows, starts = make_windows(np.arange(12.0), n_timesteps=3)
    >>> for train, test in WindowKFold(2).split(windows, window_starts=starts):
    ...     print(train, test)
    [7 8 9] [0 1 2 3 4]
    [0 1 2] [5 6 7 8 9]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        n_timesteps: int | None = None,
        stride: int = 1,
        gap: int = 0,
        n_blocks: int = 1,
    ) -> None:
        super().__init__(n_splits, n_timesteps=n_timesteps, stride=stride, gap=gap)
        self.n_blocks = n_blocks

    def _test_blocks(self, order: Index) -> list[Index]:
        n_blocks = min(check_count(self.n_blocks, "n_blocks"), len(order) // self.n_splits)
        blocks = np.array_split(order, self.n_splits * n_blocks)
        return [np.concatenate(blocks[k :: self.n_splits]) for k in range(self.n_splits)]

    def _train(self, starts: Index, tested: Index, reach: int) -> Index:
        return np.flatnonzero(nearest_gap(starts, tested) >= reach)


class WindowTimeSeriesSplit(_WindowSplitter):
    """Train on the past, test on the next block; no training window reaches into it.

    Parameters
    ----------
    n_splits : int, default=5
        Number of test blocks; at least 2. The series is cut into one block more.
    n_timesteps : int or None, default=None
        Length of a window; ``None`` is ``X.shape[1]``.
    stride : int, default=1
        Timesteps between the starts of neighbouring windows, unless ``window_starts`` tells them.
    gap : int, default=0
        Further timesteps to leave out before the test block.

    See Also
    --------
    WindowKFold : Trains on both sides of the test block.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_timegen.model_selection import WindowTimeSeriesSplit, make_windows
    >>> windows, starts = make_windows(np.arange(12.0), n_timesteps=2)
    >>> for train, test in WindowTimeSeriesSplit(2).split(windows, window_starts=starts):
    ...     print(train, test)
    [0 1 2] [4 5 6 7]
    [0 1 2 3 4 5 6] [ 8  9 10]
    """

    def _test_blocks(self, order: Index) -> list[Index]:
        return np.array_split(order, self.n_splits + 1)[1:]

    def _train(self, starts: Index, tested: Index, reach: int) -> Index:
        return np.flatnonzero(starts <= tested[0] - reach)
