"""Whatever a hyper-parameter is set to: it works, or the error names the parameter."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_timegen import (
    AugmentedClassifier,
    AugmentedRegressor,
    Augmenter,
    PCAMixture,
    SeriesGenerator,
    TSTRClassifier,
    TSTRRegressor,
)
from sklearn_timegen.datasets import make_sines

from .generators import KINDS

X = make_sines(40, 12, 2, random_state=0)
Y = np.arange(40) % 2

VALUES = {
    "a word": "nonsense",
    "no word": "",
    "bytes": b"x",
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "tiny": 1e-300,
    "beyond float32": 1e300,
    "a flag": True,
    "None": None,
    "complex": 1 + 1j,
    "a fraction": Fraction(1, 2),
    "0-d": np.array(2),
    "numpy's int": np.int64(2),
    "numpy's float": np.float32(0.5),
    "a tensor": torch.tensor(2),
    "an array": np.array([2, 3]),
    "no sequence": (),
    "(0,)": (0,),
    "(-1,)": (-1,),
    "words": ("a",),
    "ragged": [(2, 1), (3,)],
    "ragged ints": [[1, 2], 3],
    "beyond any float": 10**400,
    "NaNs": [float("nan")],
    "a dict": {"a": 1},
    "a set": {"a"},
    "an object": object(),
    "a type": int,
}
# Defaults that take long: as many epochs as in a paper, or a teacher in full size.
LONG = {"max_epochs", "embedding_epochs", "supervised_epochs", "teacher"}
ANYTHING = {"verbose", "n_jobs", "memory"}  # for scikit-learn and joblib to read
CALLED = {"scoring"}  # fails in its own words, if it is called

ESTIMATORS = [
    *KINDS,
    SeriesGenerator(PCAMixture(), window=6),
    Augmenter(PCAMixture()),
    TSTRClassifier(PCAMixture(), LogisticRegression()),
    TSTRRegressor(PCAMixture(), Ridge()),
    AugmentedClassifier(LogisticRegression(), PCAMixture()),
    AugmentedRegressor(Ridge(), PCAMixture()),
]
EVERYDAY = {"VAE", "PCAMixture", "Augmenter", "TSTRClassifier"}


def use(estimator):
    """Fit it, and do with it what it is there for."""
    if hasattr(estimator, "sample"):
        assert np.isfinite(estimator.fit(X).sample(2)).all()
    elif hasattr(estimator, "fit_resample"):
        estimator.fit_resample(X, Y)
    else:
        estimator.fit(X, Y).predict(X[:2])


def answer(estimator, name, value):
    """Return what is wrong with the answer to a value, if anything is."""
    estimator = clone(estimator)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", UserWarning)
            use(estimator.set_params(**{name: value}))
    except (ValueError, TypeError) as error:
        return (
            None
            if re.search(rf"(?<![a-z]){name}\b", str(error))
            else f"{type(error).__name__}: {error}"
        )
    except FloatingPointError:  # a training that diverged, with advice
        return None
    return None


def params():
    for estimator in ESTIMATORS:
        cls = type(estimator).__name__
        own = estimator.get_params(deep=False).keys() - ANYTHING
        for name in sorted(own):
            marks = () if cls in EVERYDAY else pytest.mark.exhaustive
            yield pytest.param(estimator, name, id=f"{cls}-{name}", marks=marks)


@pytest.mark.parametrize(("estimator", "name"), list(params()))
def test_a_bad_value_is_named(estimator, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = {}
    for key, value in VALUES.items():
        if (name in LONG and value is None) or (name in CALLED and callable(value)):
            continue
        said = answer(estimator, name, value)
        if said:
            wrong[key] = said
    assert not wrong
