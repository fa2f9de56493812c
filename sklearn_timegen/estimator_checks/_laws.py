"""The laws of all generators.

Each is a function of a trial, and stands in ``LAWS`` with whom it applies to.
"""

from __future__ import annotations

import copy
import pickle
import random
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklearn_timegen.base import BaseGenerator, SingleSeriesWarning
from sklearn_timegen.estimator_checks._laws_of_training import effort
from sklearn_timegen.estimator_checks._trial import Check, Trial, law, owned
from sklearn_timegen.io.saved import CannotSave, load
from sklearn_timegen.timegan import TimeGAN

__all__ = ["LAWS"]

LAWS: list[Check] = []
_law = partial(law, LAWS)


def _can_condition(generator: BaseGenerator) -> bool:
    return owned(generator, "conditional") in generator.get_params()


def _has_latents(generator: BaseGenerator) -> bool:
    return hasattr(generator, "inverse_transform")


def _refused(words: list[str], call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Assert that a call raises a ValueError or TypeError whose message has all the words."""
    try:
        call(*args, **kwargs)
    except (ValueError, TypeError) as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"the error {str(error)!r} does not name {missing}"
    else:
        raise AssertionError(f"no error was raised; expected one that names {words}")


@_law()
def check_parameters_are_declared(trial: Trial) -> None:
    generator = trial.generator
    name, known = type(generator).__name__, generator.get_params(deep=False)
    missing = {"representation", "bounds", "n_channels", "random_state"} - known.keys()
    missing -= {parameter for parameter in missing if owned(generator, parameter) != parameter}
    assert not missing, (
        f"its constructor has no {sorted(missing)}: leave __init__ to @estimator, which makes it "
        f"of the annotated fields of {name} and of its bases"
    )
    copy = clone(generator).get_params(deep=False)
    assert copy.keys() == known.keys(), "a clone has other parameters"


@_law()
def check_sample_has_the_shape_of_the_data(trial: Trial) -> None:
    X = trial.series()
    flat = X.reshape(len(X), -1)
    for fitted, shape in ((trial.fitted, X.shape[1:]), (trial.univariate, X.shape[1:2])):
        sample = fitted.sample(7)
        assert sample.shape == (7, *shape), f"sample(7) has shape {sample.shape}"
        assert sample.dtype == np.float32, f"sample has dtype {sample.dtype}"
        assert np.isfinite(sample).all(), "sample is not finite"
    fitted = trial.fresh(n_channels=2).fit(flat)
    assert fitted.sample(3).shape == (3, flat.shape[1]), "flat rows do not come back flat"
    assert fitted.series_shape_ == X.shape[1:], f"series_shape_ is {fitted.series_shape_}"


@_law()
def check_seeds_repeat(trial: Trial) -> None:
    X, fitted, again = trial.series(), trial.fitted, trial.fresh()
    first = fitted.sample(5, random_state=3)
    hint = ": all that is random has to come from the rng that it is given"
    for fit_other, way in (
        (lambda: fitted, "again"),
        (lambda: pickle.loads(pickle.dumps(fitted)), "after pickling"),
        (lambda: again.fit(X), "from another fit"),
        (lambda: again.fit(X), "from a second fit"),
    ):
        same = np.array_equal(first, fit_other().sample(5, random_state=3))
        assert same, f"the same seed gives other series {way}{hint}"
    other = fitted.sample(5, random_state=4)
    assert not np.array_equal(first, other), f"another seed gives the same series{hint}"
    assert fitted.score(X) == fitted.score(X), "score is not deterministic"


@_law()
def check_a_saved_file_loads_without_pickle(trial: Trial) -> None:
    fitted = trial.fitted
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "generator.timegen")
        try:
            fitted.save(path)
        except CannotSave as error:
            own = not type(fitted).__module__.startswith("sklearn_timegen.")
            assert own and "register" in str(error), f"it cannot be saved: {error}"
            return  # code of its author's, which the error says what to do about
        forbidden = mock.Mock(side_effect=AssertionError("loading it takes pickle"))
        names = ("Unpickler", "load", "loads")
        with mock.patch.multiple(pickle, **dict.fromkeys(names, forbidden)):
            loaded = load(path)
    first, again = fitted.sample(5, random_state=3), loaded.sample(5, random_state=3)
    assert np.array_equal(first, again), "from the same seed, a loaded one draws other series"


@_law()
def check_global_streams_are_untouched(trial: Trial) -> None:
    X = trial.series()
    before = random.getstate(), str(np.random.get_state()), torch.get_rng_state()
    trial.fresh(random_state=None).fit(X).sample(3)
    assert random.getstate() == before[0], "Python's global random stream was used"
    assert str(np.random.get_state()) == before[1], "numpy's global stream was used"
    assert torch.equal(torch.get_rng_state(), before[2]), "torch's global stream was used"


@_law()
def check_units_are_restored(trial: Trial) -> None:
    X = trial.series()
    scale, shift = np.array([1e3, 1e-2], np.float32), np.array([5e3, -0.03], np.float32)
    plain = trial.fitted.sample(50)
    scaled = trial.fresh().fit(X * scale + shift).sample(50)
    # What rounding does to the data, training enlarges, in some series more than in others.
    error = np.median(np.abs((scaled - shift) / scale - plain).max(axis=(1, 2)))
    assert error < 0.05 * X.std(), f"samples of rescaled data differ by {error} in old units"


@_law()
def check_no_unit_of_measure(trial: Trial) -> None:
    X = trial.prices().astype(np.float64)
    plain = trial.fresh().fit(X).sample(50)
    shift, scale = X.min(), np.ptp(X)  # of both channels, whose order is kept
    unit = trial.fresh().fit((X - shift) / scale).sample(50)
    # Nothing that is in proportion to the level, and no order, may hang on where 0 is.
    # Prices are bent above 0 where they are low, which those from 0 to 1 do not know of.
    inside = (plain > X.min() / 2).all(axis=2, keepdims=True)
    error = np.median((inside * np.abs(unit * scale + shift - plain)).max(axis=(1, 2)))
    assert error < 0.05 * X.std(), (
        f"of prices scaled to the range from 0 to 1, samples differ by {error} in old units"
    )
    above = (plain[:, :, 0] <= plain[:, :, 1]).all(axis=1) & (plain > 0).all(axis=(1, 2))
    assert above.all(), "lows are above highs, or prices are not positive"


@_law()
def check_constants_and_copies_come_back_exactly(trial: Trial) -> None:
    X = trial.series(n_channels=4)
    X[:, :, 1], X[:, :, 3] = np.float32(7.1), X[:, :, 0]
    sample = trial.fresh().fit(X).sample(5)
    assert (sample[:, :, 1] == np.float32(7.1)).all(), "a constant channel does not come back"
    assert np.array_equal(sample[:, :, 3], sample[:, :, 0]), "a copied channel does not come back"
    constant = trial.fresh().fit(np.full((6, 5), 2.5)).sample(3)
    assert (constant == 2.5).all(), "constant series do not come back"


@_law()
def check_any_array_will_do(trial: Trial) -> None:
    X = trial.series()[:, :, 0]
    expected = trial.univariate.sample(4)
    read_only = X.copy()
    read_only.flags.writeable = False
    for data, kind in (
        (X.tolist(), "a list"),
        (X.astype(np.float64), "float64"),
        (np.asfortranarray(X), "a Fortran-ordered array"),
        (np.repeat(X, 2, axis=1)[:, ::2], "a non-contiguous array"),
        (read_only, "a read-only array"),
        (X[:, :, None], "3-d with one channel"),
    ):
        sample = trial.fresh().fit(data).sample(4)
        assert np.array_equal(sample.reshape(4, -1), expected), f"{kind} gives another result"


@_law()
def check_channels_may_come_first(trial: Trial) -> None:
    X, expected = trial.series().swapaxes(1, 2), trial.fitted.sample(4)
    fitted = trial.fresh(layout="channels-first").fit(X)
    sample = fitted.sample(4)
    assert sample.shape == (4, *X.shape[1:]), f"the sample has shape {sample.shape}"
    same = np.array_equal(sample.swapaxes(1, 2), expected)
    assert same, "the order of axes changes what is drawn"
    assert fitted.series_shape_ == X.shape[:0:-1], f"series_shape_ is {fitted.series_shape_}"
    score = trial.fitted.score(trial.series())
    assert fitted.score(X) == score, "the order of axes changes the score"
    if _has_latents(fitted):
        assert fitted.inverse_transform(fitted.transform(X)).shape == X.shape, "axes are lost"
    if hasattr(fitted, "impute"):
        holes = np.where(np.arange(X.shape[2]) == 5, np.float32(np.nan), X)[:3]
        filled = fitted.impute(holes)
        assert np.array_equal(filled[:, :, :5], X[:3, :, :5]), "impute changes what is known"
    _refused(["layout='channels-first'", "3-d"], trial.fresh(layout="channels-first").fit, X[:, 0])


@_law()
def check_small_data_work(trial: Trial) -> None:
    X = trial.series()
    small = [(X[:1], "one series"), (X[:, :1], "one timestep"), (X[:2, :3], "two short series")]
    if getattr(trial.generator, "_fewest_timesteps", 1) > 1:
        data, _ = small.pop(1)
        _refused(["1 timestep", "at least 2"], trial.fresh().fit, data)
    for data, kind in small:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", SingleSeriesWarning)
            sample = trial.fresh().fit(data).sample(2)
        alone = sum(issubclass(each.category, SingleSeriesWarning) for each in told)
        assert alone == (len(data) == 1), f"{kind}: {alone} warnings that there is one series"
        assert sample.shape == (2, *data.shape[1:]), f"{kind}: sample has shape {sample.shape}"
        assert np.isfinite(sample).all(), f"{kind}: sample is not finite"


@_law()
def check_bad_input_is_refused(trial: Trial) -> None:
    X = trial.series()
    broken = X.copy()
    broken[3, 2, 1] = np.inf
    fit = trial.fresh().fit
    _refused(["1 inf", "sample 3", "timestep 2", "channel 1"], fit, broken)
    _refused(["1-d"], fit, X[:, 0, 0])
    _refused(["4-d"], fit, X[None])
    _refused(["series 0", "ragged"], fit, [[[1.0, 2.0], [3.0]], [[4.0, 5.0]]])
    _refused(["several kinds"], fit, [["a", 1.0], [2.0, "b"]])
    _refused(["0"], fit, X[:0])
    try:
        trial.fresh().sample()
    except NotFittedError:
        pass
    else:
        raise AssertionError("sample before fit raises no NotFittedError")
    fitted = trial.fitted
    for bad in (0, -1, 2.5):
        _refused(["n_samples", repr(bad)], fitted.sample, bad)
    _refused(["10 timesteps", "12 timesteps"], fitted.score, X[:, :10])
    _refused(["1 channels", "2 channels"], fitted.score, X[:, :, :1])


@_law()
def check_missing_values_come_back(trial: Trial) -> None:
    X, sample = trial.with_holes(), trial.holed.sample(300)
    assert sample.dtype == np.float32, f"sample has dtype {sample.dtype}"
    assert not np.isnan(sample[:, 0]).any(), "values are missing where none are in the data"
    if not isinstance(trial.generator, TimeGAN):  # all of whose draws are one, so briefly trained
        found, expected = np.isnan(sample).mean(), np.isnan(X).mean()
        # A fifth: who makes none, or twice as many, has not learned how often.
        assert abs(found - expected) < 0.12, (
            f"{found:.2f} of values are missing, in the data {expected:.2f}"
        )
    complete = trial.fresh(missing="complete").fit(X).sample(50)
    assert np.isfinite(complete).all(), "missing='complete' gives series that are not"
    n_missing = int(np.isnan(X).sum())
    _refused([f"{n_missing} NaN"], trial.fresh(missing="error").fit, X)


@_law()
def check_complete_series_ask_for_nothing(trial: Trial) -> None:
    expected = trial.fitted.sample(5)
    sample = trial.fresh(missing="error").fit(trial.series()).sample(5)
    assert np.array_equal(sample, expected), "what is done about missing values changes others"


@_law()
def check_new_series_may_miss_values(trial: Trial) -> None:
    fitted, X = copy.deepcopy(trial.fitted), trial.with_holes(seed=1)
    assert np.isfinite(fitted.score(X)), "score of series with missing values is not finite"
    if not _has_latents(fitted):
        return
    Z = fitted.transform(X)
    assert np.isfinite(Z).all(), "latents of series with missing values are not finite"
    alone = np.abs(fitted.transform(X[:7]) - Z[:7]).max()
    assert alone < 1e-3 * max(1.0, np.abs(Z).max()), "latents depend on the other series"


@_law()
def check_lengths_come_back(trial: Trial) -> None:
    X, fitted = trial.of_lengths(), trial.ragged
    sample = fitted.sample(300)
    assert isinstance(sample, list), f"a list of series comes back as {type(sample).__name__}"
    lengths = [len(x) for x in sample]
    assert set(lengths) <= set(map(len, X)), f"series have {sorted(set(lengths))} timesteps"
    mean, expected = np.mean(lengths), np.mean([len(x) for x in X])
    # From 4 to 8: nearer to the data's mean than to either end, however short the training.
    assert abs(mean - expected) < 1.5, f"the mean length is {mean:.1f}, in the data {expected:.1f}"
    assert all(x.shape[1] == 2 and np.isfinite(x).all() for x in sample), "series are broken"
    for asked in (5, [4, 8, 6]):
        found = [len(x) for x in fitted.sample(3, n_timesteps=asked)]
        assert found == [5, 5, 5] or found == asked, f"{asked} timesteps were asked for: {found}"
    _refused(["n_timesteps", "9"], fitted.sample, 3, n_timesteps=9)
    assert np.isfinite(fitted.score(X)), "score of series of several lengths is not finite"
    again = pickle.loads(pickle.dumps(fitted)).sample(5)
    same = all(np.array_equal(a, b) for a, b in zip(again, fitted.sample(5), strict=True))
    assert same, "the same seed gives other series after pickling"


@_law()
def check_kinds_come_back(trial: Trial) -> None:
    X = trial.frames()
    fitted = trial.fresh().fit(X)
    for frame in (sample := fitted.sample(60)):
        assert list(frame.columns) == list(X[0].columns), f"the columns are {list(frame.columns)}"
        other = frame.dtypes[frame.dtypes != X[0].dtypes]
        assert other.empty, f"channels come back in other types: {other.to_dict()}"
        for name in ("place", "born"):
            assert frame[name].nunique() == 1, f"the attribute {name!r} varies within a series"
        assert set(frame["state"]) <= {"sun", "rain", "snow"}, "categories are new"
        assert (frame["count"] >= 0).all(), "counts are negative"
        amounts = frame["amount"].dropna()
        assert amounts.equals(amounts.round(2)), "decimals are more than in the data"
    assert {len(frame) for frame in sample} <= {3, 4, 5, 6}, "lengths are new"
    assert np.isfinite(fitted.score(X)), "score of frames is not finite"
    _refused(["'fog'", "not in training"], fitted.score, [X[0].assign(state="fog"), *X[1:]])


@_law(_can_condition)
def check_conditions_are_kept(trial: Trial) -> None:
    X, y = trial.labelled(60)
    fitted = trial.conditional
    sample = fitted.sample(6, y=np.repeat(["fast", "slow"], 3), random_state=0)
    assert sample.shape == (6, 12), f"sample has shape {sample.shape}"
    assert fitted.sample(2, y="fast").shape == (2, 12), "one label for all does not work"
    assert list(fitted.classes_) == ["fast", "slow"], f"classes_ is {fitted.classes_}"
    assert np.isfinite(fitted.score(X, y)), "score is not finite"
    _refused(["y is missing"], trial.fresh(conditional=True).fit, X)
    _refused(["y is missing", "'fast'"], fitted.sample, 3)
    _refused(["'other'"], fitted.sample, 3, y="other")
    _refused(["2 entries"], fitted.sample, 3, y=["fast", "slow"])
    vectors = np.linspace(0, 1, len(X))[:, None] * [1.0, 2.0]
    fitted = trial.fresh(conditional=True).fit(X, vectors)
    assert fitted.sample(3, y=vectors[:3]).shape == (3, 12), "vectors do not work as conditions"


@_law(_can_condition)
def check_conditions_are_not_read_unless_asked(trial: Trial) -> None:
    X = trial.series()[:, :, 0]
    y = np.arange(len(X)) % 2
    sample = trial.fresh(conditional=False).fit(X, y).sample(2)
    assert np.array_equal(sample, trial.univariate.sample(2)), "y is not ignored"


@_law(_can_condition, learns=True)
def check_classes_separate(trial: Trial) -> None:
    X, y = trial.labelled(100)

    def separates(seed: int) -> tuple[bool, str]:
        given = effort(trial.generator, 40)
        fitted = trial.fresh(random_state=seed, conditional=True, **given).fit(X, y)
        gap = fitted.sample(100, y="fast").mean() - fitted.sample(100, y="slow").mean()
        return 0.4 < gap < 1.6, f"the classes' levels are {gap:.2f} apart, in the data 1"

    trial.majority(separates)


@_law(_has_latents)
def check_latents(trial: Trial) -> None:
    X, fitted = trial.series(), trial.fitted
    Z = fitted.transform(X)
    assert Z.shape == (len(X), len(fitted.get_feature_names_out())), f"latents: {Z.shape}"
    assert Z.dtype == np.float32, f"latents have dtype {Z.dtype}"
    assert np.isfinite(Z).all(), "latents are not finite"
    assert np.array_equal(Z, fitted.transform(X)), "transform is not deterministic"
    assert fitted.inverse_transform(Z).shape == X.shape, "inverse_transform changes the shape"
    assert np.array_equal(Z, trial.fresh().fit_transform(X)), "fit_transform differs"
    wide = np.zeros((2, Z.shape[1] + 1), dtype=np.float32)
    _refused([f"{wide.shape[1]} columns"], fitted.inverse_transform, wide)
