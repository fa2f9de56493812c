"""The parameters of a generator of series."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_timegen._checks import HasMethods, Interval, StrOptions
from sklearn_timegen._random import RandomState
from sklearn_timegen.base import BaseGenerator, estimator, param
from sklearn_timegen.base.declaration import Declared
from sklearn_timegen.data.axes import LAYOUTS

__all__ = ["SeriesParameters"]


@estimator
class SeriesParameters(Declared):
    """The parameters of :class:`~sklearn_timegen.SeriesGenerator`."""

    generator: BaseGenerator | None = param(
        default=None,
        kw_only=False,
        doc="""What learns the windows: any generator of this library; cloned. ``None`` is
        ``PCAMixture()``, which is fitted in seconds.""",
        check=[HasMethods(["fit", "sample"]), None],
    )
    window: int | None = param(
        default=None,
        kw_only=False,
        doc="""Timesteps of a window, at least 2: long enough to hold the patterns that matter,
        and no longer than the shortest series. ``None`` is two seasons, by the frequency or by the
        autocorrelation, or without a season twice the memory that the series show, 24 at least;
        less where series are shorter or few. Thirty series or more of at most 96 timesteps are
        windows of their own, whose lengths are learned. ``window_`` tells what it came to.""",
        check=[Interval(Integral, 2, None, closed="left"), None],
    )
    stride: int = param(
        default=1,
        doc="Timesteps between the beginnings of neighbouring training windows.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    max_windows: int | None = param(
        default=20_000,
        doc="""Training windows at most; of more, so many are drawn. Neighbouring windows overlap,
        and have little to add. ``None`` takes all.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    transform: Any = param(
        default=None,
        doc="""What makes the series stationary before windows are cut, undone in ``sample``:
        ``"difference"``, ``"log"``, ``"box-cox"``, ``"stl-remainder"``,
        ``"stl-remainder-robust"`` or a transformer; a list is applied in its order.
        ``"stl-remainder"`` generates what trend and season leave
        over, and puts those of the training series back; the robust one leaves outliers to the
        remainder. A scikit-learn transformer sees timesteps as rows; of an sktime transformer a
        clone is fitted to each series. Both need an inverse.""",
        check="no_validation",
        type="str, transformer, list or None",
    )
    period: int | str = param(
        default="auto",
        doc="""Timesteps of a season, for ``"stl-remainder"``; 1 is none. ``"auto"`` goes by the
        frequency: 12 for months, 7 for days, 24 for hours, and so on, if two fit into the longest
        series.""",
        check=[Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    )
    rules: str | Sequence[Any] | None = param(
        default="auto",
        doc="""What every series keeps, and every sample of any length will: ``"auto"`` finds it in
        the whole series, before windows are cut; a list of :mod:`sklearn_timegen.rules` declares
        it, ``None`` takes values for mere numbers. Rules and bounds of the generator are taken for
        those of the series.""",
        check="no_validation",  # Structure says what it expects
        type='"auto", list of Rule or None',
    )
    calendar: str | Sequence[str] = param(
        default="auto",
        doc="""What windows are generated given: where they begin in the day, the week, the month
        or the year, and beside it the label of their series, if ``fit`` is given labels. The
        generator has to be one that can be conditional. ``"auto"`` takes the hour, the weekday and
        the month, each if values go by it at times held out, and none beside a transform that
        knows seasons; ``calendar_`` tells which. Without it, and without ``"stl-remainder"``, a
        sample begins anywhere in its season, whatever its dates say.""",
        check=[list, tuple, StrOptions({"auto"})],
        type='"auto" or sequence of {"hour", "weekday", "day", "month", "dayofyear"}',
    )
    overlap: int | None = param(
        default=None,
        doc="""Timesteps that a window shares with the series it goes on from; ``None`` is half of
        it, or what is nearest and lets windows be joined where training windows begin.""",
        check=[Interval(Integral, 1, None, closed="left"), None],
    )
    joining: str = param(
        default="auto",
        doc="""How windows go on from a past: searched, or continued by the generator, which
        ``"auto"`` takes where the generator can.""",
        check=[StrOptions({"auto", "search", "continue"})],
    )
    n_candidates: int = param(
        default=256,
        doc="Windows among which the next one is searched, beside eight for each series.",
        check=[Interval(Integral, 1, None, closed="left")],
    )
    id_columns: Any = param(
        default=None,
        formerly="series_column",
        doc="""Column of a long table that names the series of each row, or a list of several
        such columns. All columns but these and ``time_column`` are channels.""",
        check="no_validation",
        type="str or list of str",
    )
    time_column: Any = param(
        default=None,
        doc="""Column of a long table that holds the timestamps, or strings of dates in one format;
        a table with one series needs this one only. Rows of a series are sorted by it.""",
        check="no_validation",
        type="str",
    )
    time: str = param(
        default="auto",
        doc="""Whether times go on by one step, which ``"auto"`` finds out: an offset, a calendar
        of sessions (the same times on every day, or every business day, and no nights), or none.
        Irregular times are generated by their gaps, and never go back.""",
        check=[StrOptions({"auto", "regular", "irregular"})],
    )
    gaps: str = param(
        default="missing",
        doc="""What is made of timesteps that regular times leave out: rows that are not there,
        which are left out of samples as often and in the same patterns; ends of segments, across
        which no window goes, each of which may be stood in for; or an error.""",
        check=[StrOptions({"missing", "segments", "error"})],
    )
    layout: str = param(
        default="channels-last",
        doc="""The order of the axes of several series in arrays: ``"channels-first"`` is
        ``(n_series, n_channels, n_timesteps)``, or a list of ``(n_channels, n_timesteps)``, as in
        aeon and sktime. Samples have the same order.""",
        check=[StrOptions(set(LAYOUTS))],
    )
    static_columns: Any = param(
        default="auto",
        doc="""Columns that have one value a series, its attributes: ``"auto"`` finds those that
        are constant in each of several series; a list names some that have to be. Of several
        ``id_columns``, those in the list keep the names of training in samples.""",
        check="no_validation",  # find_attributes says what it expects
        type='"auto" or list of str',
    )
    random_state: RandomState = param(
        default=None,
        doc="Seed of samples, and of the generator if its own is ``None``.",
        check=["random_state", np.random.Generator],
    )
