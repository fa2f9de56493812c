"""Predictors and augmentation of series with holes, of several lengths, and of words."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklearn_timegen import (
    AugmentedClassifier,
    AugmentedRegressor,
    Augmenter,
    BlockBootstrap,
    PCAMixture,
    TSTRClassifier,
    TSTRRegressor,
)

from .global_seed import GLOBAL_RANDOM_SEED as SEED
from .test_holes import frames, walks, with_holes

BOOSTING = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5, random_state=0)
IMPUTED = make_pipeline(SimpleImputer(keep_empty_features=True), LogisticRegression(max_iter=500))
SIMPLE = PCAMixture(n_mixture_components=1, random_state=0)


def labelled(n=80, kind="holes"):
    """Return series of two classes, 6 apart in level."""
    y = np.tile(["low", "high"], n // 2)
    x = walks(n) + np.where(y == "high", 3.0, -3.0)[:, None, None]
    if kind == "holes":
        return with_holes(x), y
    rng = np.random.default_rng(SEED)
    if kind == "lists":
        return [row[: int(rng.integers(3, 9))] for row in x], y
    words = [
        pd.DataFrame(
            {
                "word": rng.choice(
                    ["a", "b", "c"], 6, p=[0.8, 0.1, 0.1] if high else [0.1, 0.1, 0.8]
                ),
                "amount": rng.normal(size=6).round(2),
            }
        )
        for high in y == "high"
    ]
    return [frame.iloc[: int(rng.integers(3, 7))] for frame in words], y


KINDS = ["holes", "lists", "frames"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("predictor", [BOOSTING, IMPUTED], ids=["boosting", "imputed"])
def test_tstr_of_classes(kind, predictor):
    X, y = labelled(kind=kind)
    tstr = TSTRClassifier(SIMPLE, predictor, random_state=0)
    assert get_tags(tstr).input_tags.allow_nan
    assert cross_val_score(tstr, X, y, cv=2).mean() > 0.75
    conditional = clone(SIMPLE).set_params(conditional=True)
    both = AugmentedClassifier(predictor, conditional, n_synthetic=1.0, random_state=0).fit(X, y)
    assert both.score(X, y) > 0.75
    assert both.predict_proba(X[:3]).shape == (3, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_amounts_are_found_out(kind):
    X, y = labelled(kind=kind)
    fitted = AugmentedClassifier(IMPUTED, SIMPLE, cv=2, random_state=0).fit(X, y)
    assert sorted(fitted.auto_scores_) == [0.0, 0.25, 1.0, 3.0]


def test_predictors_that_take_no_missing_values():
    X, y = labelled()
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    assert not get_tags(TSTRClassifier(SIMPLE, scaled)).input_tags.allow_nan
    assert get_tags(TSTRClassifier(SIMPLE, GridSearchCV(BOOSTING, {}))).input_tags.allow_nan
    tstr = TSTRClassifier(SIMPLE, LogisticRegression())
    assert not get_tags(tstr).input_tags.allow_nan
    with pytest.raises(ValueError, match=r"X contains \d+ NaN .* LogisticRegression takes none"):
        tstr.fit(X, y)
    with pytest.raises(ValueError, match="SimpleImputer"):
        tstr.fit(*labelled(kind="lists"))
    # What is drawn may be complete, whatever the data miss; what is predicted for, has to be.
    completed = TSTRClassifier(clone(SIMPLE).set_params(missing="complete"), LogisticRegression())
    completed.fit(X, y)
    assert completed.score(np.nan_to_num(X), y) > 0.8
    with pytest.raises(ValueError, match="LogisticRegression takes none"):
        completed.predict(X)
    with pytest.raises(ValueError, match="LogisticRegression takes none"):
        completed.set_params(train_on="both").fit(X, y)
    refusing = clone(SIMPLE).set_params(missing="error")
    with pytest.raises(ValueError, match=r"X contains \d+ NaN and 0 inf"):
        TSTRClassifier(refusing, BOOSTING).fit(X, y)
    real = TSTRClassifier(refusing, BOOSTING, train_on="real").fit(X, y)
    assert real.score(X, y) > 0.9


@pytest.mark.parametrize("kind", ["holes", "lists", "frames", "rows"])
def test_tstr_of_numbers(kind):
    x = walks(150)
    y = 3 * x[:, :3].mean(axis=(1, 2))
    rng = np.random.default_rng(SEED)
    lengths = rng.integers(4, 9, size=150)
    X = {
        "holes": with_holes(x, 0.1),
        "lists": [row[:k] for row, k in zip(x, lengths, strict=True)],
        "frames": [
            pd.DataFrame(row[:k], columns=["a", "b"]).assign(word="up" if t > 0 else "down")
            for row, k, t in zip(x, lengths, y, strict=True)
        ],
        "rows": np.where(np.arange(8) < lengths[:, None], x.mean(axis=2), np.nan),
    }[kind]
    predictor = HistGradientBoostingRegressor(max_iter=50, min_samples_leaf=5, random_state=0)
    tstr = TSTRRegressor(PCAMixture(random_state=0), predictor, n_synthetic=3.0, random_state=0)
    train, test = X[:75], X[75:]
    assert tstr.fit(train, y[:75]).score(test, y[75:]) > 0.3
    both = AugmentedRegressor(predictor, SIMPLE, n_synthetic=0.5, random_state=0)
    assert both.fit(train, y[:75]).score(test, y[75:]) > 0.3
    with pytest.raises(ValueError, match="Ridge takes none"):
        TSTRRegressor(SIMPLE, Ridge()).fit(X, y)


@pytest.mark.parametrize("mode", ["append", "replace", "balance"])
def test_augmenter_gives_back_the_form(mode):
    X, y = labelled(60, "frames")
    keep = [k for k in range(60) if y[k] == "low" or k < 30]
    X, y = [X[k] for k in keep], y[keep]
    out, labels = Augmenter(SIMPLE, mode=mode, random_state=0).fit_resample(X, y)
    assert isinstance(out, list)
    assert len(out) == len(labels) == {"append": 90, "replace": 45, "balance": 60}[mode]
    assert all((frame.dtypes == X[0].dtypes).all() for frame in out)
    if mode != "replace":
        assert all(a is b for a, b in zip(X, out, strict=False))
    assert {len(frame) for frame in out} <= {3, 4, 5, 6}


def test_augmenter_of_lists_holes_and_words():
    X, y = labelled(40, "lists")
    out, _ = Augmenter(SIMPLE, random_state=0).fit_resample(X, y)
    assert len(out) == 80
    assert {row.shape[1] for row in out} == {2}
    X, y = labelled(40)
    out, _ = Augmenter(SIMPLE, random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(out[:40], X)
    assert 0.02 < np.isnan(out[40:]).mean() < 0.5
    with pytest.raises(ValueError, match=r"X contains \d+ NaN"):
        Augmenter(clone(SIMPLE).set_params(missing="error")).fit(X, y)
    table = pd.DataFrame(np.random.default_rng(SEED).choice(["a", "b"], (40, 5)))
    out, _ = Augmenter(SIMPLE, random_state=0).fit_resample(table, y)
    assert isinstance(out, pd.DataFrame)
    assert out.shape == (80, 5)
    assert set(out.to_numpy().ravel()) == {"a", "b"}
    numbers = np.random.default_rng(SEED).normal(size=40)
    lists = labelled(40, "lists")[0]
    out, y = Augmenter(SIMPLE, random_state=0).fit_resample(lists, numbers)
    assert len(out) == len(y) == 80


def test_other_generators_learn_them_too():
    X, y = labelled(60, "frames")
    tstr = TSTRClassifier(BlockBootstrap(random_state=0), BOOSTING, random_state=0).fit(X, y)
    assert tstr.score(X, y) > 0.7


def test_categories_that_are_new_or_rare():
    X, y = labelled(40, "frames")
    X[0] = X[0].assign(word="rare")
    tstr = TSTRClassifier(clone(SIMPLE).set_params(rare_categories=3), BOOSTING, random_state=0)
    fitted = tstr.fit(X, y)
    assert len(fitted.predict(X)) == 40
    with pytest.raises(ValueError, match="'odd', which was not in training"):
        fitted.predict([X[0].assign(word="odd")])
    told = clone(SIMPLE).set_params(unseen_categories="other")
    fitted = TSTRClassifier(told, BOOSTING, random_state=0).fit(X, y)
    assert len(fitted.predict([X[0].assign(word="odd"), X[1]])) == 2


def test_panel_classifiers():
    pytest.importorskip("sktime")
    from sklearn_timegen.forecasting import PanelClassifier

    class Means:
        """The least of an estimator of sktime: classifies by the mean of what is known."""

        def __init__(self, missing=True):
            self.missing = missing

        def get_tag(self, name, default=None, raise_error=True):
            return self.missing if name == "capability:missing_values" else default

        def get_params(self, deep=True):
            return {"missing": self.missing}

        def set_params(self, **params):
            self.__dict__.update(params)
            return self

        def fit(self, X, y):
            self.known = [np.nanmean(X[y == k]) for k in (0, 1)]
            return self

        def predict_proba(self, X):
            near = [-np.abs(np.nanmean(X, axis=(1, 2)) - known) for known in self.known]
            return np.exp(near).T

        def predict(self, X):
            return self.predict_proba(X).argmax(axis=1)

    for kind in ("holes", "lists"):
        X, y = labelled(kind=kind)
        assert PanelClassifier(Means()).fit(X, y).score(X, y) > 0.9
        with pytest.raises(ValueError, match="Means takes none"):
            PanelClassifier(Means(missing=False)).fit(X, y)
        panel = AugmentedClassifier(
            PanelClassifier(Means()), SIMPLE, n_synthetic=1.0, random_state=0
        )
        assert panel.fit(X, y).score(X, y) > 0.9


def test_series_of_frames_of_one_length():
    X = frames(40)
    y = np.tile([0, 1], 20)
    fitted = TSTRClassifier(SIMPLE, BOOSTING, random_state=0).fit(X, y)
    assert fitted.n_features_in_ == max(map(len, X))
