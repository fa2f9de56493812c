"""Labels mean the same in every container and type, and messages show them as they are written."""

import datetime

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression

from sklearn_timegen import (
    AugmentedClassifier,
    Augmenter,
    BlockBootstrap,
    PCAMixture,
    TimeVAE,
    TSTRClassifier,
    evaluate_generator,
)
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.metrics import tstr_score

X = make_sines(24, 6, 1, random_state=0)
CODES = np.arange(24) % 2
DAYS = np.array(["2020-01-01", "2021-01-01", "2022-01-01"])
CONTAINERS = {
    "list": lambda words: words.tolist(),
    "list of numpy's": list,
    "array": lambda words: words,
    "objects": lambda words: words.astype(object),
    "objects of numpy's": lambda words: np.array([*words, None], dtype=object)[:-1],
    "objects of both": lambda words: np.array([*words[:5], *words[5:].tolist()], dtype=object),
    "series": pd.Series,
    "series of objects": lambda words: pd.Series(words, dtype=object),
    "series of strings": lambda words: pd.Series(words, dtype="string"),
    "categories": lambda words: pd.Series(words, dtype="category"),
    "other index": lambda words: pd.Series(words, index=np.arange(len(words))[::-1]),
    "index": pd.Index,
    "frame": lambda words: pd.DataFrame({"y": words}),
}
NUMBERS = {
    "int8": lambda codes: codes.astype("int8"),
    "uint64": lambda codes: codes.astype("uint64"),
    "float32": lambda codes: codes.astype("float32"),
    "objects": lambda codes: codes.astype(object),
    "objects of numpy's": lambda codes: np.array([*codes, None], dtype=object)[:-1],
    "Int64": lambda codes: pd.Series(codes, dtype="Int64"),
    "categories": lambda codes: pd.Series(codes, dtype="category"),
}
words = pytest.mark.parametrize("hold", CONTAINERS.values(), ids=CONTAINERS)
numbers = pytest.mark.parametrize("hold", NUMBERS.values(), ids=NUMBERS)
as_scikit_learn_warns = pytest.mark.filterwarnings("ignore:A column-vector y was passed")


def named(codes):
    return np.array(["left", "right", "rare"])[codes]


def with_a_rare_one():
    codes = CODES.copy()
    codes[0] = 2
    return codes


@estimator
class Picky(BlockBootstrap):
    def fit(self, X, y=None):
        if len(X) < 2:
            raise ValueError("too few")
        return super().fit(X, y)


@as_scikit_learn_warns
@words
def test_a_class_that_is_too_rare_is_named(hold):
    augmented = AugmentedClassifier(LogisticRegression(), BlockBootstrap(), random_state=0)
    with pytest.warns(UserWarning, match="class 'rare' has 1 series, and"):
        augmented.fit(X, hold(named(with_a_rare_one())))
    assert augmented.n_synthetic_ == 0


@words
def test_a_single_class_is_named(hold):
    with pytest.raises(ValueError, match="y holds one class, 'left': mode='balance' needs"):
        Augmenter(BlockBootstrap(), mode="balance").fit(X, hold(named(0 * CODES)))


@as_scikit_learn_warns
@words
def test_a_class_that_cannot_be_fitted_is_named(hold):
    tstr = TSTRClassifier(Picky(), LogisticRegression(), random_state=0)
    with pytest.raises(ValueError, match="fitted to the 1 series of class 'rare': too few"):
        tstr.fit(X, hold(named(with_a_rare_one())))


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")  # scikit-learn's
@words
def test_evaluations_name_a_class_that_one_fold_holds(hold):
    generator = PCAMixture(n_components=1, conditional=True)
    with pytest.raises(ValueError, match="all 1 series of class 'rare' fall into one fold"):
        evaluate_generator(generator, X, hold(named(with_a_rare_one())), cv=2, metrics="mmd")


def test_evaluations_take_numbers_for_the_labels_that_they_are():
    generator = PCAMixture(n_components=1, conditional=True)
    plain, held = (
        evaluate_generator(generator, X, y, cv=2, metrics="tstr_score")
        for y in (CODES, NUMBERS["objects of numpy's"](CODES))
    )
    assert_array_equal(held["score"], plain["score"])


@words
@pytest.mark.parametrize("generator", [PCAMixture, BlockBootstrap])
def test_labels_are_learned_from_any_container(hold, generator):
    fitted = generator(conditional=True, random_state=0).fit(X, hold(named(CODES)))
    assert fitted.classes_.tolist() == ["left", "right"]
    plain = generator(conditional=True, random_state=0).fit(X, named(CODES))
    drawn = fitted.sample(24, y=hold(named(CODES)), random_state=0)
    assert_array_equal(drawn, plain.sample(24, y=named(CODES), random_state=0))


@numbers
def test_numbers_are_labels_in_any_type(hold):
    fitted = PCAMixture(conditional=True, random_state=0).fit(X, hold(CODES))
    assert fitted.classes_.tolist() == [0, 1]
    assert fitted.sample(2, y=hold(CODES[:2])).shape == (2, 6, 1)


def test_calendars_are_evaluated_as_they_are():
    generator = TimeVAE(
        conditional=True, calendar="index", seasonalities=[(3, 1)], hidden_dims=(4,), max_epochs=1
    )
    seasons = np.tile(np.arange(6) % 3, (24, 1))[:, :, None]
    table = evaluate_generator(generator, X, seasons, cv=2, metrics="marginal_difference")
    assert np.isfinite(table["score"]).all()


def test_fractions_are_no_labels_among_objects_either():
    given = np.linspace(0, 1, 24)
    fitted, plain = (
        PCAMixture(conditional=True, random_state=0).fit(X, y)
        for y in (given.astype(object), given)
    )
    assert not hasattr(fitted, "classes_")
    drawn = [one.sample(24, y=given, random_state=0) for one in (fitted, plain)]
    assert_array_equal(*drawn)


def test_unseen_labels_are_named_whatever_their_type():
    days = DAYS.astype("datetime64[D]")[CODES]
    for labels, seen in (
        (named(CODES).astype(object), "'left', 'right'"),
        (CODES.astype(object), "0, 1"),
        (days, "2020-01-01, 2021-01-01"),
        (days.astype(object), "datetime.date"),
    ):
        fitted = BlockBootstrap(conditional=True).fit(X, labels)
        with pytest.raises(ValueError, match=f"fit did not see: 'up'; it saw {seen}"):
            fitted.sample(3, y="up")
    with pytest.raises(ValueError, match="fit did not see: 7; it saw datetime.date"):
        fitted.sample(3, y=7)
    assert fitted.sample(3, y=datetime.date(2020, 1, 1)).shape == (3, 6, 1)


@words
def test_labels_that_have_nothing_in_common_are_named(hold):
    with pytest.raises(ValueError, match="none of the labels of y_real, but 'left', 'right'$"):
        tstr_score(X, X, y_real=CODES + 5, y_synthetic=hold(named(CODES)))
