"""Labels of every type and in every container, at every door that takes them."""

import datetime

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from sklearn_timegen import AugmentedClassifier, Augmenter, PCAMixture, evaluate_generator

CODES = np.repeat([0, 1, 2], 8)
X = np.random.default_rng(0).normal(size=(24, 6)) + 10 * CODES[:, None]
WORDS = np.array(["a", "b", "c"])[CODES]
NUMBERS = ["int8", "int64", "uint8", "uint32", "uint64", "float16", "float32", "longdouble"]

LABELS = {
    **{dtype: CODES.astype(dtype) for dtype in NUMBERS},
    "beyond int64": CODES.astype(np.uint64) + np.uint64(2**63),
    "beyond float64": CODES + 2**53,
    "objects": CODES.astype(object),
    "objects of numpy": np.array([np.uint8(code) for code in CODES], dtype=object),
    "words": WORDS,
    "words as objects": WORDS.astype(object),
    "words of any length": WORDS.astype(np.dtypes.StringDType()),
    "list": CODES.tolist(),
    "list of words": WORDS.tolist(),
    "column": CODES[:, None],
    "frame": pd.DataFrame({"label": WORDS}),
    **{f"pandas {dtype}": pd.Series(CODES).astype(dtype) for dtype in ("Int64", "UInt8")},
    **{f"pandas {dtype}": pd.Series(WORDS).astype(dtype) for dtype in ("string", "category")},
    "pandas Float64": pd.Series(CODES).astype("Float64"),
    "category of numbers": pd.Series(CODES).astype("category"),
    "torch": torch.tensor(CODES),
}
FLAGS = {
    "flags": CODES > 0,
    "list of flags": (CODES > 0).tolist(),
    "flags as objects": (CODES > 0).astype(object),
    "pandas boolean": pd.Series(CODES > 0).astype("boolean"),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS)
def test_labels_mean_the_same_in_any_type(y):
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, y)
    assert len(fitted.classes_) == 3
    expected = PCAMixture(conditional=True, random_state=0).fit(X, CODES)
    assert np.array_equal(fitted.sample(24, y=y), expected.sample(24, y=CODES))
    assert fitted.score(X, y) == expected.score(X, CODES)
    for code, label in enumerate(fitted.classes_):
        assert abs(fitted.sample(50, y=label).mean() - 10 * code) < 1


HARDEST = ["objects", "words of any length", "frame", "pandas Int64", "pandas category", "uint64"]
HARDEST = {key: LABELS[key] for key in HARDEST} | FLAGS


@pytest.mark.parametrize("y", HARDEST.values(), ids=HARDEST)
@pytest.mark.filterwarnings("ignore:A column-vector y:sklearn.exceptions.DataConversionWarning")
def test_evaluations_and_meta_estimators_know_them_as_labels(y):
    table = evaluate_generator(
        PCAMixture(conditional=True), X, y, cv=2, metrics="tstr_score", verbose=0
    )
    assert table.loc["tstr_score", "score"] == 1.0  # an accuracy
    augmenter = Augmenter(PCAMixture(), random_state=0).fit(X, y)
    assert sum(augmenter.sampling_strategy_.values()) == 24
    predictor = AugmentedClassifier(
        LogisticRegression(max_iter=1000), PCAMixture(), n_synthetic=1.0, random_state=0
    ).fit(X, y)
    assert (predictor.predict(X) == predictor.classes_[codes(y)]).all()


def codes(y):
    return np.unique(y, return_inverse=True)[1].ravel()


@pytest.mark.parametrize("y", FLAGS.values(), ids=FLAGS)
def test_flags_are_two_classes(y):
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, y)
    assert fitted.classes_.dtype == bool
    assert fitted.sample(20, y=True).mean() > fitted.sample(20, y=False).mean() + 5


GAPS = {
    "None": [None, *WORDS[1:]],
    "NaN": [float("nan"), *CODES[1:]],
    "NA of words": pd.Series(WORDS).astype("string").where(CODES > 0),
    "NA of numbers": pd.Series(CODES).astype("Int64").where(CODES > 0),
    "NA of categories": pd.Series(WORDS).astype("category").where(CODES > 0),
    "objects": np.array([None, *CODES[1:]], dtype=object),
}


@pytest.mark.parametrize("y", GAPS.values(), ids=GAPS)
def test_labels_that_are_missing_are_refused(y):
    with pytest.raises(ValueError, match=r"y (has \d+ missing|contains NaN)"):
        PCAMixture(conditional=True).fit(X, y)
    with pytest.raises(
        ValueError, match=r"y (has \d+ missing|contains NaN)|Input (y )?contains NaN"
    ):
        AugmentedClassifier(LogisticRegression(), PCAMixture(), n_synthetic=1.0).fit(X, y)


ASKED = ["1", 1, 1.5, True, b"a", -1, 10**30, 1j, ["a", 1], {"a": 1}, {1}, object(), pd.NA]
ASKED += [float("nan"), pd.Series(["q", "r"]), pd.Timestamp("2021-01-01"), torch.tensor(77), None]
SEEN = {
    "words": WORDS,
    "objects": WORDS.astype(object),
    "numbers": CODES + 5,
    "unsigned": CODES.astype("uint8") + np.uint8(5),
    "dates": np.datetime64("2020-01-01") + CODES,
    "date objects": np.array([datetime.date(2020, 1, 1 + k) for k in CODES], dtype=object),
    "vectors": np.column_stack([CODES, CODES**2]).astype(float),
}


@pytest.mark.parametrize("y", SEEN.values(), ids=SEEN)
def test_conditions_of_another_type_are_refused_in_words(y):
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, y)
    for asked in ASKED:
        with pytest.raises((ValueError, TypeError), match=r"\by\b"):
            fitted.sample(2, y=asked)


def test_large_labels_are_not_mistaken_for_their_neighbours():
    y = CODES + 2**53
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, y)
    for code in range(3):
        label = np.uint64(2**53 + code)  # numpy compares it with int64 as a float
        assert abs(fitted.sample(50, y=label).mean() - 10 * code) < 1


def test_labels_that_no_classifier_knows_are_named():
    y = pd.Series(pd.PeriodIndex(["2020", "2021", "2022"], freq="Y")[CODES])
    assert len(PCAMixture(conditional=True).fit(X, y).classes_) == 3
    for call in (
        AugmentedClassifier(LogisticRegression(), PCAMixture(), n_synthetic=1.0).fit,
        lambda X, y: evaluate_generator(PCAMixture(conditional=True), X, y, cv=2, metrics="mmd"),
    ):
        with pytest.raises(ValueError, match="labels of type Period.*as strings"):
            call(X, y)


def test_vectors_keep_to_what_can_be_told_apart():
    vectors = np.column_stack([CODES, CODES**2]).astype(float)
    with pytest.raises(ValueError, match="column 1 of y holds numbers of .*other units"):
        PCAMixture(conditional=True).fit(X, vectors * [1, 1e-300])
    with pytest.raises(ValueError, match="column 0 of y holds numbers of .*other units"):
        PCAMixture(conditional=True).fit(X, vectors * [1e300, 1])
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, vectors)
    with pytest.raises(ValueError, match=r"y lies .* standard deviations from what fit saw"):
        fitted.sample(2, y=[1e300, 1.0])
