"""Series that were standardized one by one: each has one mean and one spread, or one range."""

import numpy as np
import pytest

from sklearn_timegen import PCAMixture, TeacherForcing, load
from sklearn_timegen.rules import Standardized, find_rules

from .global_seed import GLOBAL_RANDOM_SEED as SEED

N, T = 80, 12


def walks(n_channels=1, n=N):
    return np.random.default_rng(SEED).normal(size=(n, T, n_channels)).cumsum(axis=1)


def standardized(x, mean=0.0, std=1.0):
    return mean + std * (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def of_one_range(x, low=0.0, high=1.0):
    least = x.min(axis=1, keepdims=True)
    return low + (high - low) * (x - least) / np.ptp(x, axis=1, keepdims=True)


FORMS = {
    "UCR": (standardized, "std", "mean 0 and standard deviation 1"),
    "scores": (lambda x: standardized(x, 100, 15), "std", "mean 100 and standard deviation 15"),
    "rounded": (lambda x: standardized(x).round(4), "std", "mean 0 and standard deviation 1"),
    "range": (of_one_range, "range", "minimum 0 and maximum 1"),
    "percent": (lambda x: of_one_range(x, -5, 5), "range", "minimum -5 and maximum 5"),
}


@pytest.mark.parametrize("form", FORMS)
def test_found_told_and_kept(form):
    make, by, words = FORMS[form]
    x = np.concatenate([make(walks()), walks()], axis=2).astype(np.float32)
    rules = find_rules(x, names=["shape", "walk"])
    (rule,) = rules.of_kind("standardized")
    assert rule.by == by
    assert repr(rule) == f"each series of shape has {words}: {N * T:,} cells, none broken"
    fitted = PCAMixture(random_state=SEED).fit(x)
    drawn = fitted.sample(200)
    assert not rule.violations(drawn).any()
    assert rule.violations(PCAMixture(rules=None, random_state=SEED).fit(x).sample(200)).any()
    assert drawn[:, :, 1].mean(axis=1).std() > 1  # the other channel is as free as it was
    assert np.isfinite(fitted.score(x))


@pytest.mark.parametrize(
    "free",
    [
        lambda: walks(3),
        lambda: walks() - walks().mean(axis=1, keepdims=True),  # centred alone
        lambda: np.random.default_rng(SEED).permuted(np.tile([0.0, 1, 2, 3], (N, 3)), axis=1)[
            :, :, None
        ],
        lambda: standardized(walks(n=5)),  # too few to say so
    ],
    ids=["walks", "centred", "counts", "few"],
)
def test_not_found_where_it_is_not(free):
    assert not find_rules(free()).of_kind("standardized")


@pytest.mark.parametrize("by", ["std", "range"])
def test_whatever_is_drawn_is_led_to_it(by):
    x = (standardized if by == "std" else of_one_range)(walks())
    (rule,) = find_rules(x)
    rng = np.random.default_rng(SEED)
    wild = rng.standard_cauchy(size=(50, T, 1)) * 10.0 ** rng.integers(-6, 7, size=(50, 1, 1))
    wild[:3] = np.array([0.0, 1e9, -7.0])[:, None, None]  # constant
    assert not rule.violations(rule.inverse_transform(wild)).any()
    assert np.allclose(rule.inverse_transform(rule.transform(x)), x)


@pytest.mark.parametrize("by", ["std", "range"])
def test_what_is_filled_in_keeps_it_and_what_is_known(by):
    x = (standardized if by == "std" else of_one_range)(walks()).astype(np.float32)
    fitted = PCAMixture(random_state=SEED).fit(x[:60])
    holes = x[60:].copy()
    holes[:, 3:7] = np.nan
    filled = fitted.impute(holes)
    known = np.isfinite(holes)
    assert np.array_equal(filled[known], holes[known])
    assert not fitted.rules_[0].violations(filled).any()


def test_series_with_holes_are_not_judged():
    x = standardized(walks())
    (rule,) = find_rules(x)
    holes = x.copy()
    holes[:5, 0] = np.nan
    assert not rule.violations(holes).any()
    holes[5] *= 2
    assert rule.violations(holes)[:, 0].nonzero()[0].tolist() == [5]
    assert not find_rules(holes).of_kind("standardized")


def test_declared_and_saved(tmp_path):
    x = standardized(walks())
    fitted = TeacherForcing(
        hidden_dim=8, max_epochs=2, rules=[Standardized(0)], random_state=SEED
    ).fit(x)
    fitted.save(tmp_path / "model")
    drawn = load(tmp_path / "model").sample(20, random_state=0)
    assert np.array_equal(drawn, fitted.sample(20, random_state=0))
    assert not fitted.rules_[0].violations(drawn).any()


@pytest.mark.parametrize(
    ("rule", "x", "message"),
    [
        (lambda: Standardized(0), walks(), "broken at"),
        (lambda: Standardized(0), np.ones((N, T, 1)), "no series without missing values varies"),
        (
            lambda: Standardized(0, by="max"),
            walks(),
            "by must be one of 'std', 'range', got 'max'",
        ),
    ],
    ids=["broken", "constant", "by"],
)
def test_what_does_not_hold_is_refused(rule, x, message):
    with pytest.raises(ValueError, match=message):
        PCAMixture(rules=[rule()]).fit(x)
