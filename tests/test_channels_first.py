"""Series with channels first, as in aeon and sktime, are read when it is said, and come back."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_timegen import (
    Augmenter,
    FlowMatching,
    OneStepGenerator,
    PCAMixture,
    SeriesGenerator,
    TimeVAE,
    TSTRClassifier,
    TSTRRegressor,
    compare_generators,
    evaluate_generator,
    evaluate_samples,
)
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.metrics import make_generation_scorer
from sklearn_timegen.model_selection import make_windows
from sklearn_timegen.plotting import ComponentsDisplay, SamplesDisplay

from .global_seed import GLOBAL_RANDOM_SEED as SEED

X = make_sines(60, 12, 3, version="timevae", random_state=SEED)
FIRST = np.ascontiguousarray(X.swapaxes(1, 2))
Y = np.arange(60) % 2
MIXTURE, SWAPPED = (
    PCAMixture(random_state=SEED),
    PCAMixture(layout="channels-first", random_state=SEED),
)


def swapped(x):
    return x.swapaxes(-1, -2)


# -- generators --------------------------------------------------------------------------------


def test_what_leaves_has_the_axes_of_what_came():
    plain, first = MIXTURE.fit(X), SWAPPED.fit(FIRST)
    assert first.sample(3).flags.c_contiguous
    np.testing.assert_array_equal(
        first.sample(3, n_timesteps=5), swapped(plain.sample(3, n_timesteps=5))
    )
    between = first.interpolate(FIRST[:2], FIRST[2:4], n=3)
    np.testing.assert_array_equal(between, swapped(plain.interpolate(X[:2], X[2:4], n=3)))
    holes = np.where(np.arange(12) == 5, np.nan, FIRST)
    draws = first.impute(holes[:4], n_samples=2, random_state=0)
    expected = plain.impute(swapped(holes)[:4], n_samples=2, random_state=0)
    np.testing.assert_array_equal(draws, swapped(expected))


def test_components_can_be_edited_with_channels_first():
    model = TimeVAE(
        hidden_dims=(8,), max_epochs=2, layout="channels-first", random_state=SEED
    ).fit(FIRST)
    parts = model.decompose(FIRST[:2])
    assert {part.shape for part in parts.values()} == {(2, 3, 12)}
    np.testing.assert_allclose(sum(parts.values()), FIRST[:2], atol=1e-4)
    Z = model.transform(FIRST[:2])
    risen = model.inverse_transform(Z, components={"level": lambda level: level + 1})
    np.testing.assert_allclose(risen, model.inverse_transform(Z) + 1, atol=1e-3)
    display = ComponentsDisplay.from_estimator(model, FIRST, series=[1], channel=2)
    np.testing.assert_allclose(display.whole[0], FIRST[1, 2], atol=1e-4)


def test_a_forecast_has_channels_first():
    flow = FlowMatching(hidden_dim=8, n_layers=1, max_epochs=2, random_state=SEED)
    plain = flow.fit(X).forecast(X[:2, :6], 4, n_samples=3, random_state=0)
    first = flow.set_params(layout="channels-first").fit(FIRST)
    future = first.forecast(FIRST[:2, :, :6], 4, n_samples=3, random_state=0)
    assert future.shape == (3, 2, 3, 4)
    np.testing.assert_array_equal(future, swapped(plain))


def test_series_of_several_lengths_and_words():
    rng = np.random.default_rng(SEED)
    lengths = rng.integers(4, 9, 60)
    ragged = [x[:, :n] for x, n in zip(FIRST, lengths, strict=True)]
    sample = SWAPPED.fit(ragged).sample(5)
    assert {x.shape[0] for x in sample} == {3}
    assert {x.shape[1] for x in sample} <= set(lengths)
    words = rng.choice(["a", "b"], (60, 2, 5))
    drawn = SWAPPED.fit(words).sample(4)
    assert drawn.shape == (4, 2, 5)
    assert set(drawn.ravel()) <= {"a", "b"}
    nested = SWAPPED.fit(words.tolist()).sample(4)
    assert np.shape(nested) == (4, 2, 5)


def test_a_teacher_says_it_for_its_student():
    flow = FlowMatching(hidden_dim=8, n_layers=1, max_epochs=1, layout="channels-first")
    student = OneStepGenerator(teacher=flow, n_pairs=50, max_epochs=1, random_state=SEED)
    assert student.fit(FIRST).sample(2).shape == (2, 3, 12)
    assert np.isfinite(make_generation_scorer("mmd")(student, FIRST))


@pytest.mark.parametrize(
    "rows",
    [X[:, :, 0], pd.DataFrame(X[:, :, 0]), [pd.DataFrame(x) for x in X], X[:, :, 0].tolist()],
    ids=["array", "frame", "frames", "list"],
)
def test_what_has_no_such_axes_is_refused(rows):
    with pytest.raises(ValueError, match=r"layout='channels-first' is said of 3-d arrays"):
        SWAPPED.fit(rows)
    with pytest.raises(ValueError, match="layout"):
        PCAMixture(layout="first").fit(X)


def test_doubts_name_the_parameter():
    walks = np.random.default_rng(SEED).normal(size=(30, 3, 20)).cumsum(axis=2)
    with pytest.warns(UserWarning, match=r"layout='channels-first'"):
        PCAMixture().fit(walks)
    SWAPPED.fit(walks)
    with pytest.warns(UserWarning, match=r"\(30, 20, 3\).*leave layout at 'channels-last'"):
        SWAPPED.fit(swapped(walks))


# -- windows and series ------------------------------------------------------------------------


def test_windows_have_channels_first():
    plain, starts = make_windows(X, 5, stride=3)
    windows, first_starts = make_windows(FIRST, 5, stride=3, layout="channels-first")
    np.testing.assert_array_equal(windows, swapped(plain))
    np.testing.assert_array_equal(first_starts, starts)
    listed, _ = make_windows(list(FIRST), 5, stride=3, layout="channels-first")
    np.testing.assert_array_equal(listed, windows)
    with pytest.raises(ValueError, match="layout='channels-first'.*series is a DataFrame"):
        make_windows(pd.DataFrame(X[0]), 5, layout="channels-first")


def test_generators_of_series_take_channels_first():
    plain = SeriesGenerator(PCAMixture(), window=6, random_state=SEED).fit(X[:5])
    first = SeriesGenerator(PCAMixture(), window=6, layout="channels-first", random_state=SEED)
    sample = first.fit(FIRST[:5]).sample(3, n_timesteps=20)
    np.testing.assert_array_equal(sample, swapped(plain.sample(3, n_timesteps=20)))
    assert first.score(FIRST[:5]) == plain.score(X[:5])
    with pytest.raises(ValueError, match="set SeriesGenerator's"):
        SeriesGenerator(SWAPPED, window=6).fit(X[:5])


# -- metrics and evaluation --------------------------------------------------------------------

QUICK = {"metrics": ["mmd", "tstr_score"], "verbose": 0, "random_state": 0}


def test_evaluations_give_the_same_figures():
    plain = evaluate_generator(MIXTURE, X, cv=2, **QUICK)
    first = evaluate_generator(SWAPPED, FIRST, cv=2, **QUICK)
    np.testing.assert_array_equal(first[["score", "floor"]], plain[["score", "floor"]])
    both = evaluate_samples(FIRST[:30], FIRST[30:], layout="channels-first", n_splits=2, **QUICK)
    same = evaluate_samples(X[:30], X[30:], n_splits=2, **QUICK)
    np.testing.assert_array_equal(both["score"], same["score"])
    with pytest.raises(ValueError, match="disagree about layout"):
        compare_generators({"a": MIXTURE, "b": SWAPPED}, X, cv=2, **QUICK)


def test_generators_of_series_are_evaluated_with_channels_first():
    how = {"window": 6, "random_state": SEED}
    plain = SeriesGenerator(PCAMixture(), **how)
    first = SeriesGenerator(PCAMixture(), layout="channels-first", **how)
    asked = {"metrics": ["mmd"], "cv": 2, "verbose": 0}
    np.testing.assert_array_equal(
        evaluate_generator(first, FIRST[:20], **asked)["score"],
        evaluate_generator(plain, X[:20], **asked)["score"],
    )


def test_scorers_and_pictures_read_them():
    scorer = make_generation_scorer("sliced_wasserstein")
    pipeline = make_pipeline(FunctionTransformer(), SWAPPED).fit(FIRST)
    assert scorer(pipeline, FIRST) == scorer(MIXTURE.fit(X), X)
    scores = cross_val_score(SWAPPED, FIRST, cv=2, scoring=scorer, error_score="raise")
    np.testing.assert_array_equal(scores, cross_val_score(MIXTURE, X, cv=2, scoring=scorer))
    display = SamplesDisplay.from_estimator(SWAPPED.fit(FIRST), FIRST)
    assert len(display.axes_) == 3


# -- training on synthetic series --------------------------------------------------------------


class Rows(LogisticRegression):
    """Remembers the rows that it is fitted to."""

    def fit(self, X, y):
        self.seen_ = X
        return super().fit(X, y)


def test_predictors_see_the_axes_of_what_came():
    model = TSTRClassifier(SWAPPED, Rows(max_iter=1000), train_on="real").fit(FIRST, Y)
    np.testing.assert_array_equal(model.classifier_.seen_, FIRST.reshape(60, -1))
    model.set_params(train_on="synthetic", random_state=SEED).fit(FIRST, Y)
    # Within a series, neighbours in a row are neighbours in time of one channel.
    rows = model.classifier_.seen_.reshape(-1, 3, 12)
    plain = TSTRClassifier(MIXTURE, Rows(max_iter=1000), random_state=SEED).fit(X, Y)
    np.testing.assert_array_equal(rows, swapped(plain.classifier_.seen_.reshape(-1, 12, 3)))
    assert model.predict(FIRST).shape == (60,)


def test_regressors_and_augmenters_take_channels_first():
    target = FIRST[:, 0].mean(axis=1)
    first = TSTRRegressor(SWAPPED, Ridge(), random_state=SEED).fit(FIRST, target)
    plain = TSTRRegressor(MIXTURE, Ridge(), random_state=SEED).fit(X, target)
    np.testing.assert_allclose(first.predict(FIRST), plain.predict(X), atol=1e-3)
    words = np.random.default_rng(SEED).choice(["a", "b"], (60, 2, 5))
    TSTRRegressor(SWAPPED, Ridge(), random_state=SEED).fit(words, target).predict(words)
    more, labels = Augmenter(SWAPPED, random_state=SEED).fit_resample(FIRST, Y)
    assert more.shape == (len(labels), 3, 12)
    np.testing.assert_array_equal(more[:60], FIRST)
